package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/examples/internal/userfile"
)

const (
	sessionLifetime = 8 * time.Hour // a working day, used or not
	maxUserSessions = 20            // of one person, in several browsers
	sessionBytes    = 32
)

// sessionCookie begins with __Host-, so that browsers take it over HTTPS only, and only from this host itself and not
// from one that shares its domain: https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis. The base URL is
// always https.
const sessionCookie = "__Host-entrafed-session"

// session is a browser in which somebody signed in.
type session struct {
	user *userfile.User
	at   time.Time // when the password was typed
	name string    // what may be told of it: no way leads back to the cookie
}

// sessions are kept in the database, so that all replicas know them and a restart ends none. The database has the hash
// of a cookie and not the cookie: who reads it cannot take a session over.
//
// There are at most maxUserSessions for each of the users, so that their number is bounded.
type sessions struct {
	db    *sql.DB
	users *userfile.Users
	now   func() time.Time
}

// createSessions makes the table. SQLite and PostgreSQL understand the same.
func createSessions(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS idp_sessions (
		hash  TEXT PRIMARY KEY,
		login TEXT NOT NULL,
		at    BIGINT NOT NULL
	)`) // at: microseconds since 1970
	if err != nil {
		return fmt.Errorf("making the table of sessions: %w", err)
	}
	return nil
}

// open begins a session in this browser, in place of the one that it may have.
func (s *sessions) open(w http.ResponseWriter, r *http.Request, u *userfile.User) error {
	id := make([]byte, sessionBytes)
	_, _ = rand.Read(id) // never fails: it would end the program
	value := base64.RawURLEncoding.EncodeToString(id)
	err := errors.Join(s.end(r), s.insert(r.Context(), hashOf(value), u.Login))
	if err == nil {
		http.SetCookie(w, newSessionCookie(value, int(sessionLifetime/time.Second)))
	}
	return err
}

// insert stores a session, and forgets those that have expired and the oldest of somebody who has too many.
func (s *sessions) insert(ctx context.Context, hash, login string) error {
	now := s.now()
	for _, statement := range []struct {
		text string
		args []any
	}{
		{`DELETE FROM idp_sessions WHERE at <= $1`, []any{now.Add(-sessionLifetime).UnixMicro()}},
		{`INSERT INTO idp_sessions (hash, login, at) VALUES ($1, $2, $3)`, []any{hash, login, now.UnixMicro()}},
		{`DELETE FROM idp_sessions WHERE login = $1 AND hash NOT IN
			(SELECT hash FROM idp_sessions WHERE login = $2 ORDER BY at DESC LIMIT $3)`, []any{login, login, maxUserSessions}},
	} {
		if _, err := s.db.ExecContext(ctx, statement.text, statement.args...); err != nil {
			return fmt.Errorf("storing a session: %w", err)
		}
	}
	return nil
}

// of returns the browser's session. One of somebody who is no user any more is none.
func (s *sessions) of(r *http.Request) (found session, ok bool, err error) {
	hash, ok := sessionHash(r)
	if !ok {
		return session{}, false, nil
	}
	var login string
	var at int64
	err = s.db.QueryRowContext(r.Context(), `SELECT login, at FROM idp_sessions WHERE hash = $1`, hash).Scan(&login, &at)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return session{}, false, nil
	case err != nil:
		return session{}, false, fmt.Errorf("loading a session: %w", err)
	}
	found = session{user: s.users.Of(login), at: time.UnixMicro(at), name: hash[:32]}
	return found, found.user != nil && !found.expired(s.now()), nil
}

// close ends the browser's session and takes its cookie away.
func (s *sessions) close(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, newSessionCookie("", -1))
	return s.end(r)
}

func (s *sessions) end(r *http.Request) error {
	hash, ok := sessionHash(r)
	if !ok {
		return nil
	}
	if _, err := s.db.ExecContext(r.Context(), `DELETE FROM idp_sessions WHERE hash = $1`, hash); err != nil {
		return fmt.Errorf("ending a session: %w", err)
	}
	return nil
}

func (s session) expired(now time.Time) bool { return !now.Before(s.at.Add(sessionLifetime)) }

func sessionHash(r *http.Request) (hash string, ok bool) {
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return "", false
	}
	return hashOf(cookie.Value), true
}

func hashOf(value string) string {
	sum := sha256.Sum256([]byte(value))
	return hex.EncodeToString(sum[:])
}

func newSessionCookie(value string, maxAge int) *http.Cookie {
	return &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge, Secure: true, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}
