package saml

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed"
)

// GuestConfig describes the identity provider of a partner whose people are guests in somebody else's tenant. TenantID,
// Issuer, Domains, SingleSignOnService and Signer are required.
type GuestConfig struct {
	// Cloud that the tenant is in. The zero value is entrafed.Global. Its Audience may be empty.
	Cloud entrafed.Cloud

	// TenantID is the GUID of the tenant that people are guests of. Assertions are good there and nowhere else.
	TenantID string

	// Issuer is the issuerUri of the federation for guests in that tenant, an absolute URI. Assertions carry it byte for
	// byte. Use another one than for federated domains of the same tenant: Entra finds the federation by it.
	Issuer string

	// Domains are the partner's domains in that federation, at least one. The mail address of every guest is in one of them,
	// not in one below. Case does not matter.
	Domains []string

	// SingleSignOnService is the URL where this identity provider receives an AuthnRequest: the passiveSignInUri of the
	// federation. Members need an address of their own: the requests differ in who asks. A request that names a
	// Destination must name this one.
	SingleSignOnService string

	// Signer and NextSigner are as in [Config]. The federation in Entra has one certificate, so that it is changed at the
	// moment of [GuestIdentityProvider.Switch].
	Signer     Signer
	NextSigner Signer

	// Replays, Lifetime, ClockSkew, MaxRequestAge, Now and Rand are as in [Config].
	Replays       ReplayStore
	Lifetime      time.Duration
	ClockSkew     time.Duration
	MaxRequestAge time.Duration
	Now           func() time.Time
	Rand          io.Reader
}

// GuestIdentityProvider reads requests and issues responses for people who are guests in one tenant (B2B collaboration, by
// "SAML/WS-Fed IdP federation"). To Entra that is another relying party than a federated domain is: another audience,
// another attribute, another way to find the account. What one of the two issues, the other does not take, so they are two
// types, with a subject each.
//
// Make one with [NewGuests]. It is safe for concurrent use, and only its keys ever change.
//
// Source: https://learn.microsoft.com/entra/external-id/direct-federation#to-configure-a-saml-20-identity-provider.
type GuestIdentityProvider struct {
	provider
	issuer  string
	domains []string // in lower case
}

// NewGuests returns an identity provider for guests, or one error that lists everything that is missing or wrong.
//
// Its requests come from the tenant, under the name https://login.microsoftonline.com/{TenantID}/, or for a federation of
// earlier years under that of the cloud, [entrafed.Cloud.Audience]. Both are taken. Entra does not sign them. The audience
// of the answers is the tenant in any case.
func NewGuests(cfg GuestConfig) (*GuestIdentityProvider, error) {
	p := &GuestIdentityProvider{issuer: cfg.Issuer}
	var wrong problems
	p.setUp(basics{
		cloud: cfg.Cloud.OrGlobal(), sso: cfg.SingleSignOnService, signer: cfg.Signer, nextSigner: cfg.NextSigner,
		replays: cfg.Replays, lifetime: cfg.Lifetime, clockSkew: cfg.ClockSkew, maxRequestAge: cfg.MaxRequestAge,
		now: cfg.Now, rand: cfg.Rand,
	}, attributeEmailAddress, &wrong)
	p.audience = p.cloud.Login + "/" + strings.ToLower(cfg.TenantID) + "/"
	p.askers = []string{p.audience}
	named := p.cloud
	if named.Audience == "" {
		named.Audience = p.audience // guests do not need the name of the cloud
	} else {
		p.askers = append(p.askers, named.Audience)
	}

	wrong.add("Cloud", named.Validate())
	if !guid.MatchString(cfg.TenantID) {
		wrong.add("TenantID", fmt.Errorf("%q is not a GUID: it is the tenant's ID, not its name", cfg.TenantID))
	}
	wrong.add("Issuer", checkIssuerURI(cfg.Issuer, p.askers...))
	var err error
	p.domains, err = guestDomains(cfg.Domains)
	wrong.add("Domains", err)
	if err := wrong.err(); err != nil {
		return nil, err
	}
	return p, nil
}

var guid = regexp.MustCompile(`^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$`)

// guestDomains are the domains in lower case.
func guestDomains(configured []string) ([]string, error) {
	if len(configured) == 0 {
		return nil, errors.New("at least one domain is needed")
	}
	var domains []string
	var errs []error
	for _, d := range configured {
		d = strings.ToLower(d)
		if !isDomain(d) {
			errs = append(errs, fmt.Errorf("%q is not a DNS name such as partner.example", d))
		}
		if slices.Contains(domains, d) {
			errs = append(errs, fmt.Errorf("%q is given twice", d))
		}
		domains = append(domains, d)
	}
	return domains, errors.Join(errs...)
}

// Audience returns the name of the tenant as a relying party: https://login.microsoftonline.com/{TenantID}/.
func (p *GuestIdentityProvider) Audience() string { return p.audience }

// Respond issues the answer to a request. It fails if the subject is incomplete or would be refused by Entra
// ([ErrSubject]), or if the key fails. The private key is used once.
func (p *GuestIdentityProvider) Respond(request *AuthnRequest, subject GuestSubject) (*Response, error) {
	if request == nil || request.ID == "" {
		return nil, errors.New("saml: Respond needs the request that ReadRequest returned")
	}
	now := p.now().UTC()
	if err := subject.check(p.domains, now, p.clockSkew); err != nil {
		return nil, err
	}
	return p.assert(subject.statement(), p.issuer, request.ID, request.RelayState, now)
}

// RespondStatus answers a request with no assertion, because the person was not signed in: see
// [IdentityProvider.RespondStatus].
func (p *GuestIdentityProvider) RespondStatus(request *AuthnRequest, status Status) (*Response, error) {
	if err := status.checkAnswer(request); err != nil {
		return nil, err
	}
	return p.status("Response", p.issuer, request.ID, request.RelayState, status)
}

// Metadata returns the identity provider's metadata. Where the federation has its URL as metadataExchangeUri, Entra reads
// the certificate there once the one that it knows has expired:
// https://learn.microsoft.com/entra/external-id/direct-federation-overview#signing-certificate-expiration.
func (p *GuestIdentityProvider) Metadata() ([]byte, error) { return p.metadata(p.issuer, "") }
