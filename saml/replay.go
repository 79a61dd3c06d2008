package saml

import (
	"context"
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

// MemoryReplayStore is a [ReplayStore] in this process. It forgets what has expired.
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

// sweepEvery is how often what has expired is taken out.
const sweepEvery = time.Minute

// FirstUse implements [ReplayStore]; its error is always nil.
func (s *MemoryReplayStore) FirstUse(_ context.Context, id string, until time.Time) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if now.Sub(s.swept) > sweepEvery {
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
	s.until[id] = until
	return true, nil
}
