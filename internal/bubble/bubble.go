// Package bubble runs functions in virtual time in an ordinary program.
//
// Package [testing/synctest] has the virtual time: in a bubble, time stands still while any goroutine can run, and jumps
// to the next timer when none can. Minutes of waiting cost microseconds, and what happens at which instant depends on
// the machine no more. But synctest wants a *[testing.T], and there is none outside of go test:
//
//   - [testing.RunTests] runs nothing outside of a test binary, because the list of processor counts that it goes
//     through is filled by [testing.M.Run] only;
//   - [testing.MainStart] and [testing.Main] do make one, but the former is no part of Go's promise of compatibility and
//     wants an interface that grows from release to release, and the latter ends the process when it is done.
//
// A zero testing.T does: synctest makes a T of its own out of it, and needs of the given one its name and a place to
// report a failure to, both of which may be empty. What would need more (T.Run, T.Parallel, a panic that testing has to
// report) is kept away from it: f never sees the T, and its panics end here. The tests of this package say so for every
// release of Go that it is built with.
package bubble

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"testing"
	"testing/synctest"
)

// What [Run] returns, for errors.Is.
var (
	// ErrStuck: goroutines wait for each other or for ever, or still did when f had returned. They and what they hold
	// are never freed.
	ErrStuck = errors.New("bubble: goroutines wait for ever")

	// ErrPanic: f panicked, or ended its goroutine. Goroutines that f started are not caught: a panic in one of them ends
	// the process, as everywhere.
	ErrPanic = errors.New("bubble: the function did not return")
)

// Run runs f in a bubble of its own and returns when f and all goroutines that it started have ended. Virtual time
// begins at midnight UTC on 2000-01-01 and stands still once f has returned; ctx ends then. What is blocked on (channels,
// timers, contexts) must be made in the bubble.
//
// Run is safe for concurrent use: bubbles know nothing of each other. It must not be called in a bubble.
func Run(f func(ctx context.Context)) error {
	result := make(chan error, 1)
	go func() { // synctest ends the calling goroutine where a test would fail
		err := fmt.Errorf("%w: the bubble failed", ErrPanic)
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("%w: %v", ErrStuck, v)
			}
			result <- err
		}()
		var outcome error
		synctest.Test(new(testing.T), func(t *testing.T) { outcome = guarded(t.Context(), f) })
		err = outcome
	}()
	return <-result
}

// guarded runs f in a goroutine of its own, so that a panic and runtime.Goexit come to an end in it.
func guarded(ctx context.Context, f func(context.Context)) error {
	err := fmt.Errorf("%w: it ended its goroutine", ErrPanic)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer func() {
			if v := recover(); v != nil {
				err = fmt.Errorf("%w: panic: %v\n%s", ErrPanic, v, debug.Stack())
			}
		}()
		f(ctx)
		err = nil
	}()
	<-ended
	return err
}
