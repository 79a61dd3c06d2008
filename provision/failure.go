package provision

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Error is what [Provisioner.Ensure], [Provisioner.Retire] and [Provisioner.Restore] return: where it stopped, for
// whom, and why. Error() is for the operator, with the remedy where there is one; [Error.Public] is for the person at
// the browser.
type Error struct {
	// Step is the name of the step that failed: one of the Step… constants, the name of one of the host's own steps,
	// or "validate" before the first step.
	Step string

	Person PersonKey

	// Err is the cause. errors.Is finds in it one sentinel at most; errors.As finds a *[DirectoryError],
	// *[ConflictError], *[MismatchError], *[LicenseError], *[GroupError], *[RefusedError] or *[VanishedError].
	Err error
}

// stepValidate is where a person is refused before the first step.
const stepValidate = "validate"

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "provision: step %q for person %q of connection %q: %v", e.Step, e.Person.ID, e.Person.Connection,
		e.Err)
	if remedy := e.remedy(); remedy != "" {
		fmt.Fprintf(&b, "; %s", remedy)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// RetryAfter says whether making the same call again may succeed without anybody changing anything, and the least time to
// wait before. It is 0 where the directory asked for no particular time.
func (e *Error) RetryAfter() (time.Duration, bool) {
	switch e.Reason() {
	case ReasonThrottled, ReasonUnavailable, ReasonNotReady:
		return askedDelay(e.Err), true
	case ReasonCanceled:
		return 0, true
	}
	return 0, false
}

// Reason is a stable code for a failure. It is safe to show and to count.
type Reason string

// The reasons.
const (
	ReasonInvalidPerson Reason = "invalid-person" // [ErrInvalidPerson]
	ReasonUnauthorized  Reason = "unauthorized"   // [ErrUnauthorized]
	ReasonForbidden     Reason = "forbidden"      // [ErrForbidden]
	ReasonConflict      Reason = "conflict"       // [ErrConflict]
	ReasonNoLicense     Reason = "no-license"     // [ErrNoLicense]
	ReasonThrottled     Reason = "throttled"      // [ErrThrottled]
	ReasonUnavailable   Reason = "unavailable"    // [ErrUnavailable]
	ReasonRetired       Reason = "retired"        // [ErrRetired]
	ReasonNotAllowed    Reason = "not-allowed"    // [ErrRefused]
	ReasonNotReady      Reason = "not-ready"      // [ErrNotReady]
	ReasonCanceled      Reason = "canceled"       // the caller's context ended
	ReasonRefused       Reason = "refused"        // a DirectoryError of no sentinel, [ErrNotFound], an unsuitable licence
	ReasonInternal      Reason = "internal"       // anything else: the store, the host's own step, a panic
	ReasonNotOwned      Reason = "not-owned"      // [ErrNotOwned]; only of Retire and Restore
	ReasonUnknown       Reason = "unknown"        // [ErrNoRecord]; only of Retire and Restore
	ReasonBusy          Reason = "busy"           // [ErrLeaseHeld]; only of an [Event] whose State is Waiting
)

// Reason returns the stable code of the failure.
func (e *Error) Reason() Reason { return reasonOf(e.Err) }

func reasonOf(err error) Reason {
	switch sentinelOf(err) {
	case ErrInvalidPerson:
		return ReasonInvalidPerson
	case ErrUnauthorized:
		return ReasonUnauthorized
	case ErrForbidden:
		return ReasonForbidden
	case ErrConflict:
		return ReasonConflict
	case ErrNoLicense:
		return ReasonNoLicense
	case ErrThrottled:
		return ReasonThrottled
	case ErrUnavailable:
		return ReasonUnavailable
	case ErrRetired:
		return ReasonRetired
	case ErrRefused:
		return ReasonNotAllowed
	case ErrNotOwned:
		return ReasonNotOwned
	case ErrNotReady:
		return ReasonNotReady
	case ErrNotFound:
		return ReasonRefused
	}
	var answer *DirectoryError
	var unsuitable *LicenseError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ReasonCanceled
	case errors.As(err, &answer), errors.As(err, &unsuitable):
		return ReasonRefused
	case errors.Is(err, ErrNoRecord):
		return ReasonUnknown
	}
	return ReasonInternal
}

// Public returns one or two plain English sentences for the person at the browser: [Reason.Public] of the reason.
func (e *Error) Public() string { return e.Reason().Public() }

