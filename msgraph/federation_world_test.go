package msgraph_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/saml"
)

const (
	providerHost = "id.contoso.com"
	issuer       = "https://id.contoso.com/entra/contoso.com"
	signInURL    = "https://id.contoso.com/entra/sso"
	adeleUPN     = "adele@contoso.com"
	adeleID      = "a1"
	adminUPN     = "admin@" + initialDomain // a Global Administrator
)

// federationStart is when the clock of these tests begins.
var federationStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// contoso is a tenant with an employee in the managed domain contoso.com, and an administrator outside of it. Nothing lags.
func contoso(change ...func(*entratest.Config)) entratest.Config {
	cfg := entratest.Config{
		Lag:   entratest.LagNone,
		Clock: entratest.NewClock(federationStart),
		Users: []entratest.User{
			{UPN: adeleUPN, ImmutableID: adeleID, Enabled: true},
			{UPN: adminUPN, Enabled: true, GlobalAdministrator: true},
		},
	}
	for _, c := range change {
		c(&cfg)
	}
	return cfg
}

// federating is a tenant, an identity provider for its people, and a Federator between them. Time is the tenant's.
type federating struct {
	testing.TB
	clock *entratest.Clock
	entra *entratest.Tenant
	dir   *msgraph.Tenant
	store federation.Store
	fed   *federation.Federator
	idp   *provider
}

// newFederating has contoso.com managed, unless the configuration says otherwise.
func newFederating(t testing.TB, cfg entratest.Config) *federating {
	t.Helper()
	f := &federating{TB: t, clock: cfg.Clock, entra: entratest.Start(t, cfg), store: federation.NewMemoryStore()}
	f.dir = f.directory(f.entra.Credential(), f.entra.Transport())
	f.fed = f.federator(f.dir)
	f.idp = f.provider(issuer, signerOf(t, "old"), saml.Signer{})
	f.entra.Mount(providerHost, f.idp)
	return f
}

// directory is the tenant as somebody has it, over a way of their own.
func (f *federating) directory(credential azcore.TokenCredential, way http.RoundTripper) *msgraph.Tenant {
	f.Helper()
	dir, err := msgraph.New(msgraph.Config{
		Cloud: f.entra.Cloud(), Credential: credential, Transport: way, Now: f.clock.Now,
	})
	require.NoError(f, err)
	return dir
}

// federator is one more process.
func (f *federating) federator(dir federation.Directory, change ...func(*federation.Config)) *federation.Federator {
	f.Helper()
	discovery, err := federation.NewDiscovery(f.entra.Cloud(), &http.Client{Transport: f.entra.Transport()})
	require.NoError(f, err)
	cfg := federation.Config{
		Directory: dir, Store: f.store, Cloud: f.entra.Cloud(), Discovery: discovery, Now: f.clock.Now, Sleep: f.clock.Sleep,
	}
	for _, c := range change {
		c(&cfg)
	}
	fed, err := federation.New(cfg)
	require.NoError(f, err)
	return fed
}

// as is the Federator of a user who let it have some permissions.
func (f *federating) as(upn string, permissions ...string) *federation.Federator {
	f.Helper()
	return f.federator(f.directory(f.entra.UserCredential(upn, permissions...), f.entra.Transport()))
}

// settings federate contoso.com with the identity provider.
func (f *federating) settings(change ...func(*federation.Settings)) federation.Settings {
	active, _ := f.idp.signs()
	s := federation.Settings{
		Domain: "contoso.com", Issuer: issuer, SignInURL: signInURL, SigningCertificate: active.Raw,
	}
	for _, c := range change {
		c(&s)
	}
	return s
}

// plan makes a plan that has no error.
func (f *federating) plan(s federation.Settings) *federation.Plan {
	f.Helper()
	plan, err := f.fed.Plan(f.Context(), s)
	require.NoError(f, err)
	require.Empty(f, ofSeverity(plan.Findings, federation.SeverityError))
	return plan
}

// apply applies a plan, and lets Entra act on it.
func (f *federating) apply(plan *federation.Plan) federation.Outcome {
	f.Helper()
	outcome, err := f.fed.Apply(f.Context(), plan, nil)
	require.NoError(f, err)
	f.settle()
	return outcome
}

// federate federates contoso.com, and lets Entra act on it.
func (f *federating) federate() *federation.Plan {
	f.Helper()
	plan := f.plan(f.settings())
	f.apply(plan)
	return plan
}

// settle lets Entra's sign-in service act on whatever was changed.
func (f *federating) settle() { f.clock.Advance(f.entra.Config().FederationLag) }

func ofSeverity(findings []federation.Finding, s federation.Severity) []federation.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f federation.Finding) bool { return f.Severity != s })
}

// ofRule is the one finding of a rule.
func (f *federating) ofRule(findings []federation.Finding, rule string) federation.Finding {
	f.Helper()
	i := slices.IndexFunc(findings, func(found federation.Finding) bool { return found.Rule == rule })
	require.GreaterOrEqual(f, i, 0, "no finding of %s, but %v", rule, rulesOf(findings))
	return findings[i]
}

func rulesOf(findings []federation.Finding) (names []string) {
	for _, f := range findings {
		names = append(names, f.Rule)
	}
	return names
}

// domain is a domain of the tenant as Graph shows it.
func (f *federating) domain(name string) entratest.Domain {
	f.Helper()
	domains := f.entra.Domains()
	i := slices.IndexFunc(domains, func(d entratest.Domain) bool { return d.Name == name })
	require.GreaterOrEqual(f, i, 0, "the tenant has no domain %s", name)
	return domains[i]
}

