package msgraph_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/saml"
)

// lagging is a tenant as it comes, with lag everywhere, whose sign-in service takes so long to act on a federation.
func lagging(federationLag time.Duration) entratest.Config {
	return contoso(func(c *entratest.Config) { c.Lag, c.FederationLag = "", federationLag })
}

func TestADomainIsPlannedAppliedAwaitedAndSignsIn(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ lag, latest time.Duration }{
		{-1, 0}, // none
		{0, 5 * time.Minute},
		{time.Second, 15 * time.Second},
		{17 * time.Minute, 19 * time.Minute},
		{2 * time.Hour, 2 * time.Hour},
	} {
		t.Run(test.lag.String(), func(t *testing.T) {
			t.Parallel()
			f := newFederating(t, lagging(test.lag))
			plan := f.plan(f.settings())
			require.Equal(t, federation.PurposeFederate, plan.Purpose)
			require.Len(t, plan.Writes, 1)
			require.Equal(t, federation.CreateConfiguration, plan.Writes[0].Operation)
			require.Equal(t, []string{"conversion"}, rulesOf(plan.Findings))
			require.Empty(t, f.writes(), "a plan changes nothing")

			outcome, events := f.applying(plan)
			require.Equal(t, []string{"checked", "undo", "writing 1 of 1", "written 1 of 1"}, events)
			require.Equal(t, 1, outcome.Done)
			require.Equal(t, plan.ID, outcome.Undo)
			require.Equal(t, issuer, outcome.State.Configuration.IssuerURI)
			require.Equal(t, []string{"POST /domains/contoso.com/federationConfiguration"}, f.writes())

			written := f.clock.Now()
			v, kinds := f.awaiting(plan)
			require.True(t, v.Live)
			require.Empty(t, v.Differences)
			waited := f.clock.Now().Sub(written)
			require.GreaterOrEqual(t, waited, f.entra.Config().FederationLag)
			require.LessOrEqual(t, waited, test.latest)
			require.Equal(t, federation.EventLive, kinds[len(kinds)-1])
			require.Equal(t, test.latest > 0, slices.Contains(kinds, federation.EventWaiting))
			require.Equal(t, federation.FederatedRealm, v.Realm.Type)
			require.Equal(t, federation.SAML, v.Realm.Protocol)
			require.Equal(t, signInURL, v.Realm.SignInURL)
			require.Equal(t, "contoso.com", v.Realm.BrandName)

			f.requireSignsIn()
			again, err := f.fed.Verify(t.Context(), "contoso.com")
			require.NoError(t, err)
			require.Equal(t, v, again)
		})
	}
}

// applying applies a plan, and returns what was told of it.
func (f *federating) applying(plan *federation.Plan) (outcome federation.Outcome, events []string) {
	f.Helper()
	outcome, err := f.fed.Apply(f.Context(), plan, func(e federation.Event) { events = append(events, happened(e)) })
	require.NoError(f, err)
	return outcome, events
}

// awaiting waits until the plan is in force, and returns what was told meanwhile.
func (f *federating) awaiting(plan *federation.Plan) (v federation.Verification, kinds []federation.EventKind) {
	f.Helper()
	v, err := f.fed.Wait(f.Context(), plan, func(e federation.Event) { kinds = append(kinds, e.Kind) })
	require.NoError(f, err)
	return v, kinds
}

