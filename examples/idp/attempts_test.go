package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func newClock() *entratest.Clock {
	return entratest.NewClock(time.Date(2026, 1, 1, 9, 0, 0, 0, time.UTC))
}

func TestALoginHasABurstAndThenOneAttemptAMinute(t *testing.T) {
	t.Parallel()
	clock := newClock()
	a := newAttempts(clock.Now)
	for range loginBurst {
		require.Zero(t, a.take("contractor"))
	}
	require.Equal(t, time.Minute, a.take("contractor"))
	require.Equal(t, time.Minute, a.take("contractor"), "what is refused is not counted")
	require.Zero(t, a.take("partner"), "another login is not affected")

	clock.Advance(30 * time.Second)
	require.Equal(t, 30*time.Second, a.take("contractor"))
	clock.Advance(30 * time.Second)
	require.Zero(t, a.take("contractor"))
	require.Equal(t, time.Minute, a.take("contractor"))

	clock.Advance(time.Hour)
	for range loginBurst {
		require.Zero(t, a.take("contractor"), "after a rest the burst is whole again, and no larger")
	}
	require.NotZero(t, a.take("contractor"))
}

func TestTheRightPasswordForgetsTheAttempts(t *testing.T) {
	t.Parallel()
	a := newAttempts(newClock().Now)
	for range 3 * loginBurst {
		require.Zero(t, a.take("contractor"))
		a.succeeded("contractor")
	}
}

func TestAllLoginsTogetherHaveALimit(t *testing.T) {
	t.Parallel()
	clock := newClock()
	a := newAttempts(clock.Now)
	for i := range allBurst {
		require.Zero(t, a.take(fmt.Sprint(i)))
	}
	require.Equal(t, allInterval, a.take("one more"))
	clock.Advance(allInterval)
	require.Zero(t, a.take("one more"))
}

func TestTheMemoryOfAttemptsIsBounded(t *testing.T) {
	t.Parallel()
	clock := newClock()
	a := newAttempts(clock.Now)
	most := 0
	for i := range 30_000 {
		require.Zero(t, a.take(fmt.Sprint(i)))
		most = max(most, len(a.byLogin))
		clock.Advance(allInterval)
	}
	require.Less(t, most, maxLogins)

	for key := range maxLogins { // more than can come
		a.byLogin[[32]byte{byte(key), byte(key >> 8), 1}] = debt{clock.Now().Add(time.Hour)}
	}
	require.Equal(t, loginInterval, a.take("a new login"), "it is refused rather than kept")
}
