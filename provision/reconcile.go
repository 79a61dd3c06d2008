package provision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Reconciliation says what [Provisioner.Reconcile] does about what it finds. The zero value reports and changes
// nothing.
type Reconciliation struct {
	// Full looks at everybody in the store, in place of those who changed since the last time.
	Full bool

	// Repair says which drifts are put right: see [DriftKind] for what that means. It is called once for each drift, one
	// after the other, in the goroutine of the repair, and must not call Ensure for the same person, which would wait for
	// it. Nil: none are.
	Repair func(Drift) bool

	// Person says who somebody is whose licence is to be given again, as it is told to Ensure, so that the rule of
	// [Rules.Connections] that matches now decides, as of [Provisioner.SwapLicensesOf]. It must return the person of the
	// key; its error is why the drift is not repaired. It is called as Repair is. Nil: the connection decides, and where
	// the rules look at more, the drift is not repaired.
	Person func(context.Context, PersonKey) (Person, error)

	// Report is called for every drift, one after the other in the order in which they were found, after it was
	// repaired or was not. It may call Ensure. Nil: they are only counted.
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
	Err      error // why it was not repaired, where that was tried: an *[Error]
	At       time.Time
}

// DriftKind is what differs.
type DriftKind string

// The kinds of drift, and what repairing them does. Of people who were retired only DriftEnabled is looked for.
const (
	// DriftMissing: the account is neither there nor among the deleted ones. Repaired, the person's record forgets the
	// account and keeps the ImmutableID and the reserved UPN, so that the next Ensure makes the account again. Nothing
	// is created by the repair itself. It needs a [Directory] with [DeletedUsers].
	DriftMissing DriftKind = "missing"

	// DriftDeleted: the account is among the deleted users. Repaired, it is restored with the UPN that it had.
	DriftDeleted DriftKind = "deleted"

	// DriftDisabled: the account is blocked, and the person was not retired. Repaired, it may sign in.
	DriftDisabled DriftKind = "disabled"

	// DriftEnabled: the account can sign in, although the person was retired. Repaired, it is blocked, and its sessions
	// end.
	DriftEnabled DriftKind = "enabled"

	// DriftImmutableID: another ImmutableID, or none: the person cannot sign in, or somebody else can. Repaired, the
	// account gets the person's again.
	DriftImmutableID DriftKind = "immutable-id"

	// DriftUPN: another UPN: the assertion names the old one. The directory is right about UPNs. Repaired, the record
	// has its UPN ([Record].DirectoryUPN), which assertions name from then on; nothing is written to the directory.
	DriftUPN DriftKind = "upn"

	// DriftLicense: a seat of [Record].Licenses is missing, or a group cannot give it. Repaired, the step "license" is
	// taken again, at once and with the present rules; what is missing and these do not give any more is forgotten.
	// [Reconciliation].Person says which rules are the person's where the connection does not. If that fails the person
	// can sign in as before.
	DriftLicense DriftKind = "license"
)

// Reconciled is what a reconciliation did.
type Reconciled struct {
	Looked   int // at how many accounts; one that changed again meanwhile counts again
	Drifts   int // found
	Repaired int
	Failed   int // repairs that failed
	Unread   int // people of those looked at whose accounts could not be read for reasons of their own
}

// StepReconcile is the step that an [Error] in a [Drift] names.
const StepReconcile = "reconcile"

// Reconcile compares what the pipeline remembers with what the directory has, reports the differences, and puts right
// those that r.Repair names. It is meant to be called every few minutes, by one process: several at once do the same
// work more than once, and no harm.
//
// It looks at people who are ready or were retired, and never at anybody else's accounts: those that the pipeline did
// not create or adopt are not even read. The first call looks at everybody in the store. Later ones read which users
// changed since the last call but one, in the directory's own list of changes, and look at those among them whom the
// store knows: twice, because the list may be ahead of the replicas that are read. They also look at those whose repair
// failed, or who could not be read, the last time. When the list does not reach back so far any more (Microsoft keeps it
// for some days), or r.Full is set, it looks at everybody. A drift that was reported and not to be repaired is reported
// again in the next round, when the account changes again, and when everybody is looked at.
//
// A difference is believed when Settle.Reads consecutive reads show it, Settle.Interval apart, since replicas lag; so
// is a change that nothing has come of. For a repair an Ensure under way is waited for, also that of another process if
// the store is a [Leaser], and what it has put right is no drift; so does an Ensure wait for a repair, unless the person
// was ready before. Retire cancels it. All calls have [PriorityLow] and are paced as others are; Settle.Budget bounds the
// work on each person.
//
// The store must be an [Index] and [Cursors], the directory one of [UserLists]; DeletedUsers tell deleted accounts from
// missing ones, and repairs need [Accounts]. Where the round has come to is kept in the store after every page: when
// ctx ends, or the directory or the store fails, Reconcile returns what was done and an error, and the next call
// continues. A walk through everybody that was interrupted is finished first. Whatever fails for one person alone does
// not end the round.
//
// Source of what the list of changes holds: https://learn.microsoft.com/graph/delta-query-overview.
func (p *Provisioner) Reconcile(ctx context.Context, r Reconciliation) (Reconciled, error) {
	rd, err := p.newRound(r)
	if err != nil {
		return Reconciled{}, err
	}
	began := p.now()
	err = rd.observed(ctx)
	done := []any{"looked", rd.result.Looked, "drifts", rd.result.Drifts, "repaired", rd.result.Repaired,
		"failed", rd.result.Failed, "unread", rd.result.Unread, "elapsed", p.now().Sub(began)}
	if err != nil {
		p.logger.WarnContext(ctx, "reconciliation not finished", append(done, "error", err)...)
		return rd.result, fmt.Errorf("provision: reconciling: %w", err)
	}
	p.logger.InfoContext(ctx, "reconciled", done...)
	return rd.result, nil
}

// observed takes the round.
func (rd *round) observed(ctx context.Context) (err error) {
	ctx, seen := rd.p.observer.beginRun(ctx, subject{errand: errandReconcile})
	err = errBroken
	defer func() {
		rd.p.observer.endWork(ctx, seen, err, keyPeople.Int(rd.result.Looked), keyDrifts.Int(rd.result.Drifts))
	}()
	return rd.do(ctx)
}

// newRound checks that the store and the directory can do what a round needs.
func (p *Provisioner) newRound(r Reconciliation) (*round, error) {
	rd := &round{p: p, Reconciliation: r}
	var ok bool
	var problems []error
	if rd.index, ok = p.store.(Index); !ok {
		problems = append(problems, errors.New("the Store is no Index, which finds people by their accounts"))
	}
	if rd.cursors, ok = p.store.(Cursors); !ok {
		problems = append(problems, errors.New("the Store keeps no Cursors"))
	}
	if rd.lists, ok = p.directory.(UserLists); !ok {
		problems = append(problems, errors.New("the Directory has no UserLists"))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("provision: reconciling: %w: %w", errors.ErrUnsupported, err)
	}
	if rd.repairs = r.Repair != nil; !rd.repairs {
		rd.Repair = func(Drift) bool { return false }
	}
	if rd.Report == nil {
		rd.Report = func(Drift) {}
	}
	return rd, nil
}
