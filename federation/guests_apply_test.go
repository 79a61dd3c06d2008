package federation_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// partners is a tenant with federations for guests.
type partners struct{ *tenant }

func (p partners) GuestConfigurations(context.Context) (all []federation.GuestConfiguration, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.begin("guests"); err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(p.guests)) {
		all = append(all, *p.guests[id])
	}
	return all, nil
}

func (p partners) CreateGuests(_ context.Context, body federation.Properties) (federation.GuestConfiguration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.begin("create guests"); err != nil {
		return federation.GuestConfiguration{}, err
	}
	g := federation.GuestConfiguration{}
	writeGuests(&g, body)
	for _, other := range p.guests {
		for _, d := range g.Domains {
			if slices.Contains(other.Domains, d) {
				return federation.GuestConfiguration{}, answer("create guests", http.StatusConflict, "Request_Conflict", "exists")
			}
		}
	}
	g.ID = p.newID()
	p.guests[g.ID] = &g
	return g, p.wrote("create guests", body)
}

// write changes a federation, which must be there.
func (p partners) write(call, id string, body federation.Properties, change func(*federation.GuestConfiguration)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.begin(call); err != nil {
		return err
	}
	if p.guests[id] == nil {
		return notFound(call)
	}
	changed := *p.guests[id]
	change(&changed)
	p.guests[id] = &changed
	return p.wrote(call, body)
}

func (p partners) ChangeGuests(_ context.Context, id string, body federation.Properties) error {
	return p.write("change guests", id, body, func(g *federation.GuestConfiguration) { writeGuests(g, body) })
}

func (p partners) DeleteGuests(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.begin("delete guests"); err != nil {
		return err
	}
	if p.guests[id] == nil {
		return notFound("delete guests")
	}
	delete(p.guests, id)
	return p.wrote("delete guests", nil)
}

func (p partners) AddGuestDomain(_ context.Context, id, domain string) error {
	return p.write("add guest domain "+domain, id, nil, func(g *federation.GuestConfiguration) {
		g.Domains = append(slices.Clone(g.Domains), domain)
	})
}

func (p partners) RemoveGuestDomain(_ context.Context, id, domain string) error {
	return p.write("remove guest domain "+domain, id, nil, func(g *federation.GuestConfiguration) {
		g.Domains = slices.DeleteFunc(slices.Clone(g.Domains), func(d string) bool { return d == domain })
	})
}

// writeGuests sets what a body has, by way of the JSON that names the same.
func writeGuests(g *federation.GuestConfiguration, body federation.Properties) {
	document, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	if err := json.Unmarshal(document, g); err != nil {
		panic(err)
	}
}

// partner is the federation of a partner's two domains.
func partner(t *testing.T) *federation.GuestConfiguration {
	t.Helper()
	return &federation.GuestConfiguration{
		ID: "partner-1", DisplayName: "partner.example.net", IssuerURI: "https://idp.partner.example.net",
		PassiveSignInURI: "https://idp.partner.example.net/sso", SigningCertificate: bare(newCertificate(t, "partner")),
		Protocol: federation.SAML, Domains: []string{"partner.example.net", "partner.example.org"},
	}
}

func creatingGuests(g *federation.GuestConfiguration) federation.Write {
	return federation.Write{Operation: federation.CreateGuests, Domain: g.Domains[0], Body: federation.Properties{
		"displayName": g.DisplayName, "issuerUri": g.IssuerURI, "passiveSignInUri": g.PassiveSignInURI,
		"signingCertificate": g.SigningCertificate, "preferredAuthenticationProtocol": string(g.Protocol), "domains": g.Domains,
	}, Reason: "The partner's people sign in at home."}
}

func addingGuestDomain(domain string) federation.Write {
	return federation.Write{Operation: federation.AddGuestDomain, Domain: domain, Reason: "It is the partner's too."}
}

func guestPlan(purpose federation.Purpose, before *federation.GuestConfiguration, writes ...federation.Write) *federation.Plan {
	return &federation.Plan{
		ID: planID, Purpose: purpose, Domain: "partner.example.net", Made: today,
		Before: federation.State{Guests: before}, Writes: writes,
	}
}

// guestShapes are the plans for guests.
func guestShapes(t *testing.T) map[string]struct {
	begin *federation.GuestConfiguration
	plan  *federation.Plan
	end   *federation.GuestConfiguration
} {
	t.Helper()
	both := partner(t)
	one := *both
	one.Domains = []string{"partner.example.net"}
	changed := *both
	changed.IssuerURI = "https://new.partner.example.net"
	changed.Domains = []string{"partner.example.net", "sub.partner.example.net"}
	change := federation.Properties{"issuerUri": changed.IssuerURI}
	return map[string]struct {
		begin *federation.GuestConfiguration
		plan  *federation.Plan
		end   *federation.GuestConfiguration
	}{
		"create": {nil, guestPlan(federation.PurposeFederateGuest, nil, creatingGuests(both)), both},
		"create, then another domain": {nil, guestPlan(federation.PurposeFederateGuest, nil,
			creatingGuests(&one), addingGuestDomain("partner.example.org")), both},
		"change": {both, guestPlan(federation.PurposeFederateGuest, both,
			federation.Write{Operation: federation.ChangeGuests, ID: both.ID, Body: change},
			federation.Write{Operation: federation.AddGuestDomain, ID: both.ID, Domain: "sub.partner.example.net"},
			federation.Write{Operation: federation.RemoveGuestDomain, ID: both.ID, Domain: "partner.example.org"}), &changed},
		"delete": {both, guestPlan(federation.PurposeRevertGuest, both,
			federation.Write{Operation: federation.DeleteGuests, ID: both.ID}), nil},
	}
}

