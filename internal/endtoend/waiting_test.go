package endtoend_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// With everything joined, and nobody to press anything: the tenant is down for five minutes, the person has to wait, and
// comes to the document in the end.
func TestAPersonWhoHasToWaitComesToTheDocumentByThemselves(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	remove := c.tenant.Inject(entratest.Fault{Method: "POST", Path: "/v1.0/users", Status: 503, Times: -1})
	browser := entratest.NewBrowser(c.tenant.Transport())
	waited := 0
	browser.Observe = func(page entratest.Page) {
		if page.Title == "This takes longer than usual" {
			waited++
		}
	}
	browser.Sleep = func(ctx context.Context, d time.Duration) error {
		if c.clock.Now().Sub(testTime) > 5*time.Minute {
			remove()
		}
		return c.clock.Sleep(ctx, d)
	}
	page, err := browser.Open(t.Context(), base+"/go")
	require.NoError(t, err)
	c.requireSignedIn(page, "contractor@contoso.com")
	require.Greater(t, waited, 1)
	require.Len(t, c.accounts(), 1)
}
