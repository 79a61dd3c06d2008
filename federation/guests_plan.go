package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// partner is what an examination has that is about a partner's guests.
type partner struct {
	settings *GuestSettings // nil: the federation is to be removed
	domains  []string       // that are asked about, in lower case and sorted

	all     []GuestConfiguration // the tenant's federations for guests
	present *GuestConfiguration  // the one that is the partner's
	ours    bool                 // the record has it
	tenant  string               // the tenant's ID; empty: not known
	login   string               // the origin of the cloud's sign-in service
	acs     string               // the cloud's assertion consumer service
}

// shared are the settings that guests have in common with a domain of the tenant, for the rules that look at both.
func (s GuestSettings) shared() *Settings {
	first := ""
	if len(s.Domains) > 0 {
		first = s.Domains[0]
	}
	return &Settings{
		Domain: first, Issuer: s.Issuer, SignInURL: s.SignInURL, SigningCertificate: s.SigningCertificate,
		DisplayName: s.DisplayName, MetadataURL: s.MetadataURL, Protocol: s.Protocol, Replace: s.Replace,
	}
}

// examinePartner reads what the rules of guests look at.
func (f *Federator) examinePartner(ctx context.Context, x *examination) error {
	x.at, x.failed = f.now(), map[fact]error{}
	x.partner.login, x.partner.acs = f.cloud.Login, f.cloud.AssertionConsumerService
	federations, can := f.dir.(GuestFederations)
	if !can {
		return unsupported("GuestFederations")
	}
	var err error
	if x.domains, err = read(ctx, f, f.dir.Domains); err != nil {
		return err
	}
	x.partner.all, err = read(ctx, f, federations.GuestConfigurations)
	if x.lacks(factGuests, err); err != nil && !errors.Is(err, ErrForbidden) {
		return err
	}
	if x.partner.settings != nil {
		f.examineConfigurations(ctx, x)
	}
	f.examineCaller(ctx, x)
	if organizations, can := f.dir.(Organizations); can {
		if tenant, err := read(ctx, f, organizations.Organization); err == nil {
			x.partner.tenant = tenant.ID
		}
	}
	if err := f.recallPartner(ctx, x); err != nil {
		return err
	}
	return ctx.Err()
}

// recallPartner reads the record. It has the name of the domain that was the first one when the federation was made, which
// may be any of them today.
func (f *Federator) recallPartner(ctx context.Context, x *examination) error {
	for _, name := range slices.Compact(append([]string{x.domain}, x.partner.candidateDomains()...)) {
		if !isDomainName(name) {
			continue
		}
		r, _, err := f.record(ctx, guestsName(name))
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(x.partner.all, func(g GuestConfiguration) bool {
			return r.Configuration != "" && g.ID == r.Configuration
		})
		if known || name == x.domain && r.Configuration != "" {
			x.record = r
		}
		if known {
			return nil
		}
	}
	return nil
}

// candidates are the federations that have one of the domains.
func (p *partner) candidates() []GuestConfiguration {
	return slices.DeleteFunc(slices.Clone(p.all), func(g GuestConfiguration) bool { return len(p.shares(g)) == 0 })
}

// candidateDomains are all domains of the candidates.
func (p *partner) candidateDomains() []string {
	var all []string
	for _, g := range p.candidates() {
		all = append(all, guestDomains(g.Domains)...)
	}
	return append(all, p.domains...)
}

// shares are the domains that are asked about and that the federation has.
func (p *partner) shares(g GuestConfiguration) []string {
	return slices.DeleteFunc(guestDomains(g.Domains), func(d string) bool { return !slices.Contains(p.domains, d) })
}

// choose finds the partner's federation: the one that has the plan's domain, for Apply looks for that one; else the one that
// the settings name, the one of the record, or the first.
func (p *partner) choose(x *examination) {
	candidates := p.candidates()
	for _, wanted := range []func(GuestConfiguration) bool{
		func(g GuestConfiguration) bool { return slices.Contains(guestDomains(g.Domains), x.domain) },
		func(g GuestConfiguration) bool { return p.settings != nil && g.ID == p.settings.Replace },
		func(g GuestConfiguration) bool { return g.ID == x.record.Configuration },
		func(GuestConfiguration) bool { return true },
	} {
		if i := slices.IndexFunc(candidates, wanted); i >= 0 {
			p.present = &candidates[i]
			p.ours = x.record.Configuration == p.present.ID
			return
		}
	}
}

// others are the federations beside the partner's that have one of its domains.
func (p *partner) others() []GuestConfiguration {
	return slices.DeleteFunc(p.candidates(), func(g GuestConfiguration) bool { return g.ID == p.present.ID })
}

// federateGuests are the writes that make the federation as the settings say. There are none where something must be mended
// first without which they make no sense. What only speaks against them is a finding, and the writes are shown.
func (x *examination) federateGuests() []Write {
	wanted, err := x.wantedGuests()
	if err != nil || !x.has(factGuests) {
		return nil
	}
	present := x.partner.present
	if present == nil {
		return []Write{createGuests(wanted)}
	}
	if sameCertificate(wanted.SigningCertificate, present.SigningCertificate) {
		wanted.SigningCertificate = present.SigningCertificate
	}
	var writes []Write
	if w, differs := changeGuests(*present, wanted.properties()); differs {
		writes = append(writes, w)
	}
	for _, d := range x.partner.added() {
		writes = append(writes, addGuestDomain(*present, d))
	}
	for _, d := range x.partner.removed() {
		writes = append(writes, removeGuestDomain(*present, d))
	}
	return writes
}

