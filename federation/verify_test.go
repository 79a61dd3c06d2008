package federation_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation"
)

// says is a sign-in service that answers with what it is set to.
type says struct {
	realm func(domain string) (federation.Realm, error)
}

func (s says) Realm(_ context.Context, domain string) (federation.Realm, error) {
	return s.realm(domain)
}

func saying(realm federation.Realm) says {
	return says{func(string) (federation.Realm, error) { return realm, nil }}
}

// asking is a Federator that asks this sign-in service.
func (w *world) asking(t *testing.T, d federation.Discovery) *federation.Federator {
	t.Helper()
	fed, err := federation.New(federation.Config{
		Directory: w.tenant, Store: w.store, Discovery: d, Now: w.clock.Now, Sleep: w.clock.Sleep,
	})
	require.NoError(t, err)
	return fed
}

func TestVerify(t *testing.T) {
	t.Parallel()
	c := configured(newCertificate(t, "first"))
	c.PassiveSignInURI = "https://id.contoso.com/entra/sso?x=1"
	c.ActiveSignInURI, c.MetadataExchangeURI = "https://id.contoso.com/ecp", "https://id.contoso.com/mex"
	unset := c
	unset.Protocol = ""
	live := federation.Realm{
		Domain: "contoso.com", Type: federation.FederatedRealm, Protocol: federation.SAML, SignInURL: "https://id.contoso.com/entra/sso",
		BrandName: "contoso.com", ActiveSignInURL: "https://id.contoso.com/ecp", MetadataURL: "https://id.contoso.com/mex",
		Audience: entrafed.Global().Audience,
	}
	with := func(change func(*federation.Realm)) federation.Realm {
		r := live
		change(&r)
		return r
	}
	managed := federation.Realm{Domain: "contoso.com", Type: federation.ManagedRealm}
	unknown := federation.Realm{Domain: "contoso.com", Type: federation.UnknownRealm}

	federated := func(c federation.Configuration) *tenant { return newTenant().federated("contoso.com", c) }
	child := func() *tenant {
		return federated(c).with(federation.Domain{
			Name: "corp.contoso.com", IsVerified: true, AuthenticationType: federation.Federated,
		})
	}
	for name, test := range map[string]struct {
		dir         *tenant
		domain      string
		realm       federation.Realm
		live        bool
		differences []string
	}{
		"federated, and Entra says so":  {federated(c), "contoso.com", live, true, nil},
		"however the domain is written": {federated(c), " CONTOSO.com ", live, true, nil},
		"federated, and Entra says nothing but that": {
			federated(c), "contoso.com", federation.Realm{Type: federation.FederatedRealm}, true, nil,
		},
		"the host in capitals": {
			federated(c), "contoso.com", with(func(r *federation.Realm) { r.SignInURL = "HTTPS://ID.contoso.com/entra/sso" }), true, nil,
		},
		"federated, and Entra does not act on it yet": {
			federated(c), "contoso.com", managed, false,
			[]string{"Entra's sign-in service says of contoso.com that it is managed, and it should be federated"},
		},
		"federated, and Entra does not know it": {
			federated(c), "contoso.com", unknown, false,
			[]string{"Entra's sign-in service says of contoso.com that it does not know it, and it should be federated"},
		},
		"federated, and Entra sends people elsewhere": {
			federated(c), "contoso.com", with(func(r *federation.Realm) { r.SignInURL = "https://old.example.net/sso" }), false,
			[]string{`Entra sends people of contoso.com to "https://old.example.net/sso", and it should be "https://id.contoso.com/entra/sso"`},
		},
		"the path in capitals": {
			federated(c), "contoso.com", with(func(r *federation.Realm) { r.SignInURL = "https://id.contoso.com/Entra/sso" }), false,
			[]string{`Entra sends people of contoso.com to "https://id.contoso.com/Entra/sso", and it should be "https://id.contoso.com/entra/sso"`},
		},
		"no URL at all": {
			federated(c), "contoso.com", with(func(r *federation.Realm) { r.SignInURL = "://%" }), false,
			[]string{`Entra sends people of contoso.com to "://%", and it should be "https://id.contoso.com/entra/sso"`},
		},
		"what does not decide where people are led": {
			federated(c), "contoso.com", with(func(r *federation.Realm) {
				r.Protocol, r.BrandName, r.ActiveSignInURL = federation.WSFed, "Old", "https://old.example.net/ecp"
				r.MetadataURL, r.Audience = "https://old.example.net/mex", "urn:federation:elsewhere"
			}), true, []string{
				`the audience of assertions is "urn:federation:elsewhere", and this cloud's is "urn:federation:MicrosoftOnline"`,
				`the protocol is "wsFed", and it should be "saml"`,
				`the name that people see is "Old", and it should be "contoso.com"`,
				`the active sign-in URL is "https://old.example.net/ecp", and it should be "https://id.contoso.com/ecp"`,
				`the metadata URL is "https://old.example.net/mex", and it should be "https://id.contoso.com/mex"`,
			},
		},
		"no protocol is set": {
			federated(unset), "contoso.com", live, true, []string{`the protocol is "saml", and it should be "wsFed"`},
		},
		"managed, and Entra says so": {newTenant(), "contoso.com", managed, true, nil},
		"managed, and Entra does not act on it yet": {
			newTenant(), "contoso.com", live, false,
			[]string{`Entra's sign-in service says of contoso.com that it is federated, with "https://id.contoso.com/entra/sso", and it should be managed`},
		},
		"managed, and Entra does not act on it yet, nor say more": {
			newTenant(), "contoso.com", federation.Realm{Type: federation.FederatedRealm}, false,
			[]string{"Entra's sign-in service says of contoso.com that it is federated, and it should be managed"},
		},
		"a child signs in as its root": {child(), "corp.contoso.com", live, true, nil},
		"a child, and Entra does not act on its root's federation": {
			child(), "corp.contoso.com", managed, false,
			[]string{"Entra's sign-in service says of corp.contoso.com that it is managed, and it should be federated"},
		},
		"a domain that is not the tenant's": {
			newTenant(), "example.net", managed, false,
			[]string{"example.net is not a domain of the tenant; Entra's sign-in service says that it is managed"},
		},
		"a domain that is not verified": {
			newTenant().with(federation.Domain{Name: "contoso.net", IsRoot: true}), "contoso.net", unknown, false,
			[]string{"contoso.net is not verified, so nobody can sign in with it"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, test.dir)
			v, err := w.asking(t, saying(test.realm)).Verify(t.Context(), test.domain)
			require.NoError(t, err)
			require.Equal(t, test.live, v.Live)
			require.Equal(t, test.differences, v.Differences)
			require.Equal(t, test.realm, v.Realm)
			require.Empty(t, w.writes)
		})
	}
}

func TestVerifyGivesALinkToTryASignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	v, err := w.fed.Verify(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.Equal(t, "https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com", v.SignInLink)
}

func TestVerifyWhenAQuestionCannotBeAsked(t *testing.T) {
	t.Parallel()
	c := configured(newCertificate(t, "first"))
	for call, says := range map[string]string{
		"domains":                   "federation: corp.contoso.com cannot be compared, because the tenant cannot be read: ",
		"configuration contoso.com": "federation: the domain above corp.contoso.com cannot be read: ",
		"realm corp.contoso.com":    "federation: Entra's sign-in service cannot be asked for corp.contoso.com: ",
	} {
		dir := newTenant().federated("contoso.com", c).with(federation.Domain{
			Name: "corp.contoso.com", IsVerified: true, AuthenticationType: federation.Federated,
		})
		w := newWorld(t, dir)
		dir.refuse = always(call, unavailable)
		v, err := w.fed.Verify(t.Context(), "corp.contoso.com")
		require.ErrorIs(t, err, federation.ErrUnavailable)
		require.EqualError(t, err, says+call+": 503 Service Unavailable, ServiceUnavailable: try again later (request-id a-request-id)")
		require.False(t, v.Live)
		require.NotEmpty(t, v.SignInLink)
	}
}

// late is a sign-in service that says for a while what was so before.
func (w *world) late(until time.Time, before federation.Realm) says {
	return says{func(domain string) (federation.Realm, error) {
		if w.clock.Now().Before(until) {
			return before, nil
		}
		return w.Realm(context.Background(), domain)
	}}
}

func TestWaitUntilEntraActsOnThePlan(t *testing.T) {
	t.Parallel()
	managed := federation.Realm{Type: federation.ManagedRealm}
	for _, shape := range shapes(t) {
		t.Run(shape.name, func(t *testing.T) {
			dir := shape.begin()
			plan := shape.plan(t, dir)
			w := newWorld(t, dir)
			before := managed
			if shape.configuration == nil {
				before = federation.Realm{Type: federation.FederatedRealm, SignInURL: "https://id.contoso.com/entra/sso"}
			}
			_, err := w.fed.Apply(t.Context(), plan, nil)
			require.NoError(t, err)

			var events []federation.Event
			v, err := w.asking(t, w.late(today.Add(40*time.Minute), before)).Wait(t.Context(), asStored(t, plan),
				func(e federation.Event) { events = append(events, e) })
			require.NoError(t, err)
			require.True(t, v.Live)
			require.Equal(t, today.Add(41*time.Minute), w.clock.Now())
			require.Len(t, events, 20+18+1, "every 15 seconds for 5 minutes, then every 2 minutes")
			require.Equal(t, federation.EventLive, events[38].Kind)
			for _, e := range events[:38] {
				require.Equal(t, federation.EventWaiting, e.Kind)
				require.Contains(t, e.Message, "of up to 2h0m0s")
				require.Contains(t, e.Message, "people of contoso.com may or may not be sent to the identity provider")
			}
		})
	}
}

