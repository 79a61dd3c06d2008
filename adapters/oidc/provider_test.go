package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/oidc"
)

func TestAConfigThatIsRefused(t *testing.T) {
	t.Parallel()
	good := func() oidc.Config {
		return oidc.Config{Issuer: issuer, ClientID: clientID, Connection: "login", LazyDiscovery: true}
	}
	for rule, test := range map[string]struct {
		change func(*oidc.Config)
		why    string
	}{
		"no issuer":                  {func(c *oidc.Config) { c.Issuer = "" }, "Issuer is missing"},
		"an issuer with a query":     {func(c *oidc.Config) { c.Issuer += "?a=b" }, "without query"},
		"an issuer with a password":  {func(c *oidc.Config) { c.Issuer = "https://a:b@login.example.net" }, "without query, fragment and user"},
		"an issuer without a host":   {func(c *oidc.Config) { c.Issuer = "https:///a" }, "without query"},
		"http":                       {func(c *oidc.Config) { c.Issuer, c.InsecureHTTP = "http://login.example.net", true }, "is not https"},
		"http on this machine":       {func(c *oidc.Config) { c.Issuer = "http://127.0.0.1:1" }, "set InsecureHTTP"},
		"a name like this machine's": {func(c *oidc.Config) { c.Issuer, c.InsecureHTTP = "http://localhost.example.net", true }, "is not https"},
		"another scheme":             {func(c *oidc.Config) { c.Issuer = "file://localhost/etc" }, "is not https"},
		"no client":                  {func(c *oidc.Config) { c.ClientID = "" }, "ClientID is missing"},
		"no connection":              {func(c *oidc.Config) { c.Connection = "" }, "Connection is missing"},
		"a negative age":             {func(c *oidc.Config) { c.MaxAge = -1 }, "MaxAge"},
		"two scopes in one":          {func(c *oidc.Config) { c.Scopes = []string{"profile email"} }, "has a space"},
		"an empty context":           {func(c *oidc.Config) { c.MFAContexts = []string{""} }, "is empty"},
		"a state of its own":         {func(c *oidc.Config) { c.Parameters = url.Values{"state": {"1"}} }, `"state" is decided about here`},
		"another response mode":      {func(c *oidc.Config) { c.MFAParameters = url.Values{"response_mode": {"fragment"}} }, `"response_mode"`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cfg := good()
			test.change(&cfg)
			_, err := oidc.New(t.Context(), cfg)
			require.ErrorContains(t, err, test.why)
		})
	}
	_, err := oidc.New(t.Context(), oidc.Config{})
	for _, missing := range []string{"Issuer", "ClientID", "Connection"} {
		require.ErrorContains(t, err, missing, "everything at once")
	}
	for _, address := range []string{"http://localhost:5556/dex", "http://127.0.0.1:1", "http://[::1]:1"} {
		cfg := good()
		cfg.Issuer, cfg.InsecureHTTP = address, true
		_, err := oidc.New(t.Context(), cfg)
		require.NoError(t, err)
	}
}

func TestADiscoveryDocumentThatIsRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(map[string]any) {
		return func(document map[string]any) { document[name] = value }
	}
	for rule, test := range map[string]struct {
		change func(map[string]any)
		why    string
	}{
		"another issuer":                   {set("issuer", "https://evil.example.org"), "did not match"},
		"an issuer with a slash more":      {set("issuer", issuer+"/"), "did not match"},
		"no token endpoint":                {func(d map[string]any) { delete(d, "token_endpoint") }, "token_endpoint"},
		"a token endpoint in the clear":    {set("token_endpoint", "http://login.example.net/token"), "token_endpoint cannot be used"},
		"a sign-in page in the clear":      {set("authorization_endpoint", "http://login.example.net/a"), "authorization_endpoint cannot be used"},
		"a sign-in page that is a script":  {set("authorization_endpoint", "javascript:alert(1)"), "authorization_endpoint cannot be used"},
		"keys in the clear":                {set("jwks_uri", "http://login.example.net/keys"), "jwks_uri cannot be used"},
		"userinfo in the clear":            {set("userinfo_endpoint", "http://login.example.net/u"), "userinfo_endpoint cannot be used"},
		"a sign-out page that is a script": {set("end_session_endpoint", "javascript:alert(1)"), "end_session_endpoint cannot be used"},
		"a list in place of an address":    {set("token_endpoint", []string{issuer}), "discovery"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.provider.discovery = test.change
			cfg := w.cfg
			cfg.LazyDiscovery = false
			_, err := oidc.New(t.Context(), cfg)
			require.ErrorContains(t, err, test.why)
			var failed *oidc.Error
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "discovery", failed.Step)

			b := w.browser()
			w.requireRefused(b.get(b.do(entraAsks(testTime, "", "")).Header().Get("Location")), test.why)
		})
	}
}

