package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rotation is what is known of a domain's change of key: what the tenant, the identity provider and the record say, and what
// follows from it.
type rotation struct {
	domain string // lower case
	keys   Keys
	now    time.Time

	before        State
	record        Record
	document      []byte // of the record
	signing       *keyCertificate
	other         *keyCertificate // not that of the key that signs
	first, second *keyCertificate

	stage    RotationStage
	old, new *keyCertificate // the one that goes, and the one that comes; new is nil if there is none
	noted    RotationRecord  // of old and new; what the record says of others does not count
	step     rotationStep
}

// rotation reads the record, the tenant and the identity provider. The record comes first: what another process does from
// then on makes saving it fail.
func (f *Federator) rotation(ctx context.Context, domain string, keys Keys) (*rotation, error) {
	return f.rotationIn(ctx, strings.ToLower(domain), keys, f.state)
}

// rotationAfter is the same after a step that left the tenant so.
func (f *Federator) rotationAfter(ctx context.Context, step *rotation, after State) (*rotation, error) {
	return f.rotationIn(ctx, step.domain, step.keys, func(context.Context, string) (State, error) { return after, nil })
}

func (f *Federator) rotationIn(ctx context.Context, domain string, keys Keys,
	state func(context.Context, string) (State, error)) (*rotation, error) {
	r := &rotation{domain: domain, keys: keys}
	var err error
	if r.record, r.document, err = f.record(ctx, domain); err != nil {
		return nil, err
	}
	before, err := state(ctx, domain)
	if err != nil {
		return nil, fmt.Errorf("federation: the federation of %s cannot be read: %w", domain, err)
	}
	return r, f.look(ctx, r, before)
}

// look finds the stage and its step.
func (f *Federator) look(ctx context.Context, r *rotation, before State) error {
	if err := rotatable(r.domain, before); err != nil {
		return err
	}
	r.before = before
	r.first = tenantCertificate(before.Configuration.SigningCertificate)
	r.second = tenantCertificate(before.Configuration.NextSigningCertificate)
	if err := r.askProvider(ctx); err != nil {
		return err
	}
	r.now = f.now().UTC()
	r.place()
	r.prepare()
	return nil
}

// rotatable refuses a domain without a federation of its own.
func rotatable(domain string, s State) error {
	switch {
	case s.Domain == nil:
		return fmt.Errorf("%w: the tenant has no domain %s", ErrNotFound, domain)
	case s.Configuration == nil && s.Domain.AuthenticationType == Federated && !s.Domain.IsRoot:
		return fmt.Errorf("%w: %s signs in as the root domain above it: rotate the key of that", ErrNotFound, domain)
	case s.Configuration == nil:
		return fmt.Errorf("%w: %s is not federated, so no key signs for it", ErrNotFound, domain)
	}
	return nil
}

func (r *rotation) askProvider(ctx context.Context) error {
	if r.keys == nil {
		return errors.New("federation: the Keys are nil: set those of the identity provider")
	}
	active, other, err := r.keys.Certificates(ctx)
	if err != nil {
		return fmt.Errorf("federation: the identity provider does not say which key signs for %s: %w", r.domain, err)
	}
	if active == nil {
		return fmt.Errorf("federation: the identity provider has no key that signs for %s", r.domain)
	}
	r.signing, r.other = providerCertificate(active), providerCertificate(other)
	if r.other.is(r.signing) {
		r.other = nil
	}
	return nil
}

// place finds the stage.
func (r *rotation) place() {
	switch {
	case !r.signing.is(r.first) && !r.signing.is(r.second):
		r.stage = RotationBroken
		return
	case !r.signing.is(r.first):
		r.enter(RotationSwitched, r.first, r.signing)
	case r.second == nil:
		r.enter(RotationIdle, r.signing, r.other)
	default:
		r.placeBesideSecond()
	}
}

// placeBesideSecond tells what the second certificate is, where the first is that of the key that signs: one that comes, one
// that goes, or neither.
func (r *rotation) placeBesideSecond() {
	recorded := r.record.Rotation
	switch {
	case recorded != nil && r.first.text() == recorded.New && (r.second.text() == recorded.Old || r.second.is(r.first)):
		r.enter(RotationPromoted, tenantCertificate(recorded.Old), r.first)
	case recorded != nil && r.first.text() == recorded.Old && r.second.text() == recorded.New &&
		r.other == nil:
		r.enter(RotationAnnounced, r.first, r.second) // a key that the identity provider has lost
	case r.retired(r.second) || !r.second.is(r.other):
		r.enter(RotationIdle, r.first, r.other)
	case r.put(r.second) || r.other.age(r.signing) > 0:
		// The record is not lost, and knows of no promotion; or it is, and the second certificate was made later.
		r.enter(RotationAnnounced, r.first, r.other)
	default:
		// Where nothing tells which of the two is the new one, removing the second does the least harm: the key that signs
		// goes on signing.
		r.enter(RotationPromoted, r.second, r.first)
	}
}

// enter sets the stage, and keeps of the record what is about the same two certificates.
func (r *rotation) enter(stage RotationStage, old, new *keyCertificate) {
	r.stage, r.old, r.new = stage, old, new
	if new == nil {
		return
	}
	r.noted = RotationRecord{Old: old.text(), New: new.text()}
	if recorded := r.record.Rotation; recorded != nil && recorded.same(r.noted) {
		r.noted = *recorded
	}
}

// finished reports whether the new certificate is the only one, and only the record of its rotation is left.
func (r *rotation) finished() bool {
	return r.stage == RotationIdle && r.second == nil && r.record.Rotation != nil && r.record.Rotation.New == r.first.text()
}

// retired reports whether the certificate is of a key that was replaced or withdrawn.
func (r *rotation) retired(c *keyCertificate) bool {
	return slices.Contains(r.record.Retired, c.text())
}

// put reports whether this package put the certificate into the tenant.
func (r *rotation) put(c *keyCertificate) bool {
	return slices.Contains(r.record.Certificates, c.text())
}

// foreign reports whether the second certificate is nothing that this package or the identity provider knows.
func (r *rotation) foreign() bool {
	return r.second != nil && !r.second.is(r.first) && !r.second.is(r.other) && !r.put(r.second) && !r.retired(r.second)
}

// since is when a wait began; zero if nobody knows. A time to come is none that anybody noted rightly.
func (r *rotation) since(noted time.Time) time.Time {
	if noted.After(r.now) {
		return time.Time{}
	}
	return noted
}
