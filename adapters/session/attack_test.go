package session_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/session"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

const address = "https://id.contoso.com/entra/signin/0123456789abcdef0123456789abcdef"

func TestAConfigThatIsRefused(t *testing.T) {
	t.Parallel()
	const base, signIn = "https://id.contoso.com/entra", "https://id.contoso.com/login"
	made := func(base, signIn string) error {
		_, err := session.New(session.Config{
			BaseURL: base, SignInURL: signIn, Person: func(*http.Request) (*adapters.SignedIn, error) { return nil, nil },
		})
		return err
	}
	for rule, test := range map[string]struct{ base, signIn, why string }{
		"a base without a scheme":         {"//id.contoso.com/entra", signIn, "BaseURL"},
		"a base in the clear":             {"http://id.contoso.com/entra", signIn, "BaseURL"},
		"a base with a query":             {base + "?a", signIn, "BaseURL"},
		"a base with a fragment":          {base + "#a", signIn, "BaseURL"},
		"a base with a user":              {"https://a@id.contoso.com/entra", signIn, "BaseURL"},
		"a base of another kind":          {"ftp://id.contoso.com/entra", signIn, "BaseURL"},
		"a sign-in page in the clear":     {base, "http://id.contoso.com/login", "SignInURL"},
		"a sign-in page without a scheme": {base, "//id.contoso.com/login", "SignInURL"},
		"a sign-in page that is a script": {base, "javascript://id.contoso.com/%0aalert(1)", "SignInURL"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			require.ErrorContains(t, made(test.base, test.signIn), test.why)
		})
	}
	for _, here := range []string{
		"http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080", "https://id.contoso.com:8443",
	} {
		require.NoError(t, made(here+"/entra", here+"/login?a=b"))
	}
}

// Of two return addresses the page is told the first, and nothing of it is taken from the other.
func TestTwoReturnAddresses(t *testing.T) {
	t.Parallel()
	host := newHost(t, nil, nil)
	both := url.Values{"return_to": {"https://evil.example/", address}}
	_, ok := host.ReturnTo(httptest.NewRequest(http.MethodGet, "/login?"+both.Encode(), nil))
	require.False(t, ok)
	both = url.Values{"return_to": {address, "https://evil.example/"}}
	back, ok := host.ReturnTo(httptest.NewRequest(http.MethodGet, "/login?"+both.Encode(), nil))
	require.True(t, ok)
	require.Equal(t, address, back)
}

func newHost(
	t *testing.T, person *adapters.SignedIn, end func(http.ResponseWriter, *http.Request) error,
) *session.Authenticator {
	t.Helper()
	host, err := session.New(session.Config{
		BaseURL: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/login?theme=dark", End: end,
		Person: func(*http.Request) (*adapters.SignedIn, error) { return person, nil },
	})
	require.NoError(t, err)
	return host
}

// When a session has to be, in whole seconds as Entra has them.
func TestHowOldASessionMayBe(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	for rule, test := range map[string]struct {
		at     time.Time
		fresh  bool
		serves bool
	}{
		"an old one, where any will do":    {at: asked.Add(-30 * 24 * time.Hour), serves: true},
		"an old one, where it must be new": {at: asked.Add(-30 * 24 * time.Hour), fresh: true},
		"of the second before":             {at: asked.Add(-time.Second), fresh: true},
		"of the same second":               {at: asked.Truncate(time.Second), fresh: true, serves: true},
		"of later":                         {at: asked.Add(time.Second), fresh: true, serves: true},
		"of no time, where it must be new": {fresh: true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			host := newHost(t, &adapters.SignedIn{Person: provision.Person{Connection: "app", ID: "1"}, At: test.at}, nil)
			ask := adapters.Ask{ReturnTo: address, Asked: asked, Fresh: test.fresh, Passive: true}
			person, err := host.Authenticate(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, address, nil), ask)
			if !test.serves {
				require.ErrorIs(t, err, adapters.ErrDenied)
				require.Nil(t, person)
				return
			}
			require.NoError(t, err)
			require.Equal(t, test.at, person.At)
		})
	}
}

// A sign-out ends the session of the browser that asks for it, whomever Entra's request names.
func TestASignOutGoesByTheCookieAlone(t *testing.T) {
	t.Parallel()
	var ended []string
	host := newHost(t, nil, func(_ http.ResponseWriter, r *http.Request) error {
		ended = append(ended, r.Header.Get("Cookie"))
		return nil
	})
	r := httptest.NewRequest(http.MethodGet, "https://id.contoso.com/entra/logout", nil)
	r.Header.Set("Cookie", "app=mine")
	asked := saml.LogoutRequest{ImmutableID: "somebody else's", SessionIndexes: []string{"1"}, Signed: true}
	require.NoError(t, host.EndSession(httptest.NewRecorder(), r, asked))
	require.Equal(t, []string{"app=mine"}, ended)
}
