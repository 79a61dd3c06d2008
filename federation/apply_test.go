package federation_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

func TestApplyMakesTheWritesInOrderAndNothingElse(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	dir.domains["contoso.com"].IsDefault, dir.domains["contoso.onmicrosoft.com"].IsDefault = true, false
	w := newWorld(t, dir)
	c := configured(newCertificate(t, "first"))
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com",
		makingDefault("contoso.onmicrosoft.com"), creating("contoso.com", c))

	var events []federation.Event
	outcome, err := w.fed.Apply(t.Context(), plan, func(e federation.Event) { events = append(events, e) })
	require.NoError(t, err)

	require.Equal(t, []string{"change domain contoso.onmicrosoft.com", "create configuration contoso.com"}, dir.writes)
	require.Equal(t, plan.Writes[1].Body, dir.bodies[1])
	require.Equal(t, federation.Outcome{Done: 2, State: stateNow(t, dir, "contoso.com"), Undo: planID}, outcome)
	require.Equal(t, &c, withoutID(outcome.State.Configuration))
	require.Equal(t, []federation.EventKind{
		federation.EventChecked, federation.EventUndo, federation.EventWriting, federation.EventWritten,
		federation.EventWriting, federation.EventWritten,
	}, kinds(events))
	for _, e := range events {
		require.Equal(t, today, e.At)
		require.Equal(t, 2, e.Total)
		require.NotEmpty(t, e.Message)
	}
	require.Equal(t, 1, events[2].Index)
	require.Equal(t, "change domain contoso.onmicrosoft.com", string(events[2].Write.Operation)+" "+events[2].Write.Domain)
	require.Equal(t, "Done: create configuration contoso.com.", events[5].Message)
	require.Empty(t, w.clock.slept, "a tenant that shows everything at once is not waited for")
}

func TestApplyStoresTheWayBackBeforeTheFirstWrite(t *testing.T) {
	t.Parallel()
	old, next := newCertificate(t, "old"), newCertificate(t, "next")
	dir := newTenant().federated("contoso.com", configured(old))
	w := newWorld(t, dir)
	before := stateNow(t, dir, "contoso.com")
	plan := planned(t, dir, federation.PurposeRotate, "contoso.com", changing("contoso.com", before.Configuration.ID,
		federation.Properties{"nextSigningCertificate": bare(next)}))

	var atWrite federation.Record
	dir.refuse = always("change configuration contoso.com", func(string) error {
		atWrite = w.record(t, "contoso.com")
		return nil
	})
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Equal(t, federation.Record{
		Undo:         []federation.Undo{{Plan: planID, Purpose: federation.PurposeRotate, At: today, Before: before}},
		Certificates: []string{bare(next)},
	}, atWrite)
	require.Equal(t, before.Configuration.ID, w.record(t, "contoso.com").Configuration, "then it is ours")

	_, err = w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Len(t, w.record(t, "contoso.com").Undo, 1, "a plan has one way back")
	require.Len(t, w.record(t, "contoso.com").Certificates, 1)
	require.Len(t, dir.writes, 1)
}

func TestAFederationThatAPlanDoesNotWriteIsNotOurs(t *testing.T) {
	t.Parallel()
	dir := newTenant().federated("contoso.com", configured(newCertificate(t, "foreign"))).
		with(federation.Domain{Name: "contoso.net", IsRoot: true, IsVerified: true})
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeMakeDefault, "contoso.com", makingDefault("contoso.net"))
	outcome, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Equal(t, "contoso.net", outcome.State.DefaultDomain)
	require.NotNil(t, outcome.State.Configuration)
	require.Empty(t, w.record(t, "contoso.com").Configuration)
}

func TestApplyOfNoWrites(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	plan := planned(t, w.tenant, federation.PurposeFederate, "contoso.com")
	outcome, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Equal(t, federation.Outcome{State: plan.Before}, outcome)
	require.Empty(t, w.record(t, "contoso.com").Undo)

	w.federated("contoso.com", configured(newCertificate(t, "somebody else's")))
	_, err = w.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrChanged)
}

// broken is a store that fails.
type broken struct {
	federation.Store
	load, save error
}

