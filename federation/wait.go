package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// longestWait is how long Entra takes at most to act on a change, as Microsoft says.
	longestWait = 2 * time.Hour

	// How often it is asked whether something is so yet: often in the first minutes, when most changes come into force.
	firstWaits   = 15 * time.Second
	laterWaits   = 2 * time.Minute
	oftenAtFirst = 5 * time.Minute

	// longestTold is how long whoever is asked may put off the next question. Microsoft's services ask for up to some
	// minutes, and a proxy in between for whatever it likes: Microsoft's own libraries believe nobody who asks for more
	// than an hour, which would be half of what is waited here:
	// https://learn.microsoft.com/entra/msal/dotnet/advanced/client-and-server-throttling.
	longestTold = 10 * time.Minute
)

// Wait waits until Entra's sign-in service acts on what the plan wrote, as [Federator.Verify] tells: up to two hours, in
// which people may or may not be sent to the identity provider. It asks every 15 seconds in the first five minutes and every
// 2 minutes later, and not sooner than a Retry-After says, of which it heeds up to 10 minutes. After two hours the error
// matches [ErrNotLive]. With a context that ends earlier, the error matches ErrNotLive as well.
//
// Realm discovery tells neither the issuer nor the certificate. Of a plan that changes nothing else, it can only say that the
// domain is still a federated one: allow two hours for it, whatever Wait says.
//
// For a federation with a partner there is nothing to ask, and the error matches [ErrUnsupported].
//
// Source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func (f *Federator) Wait(ctx context.Context, plan *Plan, progress func(Event)) (Verification, error) {
	switch {
	case plan == nil:
		return Verification{}, errors.New("federation: there is no plan to wait for: it is nil")
	case plan.ofGuests():
		return Verification{}, fmt.Errorf("%w: realm discovery does not tell how the guests of a tenant sign in; "+
			"let a guest try, within two hours", ErrUnsupported)
	}
	w := wait{f: f, plan: plan, domain: strings.ToLower(plan.Domain), since: f.now(), progress: progress}
	return w.run(ctx)
}

// WaitDomain waits as [Federator.Wait] does, for what Graph shows of the domain now: for what somebody else wrote, or a
// process that has ended. A domain that the tenant does not have is an error that matches [ErrNotFound].
func (f *Federator) WaitDomain(ctx context.Context, domain string, progress func(Event)) (Verification, error) {
	domain = strings.ToLower(strings.TrimSpace(domain))
	s, err := f.state(ctx, domain)
	switch {
	case err != nil:
		return Verification{SignInLink: f.signInLink(domain)},
			fmt.Errorf("federation: %s cannot be waited for, because the tenant cannot be read: %w", domain, err)
	case s.Domain == nil:
		return Verification{SignInLink: f.signInLink(domain)}, fmt.Errorf("%w: %s is not a domain of it", ErrNotFound, domain)
	}
	return f.Wait(ctx, &Plan{Domain: domain, Before: s}, progress)
}

// wait is one run of Wait.
type wait struct {
	f        *Federator
	plan     *Plan
	domain   string
	since    time.Time
	progress func(Event)
}

func (w wait) run(ctx context.Context) (Verification, error) {
	v := Verification{SignInLink: w.f.signInLink(w.domain)}
	for {
		asked, err := w.ask(ctx)
		if err == nil || asked.Realm.Type != "" {
			v = asked
		}
		waited := w.f.now().Sub(w.since)
		switch {
		case err == nil && v.Live:
			w.f.tell(w.progress, Event{Kind: EventLive, Message: w.live()})
			return v, nil
		case ctx.Err() != nil:
			return v, fmt.Errorf("%w: stopped after %s; %s: %w", ErrNotLive, waited.Round(time.Second), w.still(v, err), ctx.Err())
		case err != nil && !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrThrottled):
			return v, err
		case waited >= longestWait:
			return v, w.late(v, err)
		}
		w.f.tell(w.progress, Event{Kind: EventWaiting, Message: fmt.Sprintf("Not in force yet after %s of up to %s: %s. Until it is, "+
			"people of %s may or may not be sent to the identity provider.", waited.Round(time.Second), longestWait, w.still(v, err),
			w.domain)})
		_ = w.f.sleep(ctx, min(pauseAfter(waited, err), longestWait-waited)) // a context that ended is seen above
	}
}

// ask compares what the sign-in service says with the state after the plan.
func (w wait) ask(ctx context.Context) (Verification, error) {
	end := w.plan.Before
	for _, write := range w.plan.Writes {
		end = end.after(write)
	}
	return w.f.verify(ctx, w.domain, end)
}

// pauseAfter is how long to wait before the next question, where so much time has passed since the first one, and the last
// one was answered with err.
func pauseAfter(waited time.Duration, err error) time.Duration {
	pause := laterWaits
	if waited < oftenAtFirst {
		pause = firstWaits
	}
	var answer *DirectoryError
	if errors.As(err, &answer) {
		pause = max(pause, min(answer.RetryAfter, longestTold))
	}
	return pause
}

// still says what is not yet so.
func (w wait) still(v Verification, err error) string {
	switch {
	case err != nil:
		return err.Error()
	case len(v.Differences) == 0:
		return "nothing was heard of the sign-in service"
	}
	return v.Differences[0]
}

func (w wait) late(v Verification, err error) error {
	text := fmt.Sprintf("after %s, %s. Where the domain had users before it was federated, Microsoft says that it may take up to "+
		"24 hours", longestWait, w.still(v, err))
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrNotLive, text, err)
	}
	return fmt.Errorf("%w: %s. Ask for a diagnosis of %s if it does not come", ErrNotLive, text, w.domain)
}

// live says what Entra acts on, and what nobody can see from outside.
func (w wait) live() string {
	for _, write := range w.plan.Writes {
		if write.Operation == CreateConfiguration || write.Operation == ChangeConfiguration {
			return fmt.Sprintf("Entra's sign-in service sends people of %s to the identity provider. Whether it knows the issuer and "+
				"the certificate, only a sign-in tells; some of its servers may take up to %s.", w.domain, longestWait)
		}
	}
	return fmt.Sprintf("Entra's sign-in service knows how people of %s sign in now. Some of its servers may take up to %s.",
		w.domain, longestWait)
}

// tell tells of progress, if anybody wants to hear of it.
func (f *Federator) tell(progress func(Event), e Event) {
	if progress != nil {
		e.At = f.now().UTC()
		progress(e)
	}
}
