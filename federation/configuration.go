package federation

// Configuration is a domain's federation with an identity provider, Graph's internalDomainFederation:
// https://learn.microsoft.com/graph/api/resources/internaldomainfederation. Empty strings are properties that are not set.
type Configuration struct {
	ID                  string `json:"id,omitempty"` // chosen by Entra
	DisplayName         string `json:"displayName,omitempty"`
	IssuerURI           string `json:"issuerUri"`
	PassiveSignInURI    string `json:"passiveSignInUri"`
	ActiveSignInURI     string `json:"activeSignInUri,omitempty"`
	SignOutURI          string `json:"signOutUri,omitempty"`
	MetadataExchangeURI string `json:"metadataExchangeUri,omitempty"`
	PasswordResetURI    string `json:"passwordResetUri,omitempty"`

	// SigningCertificate and NextSigningCertificate are base64 of DER, without armour.
	SigningCertificate     string `json:"signingCertificate"`
	NextSigningCertificate string `json:"nextSigningCertificate,omitempty"`

	Protocol    Protocol    `json:"preferredAuthenticationProtocol,omitempty"`
	MFABehavior MFABehavior `json:"federatedIdpMfaBehavior,omitempty"`
	PromptLogin PromptLogin `json:"promptLoginBehavior,omitempty"`

	// SignedRequests is isSignedAuthenticationRequestRequired: Entra signs its AuthnRequests.
	SignedRequests bool `json:"isSignedAuthenticationRequestRequired"`
}

// Protocol is what the identity provider speaks.
type Protocol string

// The protocols, as Graph names them. Entra takes WSFed when none is set.
const (
	SAML  Protocol = "saml"
	WSFed Protocol = "wsFed"
)

// MFABehavior says what Entra makes of a second factor at the identity provider:
// https://learn.microsoft.com/graph/api/resources/internaldomainfederation#federatedidpmfabehavior-values.
type MFABehavior string

// The behaviours, as Graph names them. Entra acts as with AcceptMFA when none is set.
const (
	// AcceptMFA believes the identity provider, and asks for a second factor itself where it had none.
	AcceptMFA MFABehavior = "acceptIfMfaDoneByFederatedIdp"
	// EnforceMFA sends the person back to the identity provider where it had none.
	EnforceMFA MFABehavior = "enforceMfaByFederatedIdp"
	// RejectMFA always asks for a second factor itself.
	RejectMFA MFABehavior = "rejectMfaByFederatedIdp"
)

// PromptLogin says what Entra does when an application asks for a fresh sign-in:
// https://learn.microsoft.com/graph/api/resources/internaldomainfederation#promptloginbehavior-values.
type PromptLogin string

// The behaviours, as Graph names them. Entra acts as with TranslatePrompt when none is set.
const (
	TranslatePrompt PromptLogin = "translateToFreshPasswordAuthentication"
	NativePrompt    PromptLogin = "nativeSupport"
	DisabledPrompt  PromptLogin = "disabled"
)

// Properties are properties of an object of Graph, by the names that Graph gives them: strings, booleans, lists of strings,
// or nil for null. They are the body of a write.
type Properties map[string]any

// Change is a property before and after a write. A nil is a property that is not set.
type Change struct {
	Property string `json:"property"`
	From     any    `json:"from"`
	To       any    `json:"to"`
}

// texts are the properties that are texts, by Graph's names.
func (c *Configuration) texts() map[string]*string {
	return map[string]*string{
		"displayName":                     &c.DisplayName,
		"issuerUri":                       &c.IssuerURI,
		"passiveSignInUri":                &c.PassiveSignInURI,
		"activeSignInUri":                 &c.ActiveSignInURI,
		"signOutUri":                      &c.SignOutURI,
		"metadataExchangeUri":             &c.MetadataExchangeURI,
		"passwordResetUri":                &c.PasswordResetURI,
		"signingCertificate":              &c.SigningCertificate,
		"nextSigningCertificate":          &c.NextSigningCertificate,
		"preferredAuthenticationProtocol": (*string)(&c.Protocol),
		"federatedIdpMfaBehavior":         (*string)(&c.MFABehavior),
		"promptLoginBehavior":             (*string)(&c.PromptLogin),
	}
}

const signedRequests = "isSignedAuthenticationRequestRequired"

// properties are all of the configuration but its ID; what is empty is nil.
func (c Configuration) properties() Properties {
	p := propertiesOf(c.texts())
	p[signedRequests] = c.SignedRequests
	return p
}

// with is the configuration after the properties were written.
func (c Configuration) with(p Properties) Configuration {
	setTexts(c.texts(), p)
	if value, written := p[signedRequests]; written {
		c.SignedRequests, _ = value.(bool)
	}
	return c
}

// propertiesOf are texts as Graph has them; what is empty is nil.
func propertiesOf(texts map[string]*string) Properties {
	p := Properties{}
	for name, text := range texts {
		p[name] = orNil(*text)
	}
	return p
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// setTexts writes those of the texts that are among the properties.
func setTexts(texts map[string]*string, p Properties) {
	for name, target := range texts {
		if value, written := p[name]; written {
			*target, _ = value.(string)
		}
	}
}
