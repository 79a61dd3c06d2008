package adapters_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

const base = "https://id.contoso.com/entra"

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

var testSigner = sync.OnceValue(func() saml.Signer {
	key := certtest.RSA(2048)
	return saml.Signer{
		Key: key, Certificate: certtest.SelfSigned(key, "test", testTime.AddDate(-1, 0, 0), testTime.AddDate(1, 0, 0)),
	}
})

// world is a Bridge with a host, a pipeline and a clock that the test decides about.
type world struct {
	*entratest.Clock
	t      testing.TB
	cfg    adapters.Config
	bridge *adapters.Bridge
	host   func(w http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error)
	people func(ctx context.Context, p provision.Person, progress func(provision.Event)) (provision.Account, error)
	asks   []adapters.Ask
	log    *bytes.Buffer
}

func (w *world) Authenticate(rw http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
	w.asks = append(w.asks, ask)
	return w.host(rw, r, ask)
}

func (w *world) EnsureWithProgress(ctx context.Context, p provision.Person, progress func(provision.Event)) (provision.Account, error) {
	return w.people(ctx, p, progress)
}

var account = provision.Account{ImmutableID: "0123456789abcdef0123456789abcdef", UPN: "contractor@contoso.com", ObjectID: "1"}

func signedIn() *adapters.SignedIn {
	return &adapters.SignedIn{Person: provision.Person{Connection: "google", ID: "104"}, At: testTime}
}

func newWorld(t testing.TB, change ...func(*adapters.Config)) *world {
	t.Helper()
	w := &world{t: t, Clock: entratest.NewClock(testTime), log: &bytes.Buffer{}}
	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		return signedIn(), nil
	}
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		return account, nil
	}
	idp, err := saml.New(saml.Config{
		SingleSignOnService: base + "/sso",
		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: base}},
		Signer:              testSigner(),
		Now:                 w.Now,
	})
	require.NoError(t, err)
	w.cfg = adapters.Config{
		BaseURL: base, IdentityProvider: idp, Authenticator: w, People: w, Domain: "contoso.com",
		Secret: bytes.Repeat([]byte{7}, 32), Now: w.Now, Patience: 10 * time.Second,
		Logger: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, c := range change {
		c(&w.cfg)
	}
	w.bridge = w.newBridge()
	return w
}

func (w *world) newBridge() *adapters.Bridge {
	w.t.Helper()
	bridge, err := adapters.New(w.cfg)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, bridge.Close(context.Background())) })
	return bridge
}

// browser is one browser's cookies.
type browser struct {
	t       testing.TB
	handler http.Handler
	jar     http.CookieJar
}

func (w *world) browser() *browser { return &browser{w.t, w.bridge, newJar(w.t)} }

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	b.t.Helper()
	for _, c := range b.jar.Cookies(r.URL) {
		r.AddCookie(c)
	}
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, r)
	b.jar.SetCookies(r.URL, recorder.Result().Cookies())
	return recorder
}

func (b *browser) get(address string) *httptest.ResponseRecorder {
	b.t.Helper()
	return b.do(httptest.NewRequest(http.MethodGet, address, nil))
}

// request posts an AuthnRequest as Entra's page does and returns the address of the sign-in.
func (b *browser) request(attributes, relayState string, at time.Time) string {
	b.t.Helper()
	recorder := b.do(authnRequest(attributes, relayState, at))
	require.Equal(b.t, http.StatusSeeOther, recorder.Code, recorder.Body.String())
	return recorder.Header().Get("Location")
}

func authnRequest(attributes, relayState string, at time.Time) *http.Request {
	document := `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_r1" Version="2.0" IssueInstant="` +
		at.Format(time.RFC3339) + `" ` + attributes + `><Issuer xmlns="urn:oasis:names:tc:SAML:2.0:assertion">` +
		`urn:federation:MicrosoftOnline</Issuer></samlp:AuthnRequest>`
	form := url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(document))}, "RelayState": {relayState}}
	r := httptest.NewRequest(http.MethodPost, base+"/sso?login_hint=contractor%40contoso.com", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func formField(page, name string) string {
	match := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page)
	if match == nil {
		return ""
	}
	return html.UnescapeString(match[1])
}

