package provision

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// What went wrong, for errors.Is. Every *[Error] matches at most one of them.
var (
	// ErrInvalidPerson: the person lacks something that Entra needs, or has it in a form that Entra refuses.
	ErrInvalidPerson = errors.New("provision: the person cannot be provisioned as described")

	// ErrUnauthorized: the directory did not accept the credential (401), or no token could be had.
	ErrUnauthorized = errors.New("provision: the directory did not accept the credential")

	// ErrForbidden: the credential is good, but it lacks a permission (403).
	ErrForbidden = errors.New("provision: the application lacks a permission in the directory")

	// ErrNotFound: the directory does not know the user, or not yet.
	ErrNotFound = errors.New("provision: not in the directory")

	// ErrConflict: the UPN, the ImmutableID or an address belongs to another account.
	ErrConflict = errors.New("provision: taken by another account")

	// ErrNoLicense: a subscription is unknown to the tenant, or has no seat left.
	ErrNoLicense = errors.New("provision: no licence is free")

	// ErrThrottled: the directory asks to slow down (429). It is worth trying again later.
	ErrThrottled = errors.New("provision: the directory is throttling")

	// ErrUnavailable: the directory failed (5xx), or the connection did. It is worth trying again later.
	ErrUnavailable = errors.New("provision: the directory is not available")

	// ErrRetired: the person was retired. Nothing is provisioned until [Provisioner.Restore] is called.
	ErrRetired = errors.New("provision: the person has left")

	// ErrRefused: the rules do not let the person in: a [ConnectionRule] refuses them, or none matches.
	ErrRefused = errors.New("provision: the rules refuse the person")

	// ErrNotOwned: the account is not the pipeline's to block or to delete: a directory sync owns it, or the pipeline did
	// not create it.
	ErrNotOwned = errors.New("provision: the account is not the pipeline's")

	// ErrNotReady: the budget of time ran out before the person could sign in. It is worth trying again later.
	ErrNotReady = errors.New("provision: not ready yet")
)

// DirectoryError is what the directory answered, kept whole for the operator. It matches one of [ErrUnauthorized],
// [ErrForbidden], [ErrNotFound], [ErrConflict], [ErrNoLicense], [ErrThrottled], [ErrUnavailable], [ErrAlreadyMember] and
// [ErrCursorExpired], or none of them.
type DirectoryError struct {
	Operation  string        // what was asked, for example "POST /users"
	Status     int           // HTTP status; 0 when no answer came
	Code       string        // Graph's error code, for example "Request_BadRequest"
	Message    string        // Graph's message
	Details    []ErrorDetail // Graph's details, which name the property of a conflict
	RequestID  string        // Graph's request-id: quote it to Microsoft's support
	RetryAfter time.Duration // what Retry-After asked for; 0 when it was absent
	Err        error         // the cause, when no answer came
}

// ErrorDetail is one entry of Graph's error.details.
type ErrorDetail struct{ Code, Target, Message string }

func (e *DirectoryError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", e.Operation)
	if e.Status == 0 {
		fmt.Fprintf(&b, "no answer: %v", e.Err)
		return b.String()
	}
	fmt.Fprintf(&b, "%d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		fmt.Fprintf(&b, ", %s", e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request-id %s)", e.RequestID)
	}
	return b.String()
}

// Unwrap returns the cause of a missing answer.
func (e *DirectoryError) Unwrap() error { return e.Err }

// Is reports whether target is the one sentinel that the answer amounts to. Uniqueness clashes and missing seats are
// told by code and text together with the status, never by the status alone: Graph answers 400 to both, and its 409 is
// also used for concurrent writes.
//
// An answer that never came matches [ErrUnavailable], unless its cause matches a sentinel already.
func (e *DirectoryError) Is(target error) bool {
	kind := e.kind()
	return kind != nil && target == kind
}

// Temporary reports whether the same call may succeed later without anybody changing anything: the directory asked to
// slow down, failed, refused a concurrent write, or answered from a replica that lags behind.
//
// A 404 is not temporary by itself. Whether a user is missing or merely late is for the caller to know.
func (e *DirectoryError) Temporary() bool {
	return errors.Is(e, ErrThrottled) || errors.Is(e, ErrUnavailable) || e.concurrent() || e.lagging()
}

