package adaptertest

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
)

// journal is the log of a rule: its text, and the errors in it.
type journal struct {
	mu     sync.Mutex
	text   bytes.Buffer
	errors []error
	alarms int // records of level Warn and above
}

// journalHandler writes into a journal.
type journalHandler struct {
	slog.Handler
	journal *journal
}

func newJournal() (*journal, *slog.Logger) {
	j := &journal{}
	return j, slog.New(journalHandler{slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}), j})
}

// Write implements io.Writer.
func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// alarmed is how many records say that something is wrong.
func (j *journal) alarmed() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.alarms
}

// causes are the errors that were logged.
func (j *journal) causes() []error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]error(nil), j.errors...)
}

func (h journalHandler) Handle(ctx context.Context, r slog.Record) error {
	h.journal.mu.Lock()
	if r.Level >= slog.LevelWarn {
		h.journal.alarms++
	}
	r.Attrs(func(a slog.Attr) bool {
		if err, ok := a.Value.Any().(error); ok {
			h.journal.errors = append(h.journal.errors, err)
		}
		return true
	})
	h.journal.mu.Unlock()
	return h.Handler.Handle(ctx, r)
}

func (h journalHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return journalHandler{h.Handler.WithAttrs(attrs), h.journal}
}

func (h journalHandler) WithGroup(name string) slog.Handler {
	return journalHandler{h.Handler.WithGroup(name), h.journal}
}
