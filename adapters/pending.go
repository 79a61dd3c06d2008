package adapters

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// PendingStore keeps the state of sign-ins that does not fit into cookies. What it keeps is sealed: it need not be secret.
// It must be safe for concurrent use. [NewMemoryPending] is one for a host of one process.
type PendingStore interface {
	// Put keeps a value of at most 128 KB under a key of 32 hexadecimal digits, which is new, until it expires. It may be
	// forgotten at any time after that.
	Put(ctx context.Context, key string, value []byte, expires time.Time) error

	// Get returns the value, or nil if there is none.
	Get(ctx context.Context, key string) ([]byte, error)
}

// remember seals a value into the browser; where it is too long for cookies, into the store, and its key into the browser.
func (b *Bridge) remember(w http.ResponseWriter, kind, handle string, value any) error {
	sealed, err := b.sealer.seal(kind+" "+handle, value, b.signInTime)
	if err != nil {
		return err
	}
	if len(sealed) <= maxCookiePiece*maxCookiePieces {
		return b.setCookie(w, kind, handle, sealed)
	}
	if b.store == nil {
		return fmt.Errorf("%w: %s has %d bytes, too many for cookies: set Config.Pending", errRemember, nameOf(kind), len(sealed))
	}
	key, err := b.newID(16)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTime)
	defer cancel()
	if err := b.store.Put(ctx, key, []byte(sealed), b.now().Add(b.signInTime)); err != nil {
		return fmt.Errorf("%w: %w", errRemember, err)
	}
	return b.setCookie(w, kind, handle, storedPrefix+key)
}

// nameOf is what a kind of state is, in the words of the operator.
func nameOf(kind string) string {
	switch kind {
	case cookieRequest:
		return "what Entra asked"
	case cookiePerson:
		return "what the Authenticator says of the person"
	case cookieKept:
		return "what the Authenticator keeps"
	}
	return "the sign-out"
}

// storeTime is how long the store may take to keep a value, or to return one.
const storeTime = 5 * time.Second

// storedPrefix is how a cookie begins that names what is in the store. No sealed value begins so.
const storedPrefix = "stored:"

// recall opens what remember sealed.
func (b *Bridge) recall(r *http.Request, kind, handle string, value any) error {
	sealed, found := b.cookieValue(r, kind)
	if !found {
		return errNoCookie
	}
	if key, stored := strings.CutPrefix(sealed, storedPrefix); stored && b.store != nil {
		ctx, cancel := context.WithTimeout(r.Context(), storeTime)
		defer cancel()
		kept, err := b.store.Get(ctx, key)
		if err != nil {
			return fmt.Errorf("%w: %w", errStore, err)
		}
		sealed = string(kept)
	}
	return b.sealer.open(kind+" "+handle, sealed, value)
}

var (
	errRemember = errors.New("the state of the sign-in cannot be stored")
	errNoCookie = errors.New("the browser sent no cookie for this sign-in")
	errStore    = errors.New("the state of the sign-in cannot be read")
)

// recallFailure is what people see of a sign-in whose state is not there: it is over, unless its store is only out of reach.
func recallFailure(err error) failure {
	if errors.Is(err, errStore) {
		return internalFailure(err)
	}
	return staleFailure(err)
}

// MemoryPending is a [PendingStore] in memory: for a host of one process, whose restart ends the few sign-ins that are in
// it. Make one with [NewMemoryPending].
type MemoryPending struct {
	now func() time.Time

	mu     sync.Mutex
	values map[string]memoryValue
}

type memoryValue struct {
	content []byte
	expires time.Time
}

// maxMemoryPending is how many values a MemoryPending holds: 128 MB at most.
const maxMemoryPending = 1000

// NewMemoryPending returns an empty one. It holds at most 1000 values; more are refused until some expire. The clock nil
// means [time.Now].
func NewMemoryPending(now func() time.Time) *MemoryPending {
	if now == nil {
		now = time.Now
	}
	return &MemoryPending{now: now, values: map[string]memoryValue{}}
}

// Put implements [PendingStore].
func (m *MemoryPending) Put(_ context.Context, key string, value []byte, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, kept := range m.values {
		if !m.now().Before(kept.expires) {
			delete(m.values, key)
		}
	}
	if len(m.values) >= maxMemoryPending {
		return fmt.Errorf("adapters: %d sign-ins are under way already whose state does not fit into cookies", len(m.values))
	}
	m.values[key] = memoryValue{append([]byte(nil), value...), expires}
	return nil
}

// Get implements [PendingStore].
func (m *MemoryPending) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, found := m.values[key]
	if !found || !m.now().Before(kept.expires) {
		return nil, nil
	}
	return kept.content, nil
}
