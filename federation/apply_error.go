package federation

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// where says in a sentence in which state the domain is, as it was last read.
func (a *application) where() string {
	if a.plan.ofGuests() {
		return a.outcome.State.describeGuests(a.domain)
	}
	return a.outcome.State.describe(a.domain)
}

// progressed says how many writes are done.
func (a *application) progressed() string {
	return fmt.Sprintf("%d of %s", a.outcome.Done, count(len(a.plan.Writes), "write", "writes"))
}

func (a *application) named(k int) string {
	return fmt.Sprintf("write %d of %d (%s)", k+1, len(a.plan.Writes), a.what(k))
}

// stopped is the error of a context that ended between two writes.
func (a *application) stopped(cause error) error {
	return fmt.Errorf("federation: stopped with %s done; %s. Apply the plan again to go on: %w",
		a.progressed(), a.where(), cause)
}

// unreadable is the error of a tenant that could not be read before the first write.
func (a *application) unreadable(cause error) error {
	if bricked, is := a.bricked(cause); is {
		return fmt.Errorf("federation: %s: %w", bricked, cause)
	}
	return fmt.Errorf("federation: %s cannot be read, so nothing was written by this run: %w", a.domain, cause)
}

// notShown is the error of a write that was accepted, where err says why the tenant was not seen with it.
func (a *application) notShown(ctx context.Context, k int, err error) error {
	switch {
	case ctx.Err() != nil:
		a.outcome.Done = k + 1
		return a.stopped(ctx.Err())
	case !errors.Is(err, errNotShown):
		return fmt.Errorf("federation: %s was accepted, but %s cannot be read since. Apply the plan again to see it: %w",
			a.named(k), a.domain, err)
	case a.between(k):
		return fmt.Errorf("%w: %s was accepted, but Graph does not show it after %s; as Graph shows it, %s. "+
			"Apply the plan again in some minutes: it goes on after what was done", ErrNotLive, a.named(k), longPatience, a.where())
	}
	return fmt.Errorf("%w: %s was accepted, but then %s; %s. Look who else changes the tenant, and make a new plan",
		ErrChanged, a.named(k), strings.Join(a.states[k+1].differences(a.outcome.State), "; "), a.where())
}

// between reports whether all that was read is as it was before the write or as it must be after it: nobody else changed it.
func (a *application) between(k int) bool {
	present := a.outcome.State
	for _, part := range []func(State) []string{
		func(s State) []string { return s.domainDifferences(present) },
		func(s State) []string { return s.configurationDifferences(present) },
		func(s State) []string { return guestDifferences(s.Guests, present.Guests) },
	} {
		if len(part(a.states[k])) > 0 && len(part(a.states[k+1])) > 0 {
			return false
		}
	}
	return true
}

// notDone is the error of a write that failed, where err says why the tenant was not seen with it.
func (a *application) notDone(ctx context.Context, k int, failure, err error) error {
	bricked, isBricked := a.bricked(err)
	known := errors.Is(err, errNotShown) || ctx.Err() != nil && errors.Is(err, ctx.Err())
	switch {
	case isBricked:
		return fmt.Errorf("federation: %s failed half-way. %s: %w", a.named(k), bricked, failure)
	case !known:
		return fmt.Errorf("federation: it is not known whether %s was done, because %s cannot be read since (%w). "+
			"Apply the plan again when it can be: %w", a.named(k), a.domain, err, failure)
	case !a.between(k):
		return fmt.Errorf("%w: %s failed, and now %s; %s. Make a new plan: %w", ErrChanged, a.named(k),
			strings.Join(a.states[k].differences(a.outcome.State), "; "), a.where(), failure)
	case ctx.Err() != nil:
		return fmt.Errorf("federation: stopped (%w) while it was not clear whether %s was done; as Graph shows it, %s. "+
			"Apply the plan again to go on: %w", ctx.Err(), a.named(k), a.where(), failure)
	case a.position(k) != k:
		return fmt.Errorf("%w: %s failed, and Graph shows it in part after %s: %s. Apply the plan again in some minutes: %w",
			ErrNotLive, a.named(k), longPatience, strings.Join(a.states[k+1].differences(a.outcome.State), "; "), failure)
	case unclear(failure):
		return fmt.Errorf("federation: %s was not done, in %s; %s. Apply the plan again later: %w",
			a.named(k), count(writeAttempts, "attempt", "attempts"), a.where(), failure)
	}
	return fmt.Errorf("federation: %s was refused, with %s done; %s. %s: %w",
		a.named(k), a.progressed(), a.where(), remedy(failure), failure)
}

// remedy says what to do about a write that the tenant refused.
func remedy(failure error) string {
	var answer *DirectoryError
	switch {
	case errors.Is(failure, ErrUnauthorized):
		return "Renew the credential, and apply the plan again"
	case errors.Is(failure, ErrForbidden):
		return "Grant the credential Domain-InternalFederation.ReadWrite.All and Domain.ReadWrite.All, and if that is not " +
			"enough, the role Domain Name Administrator or Hybrid Identity Administrator; then apply the plan again"
	case errors.Is(failure, ErrThrottled):
		return "Apply the plan again when the tenant is less busy"
	case errors.As(failure, &answer) && answer.Status == http.StatusConflict:
		return "Something else in Entra has the same value, most likely the issuer: make a plan with another one"
	}
	return "Mend what the answer says, and apply the plan again or make a new one"
}

// bricked says, with the remedy, that the domain is a federated one whose federation cannot be read, if err and the state
// tell so.
func (a *application) bricked(err error) (text string, is bool) {
	if !a.outcome.State.bricked() || a.plan.ofGuests() ||
		!errors.Is(err, errNotShown) && !errors.Is(err, ErrUnavailable) {
		return "", false
	}
	return brick(a.domain), true
}

// brick is what to say of a federated domain whose federation cannot be read.
func brick(domain string) string {
	return fmt.Sprintf("%s is federated, but its configuration cannot be read. If that stays so for some minutes, Graph has federated "+
		"it in part: nobody of %s can sign in, and no plan can be made. Then sign in to Graph as a Global Administrator whose account is "+
		"in another domain, with Directory.AccessAsUser.All, and send PATCH /domains/%s with {\"authenticationType\":\"Managed\"}; if "+
		"that is refused, remove the domain from the tenant and add it again, or ask Microsoft's support with the request-id",
		domain, domain, domain)
}
