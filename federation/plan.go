package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Plan is what is to be written to the tenant, in order, and what was found on the way. It is data: it can be stored as
// JSON and applied by another process. Printing it shows a diff.
type Plan struct {
	// ID tells this plan from others: 32 hexadecimal digits.
	ID string `json:"id"`

	// Purpose says what the plan is for.
	Purpose Purpose `json:"purpose"`

	// Domain is the domain that it is about. For guests it is the first of the partner's domains.
	Domain string `json:"domain"`

	// Made is when the tenant was read.
	Made time.Time `json:"made"`

	// Before is the tenant as it was read, as far as the writes depend on it or change it.
	Before State `json:"before"`

	// Writes are the requests that [Federator.Apply] makes, in order. Empty: the tenant is as it should be.
	Writes []Write `json:"writes"`

	Findings []Finding `json:"findings"`
}

// Purpose says what a plan is for, or what a [Rule] is looked at for.
type Purpose string

// The purposes.
const (
	PurposeFederate      Purpose = "federate"
	PurposeRevert        Purpose = "revert"
	PurposeRotate        Purpose = "rotate"
	PurposePromote       Purpose = "promote"
	PurposeMakeDefault   Purpose = "make default"
	PurposeFederateGuest Purpose = "federate guests"
	PurposeRevertGuest   Purpose = "revert guests"
	PurposeDiagnose      Purpose = "diagnose" // of no plan
)

// State is what a plan depends on. The zero State is a tenant that does not know the domain.
type State struct {
	// Domain is the domain of the plan, nil if the tenant does not have it.
	Domain *Domain `json:"domain,omitempty"`

	// DefaultDomain is the name of the tenant's default domain.
	DefaultDomain string `json:"defaultDomain,omitempty"`

	// Configuration is the domain's federation; nil if it has none of its own.
	Configuration *Configuration `json:"configuration,omitempty"`

	// Guests is the federation with the partner; nil if there is none, or if the plan is not about guests.
	Guests *GuestConfiguration `json:"guests,omitempty"`
}

// Write is one request to Graph.
type Write struct {
	Operation Operation `json:"operation"`

	// Domain and ID are what is written: a domain and, where it exists already, its configuration; for guests the ID of
	// their federation.
	Domain string `json:"domain,omitempty"`
	ID     string `json:"id,omitempty"`

	// Body is what is sent, with Graph's names; nil where nothing is.
	Body Properties `json:"body,omitempty"`

	// Changes are the properties that will be different.
	Changes []Change `json:"changes,omitempty"`

	// Reason says why, in a sentence.
	Reason string `json:"reason"`
}

// Operation is a kind of write.
type Operation string

// The operations, with the requests that they are.
const (
	CreateConfiguration Operation = "create configuration" // POST /domains/{domain}/federationConfiguration
	ChangeConfiguration Operation = "change configuration" // PATCH /domains/{domain}/federationConfiguration/{id}
	DeleteConfiguration Operation = "delete configuration" // DELETE /domains/{domain}/federationConfiguration/{id}
	ChangeDomain        Operation = "change domain"        // PATCH /domains/{domain}
	PromoteDomain       Operation = "promote domain"       // POST /domains/{domain}/promote
	CreateGuests        Operation = "create guests"        // POST /directory/federationConfigurations/…
	ChangeGuests        Operation = "change guests"        // PATCH /directory/federationConfigurations/…/{id}
	DeleteGuests        Operation = "delete guests"        // DELETE /directory/federationConfigurations/…/{id}
	AddGuestDomain      Operation = "add guest domain"     // POST /directory/federationConfigurations/…/{id}/domains
	RemoveGuestDomain   Operation = "remove guest domain"  // DELETE /directory/federationConfigurations/…/{id}/domains/{domain}
)

// Plan reads the tenant and says what would have to be written so that the domain is as the settings say, and what stands
// in the way. It changes nothing. What is wrong with the settings or with the tenant is a finding, not an error: the error
// is for a tenant that could not be read at all.
//
// The users of the domain and the Global Administrators are read as well, where the Directory can: of a large domain that
// takes some minutes. [Settings.ImmutableID] is called from this goroutine.
func (f *Federator) Plan(ctx context.Context, s Settings) (*Plan, error) {
	x := &examination{domain: s.Domain, settings: &s, immutableID: s.ImmutableID}
	if err := f.examine(ctx, x); err != nil {
		return nil, fmt.Errorf("federation: the tenant cannot be read, so there is no plan for %q: %w", s.Domain, err)
	}
	x.writes = x.federate()
	return f.planOf(PurposeFederate, x)
}

