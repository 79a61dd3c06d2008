package provision

import "time"

// PaceState is all that a [Pacer] remembers. The zero value is that of a directory nobody has called yet. Two states
// that are equal by == are the same.
//
// A bucket is remembered as the time when it will be full again, so that it fills without anybody doing anything.
type PaceState struct {
	WritesFull time.Time // when the bucket of writes is full
	UnitsFull  time.Time // when the bucket of resource units is full
	HeldUntil  time.Time // until when nobody calls the directory

	// WritesRefused and UnitsRefused count the 429s in a row that named no time.
	WritesRefused int
	UnitsRefused  int
}

// horizon is how far ahead a turn may be booked, and how long a hold may last: a Retry-After beyond it is asked for
// again by the next call. It bounds what a wrong answer, or a clock that was set back, can do.
const horizon = time.Hour

// Turn is what a [Pacer] answers to a request at a time, and the state afterwards. The pace must be valid.
func (p Pace) Turn(state PaceState, now time.Time, request TurnRequest) (PaceState, Turn) {
	writes, units := p.buckets()
	state = state.within(now, writes, units)
	held := max(0, state.HeldUntil.Sub(now))
	if request.Booked && held == 0 {
		return state, Turn{Taken: true}
	}
	cost := request.Cost
	wait := max(held,
		writes.wait(state.WritesFull, now, cost.Writes, request.Priority),
		units.wait(state.UnitsFull, now, cost.Units, request.Priority))
	if wait > 0 && (request.Priority != PriorityHigh || wait > min(request.Limit, horizon)) {
		return state, Turn{Wait: wait}
	}
	state.WritesFull = writes.take(state.WritesFull, now, cost.Writes)
	state.UnitsFull = units.take(state.UnitsFull, now, cost.Units)
	return state, Turn{Wait: wait, Taken: true}
}

// Report is the state after a [Pacer] was told what became of a call. The pace must be valid.
//
// A reported load measures the directory's own bucket, which others may share: ours holds no more than that leaves. A
// 429 empties the bucket that it names and holds back all calls; when the hold is over, the bucket has room for the call
// that was refused, and for the others as it fills.
func (p Pace) Report(state PaceState, now time.Time, report TurnReport) PaceState {
	writes, units := p.buckets()
	state = state.within(now, writes, units)
	if report.Unused {
		return state.giveBack(now, writes, units, report.Cost)
	}
	if report.Throttled {
		state = state.hold(now, report)
	} else {
		state = state.served(now, report.Cost)
	}
	inWrites, inUnits := report.buckets()
	if inWrites {
		state.WritesFull = writes.learn(state.WritesFull, now, state.HeldUntil, report, report.Cost.Writes)
	}
	if inUnits {
		state.UnitsFull = units.learn(state.UnitsFull, now, state.HeldUntil, report, report.Cost.Units)
	}
	return state
}

// within mends times that a clock which was set back has left in the far future.
func (s PaceState) within(now time.Time, writes, units bucket) PaceState {
	s.HeldUntil = earlier(s.HeldUntil, now.Add(horizon))
	s.WritesFull = earlier(s.WritesFull, now.Add(horizon+writes.filling(2*writes.size)))
	s.UnitsFull = earlier(s.UnitsFull, now.Add(horizon+units.filling(2*units.size)))
	return s
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// giveBack undoes a turn. During a hold there is nothing to undo: the buckets were emptied, whatever was booked before.
func (s PaceState) giveBack(now time.Time, writes, units bucket, cost Cost) PaceState {
	if s.HeldUntil.After(now) {
		return s
	}
	s.WritesFull = writes.giveBack(s.WritesFull, now, cost.Writes)
	s.UnitsFull = units.giveBack(s.UnitsFull, now, cost.Units)
	return s
}

// hold keeps everybody back for as long as the directory asked, or exponentially longer at each 429 in a row that does
// not say. Those that come while calls are held back already were sent before, and count as one.
func (s PaceState) hold(now time.Time, report TurnReport) PaceState {
	wait := report.RetryAfter
	if wait <= 0 {
		if !s.HeldUntil.After(now) {
			s = s.refused(report)
		}
		jitter := min(1, max(0, report.Jitter))
		wait = time.Duration(jitter * float64(backoff(max(s.WritesRefused, s.UnitsRefused))))
	}
	s.HeldUntil = later(s.HeldUntil, now.Add(min(wait, horizon)))
	return s
}

// refused counts a 429 that named no time.
func (s PaceState) refused(report TurnReport) PaceState {
	writes, units := report.buckets()
	if writes {
		s.WritesRefused++
	}
	if units {
		s.UnitsRefused++
	}
	return s
}

// served ends a row of 429s. Calls that are answered during a hold were sent before it.
func (s PaceState) served(now time.Time, cost Cost) PaceState {
	if s.HeldUntil.After(now) {
		return s
	}
	if cost.Writes > 0 {
		s.WritesRefused = 0
	}
	if cost.Units > 0 {
		s.UnitsRefused = 0
	}
	return s
}
