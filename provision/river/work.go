package river

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/riverqueue/river"

	"github.com/entrafed/entrafed/provision"
)

// Outcome is the output of a job that succeeded, for River's user interface and for the host.
type Outcome struct {
	ImmutableID string    `json:"immutable_id,omitempty"`
	UPN         string    `json:"upn,omitempty"`
	ObjectID    string    `json:"object_id,omitempty"`
	Skipped     bool      `json:"skipped,omitempty"`
	ReadyAt     time.Time `json:"ready_at,omitzero"`
}

type ensureWorker struct {
	river.WorkerDefaults[EnsureArgs]
	config Config
}

// Timeout implements River's Worker.
func (w *ensureWorker) Timeout(*river.Job[EnsureArgs]) time.Duration { return w.config.Timeout }

// Work implements River's Worker.
func (w *ensureWorker) Work(ctx context.Context, job *river.Job[EnsureArgs]) error {
	account, err := w.config.People.Ensure(ctx, provision.Person(job.Args))
	if err != nil {
		return w.config.verdict(ctx, job.ID, err)
	}
	return river.RecordOutput(ctx, Outcome{
		ImmutableID: account.ImmutableID, UPN: account.UPN, ObjectID: account.ObjectID, Skipped: account.Skipped,
		ReadyAt: account.ReadyAt,
	})
}

type retireWorker struct {
	river.WorkerDefaults[RetireArgs]
	config Config
}

// Timeout implements River's Worker.
func (w *retireWorker) Timeout(*river.Job[RetireArgs]) time.Duration { return w.config.Timeout }

// Work implements River's Worker.
func (w *retireWorker) Work(ctx context.Context, job *river.Job[RetireArgs]) error {
	key := provision.PersonKey{Connection: job.Args.Connection, ID: job.Args.ID}
	return w.config.verdict(ctx, job.ID, w.config.People.Retire(ctx, key, job.Args.Leaving))
}

type reconcileWorker struct {
	river.WorkerDefaults[ReconcileArgs]
	config Config
}

// Timeout implements River's Worker. What is not done by then the next attempt does: see verdict.
func (w *reconcileWorker) Timeout(*river.Job[ReconcileArgs]) time.Duration { return w.config.Timeout }

// Work implements River's Worker.
func (w *reconcileWorker) Work(ctx context.Context, job *river.Job[ReconcileArgs]) error {
	done, err := w.config.People.Reconcile(ctx, provision.Reconciliation{
		Full:   job.Args.Full,
		Repair: func(d provision.Drift) bool { return slices.Contains(job.Args.Repair, d.Kind) },
		Report: func(d provision.Drift) { w.config.logDrift(ctx, d) },
	})
	if err != nil {
		return w.config.verdict(ctx, job.ID, err)
	}
	return river.RecordOutput(ctx, done)
}

func (c Config) logDrift(ctx context.Context, d provision.Drift) {
	level := slog.LevelWarn
	if d.Repaired {
		level = slog.LevelInfo
	}
	c.Logger.Log(ctx, level, "drift", "kind", d.Kind, "connection", d.Person.Connection, "person", d.Person.ID,
		"object", d.ObjectID, "want", d.Want, "have", d.Have, "repaired", d.Repaired, "error", d.Err)
}

// leastSnooze keeps a job that waits for the directory from coming back at once.
const leastSnooze = 5 * time.Second

// verdict tells River what to do with a job that ended so: try it again as it does, put it aside for as long as the
// directory asked, or give it up because nothing but a person can help.
func (c Config) verdict(ctx context.Context, id int64, err error) error {
	var failure *provision.Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil: // the attempt's time is up, or the process stops: the next attempt goes on from here
		return river.JobSnooze(leastSnooze)
	case !errors.As(err, &failure):
		return err
	}
	switch failure.Reason() {
	case provision.ReasonThrottled, provision.ReasonNotReady:
		after, _ := failure.RetryAfter()
		return river.JobSnooze(max(after, leastSnooze))
	case provision.ReasonInvalidPerson, provision.ReasonConflict, provision.ReasonRetired,
		provision.ReasonNotAllowed:
		c.Logger.WarnContext(ctx, "job cancelled: it cannot succeed as things are", "job", id, "error", err)
		return river.JobCancel(err)
	}
	return err
}
