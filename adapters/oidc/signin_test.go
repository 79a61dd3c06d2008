package oidc_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/provision"
)

func TestWhatTheProviderIsAsked(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		attributes, content string
		config              func(*oidc.Config)
		want                map[string]string // "": must be absent
	}{
		"by default": {want: map[string]string{
			"response_type": "code", "client_id": clientID, "redirect_uri": base + "/callback", "scope": "openid profile email",
			"code_challenge_method": "S256", "prompt": "", "max_age": "", "acr_values": "", "login_hint": "", "client_secret": "",
		}},
		"a new sign-in":             {attributes: fresh, want: map[string]string{"prompt": "login", "max_age": "0"}},
		"no page":                   {attributes: passive, want: map[string]string{"prompt": "none", "max_age": ""}},
		"a new sign-in and no page": {attributes: fresh + passive, want: map[string]string{"prompt": "none", "max_age": "0"}},
		"a second factor":           {content: mfa, want: map[string]string{"acr_values": "gold silver"}},
		"a second factor in another way": {content: mfa,
			config: func(c *oidc.Config) { c.MFAParameters = url.Values{"claims": {"{}"}} },
			want:   map[string]string{"acr_values": "", "claims": "{}"}},
		"a second factor, where there is no word for it": {content: mfa,
			config: func(c *oidc.Config) { c.MFAContexts = nil }, want: map[string]string{"acr_values": ""}},
		"an age": {config: func(c *oidc.Config) { c.MaxAge = time.Hour }, want: map[string]string{"max_age": "3600"}},
		"other scopes": {config: func(c *oidc.Config) { c.Scopes = []string{"email", "openid"} },
			want: map[string]string{"scope": "openid email"}},
		"parameters of its own": {config: func(c *oidc.Config) { c.Parameters = url.Values{"kc_idp_hint": {"google"}} },
			want: map[string]string{"kc_idp_hint": "google"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.config != nil {
				w = newWorld(t, test.config)
			}
			asked := w.browser().begin(test.attributes, test.content)
			for name, value := range test.want {
				require.Equal(t, value, asked.Get(name), name)
				require.Equal(t, value != "", asked.Has(name), name)
			}
			require.Len(t, asked.Get("state"), 32)
			require.Len(t, asked.Get("nonce"), 43)
			require.Len(t, asked.Get("code_challenge"), 43)
		})
	}
}

func TestWhomEntraExpectsIsAHint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	begun := b.get(base + "/start?to=" + url.QueryEscape("https://contoso.sharepoint.com/") + "&login_hint=employee%40contoso.com")
	require.Equal(t, http.StatusSeeOther, begun.Code, begun.Body)
	require.Equal(t, "employee@contoso.com", b.leave(begun.Header().Get("Location")).Get("login_hint"))
}

func TestWhoSignedInIsStated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	claims := employee(testTime.Add(-time.Hour))
	claims["sid"], claims["amr"] = "session-1", []string{"pwd", "otp", "white space"}
	w.requireSignedIn(w.signIn("", "", claims))
	require.Equal(t, &adapters.SignedIn{
		Person: provision.Person{
			Connection: "login", ID: "104", Email: "employee@example.net", GivenName: "An", Surname: "Employee",
			UPN: "employee@contoso.com", ImmutableID: "0123456789abcdef0123456789abcdef",
			Claims: map[string]string{"locale": "de-CH"},
		},
		At: testTime.Add(-time.Hour), MFA: true, Methods: []string{"pwd", "otp"}, Session: "session-1",
	}, w.got)
}

// Somebody who goes back by the browser's button, and then on, is answered by the page that they left.
func TestThePageThatWasLeftLeadsOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	asked := b.begin("", "")
	again := b.leave(base + "/signin/" + asked.Get("state"))
	require.Equal(t, asked, again)
	w.requireSignedIn(b.arrive(w.answered(asked, employee(testTime))))
}

// Each sign-in has secrets of its own, and another process can go on with it.
func TestSignInsShareNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.browser(), w.browser()
	first, second := one.begin("", ""), one.begin("", "")
	third := two.begin("", "")
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		require.NotEqual(t, first.Get(name), second.Get(name), "two tabs")
		require.NotEqual(t, first.Get(name), third.Get(name), "two browsers")
	}
	w.Authenticator = w.authenticator()
	w.requireSignedIn(one.arrive(w.answered(second, employee(testTime))))
	w.requireSignedIn(one.arrive(w.answered(first, employee(testTime))))
	w.requireSignedIn(two.arrive(w.answered(third, employee(testTime))))
}

// attacks are answers that must not sign anybody in, and the words of the log.
func TestAnAnswerThatIsRefused(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		change func(answer url.Values)
		config func(*scripted)
		why    string
	}{
		"the code is there twice":                 {change: func(a url.Values) { a.Add("code", "other") }, why: `"code" is there twice`},
		"neither a code nor an error":             {change: func(a url.Values) { a.Del("code") }, why: "not one of a code and an error"},
		"a code and an error":                     {change: func(a url.Values) { a.Set("error", "server_error") }, why: "not one of a code and an error"},
		"another provider's (RFC 9207)":           {change: func(a url.Values) { a.Set("iss", "https://evil.example.org") }, why: "RFC 9207"},
		"no provider's, where it says it does it": {change: func(a url.Values) { a.Del("iss") }, why: "RFC 9207"},
		"another provider's, where it does not": {change: func(a url.Values) { a.Set("iss", "https://evil.example.org") },
			config: func(s *scripted) {
				s.discovery = func(d map[string]any) { delete(d, "authorization_response_iss_parameter_supported") }
			}, why: "RFC 9207"},
		"another provider's error": {change: func(a url.Values) {
			a.Del("code")
			a.Set("error", "access_denied")
			a.Set("iss", "https://evil.example.org")
		}, why: "RFC 9207"},
		"a code that the provider does not know": {change: func(a url.Values) { a.Set("code", "guessed") }, why: "invalid_grant"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if test.config != nil {
				test.config(w.provider)
			}
			b := w.browser()
			answer := w.answered(b.begin("", ""), employee(testTime))
			test.change(answer)
			w.requireRefused(b.arrive(answer), test.why)
			require.NotErrorIs(t, w.err, adapters.ErrCancelled)
		})
	}
}

