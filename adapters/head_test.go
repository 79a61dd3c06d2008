package adapters_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A look at the headers, as link checkers and previews take it, neither answers Entra nor ends a session.
func TestHEADChangesNothing(t *testing.T) {
	t.Parallel()
	w, host := newLeaving(t, "", nil)
	b := w.browser()
	head := func(address, allowed string) {
		recorder := b.do(httptest.NewRequest(http.MethodHead, address, nil))
		require.Equal(t, http.StatusMethodNotAllowed, recorder.Code, address)
		require.Equal(t, allowed, recorder.Header().Get("Allow"), address)
		require.Empty(t, recorder.Result().Cookies(), address)
	}
	address := b.request("", "state", testTime)
	head(address, "GET, POST")
	head(address+"/progress", "GET")
	require.Empty(t, w.asks, "nobody is asked who is there")
	require.Zero(t, w.bridge.Runs(), "nobody is provisioned")
	requireAnswered(t, b.get(address), "state")

	head(base+"/logout", "GET, POST")
	head(base+"/logout/done?state=x", "GET")
	require.Empty(t, host.ended)

	for _, harmless := range []string{"/start", "/go", "/metadata?domain=contoso.com", "/callback?state=" + strings.Repeat("0", 32)} {
		recorder := b.do(httptest.NewRequest(http.MethodHead, base+harmless, nil))
		require.Less(t, recorder.Code, 400, harmless)
	}
}
