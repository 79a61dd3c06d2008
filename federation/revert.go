package federation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// RevertSettings say what to go back to.
type RevertSettings struct {
	// Domain is the domain's name. Required.
	Domain string

	// Undo is the ID of the plan whose effect is to be undone: the domain becomes what it was before that plan. Empty: the
	// domain becomes a managed one.
	Undo string

	// InsecureRetiredCertificate lets the plan be applied although it restores the certificate of a key that a rotation has
	// replaced. It is safe only when the identity provider signs with that key again, or will when the plan is applied:
	// otherwise Entra refuses everybody of the domain.
	InsecureRetiredCertificate bool
}

// PlanRevert plans the way back: to a managed domain, or to the federation that there was before. Its findings say what it
// costs: who has no password at Entra, and that people may be unable to sign in for up to two hours. It changes nothing.
//
// With an Undo, the tenant's default domain is restored too, where the plan that is undone has moved it, and where that is
// possible: a default domain must be a managed one.
//
// The errors are those of reading the tenant, and one that matches [ErrNotFound] for an Undo that is not in the store.
func (f *Federator) PlanRevert(ctx context.Context, s RevertSettings) (*Plan, error) {
	x := &examination{domain: strings.ToLower(strings.TrimSpace(s.Domain))}
	if x.domain == "" {
		return nil, errors.New("federation: no domain is named that is to be reverted")
	}
	if err := f.examine(ctx, x); err != nil {
		return nil, fmt.Errorf("federation: no way back can be planned for %s: %w", x.domain, err)
	}
	if err := x.readable(); err != nil {
		return nil, err
	}
	x.reversal = &reversal{retired: s.InsecureRetiredCertificate}
	if s.Undo != "" {
		i := slices.IndexFunc(x.record.Undo, func(u Undo) bool { return u.Plan == s.Undo })
		if i < 0 {
			return nil, &noUndoError{domain: x.domain, undo: s.Undo}
		}
		x.reversal.undo = &x.record.Undo[i]
		x.reversal.target = x.record.Undo[i].Before.Configuration
	}
	x.writes = x.revertWrites()
	return f.planOf(PurposeRevert, x)
}

// readable refuses to plan where it is not known how the domain signs in.
func (x *examination) readable() error {
	err := x.failed[factConfiguration]
	if x.broken() {
		return fmt.Errorf("federation: %s: %w", brick(x.domain), cmp.Or(err, errors.New("the tenant shows no configuration")))
	}
	if err != nil {
		return fmt.Errorf("federation: no way back can be planned for %s, because its federation cannot be read: %w", x.domain, err)
	}
	return nil
}

// noUndoError: the store has no such way back.
type noUndoError struct{ domain, undo string }

func (e *noUndoError) Error() string {
	return fmt.Sprintf("federation: the store has no way back %q for %s; list those that it has, and look whether it is the store "+
		"that the plan was applied with", e.undo, e.domain)
}

// Is makes it an [ErrNotFound].
func (e *noUndoError) Is(target error) bool { return target == ErrNotFound }

// reversal is what a way back leads to.
type reversal struct {
	undo    *Undo          // nil: to a managed domain
	target  *Configuration // nil: managed
	retired bool           // the certificate of a key that was replaced may come back
}

// revertWrites are the writes of a way back, as far as there is one; the rules say where there is none.
func (x *examination) revertWrites() (writes []Write) {
	if x.own() == nil {
		return nil
	}
	federation, federated := x.revertFederation()
	if federated {
		federation.Reason = x.revertReason()
		writes = append(writes, federation)
	}
	if name, moves := x.defaultToRestore(); moves && x.restoreProblem(name) == "" {
		restored := makeDefault(name, "It was the tenant's default domain before.")
		if x.reversal.target == nil {
			return append(writes, restored) // once the domain is managed
		}
		return append([]Write{restored}, writes...) // while it is the default domain, it cannot be federated
	}
	return writes
}

// revertFederation is the write to the domain's federation; needed is false if it is as it must be.
func (x *examination) revertFederation() (w Write, needed bool) {
	present, target := x.configuration, x.reversal.target
	switch {
	case target == nil && present == nil:
		return Write{}, false
	case target == nil:
		return deleteConfiguration(x.domain, *present, ""), true
	case present == nil:
		return createConfiguration(x.domain, *target, ""), true
	}
	return changeConfiguration(x.domain, *present, target.restoring(*present), "")
}

// restoring are the properties to write so that the present configuration becomes c. What c leaves to Entra, and the present
// one does not, is written out: Graph does not promise that these can be cleared.
func (c Configuration) restoring(present Configuration) Properties {
	to, is := c.properties(), present.properties()
	for name, assumed := range c.assumed() {
		if to[name] == nil && is[name] != nil {
			to[name] = assumed
		}
	}
	return to
}

func (x *examination) revertReason() string {
	if x.reversal.target == nil {
		return "People sign in at Entra again, with a password that Entra knows."
	}
	return fmt.Sprintf("The domain was federated with %s before.", x.reversal.target.IssuerURI)
}

// defaultToRestore is the domain that becomes the default one again; moves is false where the plan that is undone did not
// move it, or where it is so already.
func (x *examination) defaultToRestore() (name string, moves bool) {
	if x.reversal.undo == nil {
		return "", false
	}
	before, now := strings.ToLower(x.reversal.undo.Before.DefaultDomain), strings.ToLower(x.state().DefaultDomain)
	return before, before != "" && before != now && (before == x.domain || now == x.domain)
}

// restoreProblem says why a domain cannot be the default one again; empty: it can.
func (x *examination) restoreProblem(name string) string {
	d := domainNamed(x.domains, name)
	switch {
	case d == nil:
		return "the tenant does not have it any more"
	case !d.IsVerified:
		return "it is not verified"
	case name == x.domain && x.reversal.target != nil, name != x.domain && d.AuthenticationType == Federated:
		return "it is federated, and a default domain must be managed"
	}
	return ""
}

// UndoRecords lists the ways back that are stored for a domain, the newest first. "guests/" and a partner's domain is the
// name for those of its guests.
func (f *Federator) UndoRecords(ctx context.Context, domain string) ([]Undo, error) {
	r, _, err := f.record(ctx, strings.ToLower(strings.TrimSpace(domain)))
	if err != nil {
		return nil, err
	}
	slices.Reverse(r.Undo)
	return r.Undo, nil
}