func TestAProviderThatDoesNotNameItselfIsBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.discovery = func(d map[string]any) { delete(d, "authorization_response_iss_parameter_supported") }
	b := w.browser()
	answer := w.answered(b.begin("", ""), employee(testTime))
	answer.Del("iss")
	w.requireSignedIn(b.arrive(answer))
}

func TestTheStateOfAnotherSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	attacker, victim := w.browser(), w.browser()
	stolen := w.answered(attacker.begin("", ""), employee(testTime))
	mine := victim.begin("", "")

	recorder := victim.arrive(stolen)
	require.Equal(t, http.StatusBadRequest, recorder.Code, "in a browser that did not begin it")
	require.Contains(t, recorder.Body.String(), "This sign-in is over")

	recorder = victim.get(base + "/signin/" + mine.Get("state") + "?" + stolen.Encode())
	w.requireRefused(recorder, "its state is that of another sign-in")

	stolen.Set("state", mine.Get("state"))
	w.requireRefused(victim.arrive(stolen), "invalid_grant") // PKCE: the code is the attacker's
	require.Zero(t, w.provider.count("/userinfo"))
}

func TestACodeThatIsUsedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	answer := w.answered(b.begin("", ""), employee(testTime))
	w.requireSignedIn(b.arrive(answer))
	before := w.provider.count("/token")
	require.Equal(t, http.StatusBadRequest, b.arrive(answer).Code, "the sign-in is over")

	b = w.browser()
	answer = w.answered(b.begin("", ""), map[string]any{"sub": "104", "aud": "somebody else"})
	w.requireRefused(b.arrive(answer), "expected audience")
	w.requireRefused(b.arrive(answer), "has had its answer already")
	require.Equal(t, before+1, w.provider.count("/token"))
}

func TestAnAnswerToASignInThatAskedNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	address := b.do(entraAsks(testTime, "", "")).Header().Get("Location")
	answer := url.Values{"state": {strings.TrimPrefix(address, base+"/signin/")}, "iss": {issuer}, "code": {"guessed"}}
	w.requireRefused(b.arrive(answer), "did not send the browser to the provider")
	require.Zero(t, w.provider.count("/token"))
}

func TestTheProviderSaysNo(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		attributes, code string
		is               error // nil: neither
		status           int
	}{
		"the person cancelled":                         {"", "access_denied", adapters.ErrCancelled, http.StatusForbidden},
		"nobody is signed in, and no page":             {passive, "login_required", adapters.ErrDenied, http.StatusOK},
		"a page is needed, and no page":                {passive, "interaction_required", adapters.ErrDenied, http.StatusOK},
		"consent is needed, and no page":               {passive, "consent_required", adapters.ErrDenied, http.StatusOK},
		"an account must be chosen, and no page":       {passive, "account_selection_required", adapters.ErrDenied, http.StatusOK},
		"nobody is signed in, although pages are fine": {"", "login_required", nil, http.StatusBadGateway},
		"a fault":             {"", "server_error", nil, http.StatusBadGateway},
		"no code of an error": {"", "a \"quoted\"\ncode", nil, http.StatusBadGateway},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser()
			asked := b.begin(test.attributes, "")
			recorder := b.arrive(url.Values{"state": {asked.Get("state")}, "iss": {issuer}, "error": {test.code},
				"error_description": {"words of the\nprovider eyJhbGciOiJub25lIn0.e30."}})
			require.Equal(t, test.status, recorder.Code)
			require.Nil(t, w.got)
			require.Equal(t, test.is == adapters.ErrCancelled, errors.Is(w.err, adapters.ErrCancelled))
			require.Equal(t, test.is == adapters.ErrDenied, errors.Is(w.err, adapters.ErrDenied))
			require.NotContains(t, recorder.Body.String(), "words of the")
			require.ErrorContains(t, w.err, "words of the provider [hidden]")
			w.requireNothingSecret()
			var failed *oidc.Error
			require.ErrorAs(t, w.err, &failed)
			require.Equal(t, "response", failed.Step)
			require.NotContains(t, failed.Code, "\n")
		})
	}
}

func TestWhatPersonSaysCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *oidc.Config) {
		c.Person = func(claims oidc.Claims) (provision.Person, error) {
			return provision.Person{}, fmt.Errorf("%w: not one of us", adapters.ErrDenied)
		}
	})
	recorder := w.signIn("", "", employee(testTime))
	require.Equal(t, http.StatusForbidden, recorder.Code)
	require.ErrorIs(t, w.err, adapters.ErrDenied)
	require.NotContains(t, recorder.Body.String(), "not one of us")
}
