package river

import (
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/entrafed/entrafed/provision"
)

// Queue is the queue that the jobs are in, unless they are inserted with another one.
const Queue = "entrafed"

// EnsureArgs make sure that a person has an account that is licensed and ready: [provision.Provisioner.Ensure], as work
// that nobody waits for. Of the jobs of one Connection and ID there is one at a time, whatever the other fields say.
// The fields are those of [provision.Person].
type EnsureArgs struct {
	Connection    string            `json:"connection" river:"unique"`
	ID            string            `json:"id" river:"unique"`
	Email         string            `json:"email,omitempty"`
	DisplayName   string            `json:"display_name,omitempty"`
	GivenName     string            `json:"given_name,omitempty"`
	Surname       string            `json:"surname,omitempty"`
	UsageLocation string            `json:"usage_location,omitempty"`
	UPN           string            `json:"upn,omitempty"`
	ImmutableID   string            `json:"immutable_id,omitempty"`
	Claims        map[string]string `json:"claims,omitempty"`
	Manager       string            `json:"manager,omitempty"`
}

// Ensure returns the arguments for a person.
func Ensure(person provision.Person) EnsureArgs { return EnsureArgs(person) }

// Kind implements River's JobArgs.
func (EnsureArgs) Kind() string { return "entrafed_ensure" }

// InsertOpts implements River's JobArgsWithInsertOpts.
func (EnsureArgs) InsertOpts() river.InsertOpts { return onePerPerson(prioritySoon) }

// RetireArgs take a person's access away: [provision.Provisioner.Retire]. Of the jobs of one Connection and ID there is
// one at a time.
type RetireArgs struct {
	Connection string            `json:"connection" river:"unique"`
	ID         string            `json:"id" river:"unique"`
	Leaving    provision.Leaving `json:"leaving"`
}

// Kind implements River's JobArgs.
func (RetireArgs) Kind() string { return "entrafed_retire" }

// InsertOpts implements River's JobArgsWithInsertOpts.
func (RetireArgs) InsertOpts() river.InsertOpts { return onePerPerson(priorityFirst) }

// ReconcileArgs compare the directory with what is remembered: [provision.Provisioner.Reconcile]. There is one such job
// at a time. Insert it as one of River's periodic jobs.
type ReconcileArgs struct {
	// Full looks at everybody.
	Full bool `json:"full,omitempty"`

	// Repair names the kinds of drift that are put right. Empty: none, drifts are only logged.
	Repair []provision.DriftKind `json:"repair,omitempty"`
}

// Kind implements River's JobArgs.
func (ReconcileArgs) Kind() string { return "entrafed_reconcile" }

// InsertOpts implements River's JobArgsWithInsertOpts.
func (ReconcileArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: Queue, Priority: priorityLater, UniqueOpts: river.UniqueOpts{ByState: unfinished()}}
}

// River's priorities: whoever must be kept out goes first, and looking through everybody last.
const (
	priorityFirst = 1
	prioritySoon  = 2
	priorityLater = 3
)

func onePerPerson(priority int) river.InsertOpts {
	return river.InsertOpts{
		Queue: Queue, Priority: priority, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished()},
	}
}

// unfinished are the states of a job that has something left to do: a finished one does not keep the next one out.
func unfinished() []rivertype.JobState {
	return []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning,
		rivertype.JobStateScheduled,
	}
}
