package adapters_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestManyTabsDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	var addresses []string
	for i := range 40 {
		addresses = append(addresses, b.request("", fmt.Sprint("tab ", i, relayStateOf(1200)), testTime))
	}
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(addresses)) {
		r := httptest.NewRequest(http.MethodGet, addresses[i], nil)
		require.Len(t, b.jar.Cookies(r.URL), 1, "a request carries the state of its own sign-in only")
		requireAnswered(t, b.get(addresses[i]), fmt.Sprint("tab ", i, relayStateOf(1200)))
		require.Empty(t, b.jar.Cookies(r.URL), "and none when it is over")
	}
}