func (b broken) Load(ctx context.Context, name string) ([]byte, error) {
	if b.load != nil {
		return nil, b.load
	}
	return b.Store.Load(ctx, name)
}

func (b broken) Save(context.Context, string, []byte, []byte) error { return b.save }

func TestNothingIsWrittenWithoutAWayBack(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	corrupted := federation.NewMemoryStore()
	require.NoError(t, corrupted.Save(t.Context(), "contoso.com", nil, []byte("{")))
	for name, store := range map[string]federation.Store{
		"the store cannot be read":    broken{load: full},
		"the store cannot be written": broken{Store: federation.NewMemoryStore(), save: full},
		"somebody always is faster":   broken{Store: federation.NewMemoryStore(), save: federation.ErrStale},
		"the record is corrupted":     corrupted,
	} {
		t.Run(name, func(t *testing.T) {
			dir := newTenant()
			fed, err := federation.New(federation.Config{Directory: dir, Store: store, Discovery: dir})
			require.NoError(t, err)
			plan := planned(t, dir, federation.PurposeFederate, "contoso.com",
				creating("contoso.com", configured(newCertificate(t, "first"))))
			outcome, err := fed.Apply(t.Context(), plan, nil)
			require.ErrorContains(t, err, "the record of contoso.com")
			require.Empty(t, dir.writes)
			require.Empty(t, outcome.Undo)
		})
	}
}

// onlyReads is a directory that can do nothing else.
type onlyReads struct{ federation.Directory }

func TestAPlanThatIsRefused(t *testing.T) {
	t.Parallel()
	good := newCertificate(t, "good")
	expired := newCertificate(t, "expired", func(c *x509.Certificate) { c.NotAfter = today.Add(-time.Hour) })
	change := func(property string, value any) func(*federation.Plan) {
		return func(p *federation.Plan) { p.Writes[0].Body[property] = value }
	}
	for name, test := range map[string]struct {
		spoil func(*federation.Plan)
		says  string
	}{
		"a finding is an error": {func(p *federation.Plan) {
			p.Findings = []federation.Finding{
				{Severity: federation.SeverityWarning, Summary: "a warning"},
				{Severity: federation.SeverityError, Summary: "The issuer is taken."},
			}
		}, "The issuer is taken."},
		"no ID":                  {func(p *federation.Plan) { p.ID = "" }, "it has no ID"},
		"no domain":              {func(p *federation.Plan) { p.Domain = "" }, "it names no domain"},
		"no certificate":         {func(p *federation.Plan) { delete(p.Writes[0].Body, "signingCertificate") }, "without signingCertificate"},
		"an empty certificate":   {change("signingCertificate", ""), "without signingCertificate"},
		"a null certificate":     {change("signingCertificate", nil), "without signingCertificate"},
		"a certificate no text":  {change("signingCertificate", true), "without signingCertificate"},
		"a certificate as PEM":   {change("signingCertificate", string(armoured(good))), "not base64 of DER in one line"},
		"a certificate in lines": {change("signingCertificate", bare(good)[:64]+"\n"+bare(good)[64:]), "not base64 of DER in one line"},
		"a certificate cut off":  {change("signingCertificate", bare(good)[:400]), "it is not a certificate"},
		"a certificate of ECDSA": {change("signingCertificate", bare(keyed(t, "elliptic"))), "its key is ECDSA"},
		"a short key":            {change("signingCertificate", ofShortKey(t)), "its RSA key has 1024 bits"},
		"an expired certificate": {change("signingCertificate", bare(expired)), "it expired on 2026-03-02"},
		"an unreadable next one": {change("nextSigningCertificate", "AAAA"), "its nextSigningCertificate cannot be used"},
		"no issuer":              {change("issuerUri", ""), "without issuerUri"},
		"no sign-in URL":         {change("passiveSignInUri", nil), "without passiveSignInUri"},
		"another domain": {func(p *federation.Plan) { p.Writes[0].Domain = "contoso.net" },
			"it is not about the plan's domain"},
		"a domain that the tenant does not have": {func(p *federation.Plan) { p.Before.Domain = nil }, "does not have the domain"},
		"federating twice": {func(p *federation.Plan) { p.Writes = append(p.Writes, p.Writes[0]) },
			"write 2 of 2 (create configuration contoso.com): the domain has a federation already"},
		"changing what is not there": {func(p *federation.Plan) {
			p.Writes = []federation.Write{changing("contoso.com", "x", federation.Properties{"displayName": "y"})}
		}, "the domain has no federation"},
		"deleting what is not there": {func(p *federation.Plan) {
			p.Writes = []federation.Write{deleting("contoso.com", "x")}
		}, "the domain has no federation"},
		"promoting another domain": {func(p *federation.Plan) {
			p.Writes = []federation.Write{promoting("contoso.net")}
		}, "it is not about the plan's domain"},
		"changing a domain in another way": {func(p *federation.Plan) {
			w := makingDefault("contoso.onmicrosoft.com")
			w.Body["passwordValidityPeriodInDays"] = 1
			p.Writes = []federation.Write{w}
		}, "only isDefault can be changed"},
		"a write for guests": {func(p *federation.Plan) { p.Writes[0].Operation = federation.CreateGuests },
			"a plan to federate does not have such a write"},
		"an operation that is none": {func(p *federation.Plan) { p.Writes[0].Operation = "delete domain" }, "there is no such operation"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newTenant())
			plan := planned(t, w.tenant, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(good)))
			test.spoil(plan)
			outcome, err := w.fed.Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrBlocked)
			require.ErrorContains(t, err, test.says)
			require.Zero(t, outcome)
			require.Empty(t, w.writes)
		})
	}
}

