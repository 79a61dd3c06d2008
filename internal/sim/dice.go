package main

import (
	"encoding/binary"
	"time"
)

// dice are a source of numbers that look random and follow from what they were made of (splitmix64). They are a small
// value, so that everything that draws can have dice of its own, and no order of events changes what another one draws.
type dice struct{ state uint64 }

// newDice makes dice of a seed and of what they are for.
func newDice(seed uint64, purpose ...uint64) dice {
	d := dice{seed}
	for _, part := range purpose {
		d.state = d.next() ^ part
	}
	d.state = d.next()
	return d
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	z := d.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below draws from 0 to n-1.
func (d *dice) below(n int) int { return int(d.next() % uint64(n)) }

// in draws true in percent of all cases.
func (d *dice) in(percent int) bool { return d.below(100) < percent }

// between draws a duration.
func (d *dice) between(least, most time.Duration) time.Duration {
	return least + time.Duration(d.next()%uint64(most-least))
}

// Read makes dice the randomness of a Provisioner.
func (d *dice) Read(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], d.next())
		rest = rest[copy(rest, b[:]):]
	}
	return len(p), nil
}