// Public returns one or two plain English sentences for the person at the browser. They name no account, no licence
// and no cause.
func (r Reason) Public() string {
	switch r {
	case ReasonThrottled, ReasonUnavailable, ReasonCanceled:
		return "The sign-in service is busy at the moment. Please try again in a few minutes."
	case ReasonNotReady:
		return "Your account is not ready yet. Please try again in a few minutes."
	case ReasonInvalidPerson:
		return "Your account cannot be set up with the details we have of you. Please contact your administrator."
	case ReasonNoLicense:
		return "There is no free place for your account at the moment. Please contact your administrator."
	case ReasonRetired:
		return "Your access has ended. Please contact your administrator if you think that this is a mistake."
	case ReasonNotAllowed:
		return "You cannot use Microsoft 365 with this sign-in. Please contact your administrator if you think that this is " +
			"a mistake."
	}
	return "Your account could not be set up. Please contact your administrator."
}

// remedy says what the operator does next, where the cause does not say it already.
func (e *Error) remedy() string {
	switch e.Reason() {
	case ReasonUnauthorized:
		return "check the tenant ID, the client ID and the secret or certificate of the application, and that they " +
			"belong to the cloud in use"
	case ReasonForbidden:
		return "grant the application " + permission(e.Step) + " and admin consent; a new grant counts from the next " +
			"token on" + privilege(e.Step)
	case ReasonThrottled:
		return "nothing is lost: the same person continues where this stopped; lower Pace.Share if it recurs"
	case ReasonUnavailable, ReasonNotReady:
		return "nothing is lost: the same person continues where this stopped"
	case ReasonRetired:
		return "call Restore if the person is back"
	case ReasonNotAllowed:
		return "change Rules.Connections if the person is to be let in; Explain says which rules did not match, and why"
	case ReasonUnknown:
		return "the pipeline never provisioned this person, or under another key: check Connection and ID"
	case ReasonRefused:
		return refusalRemedy(e.Err)
	}
	return ""
}

// permission names the least application permission that a step's calls need.
// Source: https://learn.microsoft.com/graph/permissions-reference.
func permission(step string) string {
	switch step {
	case StepCreate:
		return "User.ReadWrite.All"
	case StepManager:
		return "User.ReadWrite.All"
	case StepGroups:
		return "GroupMember.ReadWrite.All"
	case StepLicense:
		return "LicenseAssignment.ReadWrite.All and User.Read.All (where a group gives licences, GroupMember.ReadWrite.All " +
			"as well)"
	case StepSettle:
		return "User.Read.All"
	case StepBlock, StepEnable:
		return "User.EnableDisableAccount.All, User.RevokeSessions.All and User.Read.All"
	case StepUnlicense:
		return "LicenseAssignment.ReadWrite.All and GroupMember.ReadWrite.All"
	case StepDelete, StepPurge, StepRestore:
		return "User.DeleteRestore.All and User.Read.All"
	}
	return "the permission that this step needs"
}

// privilege says what beside a permission may be missing where accounts are changed that may be an administrator's:
// https://learn.microsoft.com/graph/api/user-delete#permissions.
func privilege(step string) string {
	switch step {
	case StepBlock, StepEnable, StepDelete, StepPurge, StepRestore:
		return "; " + adminsOnly
	}
	return ""
}

const adminsOnly = "an account that holds an administrator role can be changed only by an application that holds a " +
	"higher one itself, such as Privileged Authentication Administrator, or by hand"

func refusalRemedy(err error) string {
	var vanished *VanishedError
	if errors.As(err, &vanished) {
		return "" // it says so itself
	}
	var answer *DirectoryError
	var group *GroupError
	if !errors.As(err, &answer) || errors.As(err, &group) { // a group's error says the remedy itself
		return ""
	}
	switch {
	case errors.Is(answer, ErrNotFound):
		return "check that the address of the directory is the one of the cloud in use"
	case answer.overQuota():
		return "the tenant has as many objects as it may have: delete what is not needed for good (deleted objects count, " +
			"too), or have Microsoft's support raise the limit " +
			"(https://learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions)"
	case answer.unverifiedDomain():
		return "verify the domain of the UPN in the tenant first"
	case answer.says("sourceanchor"), answer.says("onpremisesimmutableid"):
		return "the directory got no ImmutableID, or does not let one be changed in a federated domain: move the account to " +
			"the tenant's onmicrosoft.com domain, change its ImmutableID there, and move it back"
	case answer.says("originated within an external service"):
		return "a directory sync owns the account: change it where the sync reads it"
	case answer.invalidUsageLocation():
		return "set a usage location on the account, or a valid one in Rules.UsageLocation or Person.UsageLocation"
	}
	return ""
}

