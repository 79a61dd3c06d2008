package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// SwapLicenses moves somebody who was provisioned before from the licences that the pipeline gave them to those that
// [Rules.Licenses] say now. Seats are given and taken in one call, so that nobody loses what both have; a group is left once
// what replaces it is there. What somebody else gave stays; what [Record.Licenses] does not name was not given by the
// pipeline. Without Licenses in the rules, everything that was given is taken back.
//
// It is idempotent, and continues where an earlier call stopped. An alternative that the person holds counts, though
// another one may be preferred now. If no seat is left, nothing changes. A person who was never licensed nor ready gets
// the licences of the rules from [Provisioner.Ensure], and nothing from here. An account that a directory sync owns is left
// as it is.
//
// Where [Rules.Connections] give the people of the connection different licences, the key does not say which are the
// person's. Then nothing is changed, and the error says so: call [Provisioner.SwapLicensesOf]. Nothing is changed either
// for somebody whom the rules skip, and for somebody whom they refuse the error matches [ErrRefused].
//
// It is bulk work: [Pace] lets people who sign in go first, and it uses [Settle.Budget]. An Ensure of the same person waits
// for it, unless they were ready before; Retire cancels it.
// The error is an *[Error]; it matches [ErrNoRecord] for somebody whom the store does not know, and [ErrRetired] for
// somebody who has left.
func (p *Provisioner) SwapLicenses(ctx context.Context, key PersonKey) error {
	return p.maintain(ctx, key, swapping, (*run).swapLicenses)
}

// SwapLicensesOf is [Provisioner.SwapLicenses] for a person of whom the host knows what Ensure is told, so that the rule
// of [Rules.Connections] that matches now is the one whose licences count.
func (p *Provisioner) SwapLicensesOf(ctx context.Context, person Person) error {
	if err := person.Validate(); err != nil {
		return &Error{Step: stepValidate, Person: person.Key(), Err: err}
	}
	return p.maintainPerson(ctx, person.normalised(), errand{kind: swapping, known: true}, (*run).swapLicenses)
}

func (r *run) swapLicenses(ctx context.Context) error {
	switch err := r.decision.mayLicense(); {
	case errors.Is(err, errSkipped):
		return nil
	case err != nil:
		return err
	case !r.rec.RetiringAt.IsZero():
		return ErrRetired
	case r.rec.ReadyAt.IsZero() && r.rec.LicensedAt.IsZero():
		return nil
	}
	user, err := r.findSure(ctx)
	if err != nil {
		return fmt.Errorf("looking at the account's licences: %w", err)
	}
	if user.DirectorySynced {
		return nil // never written to: whoever runs the sync decides
	}
	g := r.newGiving(user)
	g.swap = true
	if err := g.give(ctx); err != nil {
		return err
	}
	return g.licensed(ctx)
}

// outdated are the marks of what is to be taken back: of what was given, or of what a repair found missing, what is no
// alternative of any licence any more.
func (g *giving) outdated(offered [][]offer) []string {
	marks := slices.Clone(g.missing)
	if g.swap {
		marks = marksOf(g.rec.Licenses)
	}
	return slices.DeleteFunc(marks, func(mark string) bool {
		return slices.ContainsFunc(slices.Concat(offered...), func(o offer) bool { return o.mark() == mark })
	})
}
