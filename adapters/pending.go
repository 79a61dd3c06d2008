package adapters

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
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
		if len(kept) == 0 {
			return errForgotten
		}
		sealed = string(kept)
	}
	return b.sealer.open(kind+" "+handle, sealed, value)
}

var (
	errRemember  = errors.New("the state of the sign-in cannot be stored")
	errNoCookie  = errors.New("the browser sent no cookie for this sign-in")
	errForgotten = errors.New("Config.Pending has it no more: it expired, or others needed the room")
	errStore     = errors.New("the state of the sign-in cannot be read")
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
//
// It holds at most 1000 values, which are 128 MB, and makes room by forgetting the one that was neither put nor got for the
// longest time. That person is told that the sign-in is over, and starts again.
//
// Anybody can ask as Entra does: its requests are not signed unless the domain wants it, so a stranger who makes up requests
// with a long RelayState has each of them stored. A thousand of them between two page loads of a person make that person
// start again, and nothing else. What protects from that is a proxy that limits how often one address may ask for
// BaseURL + "/sso", or requests that must be signed, for others are refused before anything is stored:
// saml.Config.RequireSignedRequests, with saml.Config.Replays, so that each request is stored once.
type MemoryPending struct {
	now func() time.Time

	mu     sync.Mutex
	values map[string]memoryValue
	uses   uint64 // so far
}

type memoryValue struct {
	content []byte
	expires time.Time
	used    uint64 // the number of its last use
}

// maxMemoryPending is how many values a MemoryPending holds: 128 MB at most.
const maxMemoryPending = 1000

// NewMemoryPending returns an empty one. The clock nil means [time.Now].
func NewMemoryPending(now func() time.Time) *MemoryPending {
	if now == nil {
		now = time.Now
	}
	return &MemoryPending{now: now, values: map[string]memoryValue{}}
}

// Put implements [PendingStore]. The error is always nil.
func (m *MemoryPending) Put(_ context.Context, key string, value []byte, expires time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	maps.DeleteFunc(m.values, func(_ string, kept memoryValue) bool { return !now.Before(kept.expires) })
	if len(m.values) >= maxMemoryPending {
		delete(m.values, m.unusedLongest())
	}
	m.use(key, memoryValue{content: slices.Clone(value), expires: expires})
	return nil
}

// Get implements [PendingStore]. The error is always nil.
func (m *MemoryPending) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept, found := m.values[key]
	if !found || !m.now().Before(kept.expires) {
		return nil, nil
	}
	m.use(key, kept)
	return kept.content, nil
}

func (m *MemoryPending) use(key string, value memoryValue) {
	m.uses++
	value.used = m.uses
	m.values[key] = value
}

func (m *MemoryPending) unusedLongest() (key string) {
	first := m.uses + 1
	for k, kept := range m.values {
		if kept.used < first {
			key, first = k, kept.used
		}
	}
	return key
}
