package msgraph_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// longestLag is how long Microsoft says that a change of a federation may take to be acted on.
const longestLag = 2 * time.Hour

// rotation is a domain whose signing key is replaced while people sign in: the simulated tenant, a real identity provider
// of package saml, and package federation between them.
type rotation struct {
	t         *testing.T
	clock     *entratest.Clock
	entra     *entratest.Tenant
	idp       *saml.IdentityProvider
	fed       *federation.Federator
	old, next *x509.Certificate

	signIns int
	refused []time.Time
	codes   map[string]int
	began   map[federation.RotationStage]time.Time
}

func newRotation(t *testing.T, cfg entratest.Config, change ...func(*federation.Config)) *rotation {
	t.Helper()
	r := &rotation{
		t: t, clock: entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)),
		codes: map[string]int{}, began: map[federation.RotationStage]time.Time{},
	}
	oldKey, old := newCertificate(t, "old")
	nextKey, next := newCertificate(t, "next")
	r.old, r.next = old, next
	const issuer, address = "https://id.contoso.com/entra", "https://id.contoso.com/sso"
	cfg.Clock = r.clock
	cfg.Domains = []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
		Issuer: issuer, SignInURL: address, Certificates: []*x509.Certificate{old},
	}}}
	cfg.Users = []entratest.User{{ObjectID: adele, UPN: "adele@contoso.com", ImmutableID: "a1", Enabled: true}}
	dir, entra := simulated(t, cfg)
	r.entra = entra

	idp, err := saml.New(saml.Config{
		Cloud: entra.Cloud(), SingleSignOnService: address, Realms: []saml.Realm{{Domain: "contoso.com", Issuer: issuer}},
		Signer: saml.Signer{Key: oldKey, Certificate: old}, Now: r.clock.Now,
	})
	require.NoError(t, err)
	require.NoError(t, idp.SetNextSigner(saml.Signer{Key: nextKey, Certificate: next}))
	r.idp = idp

	config := federation.Config{
		Directory: dir, Store: federation.NewMemoryStore(), Cloud: entra.Cloud(), Now: r.clock.Now, Sleep: r.clock.Sleep,
	}
	for _, c := range change {
		c(&config)
	}
	r.fed, err = federation.New(config)
	require.NoError(t, err)
	return r
}

// Certificates implements [federation.Keys].
func (r *rotation) Certificates(context.Context) (active, other *x509.Certificate, err error) {
	active, other = r.idp.Certificates()
	return active, other, nil
}

// Switch implements [federation.Switcher].
func (r *rotation) Switch(_ context.Context, certificate *x509.Certificate) error {
	switch active, other := r.idp.Certificates(); {
	case active.Equal(certificate):
		return nil
	case !other.Equal(certificate):
		return errors.New("the identity provider does not have this key")
	}
	r.signIn()
	defer r.signIn()
	return r.idp.SwitchSigner()
}

// signIn lets somebody sign in: Entra asks, the identity provider answers, Entra judges.
func (r *rotation) signIn() {
	r.t.Helper()
	asked, err := r.entra.NewAuthnRequest("adele@contoso.com")
	require.NoError(r.t, err)
	post, err := http.NewRequest(http.MethodPost, asked.URL, strings.NewReader(asked.Form().Encode()))
	require.NoError(r.t, err)
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request, err := r.idp.ReadRequest(post)
	require.NoError(r.t, err)
	response, err := r.idp.Respond(request, saml.Subject{
		ImmutableID: "a1", UPN: "adele@contoso.com", AuthnInstant: r.clock.Now(),
	})
	require.NoError(r.t, err)
	r.signIns++
	if verdict := r.entra.CheckResponse(response.SAMLResponse(), response.RelayState); !verdict.Accepted {
		r.refused = append(r.refused, r.clock.Now())
		r.codes[verdict.Code]++
	}
}

