package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/userfile"
	"github.com/entrafed/entrafed/federation/entratest"
)

// keep opens an SQLite state for a test.
func keep(t *testing.T, now func() time.Time) *state {
	t.Helper()
	kept, err := database{file: filepath.Join(t.TempDir(), "state.db")}.open(t.Context(), now, newLog(t.Output()))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, kept.close()) })
	return kept
}

// newSessions are those of users with these logins.
func newSessions(t *testing.T, clock *entratest.Clock, logins ...string) *sessions {
	var list []userfile.User
	for _, login := range logins {
		list = append(list, userfile.User{Login: login})
	}
	return &sessions{db: keep(t, clock.Now).db, users: userfile.New(list, 1), now: clock.Now}
}

// signedIn opens a session and returns its cookie.
func signedIn(t *testing.T, s *sessions, login string, cookies ...*http.Cookie) *http.Cookie {
	t.Helper()
	recorder := httptest.NewRecorder()
	require.NoError(t, s.open(recorder, requestWith(cookies...), s.users.Of(login)))
	return recorder.Result().Cookies()[0]
}

func requestWith(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, testBaseURL, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

// known reports whether the cookie is a session.
func known(t *testing.T, s *sessions, cookie *http.Cookie) bool {
	t.Helper()
	_, ok, err := s.of(requestWith(cookie))
	require.NoError(t, err)
	return ok
}

func TestTheSessionCookieIsForThisHostAlone(t *testing.T) {
	t.Parallel()
	cookie := signedIn(t, newSessions(t, newClock(), "a"), "a")
	require.Equal(t, "__Host-entrafed-session", cookie.Name)
	require.True(t, cookie.Secure)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteLaxMode, cookie.SameSite)
	require.Equal(t, "/", cookie.Path)
	require.Empty(t, cookie.Domain)
	require.Equal(t, 8*60*60, cookie.MaxAge)
	require.Len(t, cookie.Value, 43, "256 bits")
}

func TestASessionEndsAfterAWorkingDay(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := newSessions(t, clock, "a")
	began := clock.Now()
	cookie := signedIn(t, s, "a")
	clock.Advance(sessionLifetime - time.Microsecond)
	found, ok, err := s.of(requestWith(cookie))
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, began.Equal(found.at))
	require.Equal(t, "a", found.user.Login)
	require.NotContains(t, cookie.Value, found.name)
	clock.Advance(time.Microsecond)
	require.False(t, known(t, s, cookie))
}

func TestAnotherSignInEndsTheOldSession(t *testing.T) {
	t.Parallel()
	s := newSessions(t, newClock(), "a", "b")
	old := signedIn(t, s, "a")
	fresh := signedIn(t, s, "b", old)
	require.NotEqual(t, old.Value, fresh.Value)
	require.False(t, known(t, s, old))
	found, ok, err := s.of(requestWith(fresh))
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "b", found.user.Login)
}

func TestASignOutEndsTheSessionAndTakesItsCookieAway(t *testing.T) {
	t.Parallel()
	s := newSessions(t, newClock(), "a")
	cookie := signedIn(t, s, "a")
	recorder := httptest.NewRecorder()
	require.NoError(t, s.close(recorder, requestWith(cookie)))
	require.False(t, known(t, s, cookie))
	require.Negative(t, recorder.Result().Cookies()[0].MaxAge)
}

func TestAMadeUpCookieIsNoSession(t *testing.T) {
	t.Parallel()
	s := newSessions(t, newClock(), "a")
	cookie := signedIn(t, s, "a")
	for _, value := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", hashOf(cookie.Value)} {
		require.False(t, known(t, s, &http.Cookie{Name: sessionCookie, Value: value}))
	}
}

func TestWhoIsNoUserAnyMoreHasNoSession(t *testing.T) {
	t.Parallel()
	s := newSessions(t, newClock(), "a", "b")
	cookie := signedIn(t, s, "a")
	s.users = userfile.New([]userfile.User{{Login: "b"}}, 1)
	require.False(t, known(t, s, cookie))
}

func TestAPersonHasOnlySoManySessions(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := newSessions(t, clock, "a", "b")
	others := signedIn(t, s, "b")
	var cookies []*http.Cookie
	for range maxUserSessions + 1 {
		clock.Advance(time.Microsecond)
		cookies = append(cookies, signedIn(t, s, "a"))
	}
	require.False(t, known(t, s, cookies[0]), "the oldest went")
	for _, c := range append(cookies[1:], others) {
		require.True(t, known(t, s, c))
	}
}

func TestExpiredSessionsAreForgotten(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := newSessions(t, clock, "a", "b")
	signedIn(t, s, "a")
	clock.Advance(sessionLifetime)
	signedIn(t, s, "b")
	var rows int
	require.NoError(t, s.db.QueryRow(`SELECT count(*) FROM idp_sessions`).Scan(&rows))
	require.Equal(t, 1, rows)
}

func TestTheDatabaseHasNoCookie(t *testing.T) {
	t.Parallel()
	s := newSessions(t, newClock(), "a")
	cookie := signedIn(t, s, "a")
	var hash string
	require.NoError(t, s.db.QueryRow(`SELECT hash FROM idp_sessions`).Scan(&hash))
	require.Equal(t, hashOf(cookie.Value), hash)
	require.NotContains(t, hash, cookie.Value)
}

func TestADatabaseThatFailsSignsNobodyIn(t *testing.T) {
	t.Parallel()
	s := newSessions(t, newClock(), "a")
	cookie := signedIn(t, s, "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok, err := s.of(requestWith(cookie).WithContext(ctx))
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, ok)
	recorder := httptest.NewRecorder()
	require.ErrorIs(t, s.open(recorder, requestWith().WithContext(ctx), s.users.Of("a")), context.Canceled)
	require.Empty(t, recorder.Result().Cookies(), "no cookie without a session")
}
