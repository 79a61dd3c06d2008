package provision

import (
	"sync"
	"time"
)

// Pace bounds what the pipeline asks of the directory. Graph allows an application 3,000 writes to a tenant in 150
// seconds (https://learn.microsoft.com/graph/throttling-limits), which other programs under the same application
// share; a new person costs two. The defaults use about 85 % of it.
type Pace struct {
	// WritesPerSecond is the sustained rate of creations and licence assignments of this Provisioner. 0: 16. Lower it
	// where several processes share a tenant, or for a bulk job that must leave room for people who are signing in.
	WritesPerSecond float64

	// Burst is how many writes may come at once after a quiet time. 0: 200.
	Burst int
}

func (p Pace) withDefaults() Pace {
	if p.WritesPerSecond == 0 {
		p.WritesPerSecond = 16
	}
	if p.Burst == 0 {
		p.Burst = 200
	}
	return p
}

// pacer hands out turns. It spaces writes (a generic cell rate algorithm: one number instead of a bucket), and after a
// 429 it holds back every call for as long as the directory asked, because usage goes on counting while throttled.
type pacer struct {
	interval  time.Duration // between writes at the sustained rate
	tolerance time.Duration // how far ahead of that rate a burst may run

	mu        sync.Mutex
	next      time.Time // when the next write is due at the sustained rate
	heldUntil time.Time
}

func newPacer(p Pace) *pacer {
	interval := time.Duration(float64(time.Second) / p.WritesPerSecond)
	return &pacer{interval: interval, tolerance: interval * time.Duration(p.Burst-1)}
}

// turn returns how long a call must wait from now. If that is more than limit, ok is false and the turn is not taken.
func (p *pacer) turn(now time.Time, write bool, limit time.Duration) (wait time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait = max(0, p.heldUntil.Sub(now))
	if !write {
		return wait, wait <= limit
	}
	due := p.next
	if due.Before(now) {
		due = now
	}
	if wait = max(wait, due.Add(-p.tolerance).Sub(now)); wait > limit {
		return wait, false
	}
	p.next = due.Add(p.interval)
	return wait, true
}

// hold keeps every call back until a time.
func (p *pacer) hold(until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if until.After(p.heldUntil) {
		p.heldUntil = until
	}
}
