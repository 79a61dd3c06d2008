package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation"
)

// rotate replaces the key that signs, step by step.
func (s *session) rotate(ctx context.Context) int {
	if _, _, err := s.Certificates(ctx); err != nil {
		return s.Misused(err)
	}
	status, err := s.federator.RotationStatus(ctx, s.domain, s)
	if err != nil {
		return s.failed(err, nothingChanged)
	}
	if err := s.remember(); err != nil {
		return s.failed(err, nothingChanged)
	}
	if s.flags.verb == rotateStatus {
		return s.printRotation(rotated{RotationStatus: status})
	}
	if s.flags.verb == rotateStep && s.flags.wait {
		if status, err = s.untilAllowed(ctx, status); err != nil {
			return s.failed(err, "to go on: "+s.stepAgain()+" -wait")
		}
	}
	if code, ok := s.confirmStep(ctx, status); !ok {
		return code
	}
	make := s.federator.RotateStep
	if s.flags.verb == rotateAbandon {
		make = s.federator.AbandonRotation
	}
	r := s.newReporter()
	after, err := make(ctx, s.domain, s, r.add)
	r.settle()
	if err != nil {
		return s.stepFailed(after, r, err)
	}
	return s.printRotation(rotated{RotationStatus: after, Events: r.events})
}

// rotated is what -json prints of a rotation.
type rotated struct {
	federation.RotationStatus
	Events []federation.Event `json:"events,omitempty"`
	Error  string             `json:"error,omitempty"`
}

// untilAllowed waits until time is not what the step waits for.
func (s *session) untilAllowed(ctx context.Context, status federation.RotationStatus) (federation.RotationStatus, error) {
	r := s.newReporter()
	defer r.settle()
	for !status.Allowed && status.NotBefore.After(s.Now()) {
		left := status.NotBefore.Sub(s.Now())
		r.add(federation.Event{At: s.Now(), Kind: federation.EventWaiting, Message: fmt.Sprintf("The next step is not to be made "+
			"before %s.", status.NotBefore.UTC().Format(time.DateTime+" MST"))})
		err := s.Sleep(ctx, min(left, stepPause))
		if err == nil {
			status, err = s.federator.RotationStatus(ctx, s.domain, s)
		}
		if err != nil {
			return status, err
		}
	}
	return status, nil
}

// stepPause is how often it is looked what a step waits for: the operator may go back meanwhile.
const stepPause = time.Minute

// confirmStep shows what the step writes, and asks. A step that is refused, or writes nothing, needs no answer.
func (s *session) confirmStep(ctx context.Context, status federation.RotationStatus) (code int, ok bool) {
	if !s.flags.json {
		fmt.Fprint(s.Stdout, terminal.Plain(status.String()))
	}
	if status.Plan != nil && !s.flags.json && s.flags.verb == rotateStep {
		if err := status.Plan.Print(s.Stdout, s.style()); err != nil {
			return s.failed(err, nothingChanged), false
		}
	}
	if s.flags.dryRun {
		s.Say("%s: -dry-run", nothingChanged)
		return command.ExitOK, false
	}
	question := fmt.Sprintf("Tenant %s: %s\n", s.tenant, status.Next)
	switch {
	case s.flags.verb == rotateAbandon:
		question = fmt.Sprintf("Tenant %s: the rotation of %s is abandoned: the certificate that came last is withdrawn.\n", s.tenant,
			s.domain)
	case !status.Allowed || status.Plan == nil:
		return command.ExitOK, true
	}
	return s.Confirm(ctx, s.flags.yes, question)
}

// stepFailed says why a step was not made.
func (s *session) stepFailed(status federation.RotationStatus, r *reporter, err error) int {
	if s.flags.json {
		if err := document.Print(s.Stdout, rotated{status, r.events, err.Error()}); err != nil {
			return s.failed(err, nothingChanged)
		}
	}
	again := s.stepAgain()
	switch {
	case errors.Is(err, federation.ErrNoNextKey) && status.Stage == federation.RotationIdle && !errors.Is(err, federation.ErrLockout):
		s.Say("there is nothing to do: %s", strings.Join(status.Reasons, "; "))
		return command.ExitOK
	case errors.Is(err, federation.ErrByHand):
		return s.Stopped(err, s.byHand())
	case errors.Is(err, federation.ErrTooEarly):
		return s.Stopped(err, "to go on, not before "+status.NotBefore.UTC().Format(time.DateTime+" MST")+": "+again+
			"; with -wait it waits by itself")
	}
	return s.failed(err, "to see how it is: "+s.again("rotate status %s", s.domain))
}

// stepAgain is the command line of the next step, with the same files. Where metadata is, is remembered.
func (s *session) stepAgain() string { return s.stepWith(s.flags.certificate, s.flags.nextCertificate) }

func (s *session) stepWith(signs, other string) string {
	line := s.again("rotate step %s", s.domain)
	for _, file := range [][2]string{{"certificate", signs}, {"next-certificate", other}} {
		if file[1] != "" {
			line += " -" + file[0] + " " + quoted(file[1])
		}
	}
	return line
}

// byHand says what the operator is to do at the identity provider, and then here.
func (s *session) byHand() string {
	if s.flags.certificate == "" {
		return "now: make the identity provider sign with the other key, so that its certificate is the first in the metadata\n" +
			"at once after that: " + s.stepAgain()
	}
	return "now: make the identity provider sign with the other key\nat once after that, with the files exchanged: " +
		s.stepWith(s.flags.nextCertificate, s.flags.certificate)
}

// printRotation prints how far it is, and what to do now.
func (s *session) printRotation(r rotated) int {
	var err error
	if s.flags.json {
		err = document.Print(s.Stdout, r)
	} else {
		_, err = fmt.Fprint(s.Stdout, terminal.Plain(r.String()))
	}
	switch {
	case err != nil:
		return s.failed(err, "what was done is done")
	case r.Stage == federation.RotationBroken:
		return command.ExitFailed
	case s.flags.verb != rotateAbandon: // after which the next step would begin anew
		s.sayNext(r.RotationStatus)
	}
	return command.ExitOK
}

// sayNext says what to do now, or when.
func (s *session) sayNext(status federation.RotationStatus) {
	step := s.stepAgain()
	switch {
	case status.Allowed:
		s.Say("now: %s", step)
	case !status.NotBefore.IsZero():
		s.Say("not before %s: %s", status.NotBefore.UTC().Format(time.DateTime+" MST"), step)
	case status.Stage == federation.RotationAnnounced:
		s.Say("%s", s.byHand())
	}
}
