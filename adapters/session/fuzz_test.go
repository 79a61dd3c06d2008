package session_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var ofTheBridge = regexp.MustCompile(`\Ahttps://id\.contoso\.com/entra/signin/[0-9a-f]{32}\z`)

// Whatever a sign-in page is given, what it is told to go back to is a sign-in at the Bridge.
func FuzzReturnTo(f *testing.F) {
	for _, seed := range []string{
		address, "", "//evil.example/", address + "\n", `https:\\id.contoso.com/entra/signin/`, address + "/../..",
		"https://id.contoso.com@evil.example",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, given string, posted bool) {
		host := newHost(t, nil, nil)
		form := url.Values{"return_to": {given}}.Encode()
		r := httptest.NewRequest(http.MethodGet, "/login?"+form, nil)
		if posted {
			r = httptest.NewRequest(http.MethodPost, "/login", strings.NewReader(form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		back, ok := host.ReturnTo(r)
		require.Equal(t, ofTheBridge.MatchString(given), ok)
		if ok {
			require.Equal(t, given, back)
		}
	})
}
