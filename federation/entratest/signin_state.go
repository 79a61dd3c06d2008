package entratest

import (
	"sync"
	"time"
)

// signInState is what the sign-in service remembers. Its mutex is held for moments only, and never while another of the
// tenant's is taken.
type signInState struct {
	mu       sync.Mutex
	options  RequestOptions
	policy   SignInPolicy
	flows    shelf[*flow]    // by flow key
	requests shelf[*flow]    // by request ID
	sessions shelf[session]  // by cookie
	tickets  shelf[string]   // cookies, by the ticket that carries one to another host
	accepted shelf[struct{}] // assertion IDs
	signOuts shelf[*signOut] // by request ID
}

// How long things are kept. Entra's figures are not public.
const (
	flowLifetime    = time.Hour      // an answer must come within it
	flowMemory      = 24 * time.Hour // after it, a late answer is unknown and no longer late
	sessionLifetime = 24 * time.Hour
	ticketLifetime  = time.Minute
	shelfLimit      = 50_000
)

func newSignInState() signInState {
	return signInState{
		flows: newShelf[*flow](), requests: newShelf[*flow](), sessions: newShelf[session](),
		tickets: newShelf[string](), accepted: newShelf[struct{}](),
		signOuts: newShelf[*signOut](),
	}
}

// flow is one sign-in, from the redirect to the identity provider until its answer. What is below the first block
// changes and is guarded by signInState.mu.
type flow struct {
	requestID  string
	relayState string
	realm      string // the domain
	started    time.Time
	browser    string // the cookie that must come back; empty for a sign-in without a browser
	reply      string // where the person wants to go: a checked wreply, or empty
	hint       string // the UPN that was typed or given, or empty
	fresh      bool   // the person must authenticate anew
	mfaAsked   bool   // the identity provider was asked for MFA

	used bool
}

// session is a signed-in browser.
type session struct {
	user  User
	realm string
	index string // the SessionIndex of the assertion
	since time.Time
}

// remember keeps a flow whose answer is awaited.
func (s *signInState) remember(f *flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flows.put(flowKey(f.relayState), f, f.started.Add(flowMemory), f.started)
	s.requests.put(f.requestID, f, f.started.Add(flowMemory), f.started)
}

// flowOf finds the flow of a RelayState, complete or not, or nil.
func (s *signInState) flowOf(relayState string, now time.Time) *flow {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, _ := s.flows.get(flowKey(relayState), now)
	return f
}

// consume takes note of an accepted response. It returns false, and notes nothing, if meanwhile the assertion was
// accepted or, with once, the request answered.
func (s *signInState) consume(requestID, assertionID string, once bool, until, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, known := s.requests.get(requestID, now)
	if _, again := s.accepted.get(assertionID, now); again || known && f.used && once {
		return false
	}
	if known {
		f.used = true
	}
	s.accepted.put(assertionID, struct{}{}, until, now)
	return true
}

// open stores a session under a cookie.
func (s *signInState) open(cookie string, opened session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions.put(cookie, opened, opened.since.Add(sessionLifetime), opened.since)
}

func (s *signInState) session(cookie string, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions.get(cookie, now)
}

func (s *signInState) close(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions.remove(cookie)
}

// hand makes a ticket that takes a session to another host, where the cookie of this one does not go.
func (s *signInState) hand(ticket, cookie string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tickets.put(ticket, cookie, now.Add(ticketLifetime), now)
}

// redeem returns the cookie of a ticket, once.
func (s *signInState) redeem(ticket string, now time.Time) (cookie string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	cookie, ok = s.tickets.get(ticket, now)
	s.tickets.remove(ticket)
	return cookie, ok
}

// shelf keeps values until they expire, and at most shelfLimit of them: beyond that the oldest go.
type shelf[V any] struct {
	values map[string]kept[V]
	order  []string // keys in the order of arrival, with some that are gone
}

type kept[V any] struct {
	value V
	until time.Time
}

func newShelf[V any]() shelf[V] { return shelf[V]{values: map[string]kept[V]{}} }

func (s *shelf[V]) put(key string, v V, until, now time.Time) {
	for len(s.order) > 0 {
		oldest, ok := s.values[s.order[0]]
		if ok && now.Before(oldest.until) && len(s.order) < shelfLimit {
			break
		}
		delete(s.values, s.order[0])
		s.order = s.order[1:]
	}
	if _, known := s.values[key]; !known {
		s.order = append(s.order, key)
	}
	s.values[key] = kept[V]{v, until}
}

func (s *shelf[V]) get(key string, now time.Time) (V, bool) {
	k, ok := s.values[key]
	if !ok || !now.Before(k.until) {
		var none V
		return none, false
	}
	return k.value, true
}

func (s *shelf[V]) remove(key string) { delete(s.values, key) }
