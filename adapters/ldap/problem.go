package ldap

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/entrafed/entrafed/adapters"
)

// Error is what went wrong at or with the directory, for the operator. No password is in it.
type Error struct {
	// Step is what was being done: "connect", "search account", "search", "sign-in", "account", "groups" or "person".
	Step string

	// Code is the directory's result code (RFC 4511, appendix A), if it gave one: 49 is invalidCredentials.
	Code uint16

	// Entry is the DN of the person's entry, if one was found.
	Entry string

	text       string
	err        error
	unanswered bool // a person's password was sent, and what the directory made of it is not known
}

// Error says what is wrong, and with whom.
func (e *Error) Error() string {
	step := "ldap: " + e.Step + ": "
	if e.Entry != "" {
		step += sayable(e.Entry) + ": "
	}
	return step + e.text
}

// Unwrap returns the cause: [ErrWrong], [adapters.ErrDenied] or [ErrUnavailable], as a rule.
func (e *Error) Unwrap() error { return e.err }

// What the cause of an [Error] is, for errors.Is. Who may not sign in has [adapters.ErrDenied].
var (
	// ErrWrong: nobody has this name, or the password is another.
	ErrWrong = errors.New("ldap: the name or the password is wrong")

	// ErrPasswordDue: the password is right, and has expired or must be changed first. It matches [adapters.ErrDenied]
	// too.
	ErrPasswordDue = fmt.Errorf("ldap: the password must be changed: %w", adapters.ErrDenied)

	// ErrUnavailable: no server answers as it should.
	ErrUnavailable = errors.New("ldap: the directory is not available")
)

func problem(step string, cause error, format string, args ...any) *Error {
	return &Error{Step: step, text: fmt.Sprintf(format, args...), err: cause}
}

// failure is a request that the directory did not answer well.
func failure(step string, err error, remedy string) *Error {
	failed := &Error{Step: step, text: sayable(err.Error()), err: ErrUnavailable}
	var answered *goldap.Error
	if errors.As(err, &answered) && answered.ResultCode < goldap.ErrorNetwork {
		failed.Code = answered.ResultCode
	}
	if remedy != "" {
		failed.text += ": " + remedy
	}
	return failed
}

// denied is an account whose owner may not sign in.
func denied(why string) *Error { return &Error{Step: "account", text: why, err: adapters.ErrDenied} }

// maxText is how much of what the directory said is repeated, in bytes.
const maxText = 300

// sayable is a text of the directory's, fit for a log: short and on one line.
func sayable(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}

// about adds to an error whose entry it is about.
func about(entry *goldap.Entry, err error) error {
	var failed *Error
	if entry != nil && errors.As(err, &failed) {
		failed.Entry = entry.DN
	}
	return err
}

// unanswered reports whether the directory may have counted an attempt without saying so.
func unanswered(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && failed.unanswered
}
