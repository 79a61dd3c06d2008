package federation

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What went wrong, for errors.Is.
var (
	// ErrBlocked: the plan has a finding of severity [SeverityError], so it is not applied.
	ErrBlocked = errors.New("federation: the plan cannot be applied")

	// ErrChanged: the tenant is not any more what it was when the plan was made. Make a new one.
	ErrChanged = errors.New("federation: the tenant was changed since the plan was made")

	// ErrUnsupported: the Directory lacks the optional interface that this needs.
	ErrUnsupported = errors.New("federation: the directory cannot do this")

	// ErrTooEarly: the step of a rotation must wait. [RotationStatus.NotBefore] says until when.
	ErrTooEarly = errors.New("federation: it is too early for the next step")

	// ErrLockout: the step would make Entra refuse everybody who signs in.
	ErrLockout = errors.New("federation: this would lock people out")

	// ErrNotLive: Entra does not act on the change yet.
	ErrNotLive = errors.New("federation: the change is not in force yet")

	// ErrNotFound: the tenant does not know the domain or the federation (404).
	ErrNotFound = errors.New("federation: not in the tenant")

	// ErrUnauthorized: the tenant did not accept the credential (401), or no token could be had.
	ErrUnauthorized = errors.New("federation: the tenant did not accept the credential")

	// ErrForbidden: the credential is good, but it lacks a permission or a role (403).
	ErrForbidden = errors.New("federation: a permission is missing in the tenant")

	// ErrThrottled: the tenant asks to slow down (429). It is worth trying again later.
	ErrThrottled = errors.New("federation: the tenant is throttling")

	// ErrUnavailable: the tenant failed (5xx), or the connection did. A write may have been done.
	ErrUnavailable = errors.New("federation: the tenant is not available")
)

// DirectoryError is what the tenant answered, kept whole for the operator. By status it matches one of [ErrUnauthorized],
// [ErrForbidden], [ErrNotFound], [ErrThrottled] and [ErrUnavailable], or none of them.
type DirectoryError struct {
	Operation  string        // what was asked, for example "POST /domains/{id}/federationConfiguration"
	Status     int           // HTTP status; 0 when no answer came
	Code       string        // Graph's error code, for example "Request_BadRequest"
	Message    string        // Graph's message
	RequestID  string        // Graph's request-id: quote it to Microsoft's support
	RetryAfter time.Duration // what Retry-After asked for; 0 when it was absent
	Err        error         // the cause, when no answer came
}

func (e *DirectoryError) Error() string {
	if e.Status == 0 {
		return fmt.Sprintf("%s: no answer: %v", e.Operation, e.Err)
	}
	parts := []string{fmt.Sprintf("%s: %d %s", e.Operation, e.Status, http.StatusText(e.Status))}
	if e.Code != "" {
		parts = append(parts, e.Code)
	}
	text := strings.Join(parts, ", ")
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " (request-id " + e.RequestID + ")"
	}
	return text
}

// Unwrap returns the cause of a missing answer.
func (e *DirectoryError) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of the status.
func (e *DirectoryError) Is(target error) bool { return target != nil && target == e.kind() }

func (e *DirectoryError) kind() error {
	switch {
	case e.Status == 0 || e.Status >= http.StatusInternalServerError:
		return ErrUnavailable
	case e.Status == http.StatusUnauthorized:
		return ErrUnauthorized
	case e.Status == http.StatusForbidden:
		return ErrForbidden
	case e.Status == http.StatusNotFound:
		return ErrNotFound
	case e.Status == http.StatusTooManyRequests:
		return ErrThrottled
	}
	return nil
}
