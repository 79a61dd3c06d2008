package federation_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/internal/certtest"
)

// today is when the tests begin.
var today = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// tenant is a directory as the tests want it: each behaviour that they need is a field.
type tenant struct {
	mu             sync.Mutex
	domains        map[string]*federation.Domain
	configurations map[string]*federation.Configuration
	guests         map[string]*federation.GuestConfiguration
	users          []federation.User
	administrators []federation.User
	caller         federation.Caller
	policy         federation.TokenValidationPolicy
	records        map[string][]federation.DNSRecord
	published      map[string]bool // domains whose record can be seen
	bricked        map[string]bool // domains whose configuration cannot be read
	serverTime     func() time.Time
	writes         []string // what was written, such as "create configuration contoso.com"
	bodies         []federation.Properties

	// refuse answers a call instead of the tenant, when it returns an error: before anything is done. The call is that of
	// writes, or "domains", "configuration contoso.com", "users contoso.com", "caller", "administrators", "policy".
	refuse func(call string) error

	// lose loses the answer to a write that was done.
	lose func(call string) error

	// lag hides this many reads of a configuration after a write.
	lag   int
	stale map[string]stale
	ids   int
}

type stale struct {
	configuration *federation.Configuration
	reads         int
}

// newTenant has contoso.onmicrosoft.com, the initial and default domain, with one administrator, and contoso.com, verified.
func newTenant() *tenant {
	admin := federation.User{ObjectID: "admin", UserPrincipalName: "admin@contoso.onmicrosoft.com", Enabled: true}
	return (&tenant{
		domains:        map[string]*federation.Domain{},
		configurations: map[string]*federation.Configuration{},
		guests:         map[string]*federation.GuestConfiguration{},
		records:        map[string][]federation.DNSRecord{},
		published:      map[string]bool{},
		bricked:        map[string]bool{},
		stale:          map[string]stale{},
		administrators: []federation.User{admin},
		caller:         federation.Caller{Application: true, ID: "11111111-2222-4333-8444-555555555555"},
		serverTime:     func() time.Time { return today },
	}).with(
		federation.Domain{Name: "contoso.onmicrosoft.com", IsInitial: true, IsDefault: true, IsRoot: true, IsVerified: true},
		federation.Domain{Name: "contoso.com", IsRoot: true, IsVerified: true},
	)
}

// with adds or replaces domains.
func (t *tenant) with(domains ...federation.Domain) *tenant {
	for _, d := range domains {
		if d.AuthenticationType == "" {
			d.AuthenticationType = federation.Managed
		}
		t.domains[d.Name] = &d
	}
	return t
}

// federated gives a domain a configuration as set-up.
func (t *tenant) federated(domain string, c federation.Configuration) *tenant {
	if c.ID == "" {
		c.ID = t.newID()
	}
	t.configurations[domain] = &c
	t.domains[domain].AuthenticationType = federation.Federated
	return t
}

func (t *tenant) newID() string {
	t.ids++
	return fmt.Sprintf("configuration-%d", t.ids)
}

func answer(operation string, status int, code, message string) error {
	return &federation.DirectoryError{
		Operation: operation, Status: status, Code: code, Message: message, RequestID: "a-request-id",
	}
}

func notFound(call string) error {
	return answer(call, http.StatusNotFound, "Request_ResourceNotFound", "Resource does not exist.")
}

// begin answers a call with what refuse says.
func (t *tenant) begin(call string) error {
	if t.refuse == nil {
		return nil
	}
	return t.refuse(call)
}

// wrote records a write, and loses its answer if lose says so.
func (t *tenant) wrote(call string, body federation.Properties) error {
	t.writes = append(t.writes, call)
	t.bodies = append(t.bodies, maps.Clone(body))
	if t.lose == nil {
		return nil
	}
	return t.lose(call)
}

func (t *tenant) Domains(context.Context) ([]federation.Domain, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.begin("domains"); err != nil {
		return nil, err
	}
	var all []federation.Domain
	for _, name := range slices.Sorted(maps.Keys(t.domains)) {
		all = append(all, *t.domains[name])
	}
	return all, nil
}

func (t *tenant) Configuration(_ context.Context, domain string) (*federation.Configuration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.begin("configuration " + domain); err != nil {
		return nil, err
	}
	if t.bricked[domain] {
		return nil, answer("GET /domains/{id}/federationConfiguration", http.StatusInternalServerError,
			"Service_InternalServerError", "Encountered an internal server error.")
	}
	present := t.configurations[domain]
	if old, late := t.stale[domain]; late && old.reads > 0 {
		old.reads--
		t.stale[domain] = old
		present = old.configuration
	}
	if present == nil {
		return nil, nil
	}
	read := *present
	return &read, nil
}

// replace sets a domain's configuration, which reads show later if the tenant lags.
func (t *tenant) replace(domain string, c *federation.Configuration) {
	t.stale[domain] = stale{t.configurations[domain], t.lag}
	if c == nil {
		delete(t.configurations, domain)
		t.domains[domain].AuthenticationType = federation.Managed
		return
	}
	t.configurations[domain] = c
	t.domains[domain].AuthenticationType = federation.Federated
}

