package entratest_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestClockStandsUntilItIsMoved(t *testing.T) {
	clock := entratest.NewClock(clockStart)
	require.Equal(t, clockStart, clock.Now())
	clock.Advance(time.Hour)
	require.Equal(t, clockStart.Add(time.Hour), clock.Now())
	clock.Advance(-time.Hour)
	require.Equal(t, clockStart.Add(time.Hour), clock.Now(), "a clock never goes back")
}

func TestClockSleepMovesTheClock(t *testing.T) {
	clock := entratest.NewClock(clockStart)
	require.NoError(t, clock.Sleep(context.Background(), 90*time.Second))
	require.Equal(t, clockStart.Add(90*time.Second), clock.Now())

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, clock.Sleep(ended, time.Hour), context.Canceled)
	require.Equal(t, clockStart.Add(90*time.Second), clock.Now(), "nobody slept")
}
