package main

import (
	"context"
	"errors"
)

// turnstile lets few through at once and few wait: hashing passwords is meant to be slow, and must take neither all
// processors from the rest of the program nor more time than a browser waits.
type turnstile struct{ inside, near chan struct{} }

// waitingPerPlace bounds the wait: 20 hashes of about a quarter of a second each are done before.
const waitingPerPlace = 20

var errBusy = errors.New("too many passwords are waiting to be hashed")

func newTurnstile(places int) *turnstile {
	return &turnstile{
		inside: make(chan struct{}, places),
		near:   make(chan struct{}, places*(1+waitingPerPlace)),
	}
}

// enter waits for a place. The error is errBusy, or says that ctx ended.
func (t *turnstile) enter(ctx context.Context) (leave func(), err error) {
	select {
	case t.near <- struct{}{}:
	default:
		return nil, errBusy
	}
	select {
	case t.inside <- struct{}{}:
		return func() { <-t.inside; <-t.near }, nil
	case <-ctx.Done():
		<-t.near
		return nil, ctx.Err()
	}
}