// Until Entra acts on a federation, nobody is sent to the identity provider, and Verify says so.
func TestBeforeAFederationIsInForceNothingPretendsThatItIs(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(0))
	_, _ = f.applying(f.plan(f.settings()))
	require.NotNil(t, f.domain("contoso.com").Federation, "Graph shows it at once")
	_, err := f.entra.NewAuthnRequest(adeleUPN)
	require.ErrorIs(t, err, entratest.ErrNotFederated)

	v, err := f.fed.Verify(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.False(t, v.Live)
	require.Len(t, v.Differences, 1)
	require.Contains(t, v.Differences[0], "managed")

	diagnosis, err := f.fed.Diagnose(t.Context(), federation.DiagnoseSettings{Domain: "contoso.com"})
	require.NoError(t, err)
	require.Equal(t, "AADSTS50107", f.ofRule(diagnosis.Findings, "realm-managed").AADSTS)

	f.settle()
	v, err = f.fed.Verify(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.True(t, v.Live)
}

// Two hours is what Microsoft says. Entra may take longer; then Wait ends, and may be called again.
func TestWaitGivesUpAfterTwoHoursAndMayBeCalledAgain(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(3*time.Hour))
	plan := f.plan(f.settings())
	_, _ = f.applying(plan)
	begun := f.clock.Now()
	v, err := f.fed.Wait(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrNotLive)
	require.False(t, v.Live)
	require.Equal(t, federation.ManagedRealm, v.Realm.Type)
	require.Equal(t, 2*time.Hour, f.clock.Now().Sub(begun))
	_, err = f.fed.Wait(t.Context(), plan, nil)
	require.NoError(t, err)
	require.LessOrEqual(t, f.clock.Now().Sub(begun), 3*time.Hour+2*time.Minute)
	f.requireSignsIn()
}

func TestWaitGoesOnWhileTheSignInServiceFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault           entratest.Fault
		atLeast, atMost time.Duration
	}{
		"503":       {entratest.Fault{Status: 503}, 0, 50 * time.Minute},
		"429":       {entratest.Fault{Status: 429, RetryAfter: "600"}, 70 * time.Minute, 102 * time.Minute}, // each is heeded
		"no answer": {entratest.Fault{Drop: true}, 0, 50 * time.Minute},
	} {
		for _, path := range []string{"/common/UserRealm/*", "/GetUserRealm.srf"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				f := newFederating(t, lagging(30*time.Minute))
				plan := f.plan(f.settings())
				_, _ = f.applying(plan)
				fault := test.fault
				fault.Path, fault.Times = path, 7
				f.entra.Inject(fault)
				v, _ := f.awaiting(plan)
				require.True(t, v.Live)
				require.Equal(t, signInURL, v.Realm.SignInURL)
				require.GreaterOrEqual(t, f.clock.Now().Sub(federationStart), test.atLeast)
				require.LessOrEqual(t, f.clock.Now().Sub(federationStart), test.atMost)
				f.requireSignsIn()
			})
		}
	}
}

// The link of a Verification is for somebody to try: it leads to the identity provider, and from there into Microsoft 365.
func TestTheSignInLinkLeadsThroughTheIdentityProvider(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(0))
	plan := f.plan(f.settings())
	_, _ = f.applying(plan)
	v, _ := f.awaiting(plan)

	browser := entratest.NewBrowser(f.entra.Transport())
	browser.Sleep = f.clock.Sleep
	var hosts []string
	browser.Observe = func(p entratest.Page) { hosts = append(hosts, hostOf(t, p.URL)) }
	page, err := browser.Open(t.Context(), v.SignInLink)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, page.Status, page.Body)
	require.Contains(t, page.Body, adeleUPN)
	require.Contains(t, hosts, providerHost)
	require.NotEqual(t, providerHost, hosts[len(hosts)-1])
}

func TestAPlanOfWhatIsAlreadySoHasNoWrites(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(0))
	f.federate()
	before := f.writes()
	plan := f.plan(f.settings())
	require.Empty(t, plan.Writes)
	require.Equal(t, []string{"configuration-equal"}, rulesOf(plan.Findings))
	outcome, events := f.applying(plan)
	require.Equal(t, []string{"checked"}, events)
	require.Empty(t, outcome.Undo)
	require.Zero(t, outcome.Done)
	require.Equal(t, before, f.writes())
}

