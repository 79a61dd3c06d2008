package federation

// Settings say how a domain is to be federated. Domain, Issuer, SignInURL and SigningCertificate are required.
type Settings struct {
	// Domain is the domain's name. It must be verified, a root domain, and not the tenant's initial one.
	Domain string

	// Issuer is the Issuer of every assertion for this domain, byte for byte: a URI, in practice an https URL of the
	// organisation's own, used for no other federated domain anywhere in Entra.
	Issuer string

	// SignInURL is where Entra sends the browser with its AuthnRequest. An https URL.
	SignInURL string

	// SigningCertificate is the certificate of the key that signs the assertions, as PEM or as DER. RSA with at least 2048
	// bits.
	SigningCertificate []byte

	// NextSigningCertificate is that of the key which will sign next, as PEM or as DER. Empty: none; one that the domain
	// has already stays then, if it is known to be ours.
	NextSigningCertificate []byte

	// DisplayName is shown to people while they are sent on. Empty: Domain.
	DisplayName string

	// SignOutURL is where Entra sends the browser to sign out. Empty: nowhere.
	SignOutURL string

	// ActiveSignInURL is for clients that send a password to the identity provider, by ECP or WS-Trust. Empty: none.
	ActiveSignInURL string

	// MetadataURL is for clients that look for a WS-Trust endpoint. Entra does not read a SAML identity provider's
	// metadata. Empty: none.
	MetadataURL string

	// PasswordResetURL is where people change their password. Empty: nowhere.
	PasswordResetURL string

	// Protocol is what the identity provider speaks. Empty: SAML.
	Protocol Protocol

	// MFABehavior says what Entra makes of a second factor at the identity provider. Empty: RejectMFA, so that Entra asks
	// for its own and believes nobody who claims otherwise.
	MFABehavior MFABehavior

	// PromptLogin says what Entra does when an application asks for a fresh sign-in. Empty: not set.
	PromptLogin PromptLogin

	// SignedRequests makes Entra sign its AuthnRequests.
	SignedRequests bool

	// ImmutableID is the rule by which the identity provider makes the NameID of a user of the domain, for the check that
	// the users have it. "" is a user of whom it cannot tell. Nil: users are only looked at for a missing one.
	ImmutableID func(User) string `json:"-"`

	// DefaultDomain becomes the tenant's default domain first, where Domain is the default one, which cannot be federated.
	// Empty: a plan for the default domain has an error.
	DefaultDomain string

	// Replace is the ID of a federation that somebody else put on the domain and that is to be overwritten: the plan shows
	// it. Empty: such a federation is an error.
	Replace string

	// InsecureNoAdministrator lets the plan be applied although no Global Administrator whose account is in a managed
	// domain is known. It is safe only when somebody has tried that such an account can sign in: otherwise one mistake at
	// the identity provider locks everybody out of the tenant for good.
	InsecureNoAdministrator bool
}
