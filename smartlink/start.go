package smartlink

import (
	"errors"
	"net/http"
	"strings"
)

// Parameters of a start link.
const (
	parameterTarget    = "to"
	parameterLoginHint = "login_hint"
)

// Start is a link at the host's own identity provider: sign in here, land there. It is short enough to print on a
// poster, and its Target is held to the same rules as that of a [Link]:
//
//	{Base}?to={Target}&login_hint={LoginHint}
//
// [NewHandler] serves it, and any handler that calls [Policy.ReadStart] can. Starts are compared with ==.
type Start struct {
	// Base is the address that serves start links: absolute, https, without query and fragment, at most 2048 bytes.
	// Any host and port is allowed, because it is the operator's own.
	Base string

	// Target is where the person lands, byte for byte; empty leaves it to the server of the link.
	Target string

	// LoginHint is as in [Link].
	LoginHint string
}

// URL builds the link for the worldwide cloud with the zero [Policy]. The errors are those of [Policy.BuildStart].
func (s Start) URL() (string, error) { return Policy{}.BuildStart(s) }

// BuildStart returns the start link as a URL, or one error with all that is wrong: each part is a *[LinkError].
func (p Policy) BuildStart(s Start) (string, error) {
	rules, err := p.rules()
	if err != nil {
		return "", err
	}
	if err := rules.checkStart(s); err != nil {
		return "", err
	}
	link := cut(s.Base)
	if s.Target != "" {
		link = link.with(parameterTarget, s.Target)
	}
	if s.LoginHint != "" {
		link = link.with(parameterLoginHint, s.LoginHint)
	}
	return link.String(), nil
}

// ParseStart reads a start link; it is the inverse of [Policy.BuildStart]. Whether the Base is the caller's own is the
// caller's to compare. Parameters that mean nothing here, such as those that mailers add, are passed over. The error is
// a *[LinkError], or several joined.
func (p Policy) ParseStart(raw string) (Start, error) {
	rules, err := p.rules()
	if err != nil {
		return Start{}, err
	}
	link := cut(raw)
	s, fault := rules.readStart(link.query)
	if fault == nil && link.hasFrag {
		fault = (&LinkError{Field: "Link", Reason: "has a fragment, which no server receives", Err: ErrEncoding,
			Remedy: "encode the whole target once, so that its # does not end the link"}).about(raw)
	}
	if fault != nil {
		return Start{}, fault
	}
	s.Base = link.base
	if err := rules.checkStart(s); err != nil {
		return Start{}, err
	}
	return s, nil
}

// ReadStart reads the Target and the LoginHint of a start link from the request that it led to, with the Base left
// empty. Both are checked, and either may be empty. The error is a *[LinkError], or several joined.
func (p Policy) ReadStart(r *http.Request) (Start, error) {
	rules, err := p.rules()
	if err != nil {
		return Start{}, err
	}
	return rules.readRequest(r)
}

func (r rules) readRequest(request *http.Request) (Start, error) {
	s, fault := r.readStart(request.URL.RawQuery)
	if fault != nil {
		return Start{}, fault
	}
	if err := r.checkDestination(s); err != nil {
		return Start{}, err
	}
	return s, nil
}

func (r rules) readStart(rawQuery string) (Start, *LinkError) {
	if len(rawQuery) > maxLink {
		return Start{}, &LinkError{Field: "Link", Reason: "is longer than 16384 bytes", Err: ErrTooLong}
	}
	q := readQuery(rawQuery)
	return Start{
		Target:    q.getURL(parameterTarget, parameterLoginHint),
		LoginHint: q.get(parameterLoginHint),
	}, q.err
}

func (r rules) checkStart(s Start) error {
	base := r.checkBase(s.Base)
	if base == nil {
		return r.checkDestination(s)
	}
	return errors.Join(base, r.checkDestination(s))
}

// checkDestination checks what the holder of a start link may choose.
func (r rules) checkDestination(s Start) error {
	return r.check(Link{Form: OldLoginSRF, Target: s.Target, LoginHint: s.LoginHint})
}

func (r rules) checkBase(base string) *LinkError {
	_, err := readAddress(base, addressRules{limit: maxBase, loopback: r.cloud.InsecureLoopback, ports: true})
	switch {
	case err != nil:
		return err.in("Base", ErrBase)
	case strings.ContainsAny(base, "?#"):
		return (&LinkError{Field: "Base", Reason: "has a query or a fragment", Err: ErrBase,
			Remedy: `give the address alone, as in "https://id.contoso.com/go"`}).about(base)
	}
	return nil
}