// A property of the settings, one at a time: what is planned, is written; then nothing is left to plan; and the way back
// restores what was.
func TestEachSettingIsWrittenAndRestored(t *testing.T) {
	t.Parallel()
	for property, change := range map[string]func(*federation.Settings){
		"displayName":                           func(s *federation.Settings) { s.DisplayName = "Contoso" },
		"issuerUri":                             func(s *federation.Settings) { s.Issuer = "urn:contoso:id" },
		"passiveSignInUri":                      func(s *federation.Settings) { s.SignInURL += "/2" },
		"activeSignInUri":                       func(s *federation.Settings) { s.ActiveSignInURL = signInURL + "/ecp" },
		"signOutUri":                            func(s *federation.Settings) { s.SignOutURL = signInURL + "/out" },
		"metadataExchangeUri":                   func(s *federation.Settings) { s.MetadataURL = signInURL + "/mex" },
		"passwordResetUri":                      func(s *federation.Settings) { s.PasswordResetURL = signInURL + "/password" },
		"preferredAuthenticationProtocol":       func(s *federation.Settings) { s.Protocol = federation.WSFed },
		"federatedIdpMfaBehavior":               func(s *federation.Settings) { s.MFABehavior = federation.AcceptMFA },
		"promptLoginBehavior":                   func(s *federation.Settings) { s.PromptLogin = federation.NativePrompt },
		"isSignedAuthenticationRequestRequired": func(s *federation.Settings) { s.SignedRequests = true },
		"signingCertificate": func(s *federation.Settings) {
			s.SigningCertificate = signerOf(t, "new").Certificate.Raw
		},
		"nextSigningCertificate": func(s *federation.Settings) {
			s.NextSigningCertificate = signerOf(t, "new").Certificate.Raw
		},
	} {
		t.Run(property, func(t *testing.T) {
			t.Parallel()
			f := newFederating(t, contoso())
			f.federate()
			before := f.configuration()

			settings := f.settings(change)
			plan := f.plan(settings)
			require.Len(t, plan.Writes, 1)
			require.Equal(t, federation.ChangeConfiguration, plan.Writes[0].Operation)
			require.Len(t, plan.Writes[0].Body, 1)
			require.Contains(t, plan.Writes[0].Body, property)
			f.apply(plan)
			require.NotEqual(t, before, f.configuration())
			require.Empty(t, f.plan(settings).Writes)

			back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: plan.ID})
			require.NoError(t, err)
			require.Len(t, back.Writes, 1)
			f.apply(back)
			after := f.configuration()
			if property == "promptLoginBehavior" { // what was not set is what Entra takes for it
				before.PromptLogin = federation.TranslatePrompt
			}
			require.Equal(t, before, after)
			f.requireSignsIn()
		})
	}
}

// configuration is the federation of contoso.com as Graph shows it.
func (f *federating) configuration() federation.Configuration {
	f.Helper()
	c, err := f.dir.Configuration(f.Context(), "contoso.com")
	require.NoError(f, err)
	require.NotNil(f, c)
	return *c
}

func TestTheWayBackToAManagedDomain(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(0))
	f.federate()
	f.requireSignsIn()

	back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
	require.NoError(t, err)
	require.Contains(t, f.ofRule(back.Findings, "revert-passwords").Details, adeleUPN)
	require.NotContains(t, rulesOf(back.Findings), "revert-administrators", "there is one outside")
	_, events := f.applying(back)
	require.Equal(t, []string{"checked", "undo", "writing 1 of 1", "written 1 of 1"}, events)
	require.Nil(t, f.domain("contoso.com").Federation)
	f.requireSignsIn() // as long as Entra does not act on it

	v, _ := f.awaiting(back)
	require.Equal(t, federation.ManagedRealm, v.Realm.Type)
	f.requireManaged("contoso.com")

	// The way back from the way back: the federation of before.
	forth, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: back.ID})
	require.NoError(t, err)
	require.Empty(t, ofSeverity(forth.Findings, federation.SeverityError))
	f.apply(forth)
	f.requireSignsIn()
}

// Where Graph's answers have been seen to differ, every form of them is understood.
func TestEveryFormOfGraphsAnswersIsUnderstood(t *testing.T) {
	t.Parallel()
	for bits := range 1 << 3 {
		has := func(bit int) bool { return bits&(1<<bit) != 0 }
		t.Run(fmt.Sprintf("%03b", bits), func(t *testing.T) {
			t.Parallel()
			f := newFederating(t, contoso(func(c *entratest.Config) {
				c.EmptyFederationList, c.PatchFederationReturnsObject, c.SecondFederationAs409 = has(0), has(1), has(2)
			}))
			f.federate()
			f.requireSignsIn()
			change := f.plan(f.settings(func(s *federation.Settings) { s.DisplayName = "Contoso" }))
			f.apply(change)
			require.Equal(t, "Contoso", f.domain("contoso.com").Federation.DisplayName)
			back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: change.ID})
			require.NoError(t, err)
			f.apply(back)
			require.Equal(t, "contoso.com", f.domain("contoso.com").Federation.DisplayName)
			back, err = f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
			require.NoError(t, err)
			f.apply(back)
			f.requireManaged("contoso.com")
			f.federate()
			f.requireSignsIn()
		})
	}
}

