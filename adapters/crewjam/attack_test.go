package crewjam_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/crewjam"
)

// signIn is the address of a sign-in at the Bridge.
const signIn = "https://id.contoso.com/entra/signin/x"

func newHost(t *testing.T, sessions sessionFunc) *crewjam.Authenticator {
	t.Helper()
	host, err := crewjam.New(crewjam.Config{
		IdentityProvider: &saml.IdentityProvider{SessionProvider: sessions}, Person: crewjam.PersonByUserName("staff"),
	})
	require.NoError(t, err)
	return host
}

// byCookie knows who sends a cookie, and shows everybody else a form.
func byCookie(session *saml.Session) sessionFunc {
	return func(w http.ResponseWriter, r *http.Request, _ *saml.IdpAuthnRequest) *saml.Session {
		if r.Header.Get("Cookie") != "" {
			return session
		}
		_, _ = io.WriteString(w, "the form")
		return nil
	}
}

func withCookie() *http.Request {
	r := httptest.NewRequest(http.MethodGet, signIn, nil)
	r.Header.Set("Cookie", "session=1")
	return r
}

// A SessionProvider may leave it to the others to look at ExpireTime.
func TestASessionThatIsOverSignsNobodyIn(t *testing.T) {
	t.Parallel()
	host := newHost(t, byCookie(&saml.Session{
		UserName: "employee", CreateTime: time.Now().Add(-2 * time.Hour), ExpireTime: time.Now().Add(-time.Hour),
	}))
	w := httptest.NewRecorder()
	person, err := host.Authenticate(w, withCookie(), adapters.Ask{ReturnTo: signIn})
	require.NoError(t, err)
	require.Nil(t, person)
	require.Equal(t, "the form", w.Body.String())

	_, err = host.Authenticate(httptest.NewRecorder(), withCookie(), adapters.Ask{ReturnTo: signIn, Passive: true})
	require.ErrorIs(t, err, adapters.ErrDenied)

	host = newHost(t, func(http.ResponseWriter, *http.Request, *saml.IdpAuthnRequest) *saml.Session {
		return &saml.Session{UserName: "employee", CreateTime: time.Now(), ExpireTime: time.Now().Add(-time.Hour)}
	})
	_, err = host.Authenticate(httptest.NewRecorder(), withCookie(), adapters.Ask{ReturnTo: signIn})
	require.ErrorContains(t, err, "that was over at")
}

func TestASessionWithoutAnEndServes(t *testing.T) {
	t.Parallel()
	host := newHost(t, byCookie(&saml.Session{UserName: "employee", CreateTime: time.Now().Add(-2 * time.Hour)}))
	person, err := host.Authenticate(httptest.NewRecorder(), withCookie(), adapters.Ask{ReturnTo: signIn})
	require.NoError(t, err)
	require.Equal(t, "employee", person.Person.ID)
}

// What a browser sends along is no request: neither another service provider's, nor one that somebody made up.
func TestARequestOfAnotherServiceProviderIsNotTaken(t *testing.T) {
	t.Parallel()
	foreign := url.Values{
		"SAMLRequest": {"PHNhbWxwOkF1dGhuUmVxdWVzdC8+"}, "RelayState": {"https://wiki.example.org/"}, "SigAlg": {"x"},
	}
	ask := adapters.Ask{ReturnTo: signIn, Handle: strings.Repeat("0a", 16)}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		var told *saml.IdpAuthnRequest
		host := newHost(t, func(_ http.ResponseWriter, _ *http.Request, req *saml.IdpAuthnRequest) *saml.Session {
			told = req
			return &saml.Session{UserName: "employee", CreateTime: time.Now()}
		})
		r := httptest.NewRequest(method, signIn+"?"+foreign.Encode(), strings.NewReader(foreign.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		_, err := host.Authenticate(httptest.NewRecorder(), r, ask)
		require.NoError(t, err)
		require.Equal(t, "id-"+ask.Handle, told.Request.ID)
		require.Equal(t, "urn:federation:MicrosoftOnline", told.Request.Issuer.Value)
		require.Equal(t, signIn, told.Request.Destination)
		require.Empty(t, told.RelayState)
		require.Empty(t, told.RequestBuffer)
		require.Nil(t, told.ACSEndpoint)
	}
}

// Who is answered is not signed in as well: the browser would get two answers in one.
func TestASessionProviderThatAnswersAndKnowsSomebodyIsAnError(t *testing.T) {
	t.Parallel()
	host := newHost(t, func(w http.ResponseWriter, _ *http.Request, _ *saml.IdpAuthnRequest) *saml.Session {
		_, _ = io.WriteString(w, "the form")
		return &saml.Session{UserName: "employee", CreateTime: time.Now()}
	})
	person, err := host.Authenticate(httptest.NewRecorder(), withCookie(), adapters.Ask{ReturnTo: signIn})
	require.ErrorContains(t, err, "returned a session and answered the browser as well")
	require.Nil(t, person)
}

// A form without end is not read.
func TestAFormWithoutEndIsNotRead(t *testing.T) {
	t.Parallel()
	host := newHost(t, byCookie(&saml.Session{UserName: "employee", CreateTime: time.Now()}))
	r := httptest.NewRequest(http.MethodPost, signIn, strings.NewReader("user="+strings.Repeat("x", 1<<20)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Cookie", "session=1")
	person, err := host.Authenticate(httptest.NewRecorder(), r, adapters.Ask{ReturnTo: signIn})
	require.ErrorContains(t, err, "the form cannot be read")
	require.Nil(t, person)
}
