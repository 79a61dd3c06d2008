package entratest_test

import (
	"fmt"
	"net/http"

	"github.com/entrafed/entrafed/federation/entratest"
)

// Graph throttles the first request and loses the answer to the second one.
func ExampleTenant_Inject() {
	tenant, err := entratest.New(entratest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant.Inject(entratest.Fault{Status: http.StatusTooManyRequests, RetryAfter: "2"})
	tenant.Inject(entratest.Fault{AfterCommit: true, Drop: true})
	for range 2 {
		res, err := tenant.Client().Get("https://graph.microsoft.com/v1.0/domains")
		if err != nil {
			fmt.Println(err)
			continue
		}
		_ = res.Body.Close()
		fmt.Println(res.Status, "after", res.Header.Get("Retry-After"), "seconds")
	}
	// Output:
	// 429 Too Many Requests after 2 seconds
	// Get "https://graph.microsoft.com/v1.0/domains": EOF
}
