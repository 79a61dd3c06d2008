package oidc_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters/oidc"
)

// unsigned makes a token with alg none.
func unsigned(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
}

func TestAnIDTokenThatIsRefused(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(*scripted) {
		return func(s *scripted) { s.idToken = func(claims map[string]any) { claims[name] = value } }
	}
	without := func(name string) func(*scripted) {
		return func(s *scripted) { s.idToken = func(claims map[string]any) { delete(claims, name) } }
	}
	signed := func(with func(t *testing.T, claims map[string]any) string) func(*scripted) {
		return func(s *scripted) { s.signed = func(claims map[string]any) string { return with(s.t, claims) } }
	}
	for rule, test := range map[string]struct {
		change func(*scripted)
		why    string
	}{
		"another issuer":           {set("iss", "https://evil.example.org"), "issued by a different provider"},
		"another audience":         {set("aud", "somebody else"), "expected audience"},
		"no audience":              {without("aud"), "expected audience"},
		"two audiences and no azp": {set("aud", []string{clientID, "other"}), "to which of them it was issued (azp)"},
		"another client's azp":     {set("azp", "other"), "issued to another client (azp)"},
		"an azp that is no text":   {set("azp", []string{clientID}), "issued to another client (azp)"},
		"expired":                  {set("exp", testTime.Add(-2*time.Minute).Unix()), "expired"},
		"no expiry":                {without("exp"), "expired"},
		"not yet valid":            {set("nbf", testTime.Add(10*time.Minute).Unix()), "not before"},
		"issued in the future":     {set("iat", testTime.Add(2*time.Minute).Unix()), "issued in the future"},
		"no time of issue":         {without("iat"), "does not say when it was issued"},
		"a time that is no number": {set("iat", "yesterday"), "ID token"},
		"another nonce":            {set("nonce", strings.Repeat("x", 43)), "its nonce is not that of this sign-in"},
		"no nonce":                 {without("nonce"), "its nonce is not that of this sign-in"},
		"another access token":     {set("at_hash", base64.RawURLEncoding.EncodeToString(make([]byte, 16))), "at_hash"},
		"no subject":               {without("sub"), "sub is empty"},
		"a subject without end":    {set("sub", strings.Repeat("x", 256)), "more than 255"},
		"not signed":               {signed(unsigned), "unexpected signature algorithm"},
		"signed with the client secret": {signed(func(t *testing.T, claims map[string]any) string {
			return sign(t, jose.HS256, "1", []byte(clientSecret+clientSecret), claims)
		}), "unexpected signature algorithm"},
		"signed with the public key as a secret": {signed(func(t *testing.T, claims map[string]any) string {
			return sign(t, jose.HS256, "1", x509.MarshalPKCS1PublicKey(&providerKey().PublicKey), claims)
		}), "unexpected signature algorithm"},
		"signed by somebody else": {signed(func(t *testing.T, claims map[string]any) string {
			return sign(t, jose.RS256, "1", otherKey(), claims)
		}), "failed to verify"},
		"signed with a key that nobody knows": {signed(func(t *testing.T, claims map[string]any) string {
			return sign(t, jose.RS256, "2", otherKey(), claims)
		}), "failed to verify"},
		"no token":         {func(s *scripted) { s.tokens = func(a map[string]any) { delete(a, "id_token") } }, "no ID token"},
		"a token of words": {func(s *scripted) { s.tokens = func(a map[string]any) { a["id_token"] = "a.b.c" } }, "malformed"},
		"claims that are no object": {signed(func(t *testing.T, _ map[string]any) string {
			signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: providerKey(), KeyID: "1"}}, nil)
			require.NoError(t, err)
			signature, err := signer.Sign([]byte(`["sub"]`))
			require.NoError(t, err)
			token, err := signature.CompactSerialize()
			require.NoError(t, err)
			return token
		}), "ID token"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.change(w.provider)
			w.requireRefused(w.signIn("", "", employee(testTime)), test.why)
			require.Zero(t, w.provider.count("/userinfo"))
		})
	}
}

func TestAnIDTokenThatIsBelieved(t *testing.T) {
	t.Parallel()
	for rule, change := range map[string]func(map[string]any){
		"two audiences and our azp":        func(c map[string]any) { c["aud"], c["azp"] = []string{"other", clientID}, clientID },
		"without at_hash":                  func(c map[string]any) { delete(c, "at_hash") },
		"expired a moment ago":             func(c map[string]any) { c["exp"] = testTime.Add(-59 * time.Second).Unix() },
		"issued in a moment":               func(c map[string]any) { c["iat"] = testTime.Add(59 * time.Second).Unix() },
		"times with a fraction of seconds": func(c map[string]any) { c["iat"] = float64(testTime.Unix()) + 0.5 },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.provider.idToken = change
			w.requireSignedIn(w.signIn("", "", employee(testTime)))
		})
	}
}

