package adapters_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/saml"
)

// relayStateOf draws a RelayState that nothing shortens, of so many bytes.
func relayStateOf(length int) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=&?#%<>\"' "
	random := rand.New(rand.NewPCG(1, uint64(length)))
	var b strings.Builder
	for range length {
		b.WriteByte(letters[random.IntN(len(letters))])
	}
	return b.String()
}

// Whatever its length, a RelayState comes back byte for byte, or the sign-in is refused at once: it is never cut.
func TestARelayStateComesBackWhole(t *testing.T) {
	t.Parallel()
	for _, stored := range []bool{false, true} {
		for _, length := range []int{0, 1, 80, 1000, 2500, 5000, 7500, 9000, 9999, 10_500, 20_000, saml.MaxRelayState} {
			t.Run(fmt.Sprintf("%d bytes, stored: %t", length, stored), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				if stored {
					w.cfg.Pending = adapters.NewMemoryPending(w.Now)
					w.bridge = w.newBridge()
				}
				state, b := relayStateOf(length), w.browser()
				led := b.do(authnRequest("", state, testTime))
				for _, cookie := range led.Result().Cookies() {
					require.LessOrEqual(t, len(cookie.String()), 4096, "what every browser keeps: RFC 6265, section 6.1")
				}
				if led.Code != http.StatusSeeOther {
					require.False(t, stored)
					require.Greater(t, length, 9999)
					w.requireFailure(led, http.StatusInternalServerError, "Something went wrong here")
					require.Empty(t, led.Result().Cookies())
					return
				}
				requireAnswered(t, b.get(led.Header().Get("Location")), state)
			})
		}
	}
}

// What a hidden field cannot bring back as it came is refused before anybody signs in.
func TestARelayStateIsRefusedRatherThanChanged(t *testing.T) {
	t.Parallel()
	for rule, state := range map[string]string{
		"not UTF-8": "\xff\xfe+/=\x80", "control characters": "a\x01\n", "a NUL": "a\x00b", "too long": relayStateOf(saml.MaxRelayState + 1),
	} {
		w := newWorld(t)
		recorder := httptest.NewRecorder()
		w.bridge.ServeHTTP(recorder, authnRequest("", state, testTime))
		require.GreaterOrEqual(t, recorder.Code, 400, rule)
		require.Empty(t, recorder.Result().Cookies(), rule)
	}
	w := newWorld(t)
	b := w.browser()
	requireAnswered(t, b.get(b.request("", "\u2028\u2029é漢<\\\"&", testTime)), "\u2028\u2029é漢<\\\"&")
}

// The promise of PendingStore: at most 128 KB, whatever the RelayState is made of.
func TestWhatIsStoredIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &swapping{MemoryPending: adapters.NewMemoryPending(w.Now)}
	w.cfg.Pending = store
	w.bridge = w.newBridge()
	for _, worst := range []string{`"`, `\`, "<", "\u2028", "é"} {
		state := strings.Repeat(worst, saml.MaxRelayState/len(worst))
		b := w.browser()
		requireAnswered(t, b.get(b.request("", state, testTime)), state)
	}
	require.Len(t, store.values, 5)
	for _, value := range store.values {
		require.LessOrEqual(t, len(value), 128<<10)
	}
}

// failing is a store that can be made to fail, or to forget.
type failing struct {
	*adapters.MemoryPending
	put, get error
	forgets  bool
}

func (f *failing) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	if f.put != nil {
		return f.put
	}
	return f.MemoryPending.Put(ctx, key, value, expires)
}

func (f *failing) Get(ctx context.Context, key string) ([]byte, error) {
	if f.get != nil || f.forgets {
		return nil, f.get
	}
	return f.MemoryPending.Get(ctx, key)
}

func TestAStoreThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &failing{MemoryPending: adapters.NewMemoryPending(w.Now)}
	w.cfg.Pending = store
	w.bridge = w.newBridge()
	state, b := relayStateOf(20_000), w.browser()

	store.put = errors.New("no connection to 192.0.2.1")
	recorder := httptest.NewRecorder()
	w.bridge.ServeHTTP(recorder, authnRequest("", state, testTime))
	w.requireFailure(recorder, http.StatusInternalServerError, "Something went wrong here")
	require.NotContains(t, recorder.Body.String(), "192.0.2.1")
	require.Contains(t, w.log.String(), "192.0.2.1")
	store.put = nil

	address := b.request("", state, testTime)
	store.get = errors.New("no connection to 192.0.2.2")
	w.requireFailure(b.get(address), http.StatusInternalServerError, "Something went wrong here")
	require.Contains(t, w.log.String(), "192.0.2.2")
	store.get, store.forgets = nil, true
	w.requireFailure(b.get(address), http.StatusBadRequest, "This sign-in is over")
	store.forgets = false
	requireAnswered(t, b.get(address), state)
}

// What a store returns is sealed: whoever can write there cannot choose who signs in.
func TestAStoreIsNotBelieved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	store := &swapping{MemoryPending: adapters.NewMemoryPending(w.Now)}
	w.cfg.Pending = store
	w.bridge = w.newBridge()
	b := w.browser()
	first, second := b.request("", relayStateOf(20_000), testTime), b.request("", relayStateOf(20_001), testTime)
	for _, swapped := range [][]byte{store.values[0], []byte("forged"), {}} {
		store.answer = swapped
		w.requireFailure(b.get(second), http.StatusBadRequest, "This sign-in is over")
	}
	store.answer = nil
	requireAnswered(t, b.get(first), relayStateOf(20_000))
	requireAnswered(t, b.get(second), relayStateOf(20_001))
}

// swapping is a store that answers with what it wants.
type swapping struct {
	*adapters.MemoryPending
	values [][]byte
	answer []byte
}

func (s *swapping) Put(ctx context.Context, key string, value []byte, expires time.Time) error {
	s.values = append(s.values, value)
	return s.MemoryPending.Put(ctx, key, value, expires)
}

func (s *swapping) Get(ctx context.Context, key string) ([]byte, error) {
	if s.answer != nil {
		return s.answer, nil
	}
	return s.MemoryPending.Get(ctx, key)
}

// waitingStore is a store that answers when its caller gives up.
type waitingStore struct{ *adapters.MemoryPending }

func (s waitingStore) Get(ctx context.Context, _ string) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAStoreIsNotWaitedForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.cfg.Pending = waitingStore{adapters.NewMemoryPending(w.Now)}
		w.bridge = w.newBridge()
		b := w.browser()
		address := b.request("", relayStateOf(20_000), testTime)
		began := time.Now()
		w.requireFailure(b.get(address), http.StatusInternalServerError, "Something went wrong here")
		require.LessOrEqual(t, time.Since(began), 5*time.Second)
	})
}