func TestGuestPlansStoppedAnywhereAreFinished(t *testing.T) {
	t.Parallel()
	for name, shape := range guestShapes(t) {
		for k := range shape.plan.Writes {
			t.Run(name, func(t *testing.T) {
				dir := partners{newTenant()}
				if shape.begin != nil {
					dir.guests[shape.begin.ID] = shape.begin
				}
				w := newWorld(t, dir.tenant)
				w.lose = atWrite(k, func() { panic("killed") })
				require.Panics(t, func() { _, _ = w.federator(t, dir).Apply(t.Context(), shape.plan, nil) })

				w.lose = nil
				outcome, err := w.federator(t, dir).Apply(t.Context(), asStored(t, shape.plan), nil)
				require.NoError(t, err)
				require.Equal(t, len(shape.plan.Writes), outcome.Done)
				require.Len(t, dir.writes, len(shape.plan.Writes), "each write is made once: %v", dir.writes)
				requireGuests(t, shape.end, outcome.State.Guests)
				require.Len(t, w.record(t, "guests/partner.example.net").Undo, 1)
				require.Equal(t, shape.begin, w.record(t, "guests/partner.example.net").Undo[0].Before.Guests)
			})
		}
	}
}

func requireGuests(t *testing.T, expected, is *federation.GuestConfiguration) {
	t.Helper()
	require.Equal(t, expected == nil, is == nil)
	if expected == nil {
		return
	}
	one, other := *expected, *is
	one.ID, other.ID = "", ""
	slices.Sort(other.Domains)
	require.Equal(t, one, other)
}

func TestGuestPlansAreRefusedWhenThePartnerWasChanged(t *testing.T) {
	t.Parallel()
	both := partner(t)
	plan := guestPlan(federation.PurposeFederateGuest, both, federation.Write{
		Operation: federation.ChangeGuests, ID: both.ID, Body: federation.Properties{"displayName": "Partner"},
	})
	for name, test := range map[string]struct {
		change func(partners)
		says   string
	}{
		"removed": {func(p partners) { delete(p.guests, both.ID) },
			"there is no federation for guests with https://idp.partner.example.net"},
		"another issuer": {func(p partners) { p.guests[both.ID].IssuerURI = "https://other.example.net" },
			`issuerUri is "https://other.example.net" and not "https://idp.partner.example.net"`},
		"one domain less": {func(p partners) { p.guests[both.ID].Domains = []string{"partner.example.org"} },
			`domains is "partner.example.org" and not "partner.example.net, partner.example.org"`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := partners{newTenant()}
			own := *both
			dir.guests[both.ID] = &own
			test.change(dir)
			w := newWorld(t, dir.tenant)
			_, err := w.federator(t, dir).Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrChanged)
			require.ErrorContains(t, err, test.says)
			require.Empty(t, dir.writes)
		})
	}
}

func TestAPlanForGuestsHasWritesForGuestsOnly(t *testing.T) {
	t.Parallel()
	for name, plan := range map[string]*federation.Plan{
		"a write to a domain": guestPlan(federation.PurposeFederateGuest, nil, makingDefault("contoso.com")),
		"no certificate": guestPlan(federation.PurposeFederateGuest, nil, federation.Write{
			Operation: federation.CreateGuests, Body: federation.Properties{"issuerUri": "x", "passiveSignInUri": "y"},
		}),
		"created twice":     guestPlan(federation.PurposeFederateGuest, partner(t), creatingGuests(partner(t))),
		"nothing to change": guestPlan(federation.PurposeFederateGuest, nil, federation.Write{Operation: federation.ChangeGuests}),
		"nothing to add to": guestPlan(federation.PurposeFederateGuest, nil, addingGuestDomain("partner.example.org")),
		"no domain to add":  guestPlan(federation.PurposeFederateGuest, partner(t), addingGuestDomain("")),
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, newTenant())
			_, err := w.federator(t, partners{w.tenant}).Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrBlocked)
			require.Empty(t, w.writes)
		})
	}
}

func TestWhatAnOperatorReadsOfGuests(t *testing.T) {
	t.Parallel()
	both := partner(t)
	for name, test := range map[string]struct {
		plan *federation.Plan
		call string
		says string
	}{
		"none yet": {guestPlan(federation.PurposeFederateGuest, nil, creatingGuests(both)), "create guests",
			"federation: write 1 of 1 (create guests partner.example.net) was not done, in 2 attempts; guests of partner.example.net have no " +
				"federation: they sign in as Entra offers them. Apply the plan again later: create guests: 503 Service Unavailable, " +
				"ServiceUnavailable: try again later (request-id a-request-id)"},
		"one": {guestPlan(federation.PurposeRevertGuest, both, federation.Write{Operation: federation.DeleteGuests, ID: both.ID}),
			"delete guests", "federation: write 1 of 1 (delete guests partner.example.net) was not done, in 2 attempts; guests of " +
				"partner.example.net, partner.example.org are federated with https://idp.partner.example.net (configuration partner-1). Apply " +
				"the plan again later: delete guests: 503 Service Unavailable, ServiceUnavailable: try again later (request-id a-request-id)"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := partners{newTenant()}
			if test.plan.Before.Guests != nil {
				dir.guests[both.ID] = both
			}
			dir.refuse = always(test.call, unavailable)
			w := newWorld(t, dir.tenant)
			_, err := w.federator(t, dir).Apply(t.Context(), test.plan, nil)
			require.EqualError(t, err, test.says)

			dir.refuse = always("guests", unavailable)
			_, err = w.federator(t, dir).Apply(t.Context(), test.plan, nil)
			require.ErrorContains(t, err, "federation: partner.example.net cannot be read, so nothing was written by this run")
		})
	}
}