// federate are the writes that make the domain as the settings say. There are none where something must be mended first
// without which they make no sense: above all there is no write that lacks a certificate. What only speaks against them is
// a finding, and the writes are shown.
func (x *examination) federate() []Write {
	wanted, err := x.wanted()
	if err != nil || !x.canBeFederated() {
		return nil
	}
	if present := x.configuration; present != nil {
		w, differs := changeConfiguration(x.domain, *present, wanted.properties(), x.changeReason())
		if !differs {
			return nil
		}
		return []Write{w}
	}
	create := createConfiguration(x.domain, wanted,
		"This makes "+x.domain+" a federated domain: its people sign in at the identity provider from then on.")
	if other := strings.ToLower(x.settings.DefaultDomain); x.own().IsDefault && x.defaultProblem(other) == "" {
		return []Write{makeDefault(other, "The tenant's default domain, which "+x.domain+" is, cannot be federated."), create}
	}
	return []Write{create}
}

func (x *examination) changeReason() string {
	if x.isForeign() {
		return "The federation of " + x.domain + " that somebody else made becomes as the settings say."
	}
	return "The federation of " + x.domain + " becomes as the settings say."
}

// canBeFederated reports whether the tenant would take a federation for the domain, as far as that is known.
func (x *examination) canBeFederated() bool {
	d := x.own()
	return d != nil && d.IsVerified && d.IsRoot && !d.isInitial() && x.has(factConfiguration) && !x.broken()
}

// wanted is the federation that the settings ask for. The error is for settings of which none can be made.
func (x *examination) wanted() (Configuration, error) {
	s := x.settings
	signing, err := readCertificate(s.SigningCertificate)
	if err != nil {
		return Configuration{}, err
	}
	c := Configuration{
		DisplayName: either(s.DisplayName, x.domain), IssuerURI: s.Issuer, PassiveSignInURI: s.SignInURL,
		ActiveSignInURI: s.ActiveSignInURL, SignOutURI: s.SignOutURL, MetadataExchangeURI: s.MetadataURL,
		PasswordResetURI: s.PasswordResetURL, SigningCertificate: bareCertificate(signing),
		Protocol: either(s.Protocol, SAML), MFABehavior: either(s.MFABehavior, RejectMFA), PromptLogin: s.PromptLogin,
		SignedRequests: s.SignedRequests,
	}
	if issuerProblem(s.Issuer) != "" || urlProblem(s.SignInURL) != "" {
		return Configuration{}, errors.New("federation: the issuer or the sign-in URL cannot be used")
	}
	c.NextSigningCertificate = x.keptNext()
	if len(s.NextSigningCertificate) > 0 {
		next, err := readCertificate(s.NextSigningCertificate)
		if err != nil {
			return Configuration{}, err
		}
		c.NextSigningCertificate = bareCertificate(next)
	}
	return x.asWritten(c), nil
}

// keptNext is the tenant's next certificate if it stays: this program put it there, and it is not the one that signs.
func (x *examination) keptNext() string {
	if x.configuration == nil || x.configuration.NextSigningCertificate == "" {
		return ""
	}
	next := x.configuration.NextSigningCertificate
	if signing, err := readCertificate(x.settings.SigningCertificate); err == nil &&
		sameCertificate(next, bareCertificate(signing)) {
		return ""
	}
	if !x.isOurs(next) {
		return ""
	}
	return next
}

// asWritten writes what means the same as in the tenant in the way in which the tenant has it, so that it is no change.
func (x *examination) asWritten(c Configuration) Configuration {
	present := x.configuration
	if present == nil {
		return c
	}
	if sameCertificate(c.SigningCertificate, present.SigningCertificate) {
		c.SigningCertificate = present.SigningCertificate
	}
	if sameCertificate(c.NextSigningCertificate, present.NextSigningCertificate) {
		c.NextSigningCertificate = present.NextSigningCertificate
	}
	if c.PromptLogin == "" && present.PromptLogin == TranslatePrompt { // what Entra does when nothing is set
		c.PromptLogin = TranslatePrompt
	}
	return c
}

// makeDefault is the write that makes a domain the tenant's default one.
func makeDefault(domain, reason string) Write {
	return Write{
		Operation: ChangeDomain, Domain: domain, Body: Properties{"isDefault": true},
		Changes: []Change{{Property: "isDefault", From: false, To: true}}, Reason: reason,
	}
}

func either[T ~string](value, otherwise T) T {
	if value == "" {
		return otherwise
	}
	return value
}