// ofShortKey is a certificate of a key of 1024 bits, signed by a good one.
func ofShortKey(t *testing.T) string {
	t.Helper()
	short := &rsa.PublicKey{N: new(big.Int).SetBit(big.NewInt(1), 1023, 1), E: 65537}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "short"},
		NotBefore: today.AddDate(0, 0, -1), NotAfter: today.AddDate(1, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, short, rsaKey())
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(der)
}

func TestAnOldNextCertificateMayHaveExpired(t *testing.T) {
	t.Parallel()
	first := newCertificate(t, "first")
	expired := newCertificate(t, "expired", func(c *x509.Certificate) { c.NotAfter = today.Add(-time.Hour) })
	dir := newTenant().federated("contoso.com", configured(first))
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeRotate, "contoso.com",
		changing("contoso.com", "configuration-1", federation.Properties{"nextSigningCertificate": bare(expired)}))
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
}

func TestApplyNeedsADirectoryThatCanWrite(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		purpose federation.Purpose
		write   federation.Write
		lacks   string
	}{
		"a federation":    {federation.PurposeFederate, creating("contoso.com", configured(newCertificate(t, "first"))), "Configurations"},
		"a default":       {federation.PurposeMakeDefault, makingDefault("contoso.com"), "DomainChanges"},
		"a promotion":     {federation.PurposePromote, promoting("contoso.com"), "DomainChanges"},
		"guests":          {federation.PurposeFederateGuest, creatingGuests(partner(t)), "GuestChanges"},
		"domain of guest": {federation.PurposeFederateGuest, addingGuestDomain("partner.example.org"), "GuestDomains"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newTenant())
			fed := w.federator(t, onlyReads{w.tenant})
			plan := planned(t, w.tenant, test.purpose, "contoso.com", test.write)
			if test.write.Operation == federation.AddGuestDomain {
				plan.Before.Guests = partner(t)
			}
			_, err := fed.Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrUnsupported)
			require.EqualError(t, err, fmt.Sprintf("federation: the directory cannot do this: it does not implement "+
				"federation.%s, so nothing was written", test.lacks))
			require.Empty(t, w.record(t, "contoso.com").Undo)
		})
	}
	w := newWorld(t, newTenant())
	_, err := w.fed.Apply(t.Context(), nil, nil)
	require.EqualError(t, err, "federation: there is no plan to apply: it is nil")
}

