(function () {
  var self = location.href.split("?")[0].split("#")[0];
  var list = document.getElementById("steps"), now = document.getElementById("now");
  function again() { location.replace(self); }
  function show(steps) {
    while (list.firstChild) { list.removeChild(list.firstChild); }
    for (var i = 0; i < steps.length; i++) {
      var item = document.createElement("li"), state = document.createElement("span");
      item.className = steps[i].state;
      item.appendChild(document.createTextNode(steps[i].label));
      state.className = "hidden";
      state.appendChild(document.createTextNode(" (" + list.getAttribute("data-" + steps[i].state) + ")"));
      item.appendChild(state);
      list.appendChild(item);
    }
    var last = steps.length && steps[steps.length - 1].label;
    if (last && now.textContent !== last) { now.textContent = last; }
  }
  if (!window.EventSource) { setTimeout(again, 2000); return; }
  var source = new EventSource(self + "/progress"), failures = 0;
  source.addEventListener("steps", function (e) { failures = 0; show(JSON.parse(e.data)); });
  source.addEventListener("end", function (e) { source.close(); show(JSON.parse(e.data)); setTimeout(again, 300); });
  source.onerror = function () { if (++failures > 2 || source.readyState === 2) { source.close(); setTimeout(again, 2000); } };
})();