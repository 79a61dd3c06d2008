package oidc_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/provision"
)

// A code of somebody else's sign-in is bound to their browser twice: by the verifier, and by the nonce where a provider
// does not know of verifiers.
func TestAStolenCodeAtAProviderWithoutPKCE(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	thief, owner := w.browser(), w.browser()
	mine, theirs := thief.begin("", ""), owner.begin("", "")
	stolen := w.answered(theirs, employee(testTime))
	stolen.Set("state", mine.Get("state"))
	w.provider.forgetChallenge(stolen.Get("code"), mine)
	w.requireRefused(thief.arrive(stolen), "its nonce is not that of this sign-in")
}

// forgetChallenge makes the provider take the verifier of another request for the code, as one does that does not look.
func (s *scripted) forgetChallenge(code string, as url.Values) {
	s.mu.Lock()
	defer s.mu.Unlock()
	given := s.grants[code]
	changed := url.Values{}
	for name, values := range given.request {
		changed[name] = values
	}
	changed["code_challenge"] = as["code_challenge"]
	given.request = changed
	s.grants[code] = given
}

// What a provider says that it can do weakens nothing.
func TestAProviderThatOffersLess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.discovery = func(d map[string]any) {
		d["id_token_signing_alg_values_supported"] = []string{"HS256", "none"}
		d["code_challenge_methods_supported"] = []string{"plain"}
	}
	require.Equal(t, "S256", w.browser().begin("", "").Get("code_challenge_method"))
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	w.provider.signed = func(claims map[string]any) string {
		return sign(t, jose.HS256, "1", []byte(clientSecret+clientSecret), claims)
	}
	w.requireRefused(w.signIn("", "", employee(testTime)), "unexpected signature algorithm")
	w.provider.signed = func(claims map[string]any) string { return unsigned(t, claims) }
	w.requireRefused(w.signIn("", "", employee(testTime)), "unexpected signature algorithm")
}

// Readers of JSON differ in whether "Nonce" is "nonce". A claim that a person may have written into their profile must
// not stand in for one of the protocol's.
func TestAClaimInOtherLetters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Nonce", "AUD", "Iss", "Sub", "EXP", "at_Hash", "\u017fub"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.provider.idToken = func(claims map[string]any) { claims[name] = claims[strings.ToLower(name)] }
			w.requireRefused(w.signIn("", "", employee(testTime)), "in other letters")
			c := newBackChannel(t)
			token := c.token(func(claims map[string]any) { claims[name] = claims["sub"] })
			c.requireLogoutRefused(c.send(form(token)), "logout token")
		})
	}
	c := newBackChannel(t)
	c.requireLogoutRefused(c.send(form(c.token(func(claims map[string]any) {
		claims["Events"] = claims["events"]
		delete(claims, "events")
	}))), "in other letters")
}

// Other tokens of the provider that somebody got hold of sign nobody out.
func TestATokenOfAnotherTypeIsNoLogoutToken(t *testing.T) {
	t.Parallel()
	for kind, accepted := range map[string]bool{
		"": true, "JWT": true, "jwt": true, "logout+jwt": true, "application/logout+jwt": true, "Logout+JWT": true,
		"at+jwt": false, "secevent+jwt": false, "application/at+jwt": false, "logout": false,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := newBackChannel(t)
			options := &jose.SignerOptions{}
			if kind != "" {
				options = options.WithType(jose.ContentType(kind))
			}
			recorder := c.send(form(c.tokenWith(options)))
			if !accepted {
				c.requireLogoutRefused(recorder, "its type is")
				return
			}
			require.Equal(t, http.StatusOK, recorder.Code, c.log)
			require.Len(t, c.ended, 1)
		})
	}
}

// Strangers who send tokens while the provider's keys cannot be had do not make it busier.
func TestTokensOfStrangersDoNotMakeABrokenProviderBusy(t *testing.T) {
	t.Parallel()
	c := newBackChannel(t)
	c.provider.answer("/keys", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "down", http.StatusServiceUnavailable)
	})
	for i := range 50 {
		token := sign(t, jose.RS256, fmt.Sprint("stranger ", i), otherKey(), map[string]any{"iss": issuer})
		c.requireLogoutRefused(c.send(form(token)), "503 Service Unavailable")
	}
	require.Equal(t, 1, c.provider.count("/keys"))
	c.provider.answer("/keys", nil)
	c.Advance(5 * time.Second)
	// go-oidc may still hand out the failure that the last stranger waited for.
	require.Eventually(t, func() bool { return c.send(form(c.token(nil))).Code == http.StatusOK },
		10*time.Second, time.Millisecond, "it passes")
	require.Equal(t, 2, c.provider.count("/keys"))
}

// saying is a transport whose answers have another reason phrase.
type saying struct {
	next   http.RoundTripper
	phrase string
}

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err == nil {
		answer.Status = fmt.Sprint(answer.StatusCode, " ", s.phrase)
	}
	return answer, err
}

