package oidc

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/oauth2"
)

// Error is what went wrong at or with the provider, for the operator. No token, code or secret is in it.
type Error struct {
	// Step is what was being done: "discovery", "response", "token", "ID token", "userinfo" or "logout token".
	Step string

	// Code is the provider's error code (RFC 6749, sections 4.1.2.1 and 5.2), if it gave one: "invalid_client".
	Code string

	text string
	err  error
}

// Error says what is wrong.
func (e *Error) Error() string { return "oidc: " + e.Step + ": " + e.text }

// Unwrap returns the cause, such as [adapters.ErrCancelled] or a context's error. It may be nil.
func (e *Error) Unwrap() error { return e.err }

func problem(step, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Step: step, text: err.Error(), err: errors.Unwrap(err)}
}

// foreign is an error of somebody else's code, whose text may repeat what the provider said.
func foreign(step string, err error, secrets ...string) *Error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return refusal(step, refused, secrets)
	}
	return &Error{Step: step, text: redacted(err.Error(), secrets), err: err}
}

// refusal is the token endpoint's. Its body is not repeated, and not to be had by errors.As.
func refusal(step string, refused *oauth2.RetrieveError, secrets []string) *Error {
	code, text := errorCode(refused.ErrorCode), "the provider refused"
	if refused.Response != nil {
		text += " with " + status(refused.Response)
	}
	if code != "" {
		text += fmt.Sprintf(": %s (%q)%s", code, redacted(refused.ErrorDescription, secrets), remedy(code))
	}
	return &Error{Step: step, Code: code, text: text}
}

// remedy says what to do about a refusal.
func remedy(code string) string {
	switch code {
	case "invalid_client":
		return ": compare ClientID, ClientSecret and SecretInBody with the client that is registered at the provider"
	case "invalid_grant":
		return ": the code was used before, is too old, or was given for another redirect URI"
	case "unauthorized_client", "unsupported_grant_type":
		return ": allow the client the authorization code flow at the provider"
	}
	return ""
}

// maxCode is the length of the longest error code that is repeated.
const maxCode = 64

// errorCode is the code if it looks like one, or "unknown error".
func errorCode(code string) string {
	wrong := func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' }
	if len(code) > maxCode || strings.ContainsFunc(code, wrong) {
		return "unknown error"
	}
	return code
}

// maxText is how much of what the provider said is repeated, in bytes.
const maxText = 300

const hidden = "[hidden]"

// tokenLike is a JSON Web Token, or what may be one.
var tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*`)

// redacted is a text of the provider's, fit for a log: short, on one line, without the secrets and without tokens.
func redacted(text string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, hidden)
			text = strings.ReplaceAll(text, url.QueryEscape(secret), hidden)
		}
	}
	text = tokenLike.ReplaceAllString(text, hidden)
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "") + "…"
	}
	return text
}