// The default domain must be managed: another one takes its place first, and gives it back on the way back.
func TestTheDefaultDomainIsFederatedAndComesBack(t *testing.T) {
	t.Parallel()
	f := newFederating(t, defaulted())
	plan := f.plan(f.settings(func(s *federation.Settings) { s.DefaultDomain = initialDomain }))
	outcome, events := f.applying(plan)
	require.Equal(t, []string{
		"checked", "undo", "writing 1 of 2", "written 1 of 2", "writing 2 of 2", "written 2 of 2",
	}, events)
	require.Equal(t, initialDomain, outcome.State.DefaultDomain)
	require.False(t, f.domain("contoso.com").Default)
	f.settle()
	f.requireSignsIn()

	back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: plan.ID})
	require.NoError(t, err)
	require.Len(t, back.Writes, 2)
	f.apply(back)
	require.True(t, f.domain("contoso.com").Default)
	f.requireManaged("contoso.com")
}

// defaulted is a tenant whose default domain is contoso.com.
func defaulted() entratest.Config {
	return contoso(func(c *entratest.Config) { c.Domains = []entratest.Domain{{Name: "contoso.com", Default: true}} })
}

// A domain from the beginning: added, proved, federated; and its child, which is federated with it, promoted and federated
// by itself.
func TestANewDomainAndItsChild(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(0))
	ctx := t.Context()
	status, err := f.fed.AddDomain(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.False(t, status.Domain.IsVerified)
	require.NotEmpty(t, status.Records)
	_, err = f.fed.VerifyDomain(ctx, "fabrikam.com", time.Hour, func(e federation.Event) {
		if e.Kind == federation.EventWaiting && f.clock.Now().Sub(federationStart) > 10*time.Minute {
			f.entra.PublishDNS("fabrikam.com", status.Records[0].Text)
		}
	})
	require.NoError(t, err)

	settings := f.settings(func(s *federation.Settings) {
		s.Domain, s.Issuer = "fabrikam.com", "https://id.contoso.com/entra/fabrikam.com"
	})
	f.apply(f.plan(settings))

	child, err := f.fed.AddDomain(ctx, "hr.fabrikam.com")
	require.NoError(t, err)
	require.True(t, child.Domain.IsVerified, "with the domain above it")
	require.Equal(t, federation.Federated, child.Domain.AuthenticationType)
	v, err := f.fed.Verify(ctx, "hr.fabrikam.com")
	require.NoError(t, err)
	require.True(t, v.Live, "%v", v.Differences)
	request, err := f.entra.NewAuthnRequest("hr.fabrikam.com")
	require.NoError(t, err)
	require.Equal(t, signInURL, request.URL)

	promotion, err := f.fed.PlanPromote(ctx, "hr.fabrikam.com")
	require.NoError(t, err)
	require.Equal(t, []string{"promote-becomes-managed"}, rulesOf(promotion.Findings))
	f.apply(promotion)
	f.requireManaged("hr.fabrikam.com")
	require.True(t, f.domain("hr.fabrikam.com").Promoted)

	settings.Domain, settings.Issuer = "hr.fabrikam.com", "https://id.contoso.com/entra/hr.fabrikam.com"
	f.apply(f.plan(settings))
	require.Equal(t, settings.Issuer, f.domain("hr.fabrikam.com").Federation.Issuer)
	require.Equal(t, "https://id.contoso.com/entra/fabrikam.com", f.domain("fabrikam.com").Federation.Issuer)
	v, err = f.fed.Verify(ctx, "hr.fabrikam.com")
	require.NoError(t, err)
	require.True(t, v.Live)
}