// added are the domains of the settings that the partner's federation does not have.
func (p *partner) added() []string {
	if p.present == nil {
		return p.domains
	}
	return slices.DeleteFunc(slices.Clone(p.domains), func(d string) bool {
		return slices.Contains(guestDomains(p.present.Domains), d)
	})
}

// removed are the domains of the partner's federation that the settings do not have.
func (p *partner) removed() []string {
	if p.present == nil {
		return nil
	}
	return slices.DeleteFunc(guestDomains(p.present.Domains), func(d string) bool { return slices.Contains(p.domains, d) })
}

// wantedGuests is the federation that the settings ask for. The error is for settings of which none can be made, and for
// domains that the tenant would not take.
func (x *examination) wantedGuests() (GuestConfiguration, error) {
	s := x.partner.settings
	signing, err := readCertificate(s.SigningCertificate)
	if err != nil {
		return GuestConfiguration{}, err
	}
	if len(x.partner.domains) == 0 || slices.ContainsFunc(x.partner.domains, func(d string) bool {
		return !isDomainName(d) || x.isVerified(d)
	}) {
		return GuestConfiguration{}, errors.New("federation: a domain cannot be federated for guests")
	}
	if x.partner.present != nil && len(x.partner.others()) > 0 {
		return GuestConfiguration{}, errors.New("federation: another federation for guests has one of the domains")
	}
	if issuerProblem(s.Issuer) != "" || urlProblem(s.SignInURL) != "" ||
		s.MetadataURL != "" && urlProblem(s.MetadataURL) != "" {
		return GuestConfiguration{}, errors.New("federation: the issuer or a URL cannot be used")
	}
	return GuestConfiguration{
		DisplayName: either(s.DisplayName, x.domain), IssuerURI: s.Issuer, PassiveSignInURI: s.SignInURL,
		MetadataExchangeURI: s.MetadataURL, SigningCertificate: bareCertificate(signing), Protocol: either(s.Protocol, SAML),
		Domains: x.partner.domains,
	}, nil
}

// isVerified reports whether it is a verified domain of the tenant.
func (x *examination) isVerified(domain string) bool {
	d := domainNamed(x.domains, domain)
	return d != nil && d.IsVerified
}

// isForeignPartner reports whether somebody else made the federation: it is not the one that was written last, and what it
// says is not what the settings say.
func (x *examination) isForeignPartner() bool {
	p := x.partner
	if p.present == nil || p.ours {
		return false
	}
	return p.settings == nil || p.present.IssuerURI != p.settings.Issuer || !x.isOurs(p.present.SigningCertificate)
}

// texts are the properties that are texts, by Graph's names.
func (g *GuestConfiguration) texts() map[string]*string {
	return map[string]*string{
		"displayName":                     &g.DisplayName,
		"issuerUri":                       &g.IssuerURI,
		"passiveSignInUri":                &g.PassiveSignInURI,
		"metadataExchangeUri":             &g.MetadataExchangeURI,
		"signingCertificate":              &g.SigningCertificate,
		"preferredAuthenticationProtocol": (*string)(&g.Protocol),
	}
}

// properties are all of the federation but its ID and its domains; what is empty is nil.
func (g GuestConfiguration) properties() Properties { return propertiesOf(g.texts()) }

// createGuests is the write that makes a federation, with all its domains.
func createGuests(g GuestConfiguration) Write {
	body := g.properties().set()
	body["domains"] = g.Domains
	return Write{Operation: CreateGuests, Body: body, Changes: changes(Properties{}, body), Reason: fmt.Sprintf(
		"People of %s who are invited from then on sign in at their own identity provider.", strings.Join(g.Domains, ", "))}
}

// changeGuests is the write that sets properties of a federation; ok is false if they are so already.
func changeGuests(present GuestConfiguration, to Properties) (w Write, ok bool) {
	differing := changes(present.properties(), to)
	return Write{Operation: ChangeGuests, ID: present.ID, Body: bodyOf(differing), Changes: differing,
		Reason: "The federation with the partner becomes as the settings say."}, len(differing) > 0
}

func addGuestDomain(present GuestConfiguration, domain string) Write {
	return Write{Operation: AddGuestDomain, ID: present.ID, Domain: domain,
		Changes: []Change{{Property: "domains", To: domain}},
		Reason:  "People of " + domain + " who are invited from then on sign in at the partner's identity provider."}
}

func removeGuestDomain(present GuestConfiguration, domain string) Write {
	return Write{Operation: RemoveGuestDomain, ID: present.ID, Domain: domain,
		Changes: []Change{{Property: "domains", From: domain}},
		Reason:  "The settings do not have " + domain + "."}
}

// deleteGuests is the write that removes a federation.
func deleteGuests(present GuestConfiguration) Write {
	gone := []Change{{Property: "domains", From: guestDomains(present.Domains)}}
	return Write{Operation: DeleteGuests, ID: present.ID, Changes: append(gone, removed(present.properties())...),
		Reason: "Guests do not sign in at the partner's identity provider any more."}
}