func (t *tenant) CreateConfiguration(_ context.Context, domain string, p federation.Properties) (federation.Configuration, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	call := "create configuration " + domain
	if err := t.begin(call); err != nil {
		return federation.Configuration{}, err
	}
	d := t.domains[domain]
	switch {
	case d == nil:
		return federation.Configuration{}, notFound(call)
	case t.configurations[domain] != nil:
		return federation.Configuration{}, answer(call, http.StatusBadRequest, "Request_BadRequest", "already configured")
	case p["signingCertificate"] == nil:
		t.bricked[domain], d.AuthenticationType = true, federation.Federated
		return federation.Configuration{}, errors.Join(t.wrote(call, p),
			answer(call, http.StatusInternalServerError, "Service_InternalServerError", "internal server error"))
	}
	c := federation.Configuration{ID: t.newID()}
	write(&c, p)
	t.replace(domain, &c)
	return c, t.wrote(call, p)
}

func (t *tenant) ChangeConfiguration(_ context.Context, domain, id string, p federation.Properties) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	call := "change configuration " + domain
	if err := t.begin(call); err != nil {
		return err
	}
	present := t.configurations[domain]
	if present == nil || present.ID != id {
		return notFound(call)
	}
	changed := *present
	write(&changed, p)
	t.replace(domain, &changed)
	return t.wrote(call, p)
}

func (t *tenant) DeleteConfiguration(_ context.Context, domain, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	call := "delete configuration " + domain
	if err := t.begin(call); err != nil {
		return err
	}
	if present := t.configurations[domain]; present == nil || present.ID != id {
		return notFound(call)
	}
	t.replace(domain, nil)
	return t.wrote(call, nil)
}

// write sets the properties of a configuration: what the library says of them is not asked.
func write(c *federation.Configuration, p federation.Properties) {
	text := func(name string, target *string) {
		if value, sent := p[name]; sent {
			*target, _ = value.(string)
		}
	}
	text("displayName", &c.DisplayName)
	text("issuerUri", &c.IssuerURI)
	text("passiveSignInUri", &c.PassiveSignInURI)
	text("activeSignInUri", &c.ActiveSignInURI)
	text("signOutUri", &c.SignOutURI)
	text("metadataExchangeUri", &c.MetadataExchangeURI)
	text("passwordResetUri", &c.PasswordResetURI)
	text("signingCertificate", &c.SigningCertificate)
	text("nextSigningCertificate", &c.NextSigningCertificate)
	text("preferredAuthenticationProtocol", (*string)(&c.Protocol))
	text("federatedIdpMfaBehavior", (*string)(&c.MFABehavior))
	text("promptLoginBehavior", (*string)(&c.PromptLogin))
	if value, sent := p["isSignedAuthenticationRequestRequired"]; sent {
		c.SignedRequests, _ = value.(bool)
	}
}

func (t *tenant) AddDomain(_ context.Context, name string) (federation.Domain, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	call := "add domain " + name
	if err := t.begin(call); err != nil {
		return federation.Domain{}, err
	}
	if t.domains[name] != nil {
		return federation.Domain{}, answer(call, http.StatusBadRequest, "Request_BadRequest", "already exists")
	}
	t.with(federation.Domain{Name: name, IsRoot: true})
	t.records[name] = []federation.DNSRecord{{Type: "Txt", Name: name, Text: "MS=ms12345678", TTL: time.Hour}}
	return *t.domains[name], t.wrote(call, federation.Properties{"id": name})
}

func (t *tenant) ChangeDomain(_ context.Context, name string, p federation.Properties) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	call := "change domain " + name
	if err := t.begin(call); err != nil {
		return err
	}
	d := t.domains[name]
	switch {
	case d == nil:
		return notFound(call)
	case p["isDefault"] == true && d.AuthenticationType == federation.Federated:
		return answer(call, http.StatusBadRequest, "Request_BadRequest",
			"Domain authentication type must be Managed to become default")
	case p["isDefault"] == true:
		for _, other := range t.domains {
			other.IsDefault = false
		}
		d.IsDefault = true
	}
	return t.wrote(call, p)
}

func (t *tenant) PromoteDomain(_ context.Context, name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	call := "promote domain " + name
	if err := t.begin(call); err != nil {
		return err
	}
	d := t.domains[name]
	if d == nil {
		return notFound(call)
	}
	d.IsRoot, d.AuthenticationType = true, federation.Managed
	return t.wrote(call, nil)
}

func (t *tenant) DNSRecords(_ context.Context, domain string) ([]federation.DNSRecord, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.begin("records " + domain); err != nil {
		return nil, err
	}
	if t.domains[domain] == nil {
		return nil, notFound("records " + domain)
	}
	return t.records[domain], nil
}

func (t *tenant) VerifyDomain(_ context.Context, name string) (federation.Domain, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	call := "verify domain " + name
	if err := t.begin(call); err != nil {
		return federation.Domain{}, err
	}
	d := t.domains[name]
	switch {
	case d == nil:
		return federation.Domain{}, notFound(call)
	case !t.published[name]:
		return federation.Domain{}, answer(call, http.StatusBadRequest, "Request_BadRequest",
			"Domain verification failed: the record was not found.")
	}
	d.IsVerified = true
	return *d, t.wrote(call, nil)
}