func TestWaitForWhatADomainIs(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	late := w.late(today.Add(4*time.Minute), federation.Realm{Type: federation.ManagedRealm})
	var kinds []federation.EventKind
	v, err := w.asking(t, late).WaitDomain(t.Context(), " CONTOSO.com", func(e federation.Event) { kinds = append(kinds, e.Kind) })
	require.NoError(t, err)
	require.True(t, v.Live)
	require.Len(t, kinds, 16+1)
	require.Equal(t, federation.EventLive, kinds[16])

	_, err = w.fed.WaitDomain(t.Context(), "fabrikam.com", nil)
	require.ErrorIs(t, err, federation.ErrNotFound, "what the tenant does not have is not waited for")
}

func TestWaitIsHonestAboutWhatCannotBeSeen(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	var events []federation.Event
	_, err = w.fed.Wait(t.Context(), plan, func(e federation.Event) { events = append(events, e) })
	require.NoError(t, err)
	require.Equal(t, []federation.Event{{At: today, Kind: federation.EventLive, Message: "Entra's sign-in service sends people of " +
		"contoso.com to the identity provider. Whether it knows the issuer and the certificate, only a sign-in tells; some of its " +
		"servers may take up to 2h0m0s."}}, events)
}

// Whoever is asked says when to ask again, and is believed for up to ten minutes.
func TestWaitDoesNotAskSoonerThanItIsTold(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		told  federation.DirectoryError
		pause time.Duration
	}{
		"throttled for three minutes":      {federation.DirectoryError{Status: 429, RetryAfter: 3 * time.Minute}, 3 * time.Minute},
		"out of order for three minutes":   {federation.DirectoryError{Status: 503, RetryAfter: 3 * time.Minute}, 3 * time.Minute},
		"an hour, by the whim of a proxy":  {federation.DirectoryError{Status: 503, RetryAfter: time.Hour}, 10 * time.Minute},
		"as long as nobody else waits for": {federation.DirectoryError{Status: 429, RetryAfter: 61 * time.Second}, 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w.clock = &clock{now: today}
			asked := 0
			service := says{func(domain string) (federation.Realm, error) {
				if asked++; asked == 1 {
					return federation.Realm{}, &test.told
				}
				return w.Realm(context.Background(), domain)
			}}
			v, err := w.asking(t, service).Wait(t.Context(), plan, nil)
			require.NoError(t, err)
			require.True(t, v.Live)
			require.Equal(t, 2, asked)
			require.Equal(t, []time.Duration{test.pause}, w.clock.slept)
		})
	}
}

func TestWaitEndsAfterTwoHours(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	for name, test := range map[string]struct {
		service says
		says    string
		late    time.Duration // the last question takes so long
	}{
		"Entra does not act": {saying(federation.Realm{Type: federation.ManagedRealm}),
			"federation: the change is not in force yet: after 2h0m0s, Entra's sign-in service says of contoso.com that it is managed, and it " +
				"should be federated. Where the domain had users before it was federated, Microsoft says that it may take up to 24 hours. Ask " +
				"for a diagnosis of contoso.com if it does not come", 0},
		"Entra cannot be asked": {says{func(string) (federation.Realm, error) { return federation.Realm{}, unavailable("realm") }},
			"federation: the change is not in force yet: after 2h0m0s, federation: Entra's sign-in service cannot be asked for contoso.com: " +
				"realm: 503 Service Unavailable, ServiceUnavailable: try again later (request-id a-request-id). Where the domain had users before " +
				"it was federated, Microsoft says that it may take up to 24 hours: federation: Entra's sign-in service cannot be asked for " +
				"contoso.com: realm: 503 Service Unavailable, ServiceUnavailable: try again later (request-id a-request-id)", 62 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w.clock = &clock{now: today}
			v, err := w.asking(t, test.service).Wait(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrNotLive)
			require.EqualError(t, err, test.says)
			require.False(t, v.Live)
			require.NotEmpty(t, v.SignInLink)
			late := w.clock.Now().Sub(today.Add(2 * time.Hour))
			require.Equal(t, test.late, late)
		})
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	ctx, cancel := context.WithCancel(t.Context())
	asked := 0
	service := says{func(string) (federation.Realm, error) {
		if asked++; asked == 3 {
			cancel()
		}
		return federation.Realm{Type: federation.ManagedRealm}, nil
	}}
	v, err := w.asking(t, service).Wait(ctx, plan, nil)
	require.ErrorIs(t, err, federation.ErrNotLive)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "federation: the change is not in force yet: stopped after 30s; Entra's sign-in service says of contoso.com "+
		"that it is managed, and it should be federated: context canceled")
	require.Equal(t, federation.ManagedRealm, v.Realm.Type)
	require.Equal(t, 3, asked)
}

func TestWaitEndsWhenAskingIsUseless(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	service := says{func(string) (federation.Realm, error) { return federation.Realm{}, answer("realm", 403, "", "") }}
	_, err := w.asking(t, service).Wait(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrForbidden)
	require.NotErrorIs(t, err, federation.ErrNotLive)

	_, err = w.fed.Wait(t.Context(), guestPlan(federation.PurposeFederateGuest, nil), nil)
	require.ErrorIs(t, err, federation.ErrUnsupported)
	_, err = w.fed.Wait(t.Context(), nil, nil)
	require.EqualError(t, err, "federation: there is no plan to wait for: it is nil")
}
