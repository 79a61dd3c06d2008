package federation

import (
	"context"
	"time"
)

// Outcome says in which state the domain is after [Federator.Apply], whether that succeeded or not.
type Outcome struct {
	// Done is how many of the plan's writes are done.
	Done int `json:"done"`

	// State is the tenant as it was last read.
	State State `json:"state"`

	// Undo is the ID to go back with: see [RevertSettings]. It is the plan's ID.
	Undo string `json:"undo,omitempty"`
}

// Event is progress, in the order in which things happen.
type Event struct {
	At      time.Time `json:"at"`
	Kind    EventKind `json:"kind"`
	Write   *Write    `json:"write,omitempty"` // the write it is about
	Index   int       `json:"index,omitempty"` // of the write, from 1
	Total   int       `json:"total,omitempty"`
	Message string    `json:"message"` // a sentence for people
}

// EventKind is a kind of progress.
type EventKind string

// The kinds of event.
const (
	EventChecked EventKind = "checked" // the tenant is as the plan expects
	EventUndo    EventKind = "undo"    // the way back is stored
	EventWriting EventKind = "writing"
	EventWritten EventKind = "written" // Graph shows the change
	EventFound   EventKind = "found"   // the write was done before, by this program or one that was stopped
	EventWaiting EventKind = "waiting" // for Entra to act on it
	EventLive    EventKind = "live"    // Entra acts on it
)

// Apply makes the plan's writes, in their order, and nothing else.
//
// Where the program ended in the middle of an earlier Apply of the same plan, it goes on there: the tenant is then as it
// must be after one of the writes. In any other state, nothing is written, and the error matches [ErrChanged] and says what
// is different. A plan with a finding of severity [SeverityError] is refused with [ErrBlocked].
//
// The state before the first write is stored first, under the plan's ID. After a write whose answer was lost or was a
// failure of the server, the tenant is read to learn what became of it; the error then says in which state the domain is.
//
// progress is called from this goroutine. Nil: not.
func (f *Federator) Apply(ctx context.Context, plan *Plan, progress func(Event)) (Outcome, error) {
	panic("contract")
}

// Wait waits until Entra's sign-in service acts on what the plan wrote, as [Federator.Verify] tells: up to two hours, in
// which people may or may not be sent to the identity provider. It asks every 15 seconds at first and every 2 minutes later.
// With a context that ends earlier, the error matches [ErrNotLive] as well.
//
// Source: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func (f *Federator) Wait(ctx context.Context, plan *Plan, progress func(Event)) (Verification, error) {
	panic("contract")
}
