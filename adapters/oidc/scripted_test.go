package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/certtest"
)

const (
	issuer       = "https://login.example.net"
	clientID     = "entra"
	clientSecret = "client-secret-of-the-test"
)

var (
	providerKey = sync.OnceValue(newKey)
	otherKey    = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey { return certtest.RSA(2048) }

// sign makes a token of the claims.
func sign(t *testing.T, algorithm jose.SignatureAlgorithm, kid string, key any, claims map[string]any) string {
	t.Helper()
	return signWith(t, algorithm, kid, key, claims, nil)
}

// signWith makes one with more in its header.
func signWith(
	t *testing.T, algorithm jose.SignatureAlgorithm, kid string, key any, claims map[string]any, options *jose.SignerOptions,
) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	require.NoError(t, err)
	payload, err := json.Marshal(claims)
	require.NoError(t, err)
	signature, err := signer.Sign(payload)
	require.NoError(t, err)
	token, err := signature.CompactSerialize()
	require.NoError(t, err)
	return token
}

// scripted is a provider that does what a test wants.
type scripted struct {
	t   *testing.T
	now func() time.Time

	mu      sync.Mutex
	grants  map[string]grant // by code
	access  map[string]grant // by access token
	fetched map[string]int   // requests by path

	// What a test changes. nil: nothing.
	discovery func(document map[string]any)
	idToken   func(claims map[string]any)
	signed    func(claims map[string]any) string
	tokens    func(answer map[string]any)
	userInfo  func(claims map[string]any)
	answers   map[string]http.HandlerFunc // by path, in place of the provider's own
}

// grant is what somebody who signed in gave the client.
type grant struct {
	request url.Values
	claims  map[string]any
}

func newScripted(t *testing.T, now func() time.Time) *scripted {
	return &scripted{
		t: t, now: now, grants: map[string]grant{}, access: map[string]grant{}, fetched: map[string]int{},
		answers: map[string]http.HandlerFunc{},
	}
}

// ServeHTTP is the provider, without the pages.
func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.fetched[r.URL.Path]++
	answer := s.answers[r.URL.Path]
	s.mu.Unlock()
	if answer != nil {
		answer(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		s.respond(w, s.document())
	case "/keys":
		s.respond(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: providerKey().Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}})
	case "/token":
		s.serveToken(w, r)
	case "/userinfo":
		s.serveUserInfo(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *scripted) count(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fetched[path]
}

// answer replaces the answer at a path; nil mends it.
func (s *scripted) answer(path string, handler http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = handler
}

func (s *scripted) respond(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

func (s *scripted) document() map[string]any {
	document := map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
		"jwks_uri": issuer + "/keys", "userinfo_endpoint": issuer + "/userinfo", "end_session_endpoint": issuer + "/logout?ui=1",
		"id_token_signing_alg_values_supported":          []string{"RS256", "HS256", "none"},
		"authorization_response_iss_parameter_supported": true,
	}
	if s.discovery != nil {
		s.discovery(document)
	}
	return document
}

// grant gives a code for an authorization request. claims are in the ID token, beside what always is.
func (s *scripted) grant(request url.Values, claims map[string]any) (code string) {
	code = rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grants[code] = grant{request, claims}
	return code
}

func (s *scripted) serveToken(w http.ResponseWriter, r *http.Request) {
	require.NoError(s.t, r.ParseForm())
	s.mu.Lock()
	given, found := s.grants[r.PostForm.Get("code")]
	delete(s.grants, r.PostForm.Get("code"))
	s.mu.Unlock()
	challenge := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	id, secret, _ := r.BasicAuth()
	switch {
	case id != clientID || secret != clientSecret:
		plain, _ := url.QueryUnescape(secret)
		s.refuse(w, http.StatusUnauthorized, "invalid_client", "the secret is not "+plain+", as "+secret)
		return
	case !found || given.request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) ||
		given.request.Get("redirect_uri") != r.PostForm.Get("redirect_uri"):
		s.refuse(w, http.StatusBadRequest, "invalid_grant", "no such code: "+r.PostForm.Get("code"))
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.access[token] = given
	s.mu.Unlock()
	answer := map[string]any{"access_token": token, "token_type": "Bearer", "id_token": s.idTokenOf(given, token)}
	if s.tokens != nil {
		s.tokens(answer)
	}
	s.respond(w, answer)
}

func (s *scripted) refuse(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": description})
}

func (s *scripted) idTokenOf(given grant, accessToken string) string {
	hash := sha256.Sum256([]byte(accessToken))
	claims := map[string]any{
		"iss": issuer, "aud": clientID, "iat": s.now().Unix(), "exp": s.now().Add(5 * time.Minute).Unix(),
		"nonce": given.request.Get("nonce"), "at_hash": base64.RawURLEncoding.EncodeToString(hash[:16]),
	}
	maps.Copy(claims, given.claims)
	if s.idToken != nil {
		s.idToken(claims)
	}
	if s.signed != nil {
		return s.signed(claims)
	}
	return sign(s.t, jose.RS256, "1", providerKey(), claims)
}

func (s *scripted) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	given, found := s.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	s.mu.Unlock()
	if !found {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	info := map[string]any{
		"sub": given.claims["sub"], "email": "employee@example.net", "email_verified": true, "given_name": "An", "family_name": "Employee",
		"locale": "de-CH",
	}
	if s.userInfo != nil {
		s.userInfo(info)
	}
	s.respond(w, info)
}
