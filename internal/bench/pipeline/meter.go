package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/entrafed/entrafed/internal/bubble"
)

// meter tells how far a measurement has come.
type meter struct {
	o     Options
	what  string
	total int
	began time.Time // by the bubble's clock

	mu   sync.Mutex
	done int
}

// tick counts one more person.
func (m *meter) tick() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done++
	if m.done%max(1, m.total/10) == 0 {
		fmt.Fprintf(m.o.Progress, "%s: %d of %d people, %v of virtual time\n", m.what, m.done, m.total,
			time.Since(m.began).Round(time.Second))
	}
}

// inBubble measures something in virtual time.
func inBubble(
	ctx context.Context, o Options, what string, total int, measure func(context.Context, *meter) error,
) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, ctx.Err())
	}
	fmt.Fprintf(o.Progress, "%s: %d people\n", what, total)
	var err error
	stuck := bubble.Run(func(inner context.Context) {
		inner, end := context.WithCancel(inner)
		defer end()
		go endWith(ctx, inner, end)
		err = measure(inner, &meter{o: o, what: what, total: total, began: time.Now()})
	})
	switch {
	case stuck != nil:
		err = stuck
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// endWith ends a bubble's context when the caller's has ended. That one belongs to real time, and cannot be waited for in
// a bubble; so it is looked at every second of virtual time.
func endWith(outer, inner context.Context, end context.CancelFunc) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if outer.Err() != nil {
				end()
			}
		case <-inner.Done():
			return
		}
	}
}