// A record on disk is all that the processes of an operator share: one plans, one applies, one changes the key, one reverts.
func TestEachStepMayBeAProcessOfItsOwn(t *testing.T) {
	t.Parallel()
	f := newFederating(t, lagging(0))
	require.NoError(t, f.idp.SetNextSigner(signerOf(t, "new")))
	directory := t.TempDir()
	again := func() {
		store, err := federation.NewFileStore(directory)
		require.NoError(t, err)
		f.fed = f.federator(f.dir, func(c *federation.Config) { c.Store = store })
	}
	again()
	plan := f.plan(f.settings())
	again()
	f.apply(plan)
	stages := []federation.RotationStage{
		federation.RotationAnnounced, federation.RotationSwitched, federation.RotationPromoted, federation.RotationIdle,
	}
	for _, stage := range stages {
		again()
		s, err := f.fed.RotateStep(t.Context(), "contoso.com", f.idp, nil)
		require.NoError(t, err)
		require.Equal(t, stage, s.Stage)
		f.requireSignsIn()
		f.clock.Advance(federation.RotationOverlap)
	}
	again()
	change := f.plan(f.settings(func(s *federation.Settings) { s.DisplayName = "Contoso" }))
	f.apply(change)
	again()
	records, err := f.fed.UndoRecords(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.Len(t, records, 5, "the plan, three steps of the rotation, the change")
	require.Equal(t, change.ID, records[0].Plan)
	require.Equal(t, plan.ID, records[4].Plan)
	back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: change.ID})
	require.NoError(t, err)
	again()
	f.apply(back)
	require.Equal(t, "contoso.com", f.configuration().DisplayName)
	f.requireSignsIn()
}

func TestEachCloud(t *testing.T) {
	t.Parallel()
	for _, cloud := range entrafed.Clouds() {
		t.Run(cloud.Name, func(t *testing.T) {
			t.Parallel()
			if cloud.Audience == "" { // where it is not published, the operator asks the sign-in service
				cloud.Audience = entrafed.Global().Audience
			}
			f := newFederating(t, contoso(func(c *entratest.Config) { c.Cloud, c.FederationLag = cloud, 0 }))
			plan := f.federate()
			v, _ := f.awaiting(plan)
			require.True(t, v.Live)
			require.Empty(t, v.Differences)
			require.Equal(t, cloud.Audience, v.Realm.Audience)
			require.True(t, strings.HasPrefix(v.SignInLink, cloud.Login+"/"))
			f.requireSignsIn()
		})
	}
}

// However the name of the domain is written, it is the same domain, and the same record.
func TestTheNameOfADomainInCapitals(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso())
	capitals := func(s *federation.Settings) { s.Domain = "Contoso.COM" }
	plan := f.plan(f.settings(capitals))
	require.NoError(t, plan.Validate())
	f.apply(plan)
	f.requireSignsIn()
	require.Equal(t, []string{"configuration-equal"}, rulesOf(f.plan(f.settings()).Findings))
	require.NoError(t, f.idp.SetNextSigner(signerOf(t, "new")))
	s, err := f.fed.RotateStep(t.Context(), "CONTOSO.com", f.idp, nil)
	require.NoError(t, err)
	require.Equal(t, federation.RotationAnnounced, s.Stage)
	v, err := f.fed.Verify(t.Context(), "CONTOSO.COM")
	require.NoError(t, err)
	require.True(t, v.Live)
	diagnosis, err := f.fed.Diagnose(t.Context(), federation.DiagnoseSettings{Domain: "Contoso.com"})
	require.NoError(t, err)
	require.Empty(t, ofSeverity(diagnosis.Findings, federation.SeverityError))
	back, err := f.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "CONTOSO.COM"})
	require.NoError(t, err)
	f.apply(back)
	f.requireManaged("contoso.com")
}

// Entra signs its requests where the settings say so, and an identity provider that demands it goes on.
func TestSignedRequests(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso())
	f.idp = f.provider(issuer, signerOf(t, "old"), saml.Signer{}, func(c *saml.Config) {
		c.RequestCertificates, c.RequireSignedRequests = f.entra.RequestCertificates(), true
	})
	f.entra.Mount(providerHost, f.idp)
	f.apply(f.plan(f.settings(func(s *federation.Settings) { s.SignedRequests = true })))
	f.requireSignsIn()
	require.NotContains(t, rulesOf(f.diagnose().Findings), "unsigned-requests")
	f.apply(f.plan(f.settings()))
	require.Contains(t, rulesOf(f.diagnose().Findings), "unsigned-requests")
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}