// A tenant that anybody changed in any way that a plan depends on is not written to.
func TestApplyRefusesATenantThatWasChanged(t *testing.T) {
	t.Parallel()
	first, other := newCertificate(t, "first"), newCertificate(t, "other")
	federatedTenant := func() *tenant { return newTenant().federated("contoso.com", configured(first)) }
	configuration := func(change func(*federation.Configuration)) func(*tenant) {
		return func(dir *tenant) { change(dir.configurations["contoso.com"]) }
	}
	for name, test := range map[string]struct {
		begin  func() *tenant
		change func(*tenant)
		says   string
	}{
		"the domain was removed": {newTenant, func(dir *tenant) { delete(dir.domains, "contoso.com") },
			"the tenant does not have the domain contoso.com"},
		"the domain is not verified any more": {newTenant, func(dir *tenant) { dir.domains["contoso.com"].IsVerified = false },
			"contoso.com is not verified"},
		"the domain is not a root any more": {newTenant, func(dir *tenant) { dir.domains["contoso.com"].IsRoot = false },
			"contoso.com is not a root domain"},
		"the domain became the default one": {newTenant, func(dir *tenant) {
			dir.domains["contoso.com"].IsDefault, dir.domains["contoso.onmicrosoft.com"].IsDefault = true, false
		}, "the tenant's default domain is contoso.com and not contoso.onmicrosoft.com"},
		"somebody federated the domain": {newTenant, func(dir *tenant) {
			c := configured(other)
			c.IssuerURI = "https://other.example.net"
			dir.federated("contoso.com", c)
		}, "contoso.com is federated and not managed; there is a federation with https://other.example.net"},
		"somebody made the domain managed": {federatedTenant, func(dir *tenant) { dir.replace("contoso.com", nil) },
			"contoso.com is managed and not federated; there is no federation with https://id.contoso.com/entra/contoso.com"},
		"the issuer": {federatedTenant, configuration(func(c *federation.Configuration) { c.IssuerURI = "https://other.example.net" }),
			`issuerUri is "https://other.example.net" and not "https://id.contoso.com/entra/contoso.com"`},
		"the sign-in URL": {federatedTenant, configuration(func(c *federation.Configuration) { c.PassiveSignInURI = "https://other.example.net/sso" }),
			`passiveSignInUri is "https://other.example.net/sso" and not "https://id.contoso.com/entra/sso"`},
		"the active URL": {federatedTenant, configuration(func(c *federation.Configuration) { c.ActiveSignInURI = "https://other.example.net/ecp" }),
			`activeSignInUri is "https://other.example.net/ecp" and not not set`},
		"the sign-out URL": {federatedTenant, configuration(func(c *federation.Configuration) { c.SignOutURI = "https://other.example.net/out" }),
			"signOutUri"},
		"the metadata URL": {federatedTenant, configuration(func(c *federation.Configuration) { c.MetadataExchangeURI = "https://other.example.net/mex" }),
			"metadataExchangeUri"},
		"the password URL": {federatedTenant, configuration(func(c *federation.Configuration) { c.PasswordResetURI = "https://other.example.net/pw" }),
			"passwordResetUri"},
		"the name": {federatedTenant, configuration(func(c *federation.Configuration) { c.DisplayName = "Other" }),
			`displayName is "Other" and not "contoso.com"`},
		"the certificate": {federatedTenant, configuration(func(c *federation.Configuration) { c.SigningCertificate = bare(other) }),
			`signingCertificate is the certificate "CN=other" until 2027-03-02 (SHA-256 `},
		"the next certificate": {federatedTenant, configuration(func(c *federation.Configuration) { c.NextSigningCertificate = bare(other) }),
			`nextSigningCertificate is the certificate "CN=other"`},
		"the certificate, by nonsense": {federatedTenant, configuration(func(c *federation.Configuration) { c.SigningCertificate = "?" }),
			"signingCertificate is the certificate that is not one and not the certificate"},
		"the certificate, by other nonsense": {federatedTenant, configuration(func(c *federation.Configuration) { c.SigningCertificate = "AAAA" }),
			"signingCertificate is the certificate that cannot be read (SHA-256 709E80C88487A241…)"},
		"the protocol": {federatedTenant, configuration(func(c *federation.Configuration) { c.Protocol = federation.WSFed }),
			`preferredAuthenticationProtocol is "wsFed" and not "saml"`},
		"the protocol is not set any more": {federatedTenant, configuration(func(c *federation.Configuration) { c.Protocol = "" }),
			`preferredAuthenticationProtocol is not set and not "saml"`},
		"the second factor": {federatedTenant, configuration(func(c *federation.Configuration) { c.MFABehavior = federation.AcceptMFA }),
			`federatedIdpMfaBehavior is "acceptIfMfaDoneByFederatedIdp" and not "rejectMfaByFederatedIdp"`},
		"the prompt": {federatedTenant, configuration(func(c *federation.Configuration) { c.PromptLogin = federation.DisabledPrompt }),
			`promptLoginBehavior is "disabled" and not not set`},
		"signed requests": {federatedTenant, configuration(func(c *federation.Configuration) { c.SignedRequests = true }),
			"isSignedAuthenticationRequestRequired is true and not false"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := test.begin()
			w := newWorld(t, dir)
			plan := planned(t, dir, federation.PurposeFederate, "contoso.com")
			if plan.Before.Configuration == nil {
				plan.Writes = []federation.Write{creating("contoso.com", configured(other))}
			} else {
				plan.Writes = []federation.Write{changing("contoso.com", plan.Before.Configuration.ID,
					federation.Properties{"signOutUri": "https://id.contoso.com/out"})}
			}
			test.change(dir)
			outcome, err := w.fed.Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrChanged)
			require.ErrorContains(t, err, test.says)
			require.Empty(t, dir.writes)
			require.Empty(t, outcome.Undo)
			require.Equal(t, dir.domains["contoso.com"] != nil, outcome.State.Domain != nil, "the outcome has what was read")
		})
	}
}

