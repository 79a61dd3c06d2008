(function () {
  var again = document.getElementById("again");
  setTimeout(function () { location.replace(again.getElementsByTagName("a")[0].href); }, again.getAttribute("data-seconds") * 1000);
})();