package smartlink

import (
	"errors"
	"fmt"
	"strings"
)

// What is wrong with a link, for errors.Is. Every error of this package about a link is a *[LinkError], or several
// joined, and each matches exactly one of them.
var (
	// ErrTargetSyntax: the target is not an absolute URL that every reader reads alike.
	ErrTargetSyntax = errors.New("smartlink: the target is not written plainly")

	// ErrTargetScheme: the target is not https.
	ErrTargetScheme = errors.New("smartlink: the target is not https")

	// ErrTargetHost: the target's host is not one that a link may lead to.
	ErrTargetHost = errors.New("smartlink: the target's host is not allowed")

	// ErrTarget: the target is missing, or is not an address that the link's form can carry.
	ErrTarget = errors.New("smartlink: the target does not fit the form of the link")

	// ErrDomain: the domain is missing, is not a DNS name, or does not fit the link's form.
	ErrDomain = errors.New("smartlink: not a usable domain")

	// ErrLoginHint: the login hint is malformed, or does not fit the link's form.
	ErrLoginHint = errors.New("smartlink: not a usable login hint")

	// ErrUnknownForm: the text is not a link that this package knows.
	ErrUnknownForm = errors.New("smartlink: not a link of a known form")

	// ErrParserOnly: links of this form are read, not built.
	ErrParserOnly = errors.New("smartlink: links of this form are not built")

	// ErrRepeated: a parameter that decides where the link leads is given twice.
	ErrRepeated = errors.New("smartlink: a parameter is repeated")

	// ErrEncoding: a parameter is not percent-encoded as it must be, so that its end cannot be told.
	ErrEncoding = errors.New("smartlink: a parameter is not encoded correctly")

	// ErrTooLong: the text exceeds the limit that its field documents.
	ErrTooLong = errors.New("smartlink: too long")

	// ErrBase: the base of a start link is not an absolute https URL without query and fragment, or the Home of a
	// handler is not an address to lead to.
	ErrBase = errors.New("smartlink: not a usable base")

	// ErrPolicy: the policy itself, not the link, is wrong.
	ErrPolicy = errors.New("smartlink: the policy is not usable")
)

// LinkError says what is wrong with one field of a link, and what to do about it. It is written for the operator.
type LinkError struct {
	// Field is the field of the configuration or of the link, such as "Target", or the parameter's name where a link
	// is read.
	Field string

	// Value is what the field held, without credentials and what follows a ? or #, because these are secrets, and cut
	// after 200 bytes. It is empty for login hints, which name a person.
	Value string

	// Reason says which rule is broken.
	Reason string

	// Remedy says what to do, and may be empty.
	Remedy string

	// Err is one of the errors of this package.
	Err error
}

func (e *LinkError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "smartlink: %s ", e.Field)
	if e.Value != "" {
		fmt.Fprintf(&b, "%q ", e.Value)
	}
	b.WriteString(e.Reason)
	if e.Remedy != "" {
		b.WriteString(": " + e.Remedy)
	}
	return b.String()
}

// Unwrap returns e.Err, for errors.Is.
func (e *LinkError) Unwrap() error { return e.Err }

// about returns the error with the value of its field, shortened as [LinkError.Value] says.
func (e *LinkError) about(value string) *LinkError {
	const limit = 200
	if end := strings.IndexAny(value, "?#"); end >= 0 {
		value = value[:end]
	}
	if scheme, rest, ok := strings.Cut(value, "://"); ok {
		authority, _, _ := strings.Cut(rest, "/")
		if at := strings.LastIndexByte(authority, '@'); at >= 0 {
			value = scheme + "://..." + rest[at:]
		}
	}
	e.Value = value[:min(len(value), limit)]
	return e
}

// in returns the error as one of another field, matching another error of this package; too long stays [ErrTooLong].
func (e *LinkError) in(field string, err error) *LinkError {
	e.Field = field
	if e.Err != ErrTooLong {
		e.Err = err
	}
	return e
}