// usersOfAPage is small, so that there are pages.
const usersOfAPage = 3

func (t *tenant) Users(_ context.Context, domain, cursor string) (federation.UserPage, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.begin("users " + domain); err != nil {
		return federation.UserPage{}, err
	}
	var in []federation.User
	for _, u := range t.users {
		if strings.HasSuffix(strings.ToLower(u.UserPrincipalName), "@"+domain) {
			in = append(in, u)
		}
	}
	var skip int
	if cursor != "" {
		if _, err := fmt.Sscanf(cursor, "after %d", &skip); err != nil {
			return federation.UserPage{}, err
		}
	}
	page := federation.UserPage{Users: in[skip:min(skip+usersOfAPage, len(in))]}
	if skip+usersOfAPage < len(in) {
		page.Next = fmt.Sprintf("after %d", skip+usersOfAPage)
	}
	return page, nil
}

func (t *tenant) Caller(context.Context) (federation.Caller, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.caller, t.begin("caller")
}

func (t *tenant) GlobalAdministrators(context.Context) ([]federation.User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.administrators, t.begin("administrators")
}

func (t *tenant) TokenValidationPolicy(context.Context) (federation.TokenValidationPolicy, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.policy, t.begin("policy")
}

func (t *tenant) Organization(context.Context) (federation.Organization, error) {
	return federation.Organization{ID: "22222222-3333-4444-8555-666666666666", Name: "Contoso"}, t.begin("organization")
}

func (t *tenant) ServerTime(context.Context) (time.Time, error) {
	return t.serverTime(), t.begin("time")
}

// Realm makes the tenant its own sign-in service, which acts on everything at once. Tests that want it late put a Discovery
// of their own in between.
func (t *tenant) Realm(_ context.Context, domain string) (federation.Realm, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.begin("realm " + domain); err != nil {
		return federation.Realm{}, err
	}
	d := t.domains[domain]
	if d == nil || !d.IsVerified {
		return federation.Realm{Domain: domain, Type: federation.UnknownRealm}, nil
	}
	for name := domain; ; {
		if c := t.configurations[name]; c != nil {
			return federation.Realm{
				Domain: domain, Type: federation.FederatedRealm, Protocol: c.Protocol, SignInURL: c.PassiveSignInURI,
				BrandName: c.DisplayName, ActiveSignInURL: c.ActiveSignInURI, MetadataURL: c.MetadataExchangeURI,
			}, nil
		}
		_, parent, found := strings.Cut(name, ".")
		if !found || t.domains[name] != nil && t.domains[name].IsRoot {
			return federation.Realm{Domain: domain, Type: federation.ManagedRealm}, nil
		}
		name = parent
	}
}

// world is a tenant, a Federator of it, and a clock that moves when somebody sleeps.
type world struct {
	*tenant
	fed   *federation.Federator
	store *federation.MemoryStore
	clock *clock
}

func newWorld(t *testing.T, dir *tenant) *world {
	t.Helper()
	w := &world{tenant: dir, store: federation.NewMemoryStore(), clock: &clock{now: today}}
	w.fed = w.federator(t, dir)
	return w
}

// federator is one more process that works on the same tenant, with the same store.
func (w *world) federator(t *testing.T, dir federation.Directory) *federation.Federator {
	t.Helper()
	fed, err := federation.New(federation.Config{
		Directory: dir, Store: w.store, Discovery: w.tenant, Now: w.clock.Now, Sleep: w.clock.Sleep,
	})
	require.NoError(t, err)
	return fed
}

// clock is time that passes only when somebody sleeps.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return nil
}

// pass lets time pass.
func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// rsaKey makes the keys of all certificates: making one for each would be slow. Which key it is matters to no test here.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return certtest.RSA(2048) })

// newCertificate is valid from a day before today for a year, unless change says otherwise.
func newCertificate(t *testing.T, name string, change ...func(*x509.Certificate)) *x509.Certificate {
	t.Helper()
	return certtest.SelfSigned(rsaKey(), name, today.AddDate(0, 0, -1), today.AddDate(1, 0, 0), change...)
}

// armoured is a certificate as PEM; bare is it as Graph has it.
func armoured(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

func bare(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

// settings federate contoso.com in the plainest way.
func settings(c *x509.Certificate) federation.Settings {
	return federation.Settings{
		Domain:             "contoso.com",
		Issuer:             "https://id.contoso.com/entra/contoso.com",
		SignInURL:          "https://id.contoso.com/entra/sso",
		SigningCertificate: armoured(c),
	}
}

// configured is the federation that settings make.
func configured(c *x509.Certificate) federation.Configuration {
	s := settings(c)
	return federation.Configuration{
		DisplayName: s.Domain, IssuerURI: s.Issuer, PassiveSignInURI: s.SignInURL, SigningCertificate: bare(c),
		Protocol: federation.SAML, MFABehavior: federation.RejectMFA,
	}
}
