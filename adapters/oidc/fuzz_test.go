package oidc_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever strangers send to the address of the back-channel logout signs nobody out, and ends in one line of the log.
func FuzzLogoutOfAStranger(f *testing.F) {
	for _, seed := range []string{
		"", "logout_token=", "logout_token=a.b.c", "logout_token=eyJhbGciOiJub25lIn0.e30.", "logout_token=%",
		"logout_token=a&logout_token=b",
		`logout_token={"payload":"e30","protected":"eyJhbGciOiJSUzI1NiJ9","signature":"AA"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := newBackChannel(t)
		r := httptest.NewRequest(http.MethodPost, "https://id.contoso.com/backchannel", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		recorder := httptest.NewRecorder()
		c.handler.ServeHTTP(recorder, r)
		c.requireLogoutRefused(recorder, "")
		require.Equal(t, 1, strings.Count(c.log.String(), "\n"))
	})
}