func TestWhenThePersonSignedIn(t *testing.T) {
	t.Parallel()
	hourAgo := testTime.Add(-time.Hour)
	for rule, test := range map[string]struct {
		attributes string
		maxAge     time.Duration
		authTime   any
		want       time.Time
		why        string // empty: it is believed
	}{
		"auth_time":                             {authTime: hourAgo.Unix(), want: hourAgo},
		"no auth_time: when it was vouched for": {want: testTime.Add(-2 * time.Second)},
		"an auth_time of nothing":               {authTime: 0, want: testTime.Add(-2 * time.Second)},
		"an auth_time that is no number":        {authTime: "now", want: testTime.Add(-2 * time.Second)},
		"never later than now":                  {authTime: testTime.Add(30 * time.Second).Unix(), want: testTime},
		"in the future":                         {authTime: testTime.Add(2 * time.Minute).Unix(), why: "in the future"},
		"a new sign-in":                         {attributes: fresh, authTime: testTime.Unix(), want: testTime},
		"a new sign-in, without auth_time":      {attributes: fresh, why: "does not say when"},
		"young enough":                          {maxAge: time.Hour, authTime: hourAgo.Unix(), want: hourAgo},
		"too old":                               {maxAge: 30 * time.Minute, authTime: hourAgo.Unix(), why: "longer ago than 30m"},
		"of an age that nobody knows":           {maxAge: time.Hour, why: "does not say when"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *oidc.Config) { c.MaxAge = test.maxAge })
			claims := map[string]any{"sub": "104", "iat": testTime.Add(-2 * time.Second).Unix()}
			if test.authTime != nil {
				claims["auth_time"] = test.authTime
			}
			recorder := w.signIn(test.attributes, "", claims)
			if test.why != "" {
				w.requireRefused(recorder, test.why)
				return
			}
			w.requireSignedIn(recorder)
			require.Equal(t, test.want, w.got.At)
		})
	}
}

// A provider that shows an old sign-in as a new one is found out by the Bridge.
func TestAnOldSignInInPlaceOfANewOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	recorder := w.signIn(fresh, "", employee(testTime.Add(-time.Minute)))
	require.Equal(t, http.StatusBadGateway, recorder.Code)
	require.NotContains(t, recorder.Body.String(), "SAMLResponse")
	require.Contains(t, w.log.String(), "although a new one was asked for")
}

func TestWhatProvesASecondFactor(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		acr  any
		amr  any
		want bool
	}{
		"nothing is said":                         {},
		"a configured context":                    {acr: "silver", want: true},
		"another context":                         {acr: "bronze"},
		"a context in other letters":              {acr: "Gold"},
		"a context that is no text":               {acr: []string{"gold"}},
		"mfa":                                     {amr: []string{"mfa"}, want: true},
		"mfa as a text":                           {amr: "mfa", want: true},
		"a password":                              {amr: []string{"pwd"}},
		"a password and a one-time password":      {amr: []string{"pwd", "otp"}, want: true},
		"a PIN and a key":                         {amr: []string{"pin", "hwk"}, want: true},
		"a key and a fingerprint":                 {amr: []string{"hwk", "fpt"}, want: true},
		"a password and a face":                   {amr: []string{"pwd", "face"}, want: true},
		"a password and a question":               {amr: []string{"pwd", "kba"}},
		"a text message and a one-time password":  {amr: []string{"sms", "otp"}},
		"a key, twice":                            {amr: []string{"hwk", "swk", "pop"}},
		"a password and that somebody was there":  {amr: []string{"pwd", "user"}},
		"a password and a place":                  {amr: []string{"pwd", "geo", "rba", "wia", "mca"}},
		"a password and a word that nobody knows": {amr: []string{"pwd", "second-factor"}},
		"words in capitals":                       {amr: []string{"PWD", "OTP", "MFA"}},
		"no texts":                                {amr: []any{1, true, nil}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			claims := employee(testTime)
			if test.acr != nil {
				claims["acr"] = test.acr
			}
			if test.amr != nil {
				claims["amr"] = test.amr
			}
			// What userinfo says of it does not count.
			w.provider.userInfo = func(info map[string]any) { info["acr"], info["amr"] = "gold", []string{"mfa"} }
			w.requireSignedIn(w.signIn("", mfa, claims))
			require.Equal(t, test.want, w.got.MFA)
		})
	}
}

func TestAnotherRuleForTheSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *oidc.Config) {
		c.MFA = func(claims oidc.Claims) bool { return claims.Text("urn:example:loa") == "3" }
	})
	claims := employee(testTime)
	claims["urn:example:loa"] = "3"
	w.requireSignedIn(w.signIn("", "", claims))
	require.True(t, w.got.MFA)
	claims["urn:example:loa"], claims["amr"] = "2", "mfa"
	w.requireSignedIn(w.signIn("", "", claims))
	require.False(t, w.got.MFA)
}
