package bubble_test

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/bubble"
)

func TestTimeIsVirtual(t *testing.T) {
	t.Parallel()
	began := time.Now()
	var first, last time.Time
	require.NoError(t, bubble.Run(func(ctx context.Context) {
		first = time.Now()
		time.Sleep(24 * time.Hour)
		last = time.Now()
	}))
	require.Equal(t, time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), first.UTC())
	require.Equal(t, 24*time.Hour, last.Sub(first))
	require.Less(t, time.Since(began), time.Hour)
}

func TestRunWaitsForEveryGoroutine(t *testing.T) {
	t.Parallel()
	ended := false
	require.NoError(t, bubble.Run(func(ctx context.Context) {
		go func() {
			<-ctx.Done()
			ended = true
		}()
	}))
	require.True(t, ended, "the context ends when the function has returned")
}

func TestWhatEndsBadlyIsAnError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		f    func(context.Context)
		want error
		says string
	}{
		"a panic":            {func(context.Context) { panic("no such luck") }, bubble.ErrPanic, "no such luck"},
		"a goroutine's end":  {func(context.Context) { runtime.Goexit() }, bubble.ErrPanic, "ended its goroutine"},
		"waiting for nobody": {func(context.Context) { <-make(chan int) }, bubble.ErrStuck, "all goroutines"},
		"a goroutine that is left waiting": {
			func(context.Context) { go func() { <-make(chan int) }() }, bubble.ErrStuck, "blocked goroutines remain"},
		"a goroutine that is left sleeping": {
			func(context.Context) { go time.Sleep(time.Second) }, bubble.ErrStuck, "blocked goroutines remain"},
		"a ticker that nobody stops": {
			func(context.Context) {
				go func() {
					for range time.Tick(time.Second) {
					}
				}()
			}, bubble.ErrStuck, "blocked goroutines remain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := bubble.Run(c.f)
			require.ErrorIs(t, err, c.want)
			require.ErrorContains(t, err, c.says)
			require.NoError(t, bubble.Run(func(context.Context) { time.Sleep(time.Hour) }), "the next one is not affected")
		})
	}
}

func TestBubblesRunSideBySide(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	var took [100]time.Duration
	for i := range took {
		all.Go(func() {
			if bubble.Run(func(context.Context) {
				began := time.Now()
				time.Sleep(time.Duration(i) * time.Minute)
				took[i] = time.Since(began)
			}) != nil {
				took[i] = -1
			}
		})
	}
	all.Wait()
	for i, d := range took {
		require.Equal(t, time.Duration(i)*time.Minute, d)
	}
}

func BenchmarkEmptyBubble(b *testing.B) {
	for b.Loop() {
		if err := bubble.Run(func(context.Context) {}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSleep(b *testing.B) {
	err := bubble.Run(func(context.Context) {
		for range b.N {
			time.Sleep(time.Second)
		}
	})
	require.NoError(b, err)
}
