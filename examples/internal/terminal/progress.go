package terminal

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Progress shows how far a run is: as a bar on a terminal, as a line now and then in a log.
type Progress struct {
	command string
	w       io.Writer
	bar     bool
	total   int // 0: not known
	now     func() time.Time

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

// NewProgress begins now. now is the clock.
func NewProgress(command string, w io.Writer, bar bool, now func() time.Time) *Progress {
	return &Progress{command: command, w: w, bar: bar, now: now, began: now()}
}

// Expect says how many there are, 0 for not known, and how many of them an earlier run reported.
func (p *Progress) Expect(total, before int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total, p.before = total, before
}

// Show shows it again and again until stop is called.
func (p *Progress) Show(ctx context.Context) (stop func()) {
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
		p.Clear()
	}
}

// Add counts one more.
func (p *Progress) Add(failed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
	if failed {
		p.failed++
	}
}

// Note prints something else.
func (p *Progress) Note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(p.w, Plain(fmt.Sprintf(format, args...)))
}

// Write lets a log share the terminal with the bar.
func (p *Progress) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	return p.w.Write(b)
}

// Log returns a log that shares the terminal with the progress, or one of nothing.
func (p *Progress) Log(wanted bool) *slog.Logger {
	if !wanted {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(p, nil))
}

func (p *Progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	if !p.bar {
		fmt.Fprintln(p.w, p.command+":", p.text())
		return
	}
	fmt.Fprint(p.w, p.picture()+p.text())
	p.drawn = true
}

// Clear takes the bar away until it is shown the next time.
func (p *Progress) Clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// erase takes the bar away.
func (p *Progress) erase() {
	if p.drawn {
		fmt.Fprint(p.w, "\r\x1b[K") // carriage return, and the rest of the line erased
		p.drawn = false
	}
}

const barWidth = 24

// picture is the bar itself, where it is known how long it is.
func (p *Progress) picture() string {
	if p.total == 0 {
		return ""
	}
	return Bar(p.before+p.done, p.total) + " "
}

// Bar is a picture of how much of a whole, which is more than 0, is done.
func Bar[T int | time.Duration](done, whole T) string {
	full := int(barWidth * max(0, min(done, whole)) / whole)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// text is how far it is, and how long it takes.
func (p *Progress) text() string {
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
