package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress shows how far the histories are: a bar on a terminal, a line now and then elsewhere.
type progress struct {
	w        io.Writer // nil: nobody is shown anything
	terminal bool
	began    time.Time
	shown    time.Time
}

// How often progress is shown.
const (
	barInterval  = 200 * time.Millisecond
	lineInterval = 10 * time.Second
)

func newProgress(w io.Writer, opts options) *progress {
	now := time.Now()
	if opts.json || opts.verbose {
		return &progress{}
	}
	return &progress{w: w, terminal: isTerminal(w), began: now, shown: now}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// show is called after each history.
func (p *progress) show(r result) {
	if p.w == nil {
		return
	}
	interval := lineInterval
	if p.terminal {
		interval = barInterval
	}
	now := time.Now()
	if now.Sub(p.shown) < interval {
		return
	}
	p.shown = now
	if p.terminal {
		fmt.Fprintf(p.w, "\r%s %s\x1b[K", bar(r.histories, r.asked), p.text(r, now))
		return
	}
	fmt.Fprintln(p.w, "sim:", p.text(r, now))
}

// done takes the bar away.
func (p *progress) done(result) {
	if p.w != nil && p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

func (p *progress) text(r result, now time.Time) string {
	text := fmt.Sprintf("%d of %d histories", r.histories, r.asked)
	if n := len(r.bad); n > 0 {
		text += fmt.Sprintf(", %d BAD", n)
	}
	took := now.Sub(p.began)
	left := time.Duration(float64(took) / float64(r.histories) * float64(r.asked-r.histories))
	return text + fmt.Sprintf(", %v left", left.Round(time.Second))
}

const barWidth = 30

func bar(done, all int) string {
	full := barWidth * done / all
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}
