package main

import (
	"errors"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// weather is how inconvenient the directory is in one history.
type weather struct {
	lasts    time.Duration // how long the storm does; then nothing fails by itself any more
	failing  int           // percent of all calls that fail meanwhile
	lag      lag
	clash    clash
	foldsIDs bool // a filter compares ImmutableIDs without regard to case
	writes   bucket
	units    bucket
	hints    bool // a 429 of a bucket says how long to wait
}

// lag is how long a write takes to one replica: evenly up to most, and with a chance up to seldom.
type lag struct{ most, seldom time.Duration }

func lags() [4]lag {
	return [4]lag{
		{},
		{2 * time.Second, 2 * time.Second},
		{10 * time.Second, 30 * time.Second},
		{20 * time.Second, 2 * time.Minute},
	}
}

// clash is how the directory words a value that is taken.
type clash int

const (
	detailed clash = iota // 400 with details, which name the property and the object
	nameless              // 400 with details, without the object
	bare                  // 400 without details
	conflict              // 409
	clashes               // how many there are
)

func drawWeather(d *dice) weather {
	w := weather{
		lag:      lags()[d.below(4)],
		clash:    clash(d.below(int(clashes))),
		foldsIDs: d.in(50),
		writes:   bucket{size: 1000, perSecond: 1000},
		units:    bucket{size: 1000, perSecond: 1000},
		hints:    d.in(70),
	}
	if d.in(20) {
		return w
	}
	w.lasts = d.between(time.Minute, 4*time.Minute)
	w.failing = d.below(35)
	if d.in(30) {
		w.writes = bucket{size: float64(2 + d.below(10)), perSecond: 0.2 + float64(d.below(20))/10}
		w.units = bucket{size: float64(10 + d.below(30)), perSecond: 1 + float64(d.below(10))}
	}
	return w
}

// delay draws how long a write takes to one replica.
func (l lag) delay(d *dice) time.Duration {
	switch {
	case l.most == 0:
		return 0
	case d.in(3):
		return d.between(0, l.seldom+1)
	}
	return d.between(0, l.most)
}

// bucket is one of the directory's limits.
type bucket struct {
	size, perSecond float64
	used            float64
	at              time.Duration
}

// take spends units of a bucket, or says how long to wait until there are as many.
func (b *bucket) take(at time.Duration, cost float64) (wait time.Duration, ok bool) {
	b.used = max(0, b.used-(at-b.at).Seconds()*b.perSecond)
	b.at = at
	if over := b.used + cost - b.size; over > 0 {
		return time.Duration(over/b.perSecond*float64(time.Second)) + time.Millisecond, false
	}
	b.used += cost
	return 0, true
}

// share is how much of the bucket is used.
func (b *bucket) share() float64 { return b.used / b.size }

// fault is what goes wrong with one call.
type fault struct {
	err    error
	commit bool // the call takes effect all the same
	hang   bool // no answer comes until the caller gives up
}

var errReset = errors.New("connection reset by peer")

// fault draws what goes wrong with a call.
func (w *weather) fault(c *call, write bool) fault {
	if c.h.w.now() >= w.lasts || !c.dice.in(w.failing) {
		return fault{}
	}
	d := &c.dice
	lost := write && d.in(50)
	switch d.below(12) {
	case 0:
		return fault{err: status(c.op, 500), commit: lost}
	case 1:
		return fault{err: status(c.op, 502), commit: lost}
	case 2:
		return fault{err: status(c.op, 503)}
	case 3:
		return fault{err: status(c.op, 504), commit: lost}
	case 4:
		return fault{err: &provision.DirectoryError{Operation: c.op, Err: errReset}, commit: lost}
	case 5:
		return fault{err: throttled(c.op, 0)}
	case 6:
		return fault{err: throttled(c.op, d.between(time.Second, 40*time.Second).Round(time.Second))}
	case 7:
		return fault{err: throttled(c.op, []time.Duration{time.Second, 400 * time.Second}[d.below(2)])}
	case 8:
		return fault{hang: true, commit: lost}
	case 9:
		return fault{err: status(c.op, 401+2*d.below(2))}
	case 10:
		return fault{err: refused(c.op, 400, "Directory_ObjectNotFound",
			"Unable to read the company information from the directory.")}
	}
	return w.faultOf(c, lost)
}

// faultOf draws what goes wrong with calls of one kind only.
func (w *weather) faultOf(c *call, lost bool) fault {
	d := &c.dice
	switch c.op {
	case opCreateUser:
		switch d.below(4) {
		case 0:
			return fault{err: badRequest(c.op, "One or more property values specified are invalid."), commit: lost}
		case 1:
			return fault{err: clashWith(c.op, "proxyAddresses", "", detailed)}
		case 2:
			return fault{err: clashWith(c.op, "userPrincipalName", "", w.clash)}
		}
		return fault{err: clashWith(c.op, "", "", w.clash), commit: lost}
	case opChangeLicenses:
		switch d.below(3) {
		case 0:
			return fault{err: badRequest(c.op, badLocation)}
		case 1:
			return fault{err: noSeat(c.op, primarySKU)}
		}
	case opAddMembers:
		return fault{err: badRequest(c.op, "Not a valid reference update.")}
	case opFindUser, opSKUs, opFindGroup, opFindDeletedUsers:
		return fault{err: status(c.op, 503)}
	}
	return fault{err: concurrencyViolation(c.op), commit: false}
}

// faultInBatch draws what goes wrong with one request of a batch.
func (w *weather) faultInBatch(by *host, d *dice) fault {
	if by.w.now() >= w.lasts || !d.in(w.failing) {
		return fault{}
	}
	lost := d.in(50)
	switch d.below(5) {
	case 0:
		return fault{err: status(opCreateUser, 500), commit: lost}
	case 1:
		return fault{err: status(opCreateUser, 504), commit: lost}
	case 2:
		return fault{err: throttled(opCreateUser, d.between(time.Second, 20*time.Second).Round(time.Second))}
	case 3:
		return fault{err: clashWith(opCreateUser, "userPrincipalName", "", w.clash)}
	}
	return fault{err: badRequest(opCreateUser, "One or more property values specified are invalid."), commit: lost}
}
