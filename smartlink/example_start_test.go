package smartlink_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/entrafed/entrafed/smartlink"
)

// A link to put on an intranet: sign in at the identity provider, then land on the page.
func ExampleStart_URL() {
	url, err := smartlink.Start{
		Base:   "https://id.contoso.com/start",
		Target: "https://contoso.sharepoint.com/sites/hr",
	}.URL()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(url)
	// Output:
	// https://id.contoso.com/start?to=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr
}

// A handler that answers start links in its own way reads them from the request.
func ExamplePolicy_ReadStart() {
	var policy smartlink.Policy
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, err := policy.ReadStart(r)
		if err != nil {
			http.Error(w, "This link cannot be opened.", http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, "signing in, then on to %s", start.Target)
	})

	for _, to := range []string{"https%3A%2F%2Fcontoso.sharepoint.com%2F", "%2F%2Fevil.example"} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/start?to="+to, nil))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 200 signing in, then on to https://contoso.sharepoint.com/
	// 400 This link cannot be opened.
}
