package adapters_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// ending is a host that counts the sessions it ends.
type ending struct {
	*world
	ended []saml.LogoutRequest
	err   error
}

func (e *ending) EndSession(w http.ResponseWriter, _ *http.Request, logout saml.LogoutRequest) error {
	e.ended = append(e.ended, logout)
	http.SetCookie(w, &http.Cookie{Name: "session", MaxAge: -1})
	return e.err
}

func newEnding(t *testing.T) (*world, *ending) {
	t.Helper()
	host := &ending{}
	w := newWorld(t, func(c *adapters.Config) {
		host.world = c.Authenticator.(*world)
		c.Authenticator = host
	})
	return w, host
}

const logoutDocument = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_l1" Version="2.0" ` +
	`IssueInstant="2026-01-02T03:04:05Z"><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">urn:federation:MicrosoftOnline` +
	`</Issuer></samlp:LogoutRequest>`

func TestABareSignOutEndsTheSessionAndSaysSo(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "?wa=wsignout1.0", "?SAMLRequest=garbage"} {
		w, host := newEnding(t)
		recorder := w.browser().get(base + "/logout" + query)
		require.Equal(t, http.StatusOK, recorder.Code)
		require.Contains(t, recorder.Body.String(), "<h1>You are signed out</h1>")
		require.Contains(t, recorder.Body.String(), `href="https://login.microsoftonline.com/common/wsfederation?wa=wsignout1.0"`)
		require.Len(t, host.ended, 1, query)
		require.Contains(t, recorder.Header().Get("Set-Cookie"), "session=")
	}
}

func TestASAMLSignOutIsAnswered(t *testing.T) {
	t.Parallel()
	w, host := newEnding(t)
	form := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(logoutDocument))}, "RelayState": {"state"}}
	r := httptest.NewRequest(http.MethodPost, base+"/logout", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	document := requireAnswered(t, w.browser().do(r), "state")
	require.Contains(t, document, "<samlp:LogoutResponse ")
	require.Contains(t, document, `InResponseTo="_l1"`)
	require.Len(t, host.ended, 1)
	require.Equal(t, "_l1", host.ended[0].ID)
}

func TestASignOutThatFailsSaysSo(t *testing.T) {
	t.Parallel()
	w, host := newEnding(t)
	host.err = errors.New("the store is down")
	w.requireFailure(w.browser().get(base+"/logout"), http.StatusInternalServerError, "You may still be signed in")
}

func TestAHostWithoutSessionsIsSignedOutOfAllTheSame(t *testing.T) {
	t.Parallel()
	require.Contains(t, newWorld(t).browser().get(base+"/logout").Body.String(), "You are signed out")
}

func TestAPassiveRequestIsAnsweredWithoutAPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		return nil, adapters.ErrDenied
	}
	b := w.browser()
	document := requireAnswered(t, b.get(b.request(`IsPassive="true"`, "state", testTime)), "state")
	require.True(t, w.asks[0].Passive)
	require.Contains(t, document, string(saml.StatusNoPassive))
	require.NotContains(t, document, "Assertion ")
}

func TestTheLogoutServiceIsWhereTheBridgeIs(t *testing.T) {
	t.Parallel()
	cfg := newWorld(t).cfg
	idp, err := saml.New(saml.Config{
		SingleSignOnService: base + "/sso", SingleLogoutService: base + "/elsewhere",
		Realms: []saml.Realm{{Domain: "contoso.com", Issuer: base}}, Signer: testSigner(), Now: cfg.Now,
	})
	require.NoError(t, err)
	cfg.IdentityProvider = idp
	_, err = adapters.New(cfg)
	require.ErrorContains(t, err, "receives sign-outs at")
}

// Somebody leaves a shared computer while an account is made, and signs out: whoever comes next finds the address in the
// history, and must not be taken for them.
func TestASignOutEndsTheSignInsUnderWay(t *testing.T) {
	t.Parallel()
	w, _ := newEnding(t)
	result := stopped(provision.ErrNotReady)
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		return account, result
	}
	b := w.browser()
	address := b.request("", "state", testTime)
	w.requireFailure(b.get(address), http.StatusServiceUnavailable, "This takes longer than usual")
	require.Equal(t, http.StatusOK, b.get(base+"/logout").Code)

	result = nil
	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		return nil, adapters.ErrDenied
	}
	w.requireFailure(b.get(address+"?retry"), http.StatusForbidden, "You cannot sign in to Microsoft 365 here")

	w.Advance(time.Second)
	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		return signedIn(), nil
	}
	result = stopped(provision.ErrNotReady)
	before := len(w.asks)
	address = b.request("", "state", testTime)
	w.requireFailure(b.get(address), http.StatusServiceUnavailable, "This takes longer than usual")
	result = nil
	requireAnswered(t, b.get(address+"?retry"), "state")
	require.Len(t, w.asks, before+1, "who signs in later is asked once, as always")
}

// Nor is a page shown where somebody is there, but has no account yet.
func TestAPassiveRequestDoesNotShowTheProvisioning(t *testing.T) {
	t.Parallel()
	for rule, err := range map[string]error{"it is under way": nil, "it failed": stopped(provision.ErrNoLicense)} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Millisecond })
			w.people = func(ctx context.Context, _ provision.Person, _ func(provision.Event)) (provision.Account, error) {
				if err == nil {
					<-ctx.Done()
				}
				return provision.Account{}, stopped(err)
			}
			b := w.browser()
			document := requireAnswered(t, b.get(b.request(`IsPassive="true"`, "state", testTime)), "state")
			require.Contains(t, document, string(saml.StatusNoPassive))
			require.NotContains(t, document, "Assertion ")
		})
	}
}
