package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/entrafed/entrafed/internal/bubble"
)

// meter tells how far a measurement has come, and ends it when the caller's context has ended. That belongs to real time
// and cannot be waited for in a bubble, so it is looked at now and then. It is not done by a ticker: timers that were
// stopped, as those of the budgets are, stay in the heap of a bubble's timers, and a ticker among them hinders their
// removal. The heap of a stream would show them.
type meter struct {
	outer context.Context
	end   context.CancelFunc
	o     Options
	what  string
	total int
	began time.Time // by the bubble's clock

	mu   sync.Mutex
	done int
}

// heed ends the measurement if the caller's context has ended.
func (m *meter) heed() {
	if m.outer.Err() != nil {
		m.end()
	}
}

// tick counts one more person.
func (m *meter) tick() {
	m.heed()
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
		err = measure(inner, &meter{outer: ctx, end: end, o: o, what: what, total: total, began: time.Now()})
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
