package oidc_test

import (
	"encoding/json"
	"net/http"
	"testing"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/oidc"
)

func TestUserInfoThatIsRefused(t *testing.T) {
	t.Parallel()
	signed := func(claims map[string]any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/jwt")
			_, _ = w.Write([]byte(sign(t, jose.RS256, "1", providerKey(), claims)))
		}
	}
	for rule, test := range map[string]struct {
		answer http.HandlerFunc
		why    string
	}{
		"somebody else's": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"sub":"105","email":"administrator@example.net"}`))
		}, "about somebody else"},
		"nobody's": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"email":"administrator@example.net"}`))
		}, "about somebody else"},
		"no object":                  {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`null`)) }, "userinfo"},
		"no JSON":                    {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`<html>`)) }, "userinfo"},
		"signed by another provider": {signed(map[string]any{"sub": "104", "iss": "https://evil.example.org"}), "from another provider"},
		"signed for another client":  {signed(map[string]any{"sub": "104", "aud": "other"}), "for another client"},
		"a fault": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "the database says: employee@example.net", http.StatusInternalServerError)
		}, "500 Internal Server Error"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.provider.answer("/userinfo", test.answer)
			w.requireRefused(w.signIn("", "", employee(testTime)), test.why)
			require.NotContains(t, w.log.String(), "the database says")
		})
	}
}

func TestSignedUserInfoIsBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.provider.answer("/userinfo", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/jwt")
		_, _ = rw.Write([]byte(sign(t, jose.RS256, "1", providerKey(),
			map[string]any{"sub": "104", "iss": issuer, "aud": clientID, "email": "employee@example.net"})))
	})
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	require.Equal(t, "employee@example.net", w.got.Person.Email)
}

func TestWhichAddressIsBelieved(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		token, info map[string]any
		want        string
	}{
		"userinfo's":                     {info: map[string]any{"email": "a@example.net"}, want: "a@example.net"},
		"the ID token's before it":       {token: map[string]any{"email": "b@example.net"}, info: map[string]any{"email": "a@example.net"}, want: "b@example.net"},
		"one that is verified":           {info: map[string]any{"email": "a@example.net", "email_verified": true}, want: "a@example.net"},
		"none that is not verified":      {info: map[string]any{"email": "a@example.net", "email_verified": false}},
		"none that is not, as a text":    {info: map[string]any{"email": "a@example.net", "email_verified": "false"}},
		"none that userinfo takes back":  {token: map[string]any{"email": "b@example.net", "email_verified": true}, info: map[string]any{"email_verified": false}},
		"none that the ID token refuses": {token: map[string]any{"email_verified": false}, info: map[string]any{"email": "a@example.net", "email_verified": true}},
		"none that is no text":           {token: map[string]any{"email": []string{"a@example.net"}}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			claims := employee(testTime)
			for name, value := range test.token {
				claims[name] = value
			}
			w.provider.userInfo = func(info map[string]any) {
				for name := range info {
					if name != "sub" {
						delete(info, name)
					}
				}
				for name, value := range test.info {
					info[name] = value
				}
			}
			w.requireSignedIn(w.signIn("", "", claims))
			require.Equal(t, test.want, w.got.Person.Email)
		})
	}
}

func TestUserInfoCanBeLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *oidc.Config) { c.SkipUserInfo = true })
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	require.Zero(t, w.provider.count("/userinfo"))

	w = newWorld(t)
	w.provider.discovery = func(d map[string]any) { delete(d, "userinfo_endpoint") }
	w.requireSignedIn(w.signIn("", "", employee(testTime)))
	require.Zero(t, w.provider.count("/userinfo"))
}

func TestAPersonOfTheStandardClaims(t *testing.T) {
	t.Parallel()
	person := oidc.Claims{
		"sub": "104", "name": "An Employee", "given_name": "An", "family_name": "Employee", "email": "employee@example.net",
		"preferred_username": "employee", "phone_number": "+41440000000", "phone_number_verified": false, "zoneinfo": 7,
		"nickname": string(make([]byte, 257)),
	}.Person()
	require.Empty(t, person.Connection)
	require.Equal(t, "104", person.ID)
	require.Equal(t, "An Employee", person.DisplayName)
	require.Equal(t, "employee@example.net", person.Email)
	require.Empty(t, person.UsageLocation)
	require.Equal(t, map[string]string{"preferred_username": "employee"}, person.Claims)
}

// Whatever a provider states, reading it makes no fault, and a person's identifier is its sub.
func FuzzClaims(f *testing.F) {
	for _, seed := range []string{`{}`, `{"sub":"104","email":"a@example.net","email_verified":"false"}`, `{"amr":["pwd",1],"auth_time":1e300}`,
		`{"auth_time":-1,"sub":null,"locale":{"a":1}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var claims oidc.Claims
		if json.Unmarshal(content, &claims) != nil {
			return
		}
		person := claims.Person()
		require.Equal(t, claims.Text("sub"), person.ID)
		if at, ok := claims.Time("auth_time"); ok {
			require.Positive(t, at.Unix())
		}
		if claims["email_verified"] == false {
			require.Empty(t, person.Email)
		}
		for _, text := range claims.Texts("amr") {
			require.Contains(t, string(content), `"`, text)
		}
	})
}