// writes are the requests that would change something, as method and path below /v1.0, which reached Graph.
func (f *federating) writes() (all []string) {
	for _, call := range f.entra.GraphCalls() {
		if call.Method != http.MethodGet {
			all = append(all, call.Method+" "+strings.TrimPrefix(call.Path, "/v1.0"))
		}
	}
	return all
}

// provider is an identity provider of package saml, the Keys of a rotation, behind its addresses. Everybody who asks is
// signed in as somebody at once.
type provider struct {
	*saml.IdentityProvider
	t        testing.TB
	subject  saml.Subject
	now      func() time.Time
	switched func() // told of each switch of the key; nil: nobody
}

// provider is the identity provider for contoso.com that calls itself so.
func (f *federating) provider(name string, active, next saml.Signer, change ...func(*saml.Config)) *provider {
	f.Helper()
	cfg := saml.Config{
		Cloud: f.entra.Cloud(), SingleSignOnService: signInURL, Signer: active, NextSigner: next, Now: f.clock.Now,
		Realms: []saml.Realm{{Domain: "contoso.com", Issuer: name}},
	}
	for _, c := range change {
		c(&cfg)
	}
	idp, err := saml.New(cfg)
	require.NoError(f, err)
	return &provider{
		IdentityProvider: idp, t: f, now: cfg.Now, subject: saml.Subject{ImmutableID: adeleID, UPN: adeleUPN},
	}
}

// Switch implements [federation.Switcher], and tells of it.
func (p *provider) Switch(ctx context.Context, certificate *x509.Certificate) error {
	err := p.IdentityProvider.Switch(ctx, certificate)
	if err == nil && p.switched != nil {
		p.switched()
	}
	return err
}

// signs is the certificate of the key that signs, and other that of its other key.
func (p *provider) signs() (signing, other *x509.Certificate) {
	p.t.Helper()
	signing, other, err := p.Certificates(context.Background())
	require.NoError(p.t, err)
	return signing, other
}

// turn makes the other key sign, by the hand of the operator.
func (p *provider) turn() {
	p.t.Helper()
	_, other := p.signs()
	require.NoError(p.t, p.IdentityProvider.Switch(context.Background(), other))
}

// ServeHTTP answers Entra's requests, and shows the metadata.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", p.now().UTC().Format(http.TimeFormat))
	if strings.HasSuffix(r.URL.Path, "/metadata") {
		document, err := p.Metadata("")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", saml.MetadataContentType)
		_, _ = w.Write(document)
		return
	}
	response, err := p.answer(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	_ = response.Post(w)
}

// answer signs somebody in.
func (p *provider) answer(r *http.Request) (*saml.Response, error) {
	request, err := p.ReadRequest(r)
	if err != nil {
		return nil, err
	}
	subject := p.subject
	if subject.AuthnInstant.IsZero() {
		subject.AuthnInstant = p.now()
	}
	return p.Respond(request, subject)
}

// asked is a sign-in that Entra has sent to the identity provider.
func (f *federating) asked(upn string) entratest.AuthnRequest {
	f.Helper()
	request, err := f.entra.NewAuthnRequest(upn)
	require.NoError(f, err)
	return request
}

// answered is the identity provider's answer to a request.
func (f *federating) answered(idp *provider, request entratest.AuthnRequest) *saml.Response {
	f.Helper()
	r := httptest.NewRequest(http.MethodPost, request.URL, strings.NewReader(request.Form().Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := idp.answer(r)
	require.NoError(f, err)
	return response
}

// signIn lets Adele sign in by the identity provider, without a browser.
func (f *federating) signIn() entratest.Verdict {
	f.Helper()
	response := f.answered(f.idp, f.asked(adeleUPN))
	return f.entra.CheckResponse(response.SAMLResponse(), response.RelayState)
}

// requireSignsIn asserts that Entra lets Adele in, by the federation of contoso.com.
func (f *federating) requireSignsIn() {
	f.Helper()
	v := f.signIn()
	require.True(f, v.Accepted, "%s: %s", v.Code, v.Detail)
	require.Equal(f, adeleUPN, v.User.UPN)
	require.Equal(f, "contoso.com", v.Realm)
}

// requireManaged asserts that people of a domain sign in at Entra, as Graph and the sign-in service say.
func (f *federating) requireManaged(domain string) {
	f.Helper()
	require.Nil(f, f.domain(domain).Federation)
	_, err := f.entra.NewAuthnRequest(domain)
	require.ErrorIs(f, err, entratest.ErrNotFederated)
}

// signingKeys are the keys that these tests sign with. They take a while to make.
var signingKeys = sync.OnceValue(func() map[string]*rsa.PrivateKey {
	keys := map[string]*rsa.PrivateKey{}
	for _, name := range []string{"old", "new", "other"} {
		keys[name] = certtest.RSA(2048)
	}
	return keys
})

// signerOf is one of the keys, and its certificate: valid for a year, the new one's from a day later than the old one's.
func signerOf(t testing.TB, name string, change ...func(*x509.Certificate)) saml.Signer {
	t.Helper()
	begin := map[string]time.Time{
		"old": federationStart.AddDate(0, -2, 0), "new": federationStart.AddDate(0, -1, 0),
		"other": federationStart.AddDate(0, -1, 0),
	}[name]
	key := signingKeys()[name]
	return saml.Signer{Key: key, Certificate: certtest.SelfSigned(key, name, begin, begin.AddDate(1, 0, 0), change...)}
}

// happened is an event in short.
func happened(e federation.Event) string {
	if e.Index == 0 {
		return string(e.Kind)
	}
	return fmt.Sprintf("%s %d of %d", e.Kind, e.Index, e.Total)
}

// certificates are those of some keys.
func certificates(signers ...saml.Signer) (all []*x509.Certificate) {
	for _, s := range signers {
		all = append(all, s.Certificate)
	}
	return all
}
