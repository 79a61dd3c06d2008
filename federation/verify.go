package federation

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// Verification compares what Entra's sign-in service says of a domain with what it should say.
type Verification struct {
	Realm Realm `json:"realm"`

	// Live says that Entra acts on the configuration, as far as realm discovery tells: whether the domain is a federated
	// one, and where the browser is sent to. It does not tell the issuer or the certificate: only a sign-in does.
	Live bool `json:"live"`

	// Differences are what is not as it should be, in sentences. There may be some although Live is true: what people see,
	// and what old clients use.
	Differences []string `json:"differences,omitempty"`

	// SignInLink starts a sign-in at the domain, for somebody to try: in a private window, because Entra otherwise goes on
	// with whoever is signed in. It leads where Entra leads people who ask for nothing in particular.
	SignInLink string `json:"signInLink"`
}

// Verify asks Entra's public realm discovery how the domain signs in, and compares it with the configuration that Graph
// shows; for a child domain, with that of its root. Nothing is changed. The error is for questions that could not be asked;
// an answer that differs is not an error.
func (f *Federator) Verify(ctx context.Context, domain string) (Verification, error) {
	domain = strings.ToLower(strings.TrimSpace(domain))
	v := Verification{SignInLink: f.signInLink(domain)}
	s, err := f.state(ctx, domain)
	if err != nil {
		return v, fmt.Errorf("federation: %s cannot be compared, because the tenant cannot be read: %w", domain, err)
	}
	return f.verify(ctx, domain, s)
}

// verify asks how the domain signs in, and compares that with the state.
func (f *Federator) verify(ctx context.Context, domain string, s State) (Verification, error) {
	expected, err := f.signsInWith(ctx, s)
	if err != nil {
		return Verification{SignInLink: f.signInLink(domain)},
			fmt.Errorf("federation: the domain above %s cannot be read: %w", domain, err)
	}
	realm, err := f.realm(ctx, domain)
	if err != nil {
		return Verification{SignInLink: f.signInLink(domain), Realm: realm},
			fmt.Errorf("federation: Entra's sign-in service cannot be asked for %s: %w", domain, err)
	}
	return f.compare(domain, s.Domain, expected, realm), nil
}

// realm asks how the people of a domain sign in.
func (f *Federator) realm(ctx context.Context, domain string) (Realm, error) {
	return read(ctx, f, func(ctx context.Context) (Realm, error) { return f.discovery.Realm(ctx, domain) })
}

// compare compares the answer with the federation by which the people of the domain should sign in; nil: at Entra.
func (f *Federator) compare(domain string, d *Domain, expected *Configuration, realm Realm) Verification {
	v := Verification{SignInLink: f.signInLink(domain), Realm: realm}
	switch {
	case d == nil:
		v.Differences = []string{fmt.Sprintf("%s is not a domain of the tenant; Entra's sign-in service says %s",
			domain, realm.says())}
	case !d.IsVerified:
		v.Differences = []string{fmt.Sprintf("%s is not verified, so nobody can sign in with it", domain)}
	default:
		wrong := realm.wrong(domain, expected)
		v.Live = len(wrong) == 0
		v.Differences = append(wrong, realm.odd(expected, f.cloud.Audience)...)
	}
	return v
}

// signsInWith is the federation by which the people of a domain sign in: its own, or its root's; nil if they sign in at Entra.
func (f *Federator) signsInWith(ctx context.Context, s State) (*Configuration, error) {
	if s.Configuration != nil || s.Domain == nil || s.Domain.AuthenticationType != Federated || s.Domain.IsRoot {
		return s.Configuration, nil
	}
	domains, err := read(ctx, f, f.dir.Domains)
	if err != nil {
		return nil, err
	}
	root := rootOf(domains, s.Domain.Name)
	if root == nil {
		return nil, nil
	}
	above, err := f.state(ctx, root.Name)
	return above.Configuration, err
}

// says is the answer in words.
func (r Realm) says() string {
	switch r.Type {
	case FederatedRealm:
		if r.SignInURL != "" {
			return fmt.Sprintf("that it is federated, with %q", r.SignInURL)
		}
		return "that it is federated"
	case ManagedRealm:
		return "that it is managed"
	}
	return "that it does not know it"
}

// wrong says where people are not led to where they should be.
func (r Realm) wrong(domain string, expected *Configuration) []string {
	switch {
	case expected == nil && r.Type == ManagedRealm:
		return nil
	case expected == nil:
		return []string{fmt.Sprintf("Entra's sign-in service says of %s %s, and it should be managed", domain, r.says())}
	case r.Type != FederatedRealm:
		return []string{fmt.Sprintf("Entra's sign-in service says of %s %s, and it should be federated", domain, r.says())}
	case !r.leadsTo(expected):
		return []string{fmt.Sprintf("Entra sends people of %s to %q, and it should be %q",
			domain, r.SignInURL, withoutQuery(expected.PassiveSignInURI))}
	}
	return nil
}

// leadsTo reports whether people are led to where the federation says, as far as the answer tells.
func (r Realm) leadsTo(c *Configuration) bool {
	return r.SignInURL == "" || sameURL(r.SignInURL, c.PassiveSignInURI)
}

// speaks reports whether what is spoken there is what the federation says, as far as the answer tells.
func (r Realm) speaks(c *Configuration) bool { return r.Protocol == "" || r.Protocol == c.spoken() }

// odd says what else is not as expected. None of it decides where people are led.
func (r Realm) odd(expected *Configuration, audience string) (all []string) {
	if audience != "" && r.Audience != "" && r.Audience != audience {
		all = append(all, fmt.Sprintf("the audience of assertions is %q, and this cloud's is %q", r.Audience, audience))
	}
	if expected == nil || r.Type != FederatedRealm {
		return all
	}
	if !r.speaks(expected) {
		all = append(all, fmt.Sprintf("the protocol is %q, and it should be %q", r.Protocol, expected.spoken()))
	}
	for _, part := range []struct{ name, is, should string }{
		{"name that people see", r.BrandName, expected.DisplayName},
		{"active sign-in URL", r.ActiveSignInURL, expected.ActiveSignInURI},
		{"metadata URL", r.MetadataURL, expected.MetadataExchangeURI},
	} {
		if part.is != "" && part.should != "" && part.is != part.should {
			all = append(all, fmt.Sprintf("the %s is %q, and it should be %q", part.name, part.is, part.should))
		}
	}
	return all
}

// sameURL compares two URLs without their queries; scheme and host are the same in any case.
func sameURL(a, b string) bool {
	one, err := url.Parse(withoutQuery(a))
	other, errToo := url.Parse(withoutQuery(b))
	if err != nil || errToo != nil {
		return a == b
	}
	return strings.EqualFold(one.Scheme, other.Scheme) && strings.EqualFold(one.Host, other.Host) &&
		one.EscapedPath() == other.EscapedPath()
}

func withoutQuery(raw string) string {
	raw, _, _ = strings.Cut(raw, "#")
	raw, _, _ = strings.Cut(raw, "?")
	return raw
}

// signInLink names no page to go on to: Microsoft publishes no list of those that are allowed.
func (f *Federator) signInLink(domain string) string {
	return f.cloud.Login + "/login.srf?wa=wsignin1.0&whr=" + url.QueryEscape(domain)
}
