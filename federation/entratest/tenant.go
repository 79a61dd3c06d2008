package entratest

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/entrafed/entrafed"
)

// Config describes a simulated tenant. Every field may be left zero: the zero Config is a working tenant with one
// managed domain, two subscriptions and one application that may do everything.
type Config struct {
	// TenantID is the tenant's GUID. Empty: chosen from Seed.
	TenantID string

	// Cloud is the Microsoft cloud that the tenant lives in. Zero: [entrafed.Global].
	Cloud entrafed.Cloud

	// BaseURL is the origin of a listener that serves the tenant, for example "http://127.0.0.1:8443", where whatever
	// uses the tenant runs in another process. [Tenant.Cloud] then points there instead of to Microsoft's hosts. http
	// is accepted on a loopback host only. Empty: the tenant is reached through [Tenant.Transport].
	BaseURL string

	// InitialDomain is the tenant's first domain, which stays managed. Empty: "contoso.onmicrosoft.com".
	InitialDomain string

	// Domains are the tenant's other domains. Nil: contoso.com, managed.
	Domains []Domain

	// SKUs are the tenant's subscriptions. Nil: O365_BUSINESS_PREMIUM and STANDARDPACK with 25 seats each.
	SKUs []SKU

	// Users exist from the start and are visible everywhere.
	Users []User

	// Groups exist from the start and are visible everywhere.
	Groups []Group

	// Country is the tenant's own country, ISO 3166-1 alpha-2: the usage location of users who inherit a licence from a
	// group and have no usage location. Empty: "US".
	Country string

	// Apps are the registered applications. Nil: [DefaultApp].
	Apps []App

	// Clock is the tenant's clock. Nil: real time.
	Clock *Clock

	// Seed decides everything that is random: identifiers, lags, and which replica answers. Two tenants with the same
	// Seed that receive the same requests in the same order at the same times answer alike.
	Seed uint64

	// Lag says how far Graph's replicas trail behind. The zero value is on: LagNormal.
	Lag Lag

	// SignInLag is how long after a write the sign-in service knows of it. Zero: 10 seconds, or nothing with LagNone.
	// Negative: nothing.
	SignInLag time.Duration

	// FederationLag is how long after a write at Graph the sign-in service and the realm discovery go by a domain's
	// federation, changed, added or removed. Graph's own answers show it at once. Zero: 5 minutes, or nothing with
	// LagNone. Negative: nothing. Microsoft says up to 2 hours:
	// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
	FederationLag time.Duration

	// Throttle says how much applications may ask of Graph. The zero value is on, with the documented limits.
	Throttle Throttle

	// Lenient makes the sign-in service enforce only those rules that Entra is known to enforce. Without it, it also
	// enforces the rules that Microsoft documents and nobody has seen enforced. [Rules] lists the differences.
	Lenient bool

	// ConflictsAs409 makes Graph answer a uniqueness clash with 409 Request_MultipleObjectsWithSameKeyValue instead of
	// the usual 400 Request_BadRequest. Both have been seen; a client should understand either.
	ConflictsAs409 bool

	// FreezeImmutableID makes Graph refuse to change or clear the onPremisesImmutableId of a user whose UPN is in a
	// federated domain, as the older interfaces did.
	FreezeImmutableID bool

	// DeletedFreeImmutableID lets another user have the onPremisesImmutableId of a deleted one at once. Without it, the
	// ImmutableID is taken for as long as the deleted user can be restored. Both have been reported.
	DeletedFreeImmutableID bool

	// EmptyFederationList makes Graph list no federationConfiguration of a managed domain. Without it, there is 404
	// "Resource 'federationConfiguration' does not exist", as has been reported (MicrosoftDocs/azure-docs#107476).
	EmptyFederationList bool

	// SecondFederationAs409 makes Graph answer 409 to a second federationConfiguration of a domain. Without it, it is 400;
	// which of them is right is not documented.
	SecondFederationAs409 bool

	// PatchFederationReturnsObject makes Graph answer a changed federationConfiguration with 200 and the object, as
	// https://learn.microsoft.com/graph/api/internaldomainfederation-update says. Without it, it is 204, as with most of
	// Graph's objects. A client should understand either.
	PatchFederationReturnsObject bool

	// NextCertificateAfterExpiry makes the nextSigningCertificate verify only once the signingCertificate has expired,
	// which is one way to read https://learn.microsoft.com/graph/api/resources/internaldomainfederation. Without it, both
	// verify all the time.
	NextCertificateAfterExpiry bool

	// FederationNeedsRole makes Graph refuse an application to create, change or delete a federationConfiguration unless
	// it has [App.AdminRole], whatever its permissions are, as has been reported
	// (microsoftgraph/microsoft-graph-docs-contrib#2035). Without it, the permissions are enough, as documented.
	FederationNeedsRole bool

	// CreateRefusals is the share of new users whose creation Graph refuses once, with 400 "One or more property values
	// specified are invalid", although nothing is wrong: 0 to 1. The same creation succeeds when it comes again. Which
	// ones are refused follows from Seed. Zero: none.
	CreateRefusals float64

	// Logger receives a record of every Graph and token request, at level Debug, and of every refusal with its reason,
	// at level Warn. Nil: nothing is logged.
	Logger *slog.Logger
}