func TestWhatTheProviderSaysOfAFailureCannotForgeTheLog(t *testing.T) {
	t.Parallel()
	const forged = "x\ntime=2026-01-02 level=INFO msg=\"signed in\" \x1b[2J\u202e\u2028"
	w := newWorld(t, func(c *oidc.Config) {
		c.HTTPClient.Transport = saying{c.HTTPClient.Transport, forged + clientSecret}
	})
	w.provider.answer("/token", func(rw http.ResponseWriter, r *http.Request) {
		secrets := r.PostFormValue("code") + r.PostFormValue("code_verifier")
		w.provider.refuse(rw, http.StatusBadRequest, "invalid_grant", forged+secrets)
	})
	b := w.browser()
	answer := w.answered(b.begin("", ""), employee(testTime))
	w.requireRefused(b.arrive(answer), "invalid_grant")
	w.requireOneLine(w.err)
	require.NotContains(t, w.err.Error(), answer.Get("code"))

	b = w.browser()
	asked := b.begin("", "")
	w.requireRefused(b.arrive(url.Values{"state": {asked.Get("state")}, "iss": {issuer}, "error": {"server_error"},
		"error_description": {forged + strings.Repeat("x", 5000)}}), "server_error")
	w.requireOneLine(w.err)
	w.requireRefused(b.arrive(url.Values{"state": {asked.Get("state")}, "iss": {forged}, "code": {"x"}}), "RFC 9207")
	w.requireOneLine(w.err)
}

// requireOneLine requires that the error cannot be taken for anything but one short line.
func (w *world) requireOneLine(err error) {
	w.t.Helper()
	require.NotRegexp(w.t, `[\x00-\x1f\x7f\x{202e}\x{2028}]`, err.Error())
	require.Less(w.t, len(err.Error()), 900)
}

// Something small that unpacks to something endless is as long as what it unpacks to.
func TestAnAnswerThatUnpacksToMore(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		_, _ = io.Copy(packed, io.LimitReader(spaces{}, 50<<20))
		_ = packed.Close()
	}))
	t.Cleanup(server.Close)
	_, err := oidc.New(t.Context(), oidc.Config{
		Issuer: server.URL, InsecureHTTP: true, ClientID: clientID, Connection: "login", HTTPClient: server.Client(),
	})
	require.ErrorContains(t, err, "more than 524288 bytes")
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// What userinfo vouches for is the address that it names, and not another one of the ID token.
func TestAnAddressIsVerifiedWithItsOwnWord(t *testing.T) {
	t.Parallel()
	var got oidc.Claims
	w := newWorld(t, func(c *oidc.Config) {
		c.Person = func(claims oidc.Claims) (provision.Person, error) {
			got = claims
			return knownUPN(claims)
		}
	})
	claims := employee(testTime)
	claims["email"], claims["phone_number"] = "administrator@example.net", "+41440000000"
	w.provider.userInfo = func(info map[string]any) {
		info["email"], info["email_verified"] = "employee@example.net", true
		info["phone_number"], info["phone_number_verified"] = "+41440000000", true
	}
	w.requireSignedIn(w.signIn("", "", claims))
	require.Equal(t, "administrator@example.net", got.Text("email"))
	require.NotEqual(t, true, got["email_verified"], "nobody verified that address")
	require.Equal(t, true, got["phone_number_verified"], "it is the same number")
}

// A person is who the provider's sub says, whatever else is the same.
func TestThePersonIsTheSubject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	first := w.got.Person.Key()
	claims := employee(testTime)
	claims["sub"], claims["email"], claims["preferred_username"] = "105", "employee@example.net", "104"
	w.requireSignedIn(w.signIn("", "", claims))
	require.NotEqual(t, first, w.got.Person.Key(), "another subject with the same address is another person")
	claims["sub"], claims["email"] = "104", "renamed@example.net"
	w.requireSignedIn(w.signIn("", "", claims))
	require.Equal(t, first, w.got.Person.Key(), "the same subject with another address is the same person")
}

// The memory of logout tokens has an end, and then the oldest is forgotten.
func TestLogoutTokensDoNotFillTheMemory(t *testing.T) {
	t.Parallel()
	const room = 3
	remembered := oidc.NewReplays(testTimeNow, room)
	for i := range 100 * room {
		require.True(t, remembered.Claim(fmt.Sprint(i), testTime.Add(time.Duration(i)*time.Second)))
		require.LessOrEqual(t, remembered.Len(), room)
	}
	require.False(t, remembered.Claim(fmt.Sprint(100*room-1), testTime.Add(time.Hour)), "the last one is remembered")
	require.True(t, remembered.Claim("0", testTime.Add(time.Hour)), "the first one is not")
}

func testTimeNow() time.Time { return testTime.Add(-time.Second) }

// tokenWith is a logout token with another header.
func (c *backChannel) tokenWith(options *jose.SignerOptions) string {
	return signWith(c.t, jose.RS256, "1", providerKey(), c.claims(), options)
}
