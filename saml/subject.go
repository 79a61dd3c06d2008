package saml

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/entrafed/entrafed/internal/xmldoc"
)

// Subject is who signed in and how: facts that the host states, because only the host knows them.
type Subject struct {
	// ImmutableID is the user's onPremisesImmutableId, 1 to 64 characters. It becomes the NameID and is compared by
	// Entra with regard to case. Values that hold + / = are sent as they are; letters and digits are safest.
	ImmutableID string

	// UPN is the user's userPrincipalName. It becomes IDPEmail, and its domain chooses the realm.
	UPN string

	// AuthnInstant is when the person really signed in, not the present time when a session is used again: Entra's
	// sign-in frequency depends on it. Required.
	AuthnInstant time.Time

	// MFA is true if the person proved more than one factor in this sign-in or session. It becomes [MultipleAuthn].
	MFA bool

	// AuthnContext is the class to state when MFA is false, as an absolute URI. Empty means
	// urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport, Entra's documented default.
	AuthnContext string

	// SessionIndex names the host's session, so that a logout can name it. Empty means the assertion's ID.
	SessionIndex string
}

// ErrSubject: the subject is incomplete, or Entra would refuse it. For errors.Is.
var ErrSubject = errors.New("saml: the subject cannot be asserted")

const (
	maxImmutableID  = 64
	maxUPN          = 113
	maxUPNLocal     = 64
	maxUPNDomain    = 48
	maxSessionIndex = 256

	passwordProtectedTransport = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
)

// check lists all that is wrong with the subject.
func (s Subject) check(now time.Time, skew time.Duration) error {
	var errs []error
	add := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
		}
	}
	add("ImmutableID", checkNameID(s.ImmutableID, maxImmutableID))
	add("UPN", checkUPN(s.UPN))
	add("AuthnContext", s.checkAuthnContext())
	add("SessionIndex", checkSessionIndex(s.SessionIndex))
	add("AuthnInstant", checkAuthnInstant(s.AuthnInstant, now.Add(skew)))
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrSubject, errors.Join(errs...))
}

func checkAuthnInstant(at, latest time.Time) error {
	switch {
	case at.IsZero():
		return errors.New("state when the person signed in")
	case at.Before(time.Unix(0, 0)):
		return fmt.Errorf("%s was before there were computers to sign in to", at.UTC().Format(time.RFC3339))
	case at.After(latest):
		return fmt.Errorf("%s is in the future", at.UTC().Format(time.RFC3339))
	}
	return nil
}

// checkNameID checks what becomes the NameID; most is how many characters it may have.
func checkNameID(id string, most int) error {
	switch n := utf8.RuneCountInString(id); {
	case n == 0:
		return errors.New("it is empty: Entra knows the user by it")
	case n > most:
		return fmt.Errorf("it has %d characters: Entra takes at most %d", n, most)
	case strings.ContainsFunc(id, notInNameID):
		return errors.New("it has a space, a control character, or one that XML cannot carry")
	}
	return nil
}

func notInNameID(r rune) bool {
	if r > ' ' && r < 0x7f {
		return false
	}
	return r == utf8.RuneError || unicode.IsSpace(r) || unicode.IsControl(r) || !xmldoc.IsChar(r)
}

// checkUPN applies the user name policy of
// https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy#username-policies.
func checkUPN(upn string) error {
	local, domain, found := strings.Cut(upn, "@")
	switch {
	case !found || local == "":
		return errors.New("it does not have the form name@domain")
	case len(upn) > maxUPN || len(local) > maxUPNLocal || len(domain) > maxUPNDomain:
		return fmt.Errorf("it is longer than %d characters, or %d before the @, or %d after it",
			maxUPN, maxUPNLocal, maxUPNDomain)
	case strings.ContainsFunc(local, notInUPN) || strings.HasSuffix(local, "."):
		return errors.New("it may have letters without accents, digits and ' . - _ ! # ^ ~ before the @, and no dot at the end")
	case !isDomain(strings.ToLower(domain)):
		return errors.New("what follows the @ is not a domain")
	}
	return nil
}

func notInUPN(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && !strings.ContainsRune("'.-_!#^~", r)
}

func (s Subject) checkAuthnContext() error {
	if s.AuthnContext == "" {
		return nil
	}
	if s.MFA || s.AuthnContext == MultipleAuthn {
		return errors.New("only one class can be stated: set MFA for a second factor, or AuthnContext, not both")
	}
	return checkClass(s.AuthnContext)
}

func checkClass(class string) error {
	if u, err := url.Parse(class); err != nil || !u.IsAbs() || strings.ContainsFunc(class, notURIRune) {
		return errors.New("it is not an absolute URI")
	}
	return nil
}

func checkSessionIndex(index string) error {
	if len(index) > maxSessionIndex || strings.ContainsFunc(index, notInNameID) {
		return fmt.Errorf("it has more than %d bytes, or a space or a control character", maxSessionIndex)
	}
	return nil
}

func (s Subject) statement() statement {
	return statement{
		nameID: s.ImmutableID, attribute: s.UPN, classRef: s.classRef(), sessionIndex: s.SessionIndex,
		authnInstant: s.AuthnInstant,
	}
}

func (s Subject) classRef() string {
	switch {
	case s.MFA:
		return MultipleAuthn
	case s.AuthnContext != "":
		return s.AuthnContext
	}
	return passwordProtectedTransport
}

func (s Subject) domain() string {
	_, domain, _ := strings.Cut(s.UPN, "@")
	return domain
}
