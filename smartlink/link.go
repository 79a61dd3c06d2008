package smartlink

// Link is one link that starts a sign-in. Links are compared with ==.
//
// [Policy.Build] and [Policy.Parse] are each other's inverse: for a Link that builds, parsing the result gives the same
// Link. Two spellings are reported in one way: Domain in lower case, and a Target that is the form's own address as
// none.
type Link struct {
	// Form is the link's shape; [LoginSRF] if zero.
	Form Form

	// Domain is the federated domain whose identity provider answers: a DNS name of ASCII letters, digits and hyphens
	// with at least two labels, at most 253 characters. International names are written in punycode.
	Domain string

	// Target is where the person lands: an absolute https URL that passes [Policy.CheckTarget], byte for byte. In the
	// application forms it is the application's own address, and empty for that of the worldwide cloud.
	Target string

	// LoginHint is the UPN of the person, or the domain again: at most 1024 bytes, without control characters and
	// without spaces at its ends.
	LoginHint string

	// Client and Connection are what an Auth0 link named: the identifier of the application, and the connection that
	// answered. Only [Policy.Parse] sets them. A connection's name is not a domain; whoever migrates knows which
	// domain it stood for.
	Client, Connection string
}

// URL builds the link for the worldwide cloud with the zero [Policy]. The errors are those of [Policy.Build].
func (l Link) URL() (string, error) { return Policy{}.Build(l) }

// Modern returns the [LoginSRF] link with the same Domain, Target and LoginHint if l has a form that is only read, and
// l itself otherwise. Where the old link did not say the domain, it must be filled in before building.
func (l Link) Modern() Link {
	if !l.Form.ParserOnly() {
		return l
	}
	return Link{Domain: l.Domain, Target: l.Target, LoginHint: l.LoginHint}
}