// run rotates: every step is made within the minute in which it may be. Somebody signs in every so often, and around every
// change, until some hours after the end.
func (r *rotation) run(every time.Duration) {
	r.t.Helper()
	end := time.Time{}
	for due := r.clock.Now(); end.IsZero() || r.clock.Now().Before(end); r.clock.Advance(every) {
		r.signIn()
		if end.IsZero() && !r.clock.Now().Before(due) {
			due = due.Add(time.Minute)
			if r.steps() {
				end = r.clock.Now().Add(longestLag + time.Hour)
			}
		}
		require.Less(r.t, r.clock.Now().Year(), 2027, "the rotation does not end")
	}
}

// steps makes the steps that may be made now, and reports whether that was the last one.
func (r *rotation) steps() bool {
	r.t.Helper()
	for {
		s, err := r.fed.RotateStep(r.t.Context(), "contoso.com", r, func(federation.Event) { r.signIn() })
		if errors.Is(err, federation.ErrTooEarly) {
			return false
		}
		require.NoError(r.t, err)
		r.began[s.Stage] = r.clock.Now()
		if s.Stage == federation.RotationIdle {
			return true
		}
	}
}

// complete says what the end looks like.
func (r *rotation) complete() {
	r.t.Helper()
	active, _ := r.idp.Certificates()
	require.Equal(r.t, r.next, active)
	federated := r.entra.Domains()[0].Federation
	require.Len(r.t, federated.Certificates, 1)
	require.True(r.t, federated.Certificates[0].Equal(r.next))
}

// 10,000 sign-ins over a whole rotation, while the sign-in service acts on each change as late as Microsoft says.
func TestNobodyIsRefusedWhileTheKeyIsReplaced(t *testing.T) {
	t.Parallel()
	every := 2500 * time.Millisecond
	if testing.Short() {
		every = time.Minute
	}
	r := newRotation(t, entratest.Config{FederationLag: longestLag})
	r.run(every)
	r.complete()
	require.Empty(t, r.refused, "of %d: %v", r.signIns, r.codes)
	if !testing.Short() {
		require.GreaterOrEqual(t, r.signIns, 10_000)
	}
}

func TestNobodyIsRefusedWhileTheKeyIsReplacedHoweverSoonEntraActs(t *testing.T) {
	t.Parallel()
	for _, lag := range []time.Duration{-1, time.Minute, time.Hour} {
		r := newRotation(t, entratest.Config{FederationLag: lag})
		r.run(time.Minute)
		r.complete()
		require.Empty(t, r.refused, "lag %v: %v", lag, r.codes)
	}
}

// The check can fail: whose clock runs ahead does not wait.
func TestPeopleAreRefusedWhereARotationDoesNotWait(t *testing.T) {
	t.Parallel()
	ahead := time.Duration(0)
	r := newRotation(t, entratest.Config{FederationLag: longestLag})
	hasty := newRotation(t, entratest.Config{FederationLag: longestLag}, func(cfg *federation.Config) {
		now := cfg.Now
		cfg.Now = func() time.Time { ahead += federation.RotationOverlap; return now().Add(ahead) }
	})
	r.run(time.Minute)
	require.Empty(t, r.refused)
	hasty.run(time.Minute)
	require.NotEmpty(t, hasty.refused)
	require.Equal(t, map[string]int{"AADSTS5000811": len(hasty.refused)}, hasty.codes)
}

// If the second certificate counted only once the first has expired, no order would spare everybody. The certificate is
// promoted at once, so that it is over when Entra acts on that.
func TestIfTheSecondCertificateDoesNotCountPeopleAreRefusedUntilThePromotionIsActedOn(t *testing.T) {
	t.Parallel()
	const lag = 30 * time.Minute
	r := newRotation(t, entratest.Config{FederationLag: lag, NextCertificateAfterExpiry: true})
	r.run(time.Minute)
	r.complete()
	require.NotEmpty(t, r.refused)
	switched := r.began[federation.RotationSwitched]
	for _, at := range r.refused {
		require.False(t, at.Before(switched))
		require.False(t, at.After(switched.Add(lag)))
	}
}
