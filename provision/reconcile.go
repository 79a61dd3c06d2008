package provision

import (
	"context"
	"errors"
	"time"
)

// Reconciliation says what [Provisioner.Reconcile] does about what it finds. The zero value reports and changes nothing.
type Reconciliation struct {
	// Full looks at everybody in the store, in place of those who changed since the last time.
	Full bool

	// Repair says which drifts are put right. Nil: none.
	Repair func(Drift) bool

	// Report is called for every drift, one after the other. Nil: they are only counted.
	Report func(Drift)
}

// Drift is a difference between what the pipeline remembers of a person and what the directory has.
type Drift struct {
	Person   PersonKey
	ObjectID string
	Kind     DriftKind
	Want     string // what the pipeline remembers or the rules say
	Have     string // what the directory has
	Repaired bool
	Err      error // why it was not repaired, where that was tried
	At       time.Time
}

// DriftKind is what differs.
type DriftKind string

// The kinds of drift.
const (
	DriftMissing     DriftKind = "missing"      // the account is neither there nor among the deleted ones
	DriftDeleted     DriftKind = "deleted"      // it is among the deleted users
	DriftDisabled    DriftKind = "disabled"     // it is blocked, and the person was not retired
	DriftEnabled     DriftKind = "enabled"      // it can sign in, although the person was retired
	DriftImmutableID DriftKind = "immutable-id" // another ImmutableID, or none: the person cannot sign in
	DriftUPN         DriftKind = "upn"          // another UPN: the assertion names the old one
	DriftLicense     DriftKind = "license"      // a seat is missing, or a group cannot give it
)

// Reconciled is what a reconciliation did.
type Reconciled struct {
	Looked   int // at how many people
	Drifts   int // found
	Repaired int
	Failed   int // repairs that failed
}

// Reconcile is under construction.
func (p *Provisioner) Reconcile(ctx context.Context, r Reconciliation) (Reconciled, error) {
	return Reconciled{}, errors.ErrUnsupported
}