// requireAnswered checks that the page posts a response to Entra, and returns its XML.
func requireAnswered(t *testing.T, recorder *httptest.ResponseRecorder, relayState string) string {
	t.Helper()
	page := recorder.Body.String()
	require.Equal(t, http.StatusOK, recorder.Code, page)
	require.Contains(t, page, `action="https://login.microsoftonline.com/login.srf"`)
	require.Equal(t, relayState, formField(page, "RelayState"))
	document, err := base64.StdEncoding.DecodeString(formField(page, "SAMLResponse"))
	require.NoError(t, err)
	return string(document)
}

// requireFailure checks a page of a failure: its title, that it names no internals, and that its number is in the log.
func (w *world) requireFailure(recorder *httptest.ResponseRecorder, status int, title string) {
	w.t.Helper()
	page := recorder.Body.String()
	require.Equal(w.t, status, recorder.Code, page)
	require.Contains(w.t, page, "<h1>"+title+"</h1>")
	require.NotContains(w.t, page, "adapters:")
	require.NotContains(w.t, page, "saml:")
	require.NotContains(w.t, page, "provision:")
	quoted := regexp.MustCompile(`<strong id="quote">([0-9a-f]{8})</strong>`).FindStringSubmatch(page)
	require.NotNil(w.t, quoted)
	require.Contains(w.t, w.log.String(), "quote="+quoted[1])
	require.NotContains(w.t, page, "SAMLResponse")
}

func TestARequestIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	relayState := "estsredirect=2&estsrequest=" + strings.Repeat("x+/=", 500)
	address := b.request(`ForceAuthn="true"`, relayState, testTime)
	require.True(t, strings.HasPrefix(address, base+"/signin/"))

	document := requireAnswered(t, b.get(address), relayState)
	for _, part := range []string{`InResponseTo="_r1"`, account.ImmutableID, account.UPN, "2026-01-02T03:04:05.000Z"} {
		require.Contains(t, document, part)
	}
	require.Len(t, w.asks, 1)
	ask := w.asks[0]
	require.Equal(t, address, ask.ReturnTo)
	require.Equal(t, address, base+"/signin/"+ask.Handle)
	require.Equal(t, base+"/callback", ask.CallbackURL)
	require.Equal(t, []bool{true, false, false}, []bool{ask.Fresh, ask.MFA, ask.Passive})
	require.Equal(t, testTime, ask.Asked)
	require.Equal(t, "contractor@contoso.com", ask.LoginHint)
	require.Nil(t, ask.Kept)
	require.Contains(t, w.log.String(), "signed in")

	w.requireFailure(b.get(address), http.StatusBadRequest, "This sign-in is over")
}

func TestCookiesBelongToOneSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recorder := httptest.NewRecorder()
	w.bridge.ServeHTTP(recorder, authnRequest("", "state", testTime))
	cookies := recorder.Result().Cookies()
	require.Len(t, cookies, 1)
	c := cookies[0]
	require.Equal(t, "__Secure-entrafed-request-0", c.Name)
	require.Equal(t, recorder.Header().Get("Location"), "https://id.contoso.com"+c.Path, "sent nowhere else")
	require.True(t, c.HttpOnly)
	require.True(t, c.Secure)
	require.Equal(t, http.SameSiteLaxMode, c.SameSite)
	require.Equal(t, 900, c.MaxAge)
	require.NotContains(t, c.Value, "state")
}

func TestTheHostMayAnswerTheBrowserFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	there := false
	w.host = func(rw http.ResponseWriter, r *http.Request, ask adapters.Ask) (*adapters.SignedIn, error) {
		if !there {
			http.Redirect(rw, r, "/login?return="+url.QueryEscape(ask.ReturnTo), http.StatusFound)
			return nil, nil
		}
		return signedIn(), nil
	}
	b := w.browser()
	address := b.request("", "state", testTime)
	recorder := b.get(address)
	require.Equal(t, http.StatusFound, recorder.Code)
	require.Equal(t, "/login?return="+url.QueryEscape(address), recorder.Header().Get("Location"))

	there = true
	requireAnswered(t, b.get(address), "state")
}

func TestThePersonIsRememberedForThisSignInOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Nanosecond })
	release := make(chan struct{})
	w.people = func(ctx context.Context, _ provision.Person, _ func(provision.Event)) (provision.Account, error) {
		select {
		case <-release:
			return account, nil
		case <-ctx.Done():
			return provision.Account{}, ctx.Err()
		}
	}
	b := w.browser()
	first := b.request("", "one", testTime)
	require.Contains(t, b.get(first).Body.String(), "Getting Microsoft 365 ready")
	require.Contains(t, b.get(first).Body.String(), "Getting Microsoft 365 ready")
	require.Len(t, w.asks, 1, "asked once")
	second := b.request("", "two", testTime)
	require.Contains(t, b.get(second).Body.String(), "Getting Microsoft 365 ready")
	require.Len(t, w.asks, 2, "asked again for another tab")
	close(release)
	require.Eventually(t, func() bool { return strings.Contains(b.get(first).Body.String(), "SAMLResponse") },
		10*time.Second, time.Millisecond)
}

func TestTwoTabsDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	first, second := b.request("", "one", testTime), b.request("", "two", testTime)
	require.NotEqual(t, first, second)
	requireAnswered(t, b.get(second), "two")
	requireAnswered(t, b.get(first), "one")
}

func TestAnotherReplicaFinishesWhatOneBegan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	address := b.request("", "state", testTime)
	b.handler = w.newBridge()
	requireAnswered(t, b.get(address), "state")
}

func TestTheStateOfASignInCannotBeForgedOrMoved(t *testing.T) {
	t.Parallel()
	for rule, change := range map[string]func(w *world, b *browser, address string, c *http.Cookie) string{
		"no cookie":            func(_ *world, _ *browser, address string, c *http.Cookie) string { c.Value = ""; return address },
		"a changed cookie":     func(_ *world, _ *browser, address string, c *http.Cookie) string { c.Value += "A"; return address },
		"a cookie of nobody's": func(_ *world, _ *browser, address string, c *http.Cookie) string { c.Value = "1.AAAA"; return address },
		"a count of pieces too many": func(_ *world, _ *browser, address string, c *http.Cookie) string {
			c.Value = "9" + c.Value[1:]
			return address
		},
		"another sign-in's cookie": func(_ *world, _ *browser, address string, _ *http.Cookie) string { return address + "0" },
		"after its time": func(w *world, _ *browser, address string, _ *http.Cookie) string {
			w.Advance(15 * time.Minute)
			return address
		},
		"another secret": func(w *world, b *browser, address string, _ *http.Cookie) string {
			w.cfg.Secret = bytes.Repeat([]byte{8}, 32)
			b.handler = w.newBridge()
			return address
		},
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.t = t
			recorder := httptest.NewRecorder()
			w.bridge.ServeHTTP(recorder, authnRequest("", "state", testTime))
			b := w.browser()
			c := recorder.Result().Cookies()[0]
			address := change(w, b, recorder.Header().Get("Location"), c)
			r := httptest.NewRequest(http.MethodGet, address, nil)
			r.AddCookie(c)
			w.requireFailure(b.do(r), http.StatusBadRequest, "This sign-in is over")
			require.Empty(t, w.asks)
		})
	}
}

