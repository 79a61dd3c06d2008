package provision

import (
	"context"
	"math"
	"strings"
	"time"
)

// Pacer shares out what the directory allows among all calls to it. [NewMemoryPacer] is one for the Provisioners of a
// process, and package sqlstore has one for all processes that share a database. Package storetest tells of any other
// whether it keeps this contract; [Pace.Turn] and [Pace.Report] are the arithmetic for it.
//
// Both methods are safe for concurrent use and stop when ctx ends.
type Pacer interface {
	// Turn asks for a call's turn. What it takes is shared with everybody who uses the pacer.
	//
	// PriorityHigh may book a turn ahead: it is taken, and comes after Wait. Who has waited for it asks again with
	// Booked, and is let through unless the directory asked for silence meanwhile; then it is booked anew. PriorityLow
	// gets a turn only when it can be used at once, and only while the reserve is left for PriorityHigh.
	//
	// A turn that would come later than the limit is not taken. An error is a failure of the pacer itself; the call is
	// then not made.
	Turn(ctx context.Context, request TurnRequest) (Turn, error)

	// Report tells what became of a call whose turn was taken.
	Report(ctx context.Context, report TurnReport) error
}

// Cost is what a call takes of the directory's limits: https://learn.microsoft.com/graph/throttling-limits. A batch
// costs what its requests cost. The zero Cost takes nothing, but waits while the directory asks for silence.
type Cost struct {
	Writes int // requests that change something
	Units  int // resource units
}

// TurnRequest is a call that asks for its turn.
type TurnRequest struct {
	Cost     Cost
	Priority Priority

	// Limit is the longest wait that is of use. 0 or less: none. Nothing is booked more than an hour ahead.
	Limit time.Duration

	// Booked says that the call has waited for the turn that was booked for it.
	Booked bool
}

// Turn is when a call may be made.
type Turn struct {
	// Wait is how long until then. If the turn is not taken: until it is worth asking again.
	Wait time.Duration

	// Taken says that the turn is the caller's. Otherwise nothing was taken.
	Taken bool
}

// TurnReport is what became of a call.
type TurnReport struct {
	// Cost is what its turn took.
	Cost Cost

	// Unused says that the call was not made: its share is given back. The fields below do not matter then.
	Unused bool

	// Load and Scope are those of the call's [CallTrace].
	Load  float64
	Scope string

	// Throttled says that the directory refused the call with 429. RetryAfter is for how long it wants no calls; 0: it
	// did not say.
	Throttled  bool
	RetryAfter time.Duration

	// Jitter is a number that the caller drew evenly from 0 to 1, for a 429 without RetryAfter: a pacer needs no
	// randomness of its own.
	Jitter float64
}

// buckets says which limits the report is about: those that the scope names, such as "Tenant_Application/Write". Without
// a scope, a 429 may be about either, and a load is taken to be that of the call's kind.
func (r TurnReport) buckets() (writes, units bool) {
	parts := strings.Split(r.Scope, "/")
	if len(parts) > 1 {
		switch strings.ToLower(strings.TrimSpace(parts[1])) {
		case "write":
			return true, false
		case "read", "readwrite":
			return false, true
		}
	}
	if r.Throttled {
		return true, true
	}
	return r.Cost.Writes > 0, r.Cost.Writes <= 0
}

// load is the share of the limit that is used. The header goes up to 1.8; what is no share is taken for none.
func (r TurnReport) load() float64 {
	if !(r.Load > 0) || math.IsInf(r.Load, 1) {
		return 0
	}
	return min(r.Load, 2)
}
