package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress shows how far a run is: as a bar on a terminal, as a line now and then in a log.
type progress struct {
	w     io.Writer
	bar   bool
	total int // 0: not known
	now   func() time.Time

	mu           sync.Mutex
	began        time.Time
	before       int // reported by an earlier run
	done, failed int // in this run
	drawn        bool
}

// How often it is shown.
const (
	barInterval  = 200 * time.Millisecond
	lineInterval = 10 * time.Second
)

func newProgress(w io.Writer, bar bool, total, before int, now func() time.Time) *progress {
	return &progress{w: w, bar: bar, total: total, before: before, now: now, began: now()}
}

// show shows it again and again until stop is called.
func (p *progress) show(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		interval := lineInterval
		if p.bar {
			interval = barInterval
		}
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.draw()
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-ended
		p.clear()
	}
}

// add counts one more person.
func (p *progress) add(failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if failed {
		p.failed++
	}
}

// note prints something else.
func (p *progress) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(p.w, plain(fmt.Sprintf(format, args...)))
}

// Write lets a log share the terminal with the bar.
func (p *progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.w.Write(b)
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	if !p.bar {
		fmt.Fprintln(p.w, "provision:", p.text())
		return
	}
	fmt.Fprint(p.w, p.picture()+p.text())
	p.drawn = true
}

func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// erase takes the bar away.
func (p *progress) erase() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K") // carriage return, and the rest of the line erased
		p.drawn = false
	}
}

const barWidth = 24

// picture is the bar itself, where it is known how long it is.
func (p *progress) picture() string {
	if p.total == 0 {
		return ""
	}
	full := barWidth * (p.before + p.done) / p.total
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "] "
}

// text is how far it is, and how long it takes.
func (p *progress) text() string {
	var b strings.Builder
	reported := p.before + p.done
	fmt.Fprintf(&b, "%d", reported)
	if p.total > 0 {
		fmt.Fprintf(&b, " of %d (%d %%)", p.total, 100*reported/p.total)
	}
	fmt.Fprintf(&b, ", %d failed", p.failed)
	elapsed := p.now().Sub(p.began)
	fmt.Fprintf(&b, ", %v", elapsed.Round(time.Second))
	if left := p.total - reported; left > 0 && p.done > 0 {
		rest := time.Duration(float64(elapsed) / float64(p.done) * float64(left))
		fmt.Fprintf(&b, ", about %v left", rest.Round(time.Second))
	}
	return b.String()
}
