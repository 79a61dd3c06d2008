package smartlink_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/entrafed/entrafed/smartlink"
)

// Serve short links: https://id.contoso.com/go?to=https%3A%2F%2Fcontoso.sharepoint.com.
func ExampleNewHandler() {
	links, err := smartlink.NewHandler(smartlink.HandlerConfig{
		Domain:        "contoso.com",
		DefaultTarget: "https://contoso.sharepoint.com/",
		LoginHint:     "contoso.com",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/go", links)

	for _, address := range []string{
		"/go",
		"/go?to=https%3A%2F%2Foutlook.office365.com%2Fmail%2F",
		"/go?to=https%3A%2F%2Fsharepoint.com.evil.example",
	} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, address, nil))
		fmt.Println(w.Code, w.Header().Get("Location"))
	}
	// Output:
	// 302 https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2F&login_hint=contoso.com
	// 302 https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Foutlook.office365.com%2Fmail%2F&login_hint=contoso.com
	// 400
}
