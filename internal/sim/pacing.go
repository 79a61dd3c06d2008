package main

import (
	"errors"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// pace is a pacer and what the judge knows of it: that of all hosts, if they share one, or of one life of a host.
type pace struct {
	pacer  *provision.MemoryPacer // nil: the Provisioner's own
	writes bucket                 // what it allows, where it is shared
	silent time.Duration          // until when the directory wants no calls
}

// newPace makes the pacer that all hosts share.
func newPace(p provision.Pace) *pace {
	pacer, err := provision.NewMemoryPacer(p, nil)
	if err != nil {
		panic(err) // the plan is wrong
	}
	return &pace{pacer: pacer, writes: bucket{size: float64(p.WriteBurst), perSecond: p.WritesPerSecond}}
}

// drawPace draws the pace of a pacer that all hosts share. It is slow, so that turns are waited for.
func drawPace(d *dice) *provision.Pace {
	return &provision.Pace{
		WritesPerSecond: 0.3 + float64(d.below(20))/10, WriteBurst: 6 + d.below(10),
		UnitsPerSecond: 2 + float64(d.below(20)), UnitBurst: 20 + d.below(40),
	}
}

// pacer is that of a life of a host.
func (h *host) pacer() provision.Pacer {
	h.pace = new(pace)
	if h.w.pace != nil {
		h.pace = h.w.pace
	}
	if h.pace.pacer == nil {
		return nil
	}
	return h.pace.pacer
}

// judgePace looks at a call when it begins: nobody calls while the directory wants silence, and all who share a pacer
// together send no more than it allows.
func (j *judge) judgePace(h *host, writes int) {
	now := j.w.now()
	switch {
	case h.pace == nil:
		return
	case now < h.pace.silent:
		j.violate(rulePace, "%s calls, although the directory wants silence until %v", h.name, h.pace.silent)
	}
	if h.pace.pacer == nil || writes == 0 {
		return
	}
	// A turn that comes at last comes some nanoseconds late, and then the next one seems early.
	if _, ok := h.pace.writes.take(now, float64(writes)-0.001); !ok {
		j.violate(rulePace, "%s sends more writes than the shared pacer allows", h.name)
	}
}

// heedSilence remembers that the directory has told a host for how long it wants no calls.
func (w *world) heedSilence(h *host, err error) {
	var answer *provision.DirectoryError
	if err == nil || !errors.As(err, &answer) || answer.Status != http.StatusTooManyRequests || answer.RetryAfter == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if h.pace != nil {
		h.pace.silent = max(h.pace.silent, w.now()+answer.RetryAfter)
	}
}
