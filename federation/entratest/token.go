package entratest

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/entrafed/entrafed"
)

const (
	maxFormBody   = 1 << 20
	tokenLifetime = 3599 * time.Second
	maxSkew       = 5 * time.Minute

	// graphAppID is the application ID of Microsoft Graph in every tenant.
	graphAppID = "00000003-0000-0000-c000-000000000000"

	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
)

// tokenClaims are the claims of an access token for Graph:
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference.
type tokenClaims struct {
	Audience  string   `json:"aud"`
	Issuer    string   `json:"iss"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf"`
	Expires   int64    `json:"exp"`
	AppID     string   `json:"appid"`
	IDType    string   `json:"idtyp"`
	Roles     []string `json:"roles,omitempty"`
	Scopes    string   `json:"scp,omitempty"`
	ObjectID  string   `json:"oid,omitempty"` // of the user, in a delegated token
	UPN       string   `json:"upn,omitempty"`
	TenantID  string   `json:"tid"`
	ID        string   `json:"uti"`
	Version   string   `json:"ver"`
}

// delegated reports whether the token acts for a user, and not for an application alone.
func (c *tokenClaims) delegated() bool { return c.ObjectID != "" }

// may reports whether the token carries one of the permissions.
func (c *tokenClaims) may(permissions ...string) bool {
	held := c.Roles
	if c.delegated() {
		held = strings.Fields(c.Scopes)
	}
	return slices.ContainsFunc(permissions, func(p string) bool { return slices.Contains(held, p) })
}

// serveToken is the OAuth 2.0 token endpoint for the client credentials grant:
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow.
func (t *Tenant) serveToken(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store, no-cache")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("Date", t.now().UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	claims, refusal := t.grantToken(w, r)
	if refusal != nil {
		t.refuseToken(w, r, refusal)
		return
	}
	t.cfg.Logger.Debug("token granted", "client_id", claims.AppID)
	seconds := int(tokenLifetime / time.Second)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": t.signToken(claims),
	})
}

// tokenRefusal is an answer of the token endpoint other than a token.
type tokenRefusal struct {
	status      int
	code        string // of RFC 6749
	aadsts      int
	description string
}

func refuse(status int, code string, aadsts int, format string, args ...any) *tokenRefusal {
	return &tokenRefusal{status: status, code: code, aadsts: aadsts, description: fmt.Sprintf(format, args...)}
}

// grantToken checks a request for a token in the order in which Entra reports what is wrong.
func (t *Tenant) grantToken(w http.ResponseWriter, r *http.Request) (*tokenClaims, *tokenRefusal) {
	const bad = http.StatusBadRequest
	if r.Method != http.MethodPost {
		return nil, refuse(bad, "invalid_request", 900561,
			"The endpoint only accepts POST requests. Received a %s request.", r.Method)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFormBody)
	if err := r.ParseForm(); err != nil {
		return nil, refuse(bad, "invalid_request", 9002313, "Invalid request. Request is malformed or invalid.")
	}
	tenant := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0]
	if !t.hasName(tenant) {
		return nil, refuse(bad, "invalid_request", 90002, "Tenant '%s' not found. Check to make sure you have the "+
			"correct tenant ID and are signing into the correct cloud.", tenant)
	}
	switch grant := r.PostForm.Get("grant_type"); grant {
	case "client_credentials":
	case "":
		return nil, refuse(bad, "invalid_request", 900144,
			"The request body must contain the following parameter: 'grant_type'.")
	default:
		return nil, refuse(bad, "unsupported_grant_type", 70003,
			"The app requested an unsupported grant type '%s'.", grant)
	}
	app, refusal := t.authenticateApp(r)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := t.checkScope(r.PostForm.Get("scope")); refusal != nil {
		return nil, refusal
	}
	return t.claimsFor(app), nil
}

// hasName reports whether name is the tenant's ID or one of its verified domains.
func (t *Tenant) hasName(name string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.EqualFold(name, t.cfg.TenantID) || t.verifiedDomain(name) != nil
}

