package oidc

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxReplays is how many logout tokens are remembered. Only the provider can make them.
const maxReplays = 10_000

// replays are the logout tokens that came, until they are too old to be accepted again.
type replays struct {
	now  func() time.Time
	room int

	mu   sync.Mutex
	seen map[[sha256.Size]byte]time.Time // the hash of jti, and until when
}

func newReplays(now func() time.Time) *replays {
	return &replays{now: now, room: maxReplays, seen: map[[sha256.Size]byte]time.Time{}}
}

// claim remembers the token and reports whether it is new.
func (p *replays) claim(id string, until time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := sha256.Sum256([]byte(id))
	if kept, found := p.seen[key]; found && p.now().Before(kept) {
		return false
	}
	if len(p.seen) >= p.room {
		p.makeRoom()
	}
	p.seen[key] = until
	return true
}

// makeRoom forgets those that are too old, and if all are new the one that is the first to be: to sign somebody out
// twice does less harm than not to sign them out.
func (p *replays) makeRoom() {
	var first [sha256.Size]byte
	var earliest time.Time
	for key, until := range p.seen {
		if !p.now().Before(until) {
			delete(p.seen, key)
		} else if earliest.IsZero() || until.Before(earliest) {
			first, earliest = key, until
		}
	}
	if len(p.seen) >= p.room {
		delete(p.seen, first)
	}
}

// release forgets a token that could not be acted on, so that the provider may send it again.
func (p *replays) release(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, sha256.Sum256([]byte(id)))
}
