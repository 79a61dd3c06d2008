package saml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// GuestSubject is a guest who signed in, and how: facts that the host states, because only the host knows them.
//
// A second factor is not among them. Entra asks guests for its own, whatever their identity provider says:
// https://learn.microsoft.com/entra/external-id/b2b-tutorial-require-mfa.
type GuestSubject struct {
	// NameID tells the partner's people apart: 1 to 256 characters without white space, the same for one person at all
	// times, and never another person's (SAML core, section 8.3.7). It need not mean anything.
	NameID string

	// Email is the address that was invited, in one of GuestConfig.Domains. It becomes the attribute emailaddress, by which
	// Entra finds the guest. State only an address that is this person's own.
	Email string

	// AuthnInstant is when the person really signed in, as in [Subject]. Required.
	AuthnInstant time.Time

	// AuthnContext is the class to state, as an absolute URI. Empty means
	// urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport.
	AuthnContext string

	// SessionIndex names the host's session. Empty means the assertion's ID.
	SessionIndex string
}

const (
	maxPersistentID = 256
	maxEmail        = 254 // RFC 5321, section 4.5.3.1.3, without the brackets
	maxEmailLocal   = 64  // RFC 5321, section 4.5.3.1.1
)

// check lists all that is wrong with the subject.
func (s GuestSubject) check(domains []string, now time.Time, skew time.Duration) error {
	var errs []error
	add := func(field string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", field, err))
		}
	}
	add("NameID", checkNameID(s.NameID, maxPersistentID))
	add("Email", checkEmail(s.Email, domains))
	if s.AuthnContext != "" {
		add("AuthnContext", checkClass(s.AuthnContext))
	}
	add("SessionIndex", checkSessionIndex(s.SessionIndex))
	add("AuthnInstant", checkAuthnInstant(s.AuthnInstant, now.Add(skew)))
	if len(errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrSubject, errors.Join(errs...))
}

// checkEmail takes the addresses that need no quotes (RFC 5321, section 4.1.2, Dot-string) and are in one of the domains.
func checkEmail(email string, domains []string) error {
	local, domain, found := strings.Cut(email, "@")
	switch {
	case !found || local == "":
		return errors.New("it does not have the form name@domain")
	case len(email) > maxEmail || len(local) > maxEmailLocal:
		return fmt.Errorf("it is longer than %d characters, or %d before the @", maxEmail, maxEmailLocal)
	case strings.ContainsFunc(local, notInEmail) || slices.Contains(strings.Split(local, "."), ""):
		return errors.New("before the @ it has a character that an address without quotes cannot have, or a dot too many")
	case !slices.Contains(domains, strings.ToLower(domain)):
		return fmt.Errorf("its domain is none of %s: Entra would answer AADSTS5000819", strings.Join(domains, ", "))
	}
	return nil
}

func notInEmail(r rune) bool {
	alphanumeric := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !alphanumeric && !strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r)
}

func (s GuestSubject) statement() statement {
	class := s.AuthnContext
	if class == "" {
		class = passwordProtectedTransport
	}
	return statement{
		nameID: s.NameID, attribute: s.Email, classRef: class, sessionIndex: s.SessionIndex, authnInstant: s.AuthnInstant,
	}
}
