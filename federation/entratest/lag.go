package entratest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Lag says how far the replicas of the directory trail behind a write. The zero value is LagNormal: a tenant without lag
// must be asked for, because a program that was only ever tested on one fails in production.
//
// Graph answers app-only reads from any replica, so that right after a write the same read may succeed, fail and succeed
// again. Microsoft publishes no figures; the profiles cover what has been reported.
type Lag string

// The profiles: how long after a write one replica shows it.
const (
	LagNormal Lag = ""     // 0 to 10 seconds, 1 in 20 longer, 1 in 100 longer than 30 seconds, at most a minute
	LagNone   Lag = "none" // at once
	LagFast   Lag = "fast" // 0 to 2 seconds
	LagBad    Lag = "bad"  // 0 to 2 minutes
)

// knot is one point of a profile's distribution: a share of the writes is visible after a delay.
type knot struct {
	share float64
	after time.Duration
}

// distribution returns the profile's cumulative distribution from share 0 to share 1, linear between the knots, or nil
// for a profile that does not exist.
func (l Lag) distribution() []knot {
	switch l {
	case LagNone:
		return []knot{{0, 0}, {1, 0}}
	case LagFast:
		return []knot{{0, 0}, {1, 2 * time.Second}}
	case LagNormal:
		return []knot{{0, 0}, {0.95, 10 * time.Second}, {0.99, 30 * time.Second}, {1, time.Minute}}
	case LagBad:
		return []knot{{0, 0}, {1, 2 * time.Minute}}
	}
	return nil
}

// at returns the delay within which the given share of the writes is visible.
func (l Lag) at(share float64) time.Duration {
	knots := l.distribution()
	for i := 1; i < len(knots); i++ {
		low, high := knots[i-1], knots[i]
		if share <= high.share {
			part := (share - low.share) / (high.share - low.share)
			return low.after + time.Duration(part*float64(high.after-low.after))
		}
	}
	return knots[len(knots)-1].after
}

// dice is one stream of random numbers, safe for concurrent use. Each purpose has its own stream, so that one more read
// does not change the lag of the next write.
type dice struct {
	mu  sync.Mutex
	rng *rand.Rand
}

// The streams of a tenant.
const (
	streamGUID = iota + 1
	streamObjectID
	streamLag
	streamReplica
	streamKey
	streamRequestKey // and the next, for the second key
	_
	streamProcessing
	streamDelta
	streamBatch
	streamRefusal
	streamMembership
)

func newDice(seed, stream uint64) *dice {
	return &dice{rng: rand.New(rand.NewPCG(seed, stream))}
}

// share returns a number from 0 up to but not including 1.
func (d *dice) share() float64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.Float64()
}

// below returns a number from 0 to n-1.
func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// shuffle puts n things into a random order.
func (d *dice) shuffle(n int, swap func(i, j int)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.rng.Shuffle(n, swap)
}

// guid returns a random GUID in lower case: RFC 9562, version 4.
func (d *dice) guid() string {
	var b [16]byte
	d.fill(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// fill fills b.
func (d *dice) fill(b []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range b {
		b[i] = byte(d.rng.Uint32())
	}
}
