package oidc_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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
	"github.com/entrafed/entrafed/saml"
)

var noLogout saml.LogoutRequest

// tokenCookie keeps ID tokens in a cookie.
type tokenCookie struct{ err error }

func (c tokenCookie) Keep(w http.ResponseWriter, _ *http.Request, idToken string) error {
	http.SetCookie(w, &http.Cookie{Name: "id_token", Value: idToken, Path: "/", Secure: true, HttpOnly: true})
	return c.err
}

func (tokenCookie) Kept(r *http.Request) string {
	cookie, err := r.Cookie("id_token")
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (c tokenCookie) Forget(w http.ResponseWriter, _ *http.Request) error {
	http.SetCookie(w, &http.Cookie{Name: "id_token", Path: "/", MaxAge: -1})
	return c.err
}

func TestTheProviderIsSignedOutOf(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		tokens oidc.IDTokens
		hint   bool
	}{
		"without a hint":                     {},
		"with a hint":                        {tokens: tokenCookie{}, hint: true},
		"with a hint whose keeper complains": {tokens: tokenCookie{errors.New("the store is slow")}, hint: true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *oidc.Config) { c.IDTokens = test.tokens })
			b := w.browser()
			w.requireSignedIn(b.arrive(w.answered(b.begin("", ""), employee(testTime))))

			out := b.get(base + "/logout")
			require.Equal(t, http.StatusSeeOther, out.Code)
			target, err := url.Parse(out.Header().Get("Location"))
			require.NoError(t, err)
			require.Equal(t, "/logout", target.Path)
			asked := target.Query()
			require.Equal(t, "1", asked.Get("ui"), "the endpoint's own query stays")
			require.Equal(t, clientID, asked.Get("client_id"))
			require.Equal(t, base+"/logout/done", asked.Get("post_logout_redirect_uri"))
			require.Len(t, asked.Get("state"), 32)
			require.Equal(t, test.hint, strings.HasPrefix(asked.Get("id_token_hint"), "eyJ"))
			require.Contains(t, b.get(base+"/logout/done?state="+asked.Get("state")).Body.String(), "You are signed out")

			again, err := url.Parse(b.get(base + "/logout").Header().Get("Location"))
			require.NoError(t, err)
			require.False(t, again.Query().Has("id_token_hint"), "it is forgotten")
			w.requireNothingSecret()
		})
	}
}

func TestAProviderWithoutASignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.discovery = func(d map[string]any) { delete(d, "end_session_endpoint") }
	require.Contains(t, w.browser().get(base+"/logout").Body.String(), "You are signed out")

	w = newWorld(t)
	w.provider.answer("/.well-known/openid-configuration", http.NotFound)
	require.Contains(t, w.browser().get(base+"/logout").Body.String(), "You are signed out")
}

// ended is a logout that the provider asked for.
type ended struct{ connection, subject, sid string }

// backChannel is the handler of the logout tokens, and what it ended.
type backChannel struct {
	*world
	handler http.Handler
	ended   []ended
	err     error
}

func newBackChannel(t *testing.T) *backChannel {
	c := &backChannel{world: newWorld(t)}
	c.handler = c.BackChannelLogout(func(ctx context.Context, connection, subject, sid string) error {
		_, bounded := ctx.Deadline()
		require.True(t, bounded)
		c.ended = append(c.ended, ended{connection, subject, sid})
		return c.err
	})
	return c
}

func (c *backChannel) send(form url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "https://id.contoso.com/backchannel", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, r)
	return recorder
}

func (c *backChannel) token(change func(map[string]any)) string {
	claims := c.claims()
	if change != nil {
		change(claims)
	}
	return sign(c.t, jose.RS256, "1", providerKey(), claims)
}

func (c *backChannel) claims() map[string]any {
	return map[string]any{
		"iss": issuer, "aud": clientID, "iat": c.Now().Unix(), "exp": c.Now().Add(2 * time.Minute).Unix(), "jti": rand.Text(),
		"sub": "104", "sid": "session-1", "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
}

func form(token string) url.Values { return url.Values{"logout_token": {token}} }

func TestALogoutByTheProvider(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		change func(map[string]any)
		want   ended
	}{
		"of a session":           {nil, ended{"login", "104", "session-1"}},
		"of a person":            {func(c map[string]any) { delete(c, "sid") }, ended{"login", "104", ""}},
		"of nobody but one name": {func(c map[string]any) { delete(c, "sub") }, ended{"login", "", "session-1"}},
		"a moment late":          {func(c map[string]any) { c["exp"] = testTime.Add(-59 * time.Second).Unix() }, ended{"login", "104", "session-1"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := newBackChannel(t)
			recorder := c.send(form(c.token(test.change)))
			require.Equal(t, http.StatusOK, recorder.Code, c.log)
			require.Equal(t, "no-store", recorder.Header().Get("Cache-Control"))
			require.Equal(t, []ended{test.want}, c.ended)
			c.requireNothingSecret()
		})
	}
}

func TestALogoutTokenThatIsRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(map[string]any) {
		return func(claims map[string]any) { claims[name] = value }
	}
	without := func(name string) func(map[string]any) {
		return func(claims map[string]any) { delete(claims, name) }
	}
	for rule, test := range map[string]struct {
		change func(map[string]any)
		why    string
	}{
		"a nonce: an ID token":       {set("nonce", "n"), "nonce"},
		"a nonce of nothing":         {set("nonce", nil), "nonce"},
		"no events":                  {without("events"), "event"},
		"another event":              {set("events", map[string]any{"http://example.net/event": map[string]any{}}), "event"},
		"an event that is no object": {set("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": "x"}), "events have no object"},
		"events that are no object":  {set("events", []string{"http://schemas.openid.net/event/backchannel-logout"}), "logout token"},
		"another issuer":             {set("iss", "https://evil.example.org"), "different provider"},
		"another audience":           {set("aud", "other"), "audience"},
		"expired":                    {set("exp", testTime.Add(-2*time.Minute).Unix()), "expired"},
		"no expiry":                  {without("exp"), "exp"},
		"issued in the future":       {set("iat", testTime.Add(2*time.Minute).Unix()), "future"},
		"no time of issue":           {without("iat"), "iat"},
		"old, whatever its expiry":   {func(c map[string]any) { c["iat"] = testTime.Add(-16 * time.Minute).Unix() }, "more than 15m"},
		"no number":                  {without("jti"), "jti"},
		"nobody and no session":      {func(c map[string]any) { delete(c, "sub"); delete(c, "sid") }, "'sub'"},
		"a subject without end":      {set("sub", strings.Repeat("x", 256)), "more than 255"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := newBackChannel(t)
			c.requireLogoutRefused(c.send(form(c.token(test.change))), test.why)
		})
	}
}

func (c *backChannel) requireLogoutRefused(recorder *httptest.ResponseRecorder, why string) {
	c.t.Helper()
	require.Equal(c.t, http.StatusBadRequest, recorder.Code)
	require.JSONEq(c.t, `{"error":"invalid_request"}`, recorder.Body.String())
	require.Equal(c.t, "no-store", recorder.Header().Get("Cache-Control"))
	require.Contains(c.t, c.log.String(), why)
	require.Empty(c.t, c.ended)
	c.requireNothingSecret()
}

func TestALogoutRequestThatIsRefused(t *testing.T) {
	t.Parallel()
	c := newBackChannel(t)
	claims := map[string]any{"iss": issuer}
	for rule, test := range map[string]struct {
		form url.Values
		why  string
	}{
		"no token":                      {url.Values{}, "not one logout_token"},
		"two tokens":                    {url.Values{"logout_token": {"a", "b"}}, "not one logout_token"},
		"more than any token":           {form(strings.Repeat("x", 65<<10)), "more than 65536 bytes"},
		"no token at all":               {form("a.b"), "malformed"},
		"not signed":                    {form(unsigned(t, claims)), "unexpected signature algorithm"},
		"signed with the client secret": {form(sign(t, jose.HS256, "1", []byte(clientSecret+clientSecret), claims)), "unexpected signature algorithm"},
		"signed by somebody else":       {form(sign(t, jose.RS256, "1", otherKey(), claims)), "failed to verify"},
	} {
		t.Run(rule, func(t *testing.T) { c.requireLogoutRefused(c.send(test.form), test.why) })
	}
	r := httptest.NewRequest(http.MethodPost, "https://id.contoso.com/backchannel?"+form(c.token(nil)).Encode(), strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, r)
	c.requireLogoutRefused(recorder, "the request is no form")

	recorder = httptest.NewRecorder()
	c.handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "https://id.contoso.com/backchannel?"+form(c.token(nil)).Encode(), nil))
	require.Equal(t, http.StatusMethodNotAllowed, recorder.Code)
	require.Empty(t, c.ended)
}

func TestALogoutTokenCountsOnce(t *testing.T) {
	t.Parallel()
	c := newBackChannel(t)
	token := c.token(nil)
	require.Equal(t, http.StatusOK, c.send(form(token)).Code)
	require.Equal(t, http.StatusBadRequest, c.send(form(token)).Code)
	require.Contains(t, c.log.String(), "it came before (jti)")
	require.Len(t, c.ended, 1)
}

// What could not be done may be asked for again.
func TestALogoutThatFails(t *testing.T) {
	t.Parallel()
	c := newBackChannel(t)
	c.err = errors.New("Graph is down")
	token := c.token(nil)
	recorder := c.send(form(token))
	require.Equal(t, http.StatusBadRequest, recorder.Code)
	require.JSONEq(t, `{"error":"logout_failed"}`, recorder.Body.String())
	require.Contains(t, c.log.String(), "Graph is down")
	c.err = nil
	require.Equal(t, http.StatusOK, c.send(form(token)).Code)
	require.Len(t, c.ended, 2)
}

func TestALogoutOfSomebodyWithoutAnAccount(t *testing.T) {
	t.Parallel()
	c := newBackChannel(t)
	c.err = fmt.Errorf("nobody: %w", provision.ErrNoRecord)
	require.Equal(t, http.StatusOK, c.send(form(c.token(nil))).Code)
	require.Contains(t, c.log.String(), "had_account=false")
}

// Strangers who send tokens with keys that nobody knows do not make the provider busy.
func TestTokensOfStrangersDoNotMakeTheProviderBusy(t *testing.T) {
	t.Parallel()
	c := newBackChannel(t)
	require.Equal(t, http.StatusOK, c.send(form(c.token(nil))).Code)
	for i := range 50 {
		c.send(form(sign(t, jose.RS256, fmt.Sprint("stranger ", i), otherKey(), map[string]any{"iss": issuer})))
	}
	require.Equal(t, 1, c.provider.count("/keys"))
}
