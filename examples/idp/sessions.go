package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"sync"
	"time"
)

const (
	sessionLifetime = 8 * time.Hour // a working day, used or not
	maxSessions     = 20_000
	maxUserSessions = 20 // of one person, in several browsers
	sessionBytes    = 32
)

// sessionCookie begins with __Host-, so that browsers take it over HTTPS only, and only from this host itself and not
// from one that shares its domain: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis. The base URL is
// always https.
const sessionCookie = "__Host-entrafed-session"

// session is a browser in which somebody signed in.
type session struct {
	user *user
	at   time.Time // when the password was typed
	name string    // what may be told of it: no way leads back to the cookie
}

// sessions are kept in this process only.
type sessions struct {
	now func() time.Time

	mu     sync.Mutex
	byHash map[[sha256.Size]byte]session // by the hash of the cookie, so that a comparison tells nothing about it
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, byHash: map[[sha256.Size]byte]session{}}
}

// open begins a session in this browser, in place of the one that it may have.
func (s *sessions) open(w http.ResponseWriter, r *http.Request, u *user) {
	s.end(r)
	id := make([]byte, sessionBytes)
	_, _ = rand.Read(id) // never fails: it would end the program
	value := base64.RawURLEncoding.EncodeToString(id)
	key, now := sha256.Sum256([]byte(value)), s.now()

	s.mu.Lock()
	s.makeRoom(u, now)
	s.byHash[key] = session{user: u, at: now, name: hex.EncodeToString(key[:16])}
	s.mu.Unlock()
	http.SetCookie(w, newSessionCookie(value, int(sessionLifetime/time.Second)))
}

// of returns the browser's session.
func (s *sessions) of(r *http.Request) (session, bool) {
	key, ok := sessionKey(r)
	if !ok {
		return session{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.byHash[key]
	if !ok || found.expired(s.now()) {
		return session{}, false
	}
	return found, true
}

// close ends the browser's session and takes its cookie away.
func (s *sessions) close(w http.ResponseWriter, r *http.Request) {
	s.end(r)
	http.SetCookie(w, newSessionCookie("", -1))
}

func (s *sessions) end(r *http.Request) {
	if key, ok := sessionKey(r); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.byHash, key)
	}
}

// makeRoom forgets what has expired, and the oldest session of the person, or of all, where there are too many.
func (s *sessions) makeRoom(u *user, now time.Time) {
	var own, all eldest
	for key, known := range s.byHash {
		if known.expired(now) {
			delete(s.byHash, key)
			continue
		}
		all.see(key, known.at)
		if known.user == u {
			own.see(key, known.at)
		}
	}
	switch {
	case own.count >= maxUserSessions:
		delete(s.byHash, own.key)
	case all.count >= maxSessions:
		delete(s.byHash, all.key)
	}
}

// eldest finds the oldest of the sessions that it sees.
type eldest struct {
	count int
	key   [sha256.Size]byte
	at    time.Time
}

func (e *eldest) see(key [sha256.Size]byte, at time.Time) {
	if e.count++; e.count == 1 || at.Before(e.at) {
		e.key, e.at = key, at
	}
}

func (s session) expired(now time.Time) bool { return !now.Before(s.at.Add(sessionLifetime)) }

func sessionKey(r *http.Request) (key [sha256.Size]byte, ok bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return key, false
	}
	return sha256.Sum256([]byte(cookie.Value)), true
}

func newSessionCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}