// Answers that are no answers end where they are, and the log tells of them.
func TestAnAnswerOfTheProviderThatIsRefused(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"a":"` + strings.Repeat("x", 600<<10) + `"}`))
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example.org/", http.StatusFound)
	}
	inTheClear := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://login.example.net/", http.StatusTemporaryRedirect)
	}
	for path, step := range map[string]string{"/keys": "ID token", "/token": "token", "/userinfo": "userinfo"} {
		for rule, test := range map[string]struct {
			answer http.HandlerFunc
			why    string
		}{
			"endless":                 {endless, "more than 524288 bytes"},
			"a redirect":              {elsewhere, "redirect"},
			"a redirect in the clear": {inTheClear, "redirect"},
			"no JSON": {func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte("<html>"))
			}, "oidc: " + step},
			"not found": {http.NotFound, "404 Not Found"},
		} {
			t.Run(path+" "+rule, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.provider.answer(path, test.answer)
				w.requireRefused(w.signIn("", "", employee(testTime)), test.why)
				require.ErrorContains(t, w.err, "oidc: "+step)
				require.Less(t, len(w.err.Error()), 600)
			})
		}
	}
}

// What the provider refuses with is told to the operator, without what is secret.
func TestARefusalAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *oidc.Config) { c.ClientSecret = "wrong secret+" })
	w.requireRefused(w.signIn("", "", employee(testTime)), "invalid_client")
	require.ErrorContains(t, w.err, "compare ClientID, ClientSecret and SecretInBody")
	require.NotContains(t, w.err.Error(), "wrong secret")
	require.NotContains(t, w.err.Error(), "wrong+secret", "as it is sent")
	var failed *oidc.Error
	require.ErrorAs(t, w.err, &failed)
	require.Equal(t, "invalid_client", failed.Code)
	require.Equal(t, 1, w.provider.count("/token"), "a code is not sent twice")
}

func TestHowTheSecretIsSent(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		methods any
		config  func(*oidc.Config)
		inBody  bool
		secret  string
	}{
		"by default":                  {secret: clientSecret},
		"basic, where both are known": {methods: []string{"client_secret_post", "client_secret_basic"}, secret: clientSecret},
		"post, where that is known":   {methods: []string{"client_secret_post"}, inBody: true, secret: clientSecret},
		"post, where it is said":      {config: func(c *oidc.Config) { c.SecretInBody = true }, inBody: true, secret: clientSecret},
		"none, where there is none":   {config: func(c *oidc.Config) { c.ClientSecret = "" }, inBody: true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *oidc.Config) {
				if test.config != nil {
					test.config(c)
				}
			})
			w.provider.discovery = func(d map[string]any) {
				if test.methods != nil {
					d["token_endpoint_auth_methods_supported"] = test.methods
				}
			}
			sent := make(chan string, 1)
			w.provider.answer("/token", func(rw http.ResponseWriter, r *http.Request) {
				_, basic, _ := r.BasicAuth()
				sent <- fmt.Sprintf("%s|%s", basic, r.PostFormValue("client_secret"))
				http.NotFound(rw, r)
			})
			w.signIn("", "", employee(testTime))
			want := test.secret + "|"
			if test.inBody {
				want = "|" + test.secret
			}
			require.Equal(t, want, <-sent)
		})
	}
}

func TestAProviderThatIsDownAtTheStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	down := func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "down", http.StatusBadGateway) }
	w.provider.answer("/.well-known/openid-configuration", down)
	cfg := w.cfg
	cfg.LazyDiscovery = false
	_, err := oidc.New(t.Context(), cfg)
	require.ErrorContains(t, err, "502 Bad Gateway")

	b := w.browser()
	address := b.do(entraAsks(testTime, "", "")).Header().Get("Location")
	w.requireRefused(b.get(address), "502 Bad Gateway")
	w.provider.answer("/.well-known/openid-configuration", nil)
	w.requireSignedIn(b.arrive(w.answered(b.leave(address), employee(testTime))))
}

func TestAProviderThatIsDownLater(t *testing.T) {
	t.Parallel()
	const path = "/.well-known/openid-configuration"
	w := newWorld(t)
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	require.Equal(t, 1, w.provider.count(path))
	w.Advance(59 * time.Minute)
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	require.Equal(t, 1, w.provider.count(path), "what is known is used")
	require.Equal(t, 1, w.provider.count("/keys"))

	w.provider.answer(path, http.NotFound)
	w.Advance(2 * time.Minute)
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	require.Equal(t, 2, w.provider.count(path), "not again within a minute")
	require.Contains(t, w.log.String(), "the known one serves on")

	w.provider.answer(path, nil)
	w.provider.discovery = func(d map[string]any) { d["authorization_endpoint"] = issuer + "/moved" }
	w.Advance(time.Minute)
	b := w.browser()
	left := b.get(b.do(entraAsks(w.Now(), "", "")).Header().Get("Location"))
	require.True(t, strings.HasPrefix(left.Header().Get("Location"), issuer+"/moved?"), left.Header().Get("Location"))
}

// Many who come at once make one request, and somebody who goes away does not take it from the others.
func TestManyWaitForOneDiscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		document := w.provider.document()
		w.provider.answer("/.well-known/openid-configuration", func(rw http.ResponseWriter, _ *http.Request) {
			time.Sleep(5 * time.Second)
			w.provider.respond(rw, document)
		})
		authenticator := w.authenticator()
		gone, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		var group sync.WaitGroup
		for i := range 20 {
			group.Go(func() {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/logout", nil)
				if i == 0 {
					r = r.WithContext(gone)
				}
				if err == nil {
					_, err = authenticator.SignOutURL(r, noLogout, base+"/logout/done", "state")
				}
				if err != nil && !errors.Is(err, context.Canceled) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		require.Equal(t, 1, w.provider.count("/.well-known/openid-configuration"))
	})
}

func TestKeysAreFetchedAgainForANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	w.provider.answer("/keys", func(rw http.ResponseWriter, _ *http.Request) {
		w.provider.respond(rw, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: otherKey().Public(), KeyID: "2", Algorithm: "RS256"}}})
	})
	w.provider.signed = func(claims map[string]any) string { return sign(t, jose.RS256, "2", otherKey(), claims) }
	w.Advance(5 * time.Second)
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	require.Equal(t, 2, w.provider.count("/keys"))
}