// kind names the one sentinel that the answer amounts to, or nil.
func (e *DirectoryError) kind() error {
	switch {
	case e.Status == 0:
		if sentinelOf(e.Err) != nil {
			return nil
		}
		return ErrUnavailable
	case e.overQuota():
		return nil
	case e.Status == http.StatusUnauthorized:
		return ErrUnauthorized
	case e.Status == http.StatusForbidden:
		return ErrForbidden
	case e.joined():
		return ErrAlreadyMember
	case e.expired():
		return ErrCursorExpired
	case e.taken():
		return ErrConflict
	case e.unlicensable():
		return ErrNoLicense
	case e.missing():
		return ErrNotFound
	case e.Status == http.StatusTooManyRequests, strings.HasPrefix(e.Code, "Request_Throttled"):
		return ErrThrottled
	case e.Status >= 500, e.Status == http.StatusRequestTimeout:
		return ErrUnavailable
	}
	return nil
}

// taken: a value that must be unique belongs to another object. 400 is what Graph answers for users, 409 what it
// answers for other objects, 500 what it answered for the ImmutableID in earlier years.
func (e *DirectoryError) taken() bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusConflict, http.StatusInternalServerError:
	default:
		return false
	}
	if e.Code == "Directory_ConcurrencyViolation" {
		return false
	}
	for _, d := range e.Details {
		if d.Code == "ObjectConflict" || d.Code == "ConflictingObjects" {
			return true
		}
	}
	return e.Code == "Request_MultipleObjectsWithSameKeyValue" ||
		(e.Code == codeBadRequest || e.Status == http.StatusInternalServerError) &&
			e.says("another object with the same value")
}

// joined: the user is a member of the group already.
func (e *DirectoryError) joined() bool {
	return e.badRequest() && e.says("one or more added object references already exist")
}

// expired: what was known of the place in a list is forgotten. 410 is what is documented, 400 has been seen:
// https://learn.microsoft.com/graph/delta-query-overview.
func (e *DirectoryError) expired() bool {
	switch strings.ToLower(e.Code) {
	case "syncstatenotfound", "resyncrequired", "directory_expiredpagetoken":
		return e.Status == http.StatusBadRequest || e.Status == http.StatusGone
	}
	return e.Status == http.StatusGone
}

// overQuota: the tenant has as many objects as it may have. Neither a permission nor waiting helps.
func (e *DirectoryError) overQuota() bool { return e.Code == "Directory_QuotaExceeded" }

// unverifiedDomain: the UPN's domain is not one of the tenant's, or its verification has not reached every replica.
func (e *DirectoryError) unverifiedDomain() bool { return e.badRequest() && e.says("domain portion") }

// unlicensable: the subscription has no seat, or the tenant does not have it.
func (e *DirectoryError) unlicensable() bool {
	return e.badRequest() &&
		(e.says("does not have any available licenses") || e.says("does not correspond to a valid company license"))
}

// missing: the object does not exist, or not on the replica that answered.
func (e *DirectoryError) missing() bool {
	return e.Status == http.StatusNotFound ||
		e.badRequest() && e.says("does not exist or one of its queried reference-property objects are not present")
}

// concurrent: another write to the same object was under way.
func (e *DirectoryError) concurrent() bool { return e.Code == "Directory_ConcurrencyViolation" }

// lagging: a refusal that Graph gives while a change is still on its way to the answering replica, or to one that cannot
// read the tenant at the moment.
func (e *DirectoryError) lagging() bool {
	return e.Status == http.StatusBadRequest && e.Code == "Directory_ObjectNotFound" ||
		e.badRequest() && (e.invalidUsageLocation() ||
			e.says("not a valid reference update") ||
			e.says("one or more property values specified are invalid"))
}

// invalidUsageLocation: the user has no usage location, has a wrong one, or it has not arrived yet.
func (e *DirectoryError) invalidUsageLocation() bool {
	return e.badRequest() && e.says("invalid usage location")
}

func (e *DirectoryError) badRequest() bool {
	return e.Status == http.StatusBadRequest && e.Code == codeBadRequest
}

// says reports whether the message has a text in it, in any case. The first letters are compared ahead, because it is asked
// of every answer, and often.
func (e *DirectoryError) says(text string) bool {
	for rest := e.Message; text != "" && len(rest) >= len(text); rest = rest[1:] {
		if rest[0]|0x20 == text[0]|0x20 && strings.EqualFold(rest[:len(text)], text) {
			return true
		}
	}
	return text == ""
}

const codeBadRequest = "Request_BadRequest"

// sentinelOf names the sentinel that err matches, or nil.
func sentinelOf(err error) error {
	for _, s := range []error{
		ErrInvalidPerson, ErrUnauthorized, ErrForbidden, ErrConflict, ErrNoLicense, ErrThrottled, ErrUnavailable,
		ErrRetired, ErrRefused, ErrNotOwned, ErrNotReady, ErrNotFound,
	} {
		if errors.Is(err, s) {
			return s
		}
	}
	return nil
}
