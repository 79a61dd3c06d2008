package main

import (
	"cmp"
	"context"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// result is what became of all histories.
type result struct {
	histories int
	bad       []history // those that broke a rule, in the order of their seeds
	asked     int
}

func (r result) violations() int {
	n := 0
	for _, h := range r.bad {
		n += len(h.violations)
	}
	return n
}

// simulateAll runs the histories on the workers, until all are done or ctx ends.
func simulateAll(ctx context.Context, opts options, stdout io.Writer, p *progress) result {
	if opts.verbose {
		opts.workers = 1 // so that the events of one history come after those of the other
	}
	total := result{asked: opts.histories}
	var next atomic.Int64
	var mu sync.Mutex
	var workers sync.WaitGroup
	for range opts.workers {
		workers.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1) - 1
				if n >= int64(opts.histories) {
					return
				}
				h := simulate(opts.seed+uint64(n), opts.verbose)
				mu.Lock()
				total.add(h, opts, stdout)
				p.show(total)
				mu.Unlock()
			}
		})
	}
	workers.Wait()
	p.done(total)
	slices.SortFunc(total.bad, func(a, b history) int { return cmp.Compare(a.seed, b.seed) })
	return total
}

func (r *result) add(h history, opts options, stdout io.Writer) {
	r.histories++
	if opts.verbose {
		h.print(stdout)
	}
	if len(h.violations) > 0 {
		h.log = log{}
		r.bad = append(r.bad, h)
	}
}
