package main

import (
	"fmt"
	"io"
	"time"

	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation"
)

// reporter prints what happens, and keeps it for -json.
type reporter struct {
	s      *session
	to     io.Writer
	events []federation.Event
	began  time.Time // of the wait under way
	told   time.Time // when that was printed last
	drawn  bool      // a bar stands on the last line
}

// newReporter prints lines beside the results: with -json these are alone on standard output.
func (s *session) newReporter() *reporter {
	r := &reporter{s: s, to: s.Stdout, events: []federation.Event{}}
	if s.flags.json {
		r.to = s.Stderr
	}
	return r
}

// add is called with each event.
func (r *reporter) add(e federation.Event) {
	r.events = append(r.events, e)
	if e.Kind == federation.EventWaiting {
		r.waiting(e)
		return
	}
	r.settle()
	r.line(e)
}

func (r *reporter) line(e federation.Event) {
	fmt.Fprintln(r.to, e.At.UTC().Format(time.TimeOnly), terminal.Plain(e.Message))
}

// Waits of Entra's are shown in a bar as long as the longest that Microsoft speaks of, or as a line now and then.
const (
	longestWait  = 2 * time.Hour
	lineInterval = 10 * time.Minute
)

func (r *reporter) waiting(e federation.Event) {
	if r.began.IsZero() {
		r.began = e.At
	}
	if r.s.ErrTerminal && !r.s.flags.verbose && !terminal.Dumb(r.s.Environ) {
		waited := e.At.Sub(r.began)
		fmt.Fprintf(r.s.Stderr, "\r\x1b[K%s waiting for %s of up to %s", terminal.Bar(waited, longestWait),
			waited.Round(time.Second), longestWait)
		r.drawn = true
		return
	}
	if r.told.IsZero() || e.At.Sub(r.told) >= lineInterval {
		r.told = e.At
		r.line(e)
	}
}

// settle ends the wait under way, and takes its bar away.
func (r *reporter) settle() {
	if r.drawn {
		fmt.Fprint(r.s.Stderr, "\r\x1b[K") // carriage return, and the rest of the line erased
	}
	r.began, r.told, r.drawn = time.Time{}, time.Time{}, false
}