// Tenant is a simulated Entra tenant: an [http.Handler] that answers as Microsoft Graph, as the token endpoint and as
// the sign-in service. Its methods are safe for concurrent use.
type Tenant struct {
	cfg   Config
	cloud entrafed.Cloud

	guids       *dice // requests, tokens and the like
	objectIDs   *dice // objects of the directory
	lags        *dice // how far the replicas trail
	picks       *dice // which replica answers
	processing  *dice // how long the licences of groups take
	memberships *dice // how long the members of dynamic groups take
	deltas      *dice // what delta queries repeat
	batches     *dice // the order in a batch
	refusals    *dice // which creations are refused first
	tokenKey    []byte
	routes      []route

	requestKeys requestKeys

	mu             sync.Mutex // guards what follows, but not signIn; [Tenant.lock] takes it
	directory      *directory
	domains        domainList
	dns            []dnsRecord
	externals      []*externalFederation
	refused        map[string]bool    // user principal names whose creation was refused without a reason
	jobs           []licenseJob       // in the order in which they are due
	membershipJobs []membershipJob    // likewise
	dynamicGroups  []string           // their object IDs, in order of creation
	busy           map[string]bool    // object IDs that are being written
	buckets        map[string]*bucket // what has been used of each limit
	calls          []GraphCall

	faults     faultList
	challenges challenges
	mounts     mounts
	cache      credentialCache

	signIn signInState
}

// New returns a tenant, or one error that lists everything that is wrong with cfg.
func New(cfg Config) (*Tenant, error) {
	t := &Tenant{
		guids:       newDice(cfg.Seed, streamGUID),
		objectIDs:   newDice(cfg.Seed, streamObjectID),
		lags:        newDice(cfg.Seed, streamLag),
		picks:       newDice(cfg.Seed, streamReplica),
		processing:  newDice(cfg.Seed, streamProcessing),
		memberships: newDice(cfg.Seed, streamMembership),
		deltas:      newDice(cfg.Seed, streamDelta),
		batches:     newDice(cfg.Seed, streamBatch),
		refusals:    newDice(cfg.Seed, streamRefusal),
		refused:     map[string]bool{},
		busy:        map[string]bool{},
		buckets:     map[string]*bucket{},
	}
	t.cfg = t.withDefaults(cfg)
	t.cloud = cloudOf(t.cfg)
	if err := t.cfg.validate(t.cloud); err != nil {
		return nil, fmt.Errorf("entratest: the configuration of the tenant is wrong:\n%w", err)
	}
	t.tokenKey = make([]byte, 32)
	newDice(cfg.Seed, streamKey).fill(t.tokenKey)
	t.requestKeys = t.newRequestKeys()
	t.routes = t.graphRoutes()
	t.directory = newDirectory(func() time.Duration { return t.cfg.Lag.at(t.lags.share()) }, t.cfg.SignInLag)
	t.domains = t.initialDomains()
	t.addConfiguredUsers()
	t.addConfiguredGroups()
	t.signIn = newSignInState()
	return t, nil
}

// TB is the part of testing.TB that [Start] uses.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Start returns a tenant for a test, and fails the test if cfg is wrong.
func Start(tb TB, cfg Config) *Tenant {
	tb.Helper()
	t, err := New(cfg)
	if err != nil {
		tb.Fatalf("%v", err)
	}
	return t
}

// Config returns the configuration in force, with all defaults filled in. Its slices must not be changed.
func (t *Tenant) Config() Config { return t.cfg }

// Cloud says where the tenant is reached: at the hosts of Config.Cloud, or at Config.BaseURL.
func (t *Tenant) Cloud() entrafed.Cloud {
	c := t.cloud
	c.Hosts = slices.Clone(c.Hosts)
	return c
}

// ServeHTTP answers for all of the tenant's hosts, by path: Graph below /v1.0, the token endpoint and the discovery
// documents, the realm discovery, the metadata of the sign-in service, and that service with the applications for
// everything else.
func (t *Tenant) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault, ok := t.faults.take(r); ok {
		t.serveFault(w, r, fault)
		return
	}
	t.serve(w, r)
}