func TestARequestThatCannotBeServed(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		request *http.Request
		status  int
		title   string
	}{
		"opened by itself": {httptest.NewRequest(http.MethodGet, base+"/sso", nil), http.StatusBadRequest, "Start at Microsoft 365"},
		"too old":          {authnRequest("", "", testTime.Add(-11*time.Minute)), http.StatusBadRequest, "This sign-in took too long"},
		"for somebody else": {authnRequest(`Destination="https://other.example.net/sso"`, "", testTime), http.StatusBadRequest,
			"This sign-in cannot be continued"},
		"a RelayState that no cookie can hold": {authnRequest("", strings.Repeat("x", 20000), testTime),
			http.StatusInternalServerError, "Something went wrong here"},
		"too large": {authnRequest(`x="`+strings.Repeat("x", 70000)+`"`, "", testTime), http.StatusRequestEntityTooLarge,
			"This sign-in cannot be continued"},
		"no such page": {httptest.NewRequest(http.MethodGet, base+"/other", nil), http.StatusNotFound, "This page does not exist"},
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.t = t
			w.requireFailure(w.browser().do(test.request), test.status, test.title)
		})
	}
}

func TestTheHostSaysNo(t *testing.T) {
	t.Parallel()
	stale := signedIn()
	stale.At = testTime.Add(-time.Minute)
	for rule, test := range map[string]struct {
		person *adapters.SignedIn
		err    error
		status int
		title  string
	}{
		"the person cancelled":          {nil, fmt.Errorf("at the provider: %w", adapters.ErrCancelled), http.StatusForbidden, "You cancelled the sign-in"},
		"the person may not":            {nil, adapters.ErrDenied, http.StatusForbidden, "You cannot sign in to Microsoft 365 here"},
		"the provider behind it failed": {nil, fmt.Errorf("dial tcp 192.0.2.1: refused"), http.StatusBadGateway, "You could not be signed in"},
		"nobody in particular":          {&adapters.SignedIn{At: testTime}, nil, http.StatusBadGateway, "You could not be signed in"},
		"no time of sign-in": {&adapters.SignedIn{Person: signedIn().Person}, nil, http.StatusBadGateway,
			"You could not be signed in"},
		"an old sign-in where a fresh one was asked for": {stale, nil, http.StatusBadGateway, "You could not be signed in"},
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.t = t
			w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
				return test.person, test.err
			}
			b := w.browser()
			recorder := b.get(b.request(`ForceAuthn="1"`, "", testTime))
			w.requireFailure(recorder, test.status, test.title)
			require.NotContains(t, recorder.Body.String(), "192.0.2.1")
		})
	}
}

func TestAnOldSignInServesWhereNoFreshOneIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		person := signedIn()
		person.At = testTime.Add(-time.Hour)
		person.MFA = true
		return person, nil
	}
	b := w.browser()
	document := requireAnswered(t, b.get(b.request("", "", testTime)), "")
	require.Contains(t, document, `AuthnInstant="2026-01-02T02:04:05.000Z"`)
	require.Contains(t, document, saml.MultipleAuthn)
}

func TestProvisioningThatFails(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		err    error
		status int
		title  string
		action string
	}{
		"no licence":               {stopped(provision.ErrNoLicense), http.StatusForbidden, "Your account could not be set up", "Try again"},
		"a wrong credential":       {stopped(provision.ErrUnauthorized), http.StatusBadGateway, "Your account could not be set up", ""},
		"a permission":             {stopped(provision.ErrForbidden), http.StatusBadGateway, "Your account could not be set up", ""},
		"a conflict":               {stopped(provision.ErrConflict), http.StatusForbidden, "Your account could not be set up", ""},
		"an invalid person":        {stopped(provision.ErrInvalidPerson), http.StatusForbidden, "Your account could not be set up", ""},
		"throttling":               {stopped(provision.ErrThrottled), http.StatusServiceUnavailable, "This takes longer than usual", "Try again"},
		"a directory that is down": {stopped(provision.ErrUnavailable), http.StatusServiceUnavailable, "This takes longer than usual", "Try again"},
		"the budget":               {stopped(provision.ErrNotReady), http.StatusServiceUnavailable, "This takes longer than usual", "Try again"},
		"something else":           {fmt.Errorf("disk full"), http.StatusInternalServerError, "Something went wrong here", "Start again"},
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.t = t
			calls := 0
			w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
				calls++
				if calls > 1 {
					return account, nil
				}
				return provision.Account{}, test.err
			}
			b := w.browser()
			address := b.request("", "state", testTime)
			recorder := b.get(address)
			w.requireFailure(recorder, test.status, test.title)
			if test.action == "" {
				require.NotContains(t, recorder.Body.String(), `class="button"`)
			} else {
				require.Contains(t, recorder.Body.String(), ">"+test.action+"</a>")
			}
			w.requireFailure(b.get(address), test.status, test.title)
			require.Equal(t, 1, calls, "loading the page again does not repeat what failed")
			requireAnswered(t, b.get(address+"?retry"), "state")
			require.Equal(t, 2, calls)
		})
	}
}