// MismatchError says that the host gave a person another identity than the one the person has. It matches
// [ErrInvalidPerson].
type MismatchError struct {
	Property string // "userPrincipalName" or "onPremisesImmutableId"
	Given    string // what the host gave
	Has      string // what the person's record or account has
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("the host gave %s %q, but the person has %q already; an identity is never changed here: correct "+
		"what the host gives, or move the person by hand in the directory and in the store", e.Property, e.Given, e.Has)
}

// Is reports whether target is [ErrInvalidPerson].
func (e *MismatchError) Is(target error) bool { return target == ErrInvalidPerson }

// LicenseError says why a licence of Rules.Licenses cannot be given. It matches [ErrNoLicense], unless it is Unsuitable.
type LicenseError struct {
	License string // as Rules.Licenses names it
	Problem string // what is wrong with it, for the operator
	Remedy  string // what the operator does about it; empty: that depends
	Tenant  []SKU  // the subscriptions that the tenant does have

	// Unsuitable is true where seats are not what is missing: the rule is wrong (a service plan that there is not, a
	// name that fits several subscriptions), or the account cannot have this licence (services that exclude one another,
	// a country where it must not be used). No fallback is tried then.
	Unsuitable bool

	Err error // what the directory said; nil when the list of subscriptions said enough
}

func (e *LicenseError) Error() string {
	have := make([]string, len(e.Tenant))
	for i, s := range e.Tenant {
		have[i] = s.describe()
	}
	text := fmt.Sprintf("licence %q: %s", e.License, e.Problem)
	if e.Remedy != "" {
		text += "; " + e.Remedy
	}
	switch {
	case len(have) > 0:
		text += "; the tenant has: " + strings.Join(have, ", ")
	case !e.Unsuitable:
		text += "; the tenant has no subscription at all"
	}
	if e.Err != nil {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text
}

// Is reports whether target is [ErrNoLicense], and the error not Unsuitable.
func (e *LicenseError) Is(target error) bool { return target == ErrNoLicense && !e.Unsuitable }

// Unwrap returns what the directory said.
func (e *LicenseError) Unwrap() error { return e.Err }

// notReadyError is a budget that ran out. It has no Unwrap on purpose: the last answer (a 404, a conflict with nothing
// to be seen) explains the delay and must not be mistaken for the verdict by errors.Is. errors.As still finds it.
type notReadyError struct {
	budget time.Duration
	last   error
}

func (e *notReadyError) Error() string {
	if e.last == nil {
		return fmt.Sprintf("not ready within %v", e.budget)
	}
	text := fmt.Sprintf("not ready within %v; last answer: %v", e.budget, e.last)
	if errors.Is(e.last, ErrConflict) {
		text += "; no visible account holds the value: it has not reached every replica yet, or a deleted user holds " +
			"it (Entra admin centre, Deleted users: restore it or delete it for good)"
	}
	return text
}

func (e *notReadyError) Is(target error) bool { return target == ErrNotReady }

func (e *notReadyError) As(target any) bool { return e.last != nil && errors.As(e.last, target) }

// heldBackError is a call that was not made, because it would have had to wait for longer than the budget allows.
type heldBackError struct {
	wait  time.Duration // 0: nobody knows, the call was still in the queue
	after error         // the 429 that this caller was refused with before; nil if it was not
}

func (e *heldBackError) Error() string {
	text := "the call was held back: it was in the queue for the directory's limits"
	if e.wait > 0 {
		text = fmt.Sprintf("the call was held back: it had to wait %v", e.wait.Round(time.Millisecond))
	}
	if e.after != nil {
		text += fmt.Sprintf(", after: %v", e.after)
	}
	return text
}

func (e *heldBackError) Is(target error) bool { return target == ErrThrottled }

func (e *heldBackError) Unwrap() error { return e.after }

// askedDelay is how long err asks to wait; 0 when it does not say.
func askedDelay(err error) time.Duration {
	var held *heldBackError
	if errors.As(err, &held) {
		return held.wait
	}
	var answer *DirectoryError
	if errors.As(err, &answer) {
		return max(0, answer.RetryAfter)
	}
	return 0
}
