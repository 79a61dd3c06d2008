package main

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/demonstration/demonstrationtest"
)

func TestSomebodySignsInFromASmartLinkAndOutAgain(t *testing.T) {
	t.Parallel()
	demo, browser := demonstrationtest.SignsIn(t, new(settings).newWebsite)
	page, err := browser.Open(t.Context(), demo.BaseURL+"/logout")
	require.NoError(t, err)
	require.Contains(t, page.URL, demo.BaseURL+"/logout/done?state=", "the provider sends back whom it has signed out")
	require.Equal(t, http.StatusOK, page.Status)
}

func TestWhatTheHostAddsIsShort(t *testing.T) {
	t.Parallel()
	demonstrationtest.AddsAtMost(t, 30, "main.go")
}

// logoutToken is one of the provider's own.
func (p *provider) logoutToken(t *testing.T, subject string) string {
	t.Helper()
	key, err := p.storage.SigningKey(t.Context())
	require.NoError(t, err)
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: key.SignatureAlgorithm(), Key: jose.JSONWebKey{Key: key.Key(), KeyID: key.ID()},
	}, nil)
	require.NoError(t, err)
	claims, err := json.Marshal(map[string]any{
		"iss": p.issuer, "aud": p.clientID, "sub": subject, "jti": rand.Text(),
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	})
	require.NoError(t, err)
	signature, err := signer.Sign(claims)
	require.NoError(t, err)
	token, err := signature.CompactSerialize()
	require.NoError(t, err)
	return token
}

// A sign-out at the provider ends the sessions at Entra.
func TestASignOutAtTheProviderEndsTheSessionsAtEntra(t *testing.T) {
	t.Parallel()
	website := new(settings)
	demo, _ := demonstrationtest.SignsIn(t, website.newWebsite)
	signedOut := func(subject string) int {
		answer, err := http.PostForm(demo.Origin+"/signed-out", url.Values{"logout_token": {website.local.logoutToken(t, subject)}})
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		return answer.StatusCode
	}
	require.Equal(t, http.StatusOK, signedOut(accounts.Known()[0].ID))
	calls := demo.Tenant().GraphCalls()
	require.Contains(t, calls[len(calls)-1].Path, "revokeSignInSessions")
	require.Equal(t, http.StatusOK, signedOut("somebody who was never here"))
	require.Len(t, demo.Tenant().GraphCalls(), len(calls))
}

func TestAProviderOfYoursMustBeWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"an issuer alone", []string{"-issuer", "https://login.example.net"}, command.ExitUsage, "-issuer and -client-id are needed together"},
		{"a client alone", []string{"-client-id", "entra"}, command.ExitUsage, "-issuer and -client-id are needed together"},
		{"a secret on the command line", []string{"-client-secret", "s3cret"}, command.ExitUsage, "-client-secret"},
		{"no TLS", []string{"-issuer", "http://login.example.net", "-client-id", "entra"}, command.ExitFailed, "is not https"},
		{"nobody there", []string{"-issuer", "http://127.0.0.1:1", "-client-id", "entra"}, command.ExitFailed, "127.0.0.1:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, website := commandtest.New("oidc"), settings{clientSecret: "secret of the client"}
			got := commandtest.Run(&p, append(c.args, "-addr", "127.0.0.1:0"), func() int { return website.show().Run(t.Context(), p) })
			require.Equal(t, c.code, got.Code)
			require.Contains(t, got.Stderr, c.stderr)
			require.Empty(t, got.Stdout)
			require.NotContains(t, got.Stderr, website.clientSecret)
		})
	}
}