// What Entra chooses or fills in is no change, and a sign-in does not depend on a domain's services.
func TestApplyDoesNotMindWhatEntraChooses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*tenant){
		"the ID": func(dir *tenant) { dir.configurations["contoso.com"].ID = "another" },
		"defaults that were not set": func(dir *tenant) {
			dir.configurations["contoso.com"].PromptLogin = federation.TranslatePrompt
		},
		"white space in a certificate": func(dir *tenant) {
			c := dir.configurations["contoso.com"]
			c.SigningCertificate = c.SigningCertificate[:64] + "\r\n" + c.SigningCertificate[64:]
		},
		"the services":  func(dir *tenant) { dir.domains["contoso.com"].SupportedServices = []string{"Email"} },
		"other domains": func(dir *tenant) { dir.with(federation.Domain{Name: "contoso.net", IsVerified: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := newTenant().federated("contoso.com", configured(newCertificate(t, "first")))
			w := newWorld(t, dir)
			plan := planned(t, dir, federation.PurposeFederate, "contoso.com",
				changing("contoso.com", "configuration-1", federation.Properties{"signOutUri": "https://id.contoso.com/out"}))
			change(dir)
			_, err := w.fed.Apply(t.Context(), plan, nil)
			require.NoError(t, err)
			require.Equal(t, []string{"change configuration contoso.com"}, dir.writes)
		})
	}
}

func TestTheTenantIsReadUntilItShowsTheChange(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	dir.lag = 5
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com",
		creating("contoso.com", configured(newCertificate(t, "first"))))
	var events []federation.Event
	outcome, err := w.fed.Apply(t.Context(), plan, func(e federation.Event) { events = append(events, e) })
	require.NoError(t, err)
	require.NotNil(t, outcome.State.Configuration)
	require.Equal(t, []string{"create configuration contoso.com"}, dir.writes)
	require.Equal(t, []federation.EventKind{
		federation.EventChecked, federation.EventUndo, federation.EventWriting, federation.EventWaiting, federation.EventWritten,
	}, kinds(events))
	require.Equal(t, []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 15 * time.Second}, w.clock.slept)
}

func TestTwoWhoApplyTheSamePlanAtOnce(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com",
		creating("contoso.com", configured(newCertificate(t, "first"))))
	results := make(chan error)
	for range 2 {
		fed := w.federator(t, dir)
		go func() {
			_, err := fed.Apply(context.Background(), plan, nil)
			results <- err
		}()
	}
	require.NoError(t, <-results)
	require.NoError(t, <-results)
	require.Equal(t, []string{"create configuration contoso.com"}, dir.writes)
	require.Len(t, w.record(t, "contoso.com").Undo, 1)
}