func (t *Tenant) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	switch {
	case isGraphPath(path):
		t.serveGraph(w, r)
	case strings.HasSuffix(path, "/oauth2/v2.0/token"):
		t.serveToken(w, r)
	case path == "/common/discovery/instance":
		t.serveInstanceDiscovery(w, r)
	case strings.HasSuffix(path, "/v2.0/.well-known/openid-configuration"):
		t.serveOpenIDConfiguration(w, r)
	case strings.HasSuffix(path, "/discovery/v2.0/keys"):
		t.serveTokenKeys(w, r)
	case strings.HasPrefix(path, "/common/userrealm/"):
		t.serveUserRealm(w, r)
	case path == "/getuserrealm.srf":
		t.serveLegacyUserRealm(w, r)
	case path == metadataPath:
		t.serveMetadata(w, r)
	default:
		t.serveSignIn(w, r)
	}
}

func (t *Tenant) withDefaults(cfg Config) Config {
	cfg.TenantID = strings.ToLower(orElse(cfg.TenantID, t.objectIDs.guid()))
	cfg.Cloud = cfg.Cloud.OrGlobal()
	cfg.BaseURL = strings.TrimSuffix(cfg.BaseURL, "/")
	cfg.InitialDomain = strings.ToLower(orElse(cfg.InitialDomain, "contoso.onmicrosoft.com"))
	cfg.Domains = slices.Clone(cfg.Domains)
	if cfg.Domains == nil {
		cfg.Domains = []Domain{{Name: "contoso.com"}}
	}
	for i, d := range cfg.Domains {
		cfg.Domains[i].Name = strings.ToLower(d.Name)
		if d.Federation != nil {
			f := d.Federation.withDefaults()
			cfg.Domains[i].Federation = &f
		}
	}
	cfg.SKUs = slices.Clone(cfg.SKUs)
	if cfg.SKUs == nil {
		cfg.SKUs = defaultSKUs()
	}
	for i := range cfg.SKUs {
		cfg.SKUs[i] = cfg.SKUs[i].withDefaults()
	}
	cfg.Users = slices.Clone(cfg.Users)
	cfg.Groups = slices.Clone(cfg.Groups)
	cfg.Country = strings.ToUpper(orElse(cfg.Country, "US"))
	if cfg.Throttle.Scale == 0 {
		cfg.Throttle.Scale = 1
	}
	cfg.Apps = slices.Clone(cfg.Apps)
	if cfg.Apps == nil {
		cfg.Apps = []App{DefaultApp()}
	}
	for i := range cfg.Apps {
		cfg.Apps[i].ClientID = strings.ToLower(cfg.Apps[i].ClientID)
	}
	if cfg.SignInLag == 0 && cfg.Lag != LagNone {
		cfg.SignInLag = 10 * time.Second
	}
	cfg.SignInLag = max(cfg.SignInLag, 0)
	if cfg.FederationLag == 0 && cfg.Lag != LagNone {
		cfg.FederationLag = 5 * time.Minute
	}
	cfg.FederationLag = max(cfg.FederationLag, 0)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// cloudOf is where the tenant is reached.
func cloudOf(cfg Config) entrafed.Cloud {
	c := cfg.Cloud
	if cfg.BaseURL == "" {
		return c
	}
	c.Login = cfg.BaseURL
	c.Graph = cfg.BaseURL
	c.AssertionConsumerService = cfg.BaseURL + "/login.srf"
	c.Metadata = cfg.BaseURL + metadataPath
	c.Hosts = append(slices.Clone(c.Hosts), hostnameOf(cfg.BaseURL))
	c.InsecureLoopback = c.InsecureLoopback || strings.HasPrefix(cfg.BaseURL, "http://")
	return c
}

func (c Config) validate(cloud entrafed.Cloud) error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !isGUID(c.TenantID) {
		wrong("TenantID %q is not a GUID", c.TenantID)
	}
	if err := cloud.Validate(); err != nil {
		errs = append(errs, err)
	}
	if u, err := url.Parse(c.BaseURL); err == nil && (u.Path != "" || u.RawQuery != "") {
		wrong("BaseURL %q must be an origin, without a path", c.BaseURL)
	}
	if c.Lag.distribution() == nil {
		wrong("Lag %q is not one of LagNormal, LagNone, LagFast and LagBad", c.Lag)
	}
	if !(c.CreateRefusals >= 0 && c.CreateRefusals <= 1) {
		wrong("CreateRefusals %v is not a share from 0 to 1", c.CreateRefusals)
	}
	if !validUsageLocation(c.Country) {
		wrong("Country %q is not a country of two letters", c.Country)
	}
	errs = append(errs, c.validateDomains(), c.validateSKUs(), c.validateApps(), c.validateUsers(), c.validateGroups(),
		c.Throttle.validate())
	return errors.Join(errs...)
}