// authenticateApp checks the client's secret or assertion.
func (t *Tenant) authenticateApp(r *http.Request) (App, *tokenRefusal) {
	clientID, secret := r.PostForm.Get("client_id"), r.PostForm.Get("client_secret")
	if user, password, ok := r.BasicAuth(); ok {
		clientID, secret = unescaped(user), unescaped(password)
	}
	if clientID == "" {
		return App{}, refuse(http.StatusBadRequest, "invalid_request", 900144,
			"The request body must contain the following parameter: 'client_id'.")
	}
	app, known := t.app(clientID)
	if !known {
		return App{}, refuse(http.StatusBadRequest, "unauthorized_client", 700016,
			"Application with identifier '%s' was not found in the directory '%s'. This can happen if the application "+
				"has not been installed by the administrator of the tenant or consented to by any user in the tenant. "+
				"You may have sent your authentication request to the wrong tenant.", clientID, t.cfg.TenantID)
	}
	assertion := r.PostForm.Get("client_assertion")
	switch {
	case assertion != "":
		return app, t.checkAssertion(r, app, assertion)
	case secret == "":
		return App{}, refuse(http.StatusUnauthorized, "invalid_client", 7000218,
			"The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case app.Secret == "" || subtle.ConstantTimeCompare([]byte(secret), []byte(app.Secret)) != 1:
		return App{}, refuse(http.StatusUnauthorized, "invalid_client", 7000215,
			"Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "+
				"not the client secret ID, for a secret added to app '%s'.", clientID)
	}
	return app, nil
}

// unescaped undoes the encoding of RFC 6749 section 2.3.1.
func unescaped(s string) string {
	if u, err := url.QueryUnescape(s); err == nil {
		return u
	}
	return s
}

// checkAssertion checks a JWT signed with a certificate's key:
// https://learn.microsoft.com/entra/identity-platform/certificate-credentials.
func (t *Tenant) checkAssertion(r *http.Request, app App, assertion string) *tokenRefusal {
	invalid := func(aadsts int, format string, args ...any) *tokenRefusal {
		return refuse(http.StatusUnauthorized, "invalid_client", aadsts, format, args...)
	}
	if r.PostForm.Get("client_assertion_type") != assertionType {
		return invalid(7000216, "'client_assertion', 'client_assertion_type' must be used together, "+
			"with the type '%s'.", assertionType)
	}
	token, err := parseJWT(assertion)
	if err != nil {
		return invalid(50027, "JWT token is invalid or malformed: %v.", err)
	}
	if !slices.ContainsFunc(app.Certificates, token.signedBy) {
		return invalid(700027, "The certificate with identifier used to sign the client assertion is not registered "+
			"on application. [Reason - The key was not found.]")
	}
	var claims struct {
		Issuer    string `json:"iss"`
		Subject   string `json:"sub"`
		Audience  string `json:"aud"`
		Expires   int64  `json:"exp"`
		NotBefore int64  `json:"nbf"`
	}
	if err := json.Unmarshal(token.payload, &claims); err != nil {
		return invalid(50027, "JWT token is invalid or malformed: %v.", err)
	}
	now := t.now()
	switch {
	case !strings.EqualFold(claims.Issuer, app.ClientID) || !strings.EqualFold(claims.Subject, app.ClientID):
		return invalid(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")
	case !slices.Contains(t.assertionAudiences(r), strings.ToLower(claims.Audience)):
		return invalid(700023, "Client assertion audience claim does not match Realm issuer.")
	case now.After(time.Unix(claims.Expires, 0).Add(maxSkew)) || now.Add(maxSkew).Before(time.Unix(claims.NotBefore, 0)):
		return invalid(700024, "Client assertion is not within its valid time range. Current time: %s, "+
			"expiry time of assertion %s.", stamp(now), stamp(time.Unix(claims.Expires, 0)))
	}
	return nil
}

// assertionAudiences are the audiences that name this tenant's token endpoint.
func (t *Tenant) assertionAudiences(r *http.Request) []string {
	tenant := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0]
	var out []string
	for _, name := range []string{t.cfg.TenantID, tenant} {
		base := strings.ToLower(t.cloud.Login + "/" + name)
		out = append(out, base+"/oauth2/v2.0/token", base+"/oauth2/token", base+"/v2.0", base+"/")
	}
	return out
}

// checkScope demands Graph of this cloud and nothing else, except for the scopes of OpenID Connect that MSAL adds.
func (t *Tenant) checkScope(scope string) *tokenRefusal {
	const bad = http.StatusBadRequest
	if scope == "" {
		return refuse(bad, "invalid_request", 900144,
			"The request body must contain the following parameter: 'scope'.")
	}
	asked := slices.DeleteFunc(strings.Fields(scope), func(s string) bool {
		return slices.Contains([]string{"openid", "profile", "offline_access", "email"}, s)
	})
	resource, isDefault := strings.CutSuffix(strings.Join(asked, " "), "/.default")
	if !isDefault || len(asked) != 1 {
		return refuse(bad, "invalid_scope", 1002012, "The provided value for scope %s is not valid. Client credential "+
			"flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).",
			scope)
	}
	resource = strings.TrimSuffix(resource, "/")
	if strings.EqualFold(resource, t.cloud.Graph) || resource == graphAppID {
		return nil
	}
	for _, other := range entrafed.Clouds() {
		if strings.EqualFold(resource, other.Graph) {
			return refuse(bad, "invalid_request", 900382, "Confidential Client is not supported in Cross Cloud request.")
		}
	}
	return refuse(bad, "invalid_resource", 500011, "The resource principal named %s was not found in the tenant named "+
		"%s. This can happen if the application has not been installed by the administrator of the tenant or consented "+
		"to by any user in the tenant.", resource, t.cfg.TenantID)
}

func (t *Tenant) claimsFor(app App) *tokenClaims {
	claims := t.newClaims(app.ClientID)
	claims.IDType, claims.Roles = "app", app.Permissions
	return claims
}

// newClaims are those of any access token for Graph.
func (t *Tenant) newClaims(appID string) *tokenClaims {
	now := t.now()
	return &tokenClaims{
		Audience:  t.cloud.Graph,
		Issuer:    "https://sts.windows.net/" + t.cfg.TenantID + "/",
		IssuedAt:  now.Unix(),
		NotBefore: now.Unix(),
		Expires:   now.Add(tokenLifetime).Unix(),
		AppID:     appID,
		TenantID:  t.cfg.TenantID,
		ID:        t.newGUID(),
		Version:   "1.0",
	}
}

// refuseToken writes the error in the form of
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes.
func (t *Tenant) refuseToken(w http.ResponseWriter, r *http.Request, refusal *tokenRefusal) {
	trace, correlation := t.newGUID(), orElse(r.Header.Get("client-request-id"), t.newGUID())
	now := stamp(t.now())
	t.cfg.Logger.Warn("token refused", "aadsts", refusal.aadsts, "reason", refusal.description)
	w.WriteHeader(refusal.status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"error": refusal.code,
		"error_description": fmt.Sprintf("AADSTS%d: %s Trace ID: %s Correlation ID: %s Timestamp: %s",
			refusal.aadsts, refusal.description, trace, correlation, now),
		"error_codes":    []int{refusal.aadsts},
		"timestamp":      now,
		"trace_id":       trace,
		"correlation_id": correlation,
		"error_uri":      t.cloud.Login + "/error?code=" + strconv.Itoa(refusal.aadsts),
	})
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02 15:04:05Z") }

// signToken makes an access token: a JWT that only this tenant can check, as a token for Graph should be to anybody
// else.
func (t *Tenant) signToken(claims *tokenClaims) string {
	payload, _ := json.Marshal(claims) // strings and integers always marshal
	signed := jwtEncode([]byte(`{"typ":"JWT","alg":"HS256"}`)) + "." + jwtEncode(payload)
	return signed + "." + jwtEncode(t.tokenMAC(signed))
}

func (t *Tenant) tokenMAC(signed string) []byte {
	mac := hmac.New(sha256.New, t.tokenKey)
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

var bearerPattern = regexp.MustCompile(`(?i)^bearer +([^ ]+) *$`)

// authorize checks the access token of a request to Graph, and that it was not revoked.
func (t *Tenant) authorize(r *http.Request) (*tokenClaims, *graphError) {
	claims, refusal := t.checkToken(r)
	if refusal == nil && t.challenges.refuses(claims.ID) {
		return nil, t.errChallenge()
	}
	return claims, refusal
}

// checkToken checks the access token of a request to Graph.
func (t *Tenant) checkToken(r *http.Request) (*tokenClaims, *graphError) {
	match := bearerPattern.FindStringSubmatch(r.Header.Get("Authorization"))
	if match == nil {
		return nil, errUnauthorized("Access token is empty.")
	}
	token, err := parseJWT(match[1])
	if err != nil {
		return nil, errUnauthorized("IDX14100: JWT is not well formed.")
	}
	var claims tokenClaims
	if !hmac.Equal(token.signature, t.tokenMAC(token.signed)) || json.Unmarshal(token.payload, &claims) != nil {
		return nil, errUnauthorized("Access token validation failure.")
	}
	now := t.now().Unix()
	switch {
	case claims.Audience != t.cloud.Graph || claims.TenantID != t.cfg.TenantID:
		return nil, errUnauthorized("Access token validation failure. Invalid audience.")
	case now >= claims.Expires:
		return nil, errTokenExpired()
	case now < claims.NotBefore:
		return nil, errUnauthorized("Lifetime validation failed, the token is not yet valid.")
	}
	return &claims, nil
}

// callerOf is the client ID of whoever sent r, or the nil GUID.
func (t *Tenant) callerOf(r *http.Request) string {
	if claims, refusal := t.checkToken(r); refusal == nil {
		return claims.AppID
	}
	return "00000000-0000-0000-0000-000000000000"
}

// jwt is a token in its parts: RFC 7519, RFC 7515.
type jwt struct {
	signed    string // what the signature covers
	algorithm string
	payload   []byte
	signature []byte
}

func jwtEncode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func parseJWT(token string) (jwt, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return jwt{}, errors.New("it does not have three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		b, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			return jwt{}, errors.New("a part is not base64url")
		}
		decoded[i] = b
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if err := json.NewDecoder(bytes.NewReader(decoded[0])).Decode(&header); err != nil {
		return jwt{}, errors.New("its header is not JSON")
	}
	return jwt{
		signed: parts[0] + "." + parts[1], algorithm: header.Algorithm, payload: decoded[1], signature: decoded[2],
	}, nil
}

// signedBy reports whether the key of cert made the signature, with one of the two algorithms that Entra accepts.
func (j jwt) signedBy(cert *x509.Certificate) bool {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return false
	}
	digest := sha256.Sum256([]byte(j.signed))
	switch j.algorithm {
	case "RS256":
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], j.signature) == nil
	case "PS256":
		return rsa.VerifyPSS(key, crypto.SHA256, digest[:], j.signature, nil) == nil
	}
	return false
}

