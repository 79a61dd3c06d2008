package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATurnstileLetsFewInAndFewWait(t *testing.T) {
	t.Parallel()
	gate := newTurnstile(1)
	leave, err := gate.enter(context.Background())
	require.NoError(t, err)

	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = gate.enter(gone)
	require.ErrorIs(t, err, context.Canceled, "who goes away does not wait")

	for range waitingPerPlace {
		gate.near <- struct{}{}
	}
	_, err = gate.enter(context.Background())
	require.ErrorIs(t, err, errBusy, "the queue is full")

	for range waitingPerPlace {
		<-gate.near
	}
	leave()
	leave, err = gate.enter(context.Background())
	require.NoError(t, err)
	leave()
	require.Empty(t, gate.near)
	require.Empty(t, gate.inside)
}
