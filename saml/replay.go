package saml

import (
	"context"
	"errors"
	"sync"
	"time"
)

// ReplayStore remembers which requests were read. It is safe for concurrent use. [NewMemoryReplayStore] keeps it in this
// process; replicas that share the requests of one domain need one that they share.
type ReplayStore interface {
	// FirstUse remembers id until a time and reports whether it was unknown. The check and the remembering are one
	// step: of two calls for one id, one gets true.
	FirstUse(ctx context.Context, id string, until time.Time) (bool, error)
}

// MemoryReplayStore is a [ReplayStore] in this process. It forgets what has expired, and remembers at most 200,000 IDs:
// anybody can make up requests, and they must not fill the memory.
type MemoryReplayStore struct {
	now func() time.Time

	mu    sync.Mutex
	until map[string]time.Time
	swept time.Time
}

// NewMemoryReplayStore returns an empty store. now is its clock; nil means time.Now.
func NewMemoryReplayStore(now func() time.Time) *MemoryReplayStore {
	if now == nil {
		now = time.Now
	}
	return &MemoryReplayStore{now: now, until: map[string]time.Time{}, swept: now()}
}

const (
	sweepEvery = time.Minute // how often what has expired is taken out
	maxReplays = 200_000
)

var errReplaysFull = errors.New("more requests than can be remembered have arrived within a few minutes")

// FirstUse implements [ReplayStore]. It fails while the store is full: a request that cannot be remembered is not known
// to be new.
func (s *MemoryReplayStore) FirstUse(_ context.Context, id string, until time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Sub(s.swept) > sweepEvery || len(s.until) >= maxReplays {
		for known, end := range s.until {
			if !now.Before(end) {
				delete(s.until, known)
			}
		}
		s.swept = now
	}
	if end, known := s.until[id]; known && now.Before(end) {
		return false, nil
	}
	if len(s.until) >= maxReplays {
		return false, errReplaysFull
	}
	s.until[id] = until
	return true, nil
}