// serveOpenIDConfiguration is the discovery document that MSAL reads before it asks for a token.
func (t *Tenant) serveOpenIDConfiguration(w http.ResponseWriter, r *http.Request) {
	name := strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0]
	anyTenant := slices.Contains([]string{"common", "organizations"}, strings.ToLower(name))
	if !anyTenant && !t.hasName(name) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		t.refuseToken(w, r, refuse(http.StatusBadRequest, "invalid_tenant", 90002, "Tenant '%s' not found. Check to "+
			"make sure you have the correct tenant ID and are signing into the correct cloud.", name))
		return
	}
	issuer := t.cfg.TenantID
	if anyTenant {
		issuer = "{tenantid}"
	}
	base := t.cloud.Login + "/" + name
	writeJSON(w, http.StatusOK, map[string]any{
		"issuer":                                t.cloud.Login + "/" + issuer + "/v2.0",
		"authorization_endpoint":                base + "/oauth2/v2.0/authorize",
		"token_endpoint":                        base + "/oauth2/v2.0/token",
		"jwks_uri":                              base + "/discovery/v2.0/keys",
		"token_endpoint_auth_methods_supported": []string{"client_secret_post", "private_key_jwt", "client_secret_basic"},
		"response_types_supported":              []string{"code", "id_token", "code id_token", "id_token token"},
		"subject_types_supported":               []string{"pairwise"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid", "profile", "email", "offline_access"},
		"cloud_instance_name":                   cloudInstanceName(t.cloud),
		"msgraph_host":                          hostnameOf(t.cloud.Graph),
	})
}

// serveTokenKeys lists no key: a token for Graph is for Graph alone to check.
func (t *Tenant) serveTokenKeys(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"keys": []any{}})
}

// serveInstanceDiscovery tells MSAL which hosts belong to the cloud.
func (t *Tenant) serveInstanceDiscovery(w http.ResponseWriter, _ *http.Request) {
	host := hostOf(t.cloud.Login)
	aliases, cache := []string{host}, host
	if host == "login.microsoftonline.com" {
		cache = "login.windows.net"
		aliases = []string{host, cache, "login.microsoft.com", "sts.windows.net"}
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"tenant_discovery_endpoint": t.cloud.Login + "/" + t.cfg.TenantID + "/v2.0/.well-known/openid-configuration",
		"api-version":               "1.1",
		"metadata": []map[string]any{
			{"preferred_network": host, "preferred_cache": cache, "aliases": aliases},
		},
	})
}

// writeJSON writes an answer other than Graph's.
func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body)
}
