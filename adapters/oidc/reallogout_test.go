package oidc_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/oidcprovidertest"
	"github.com/entrafed/entrafed/saml"
)

// router leads to handlers by name, and to this machine.
type router struct{ handlers transport }

func (t *router) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasPrefix(r.URL.Host, "127.0.0.1:") {
		return http.DefaultTransport.RoundTrip(r)
	}
	return t.handlers.RoundTrip(r)
}

// journal is a log that may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// stated notes whom an Authenticator states.
type stated struct {
	*oidc.Authenticator
	mu   sync.Mutex
	last *adapters.SignedIn
}

func (s *stated) Authenticate(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	found, err := s.Authenticator.Authenticate(w, r, ask)
	if found != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.last = found
	}
	return found, err
}

// testRealLogout signs somebody in with the real provider, and out: by the Bridge, and by the provider.
func testRealLogout(t *testing.T, dir string) {
	logouts := newBackChannelTarget(t)
	client := conformanceClient()
	client.BackChannel, client.NamesSession = logouts.URL, true
	provider := oidcprovidertest.Start(t, dir, []oidcprovidertest.Client{client}, conformancePeople())

	log := &journal{}
	cfg := realConfig(provider, slog.New(slog.NewTextHandler(log, nil)), time.Now)
	cfg.IDTokens, cfg.Person = tokenCookie{}, knownUPN
	authenticator, err := oidc.New(t.Context(), cfg)
	require.NoError(t, err)
	host := &stated{Authenticator: authenticator}
	told := make(chan ended, 10)
	logouts.serve(authenticator.BackChannelLogout(func(_ context.Context, connection, subject, sid string) error {
		told <- ended{connection, subject, sid}
		return nil
	}))
	idp, err := saml.New(saml.Config{
		SingleSignOnService: base + "/sso", Realms: []saml.Realm{{Domain: "contoso.com", Issuer: base}}, Signer: signer(),
	})
	require.NoError(t, err)
	bridge, err := adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: idp, Authenticator: host, Domain: "contoso.com", Secret: bytes.Repeat([]byte{7}, 32),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, bridge.Close(context.Background())) })

	browser := entratest.NewBrowser(&router{transport{"id.contoso.com": bridge}})
	var visited []string
	browser.Observe = func(page entratest.Page) { visited = append(visited, page.URL) }
	browser.OnPage = func(page entratest.Page) (entratest.Action, error) {
		if strings.Contains(page.Body, `name="password"`) {
			return providerForm.SignIn(page, adapterPerson)
		}
		return entratest.Stop(), nil
	}
	// A start link ends at Entra's own sign-in, which is not there: the walk is over before it.
	_, err = browser.Open(t.Context(), base+"/start?to="+url.QueryEscape("https://contoso.sharepoint.com/"))
	require.ErrorContains(t, err, "login.microsoftonline.com")
	require.NotNil(t, host.last, log.String())
	require.Equal(t, "104", host.last.Person.ID)
	require.NotEmpty(t, host.last.Session)

	visited = nil
	page, err := browser.Open(t.Context(), base+"/logout")
	require.NoError(t, err)
	if strings.Contains(page.Body, "Do you want to sign out?") {
		require.Contains(t, strings.Join(visited, " "), "id_token_hint=")
		browser.OnPage = func(page entratest.Page) (entratest.Action, error) {
			if form, err := page.Form("op.logoutForm"); err == nil {
				return page.Submit(form.ID, nil)
			}
			return entratest.Stop(), nil
		}
		page, err = browser.Open(t.Context(), page.URL)
		require.NoError(t, err)
	}
	require.Contains(t, page.Body, "You are signed out", page.URL)

	select {
	case got := <-told:
		require.Equal(t, ended{"login", "104", host.last.Session}, got, "the provider told of the same session")
	case <-time.After(10 * time.Second):
		require.Fail(t, "the provider did not tell", log.String())
	}
	require.NotContains(t, log.String(), "eyJ")
}