func stopped(err error) error {
	return &provision.Error{Step: provision.StepCreate, Person: provision.PersonKey{Connection: "google", ID: "104"}, Err: err}
}

func TestAnAccountThatEntraWouldRefuse(t *testing.T) {
	t.Parallel()
	for rule, refused := range map[string]provision.Account{
		"an ImmutableID of 65 characters": {ImmutableID: strings.Repeat("a", 65), UPN: account.UPN},
		"a UPN of another domain":         {ImmutableID: account.ImmutableID, UPN: "contractor@example.net"},
	} {
		t.Run(rule, func(t *testing.T) {
			w := newWorld(t)
			w.t = t
			w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
				return refused, nil
			}
			b := w.browser()
			w.requireFailure(b.get(b.request("", "", testTime)), http.StatusForbidden, "Microsoft 365 would not accept your account")
		})
	}
}

func TestWithoutAPipelineTheHostStatesTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) { c.People = nil })
	b := w.browser()
	w.requireFailure(b.get(b.request("", "", testTime)), http.StatusBadGateway, "You could not be signed in")

	w.host = func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
		person := signedIn()
		person.Person.UPN, person.Person.ImmutableID = account.UPN, account.ImmutableID
		return person, nil
	}
	requireAnswered(t, b.get(b.request("", "", testTime)), "")
}

func TestStartSignsInHereAndLandsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	target := "https://contoso.sharepoint.com/sites/hr?a=b&c=d"
	recorder := b.get(base + "/start?to=" + url.QueryEscape(target))
	require.Equal(t, http.StatusSeeOther, recorder.Code)
	recorder = b.get(recorder.Header().Get("Location"))
	require.Equal(t, http.StatusSeeOther, recorder.Code)
	location, err := url.Parse(recorder.Header().Get("Location"))
	require.NoError(t, err)
	require.Equal(t, "https://login.microsoftonline.com/login.srf", location.Scheme+"://"+location.Host+location.Path)
	require.Equal(t, url.Values{
		"wa": {"wsignin1.0"}, "whr": {"contoso.com"}, "wreply": {target}, "login_hint": {account.UPN},
	}, location.Query())
}

func TestLinksLeadNowhereElse(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/start", "/go"} {
		w := newWorld(t)
		recorder := w.browser().get(base + path + "?to=https%3A%2F%2Fevil.example.net%2F")
		require.Equal(t, http.StatusBadRequest, recorder.Code)
		require.Empty(t, recorder.Header().Get("Location"))
		require.Contains(t, recorder.Body.String(), "This link cannot be opened")
		require.NotContains(t, recorder.Body.String(), `href="https://evil`)
	}
}

func TestGoRedirectsToTheSmartLink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recorder := w.browser().get(base + "/go?to=https%3A%2F%2Fcontoso.sharepoint.com%2F")
	require.Equal(t, http.StatusFound, recorder.Code)
	require.Contains(t, recorder.Header().Get("Location"), "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com")
}

func TestMetadataIsServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recorder := w.browser().get(base + "/metadata")
	require.Equal(t, http.StatusOK, recorder.Code)
	require.Equal(t, saml.MetadataContentType, recorder.Header().Get("Content-Type"))
	require.Contains(t, recorder.Body.String(), `Location="`+base+`/sso"`)
	w.requireFailure(w.browser().get(base+"/metadata?domain=fabrikam.com"), http.StatusNotFound, "There is no such domain here")
}

func TestTheBridgeWorksWhereAPrefixWasCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recorder := httptest.NewRecorder()
	http.StripPrefix("/entra", w.bridge).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, base+"/metadata", nil))
	require.Equal(t, http.StatusOK, recorder.Code)
}

func TestNewListsEverythingThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := adapters.New(adapters.Config{Patience: time.Hour, SignInTime: -1})
	for _, part := range []string{"IdentityProvider is missing", "Authenticator is missing", "Secret", "Patience", "SignInTime"} {
		require.ErrorContains(t, err, part)
	}
	valid := newWorld(t).cfg
	for rule, test := range map[string]struct {
		change func(*adapters.Config)
		want   string
	}{
		"a BaseURL by http":               {func(c *adapters.Config) { c.BaseURL = "http://id.contoso.com/entra" }, "must begin with https"},
		"a BaseURL with a trailing slash": {func(c *adapters.Config) { c.BaseURL += "/" }, "trailing slash"},
		"a BaseURL with a query":          {func(c *adapters.Config) { c.BaseURL += "?x" }, "without query"},
		"another BaseURL than the identity provider's": {func(c *adapters.Config) { c.BaseURL = "https://id.contoso.com/other" },
			"receives requests at"},
		"a short secret":            {func(c *adapters.Config) { c.Secret = c.Secret[:31] }, "31 bytes"},
		"a secret never filled in":  {func(c *adapters.Config) { c.Secret = make([]byte, 32) }, "nothing but zeros"},
		"no domain":                 {func(c *adapters.Config) { c.Domain = "" }, "smart links"},
		"a home at an outside host": {func(c *adapters.Config) { c.Home = "https://evil.example.net/" }, "smart links"},
	} {
		t.Run(rule, func(t *testing.T) {
			cfg := valid
			test.change(&cfg)
			_, err := adapters.New(cfg)
			require.ErrorContains(t, err, test.want)
		})
	}
}

// Whatever address is asked for, the browser is not led to another site by it.
func TestNoAddressLeadsElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	handle := strings.Repeat("0", 32)
	for _, target := range []string{
		"//evil.example/", "//evil.example/..", "/entra//evil.example/..//", `/entra/\evil.example`, "/entra/%2f%2fevil.example/..",
		"/entra/signin//evil.example", "/entra/signin/..%2f..%2f%2fevil.example", "/entra/signin/" + handle + "//evil.example",
		"/entra/callback?state=" + handle + "&state=//evil.example", "/entra/callback?state=//evil.example",
		"/entra/callback?state=" + handle + "%0d%0aLocation:%20https://evil.example", "/entra/logout/done?state=https://evil.example",
		"/entra/callback?state=" + handle + "&code=%0d%0aSet-Cookie:%20a=b", "/entra/logout?wreply=https://evil.example",
		"/entra/start?to=//evil.example", "/entra/go?to=https://login.microsoftonline.com@evil.example",
	} {
		r := httptest.NewRequest(http.MethodGet, base, nil)
		address, err := url.ParseRequestURI(target)
		require.NoError(t, err, target)
		r.URL, r.RequestURI, r.Host = address, target, "id.contoso.com"
		recorder := httptest.NewRecorder()
		w.bridge.ServeHTTP(recorder, r)
		for name, values := range recorder.Header() {
			for _, value := range values {
				require.NotContains(t, value, "\r", "%s: %s", target, name)
			}
		}
		to, err := r.URL.Parse(recorder.Header().Get("Location"))
		require.NoError(t, err, target)
		require.Contains(t, []string{"", "id.contoso.com"}, to.Host, "%s leads to %s", target, to)
		require.NotContains(t, recorder.Header().Get("Location"), "//evil", target)
	}
}
