package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// signedIn opens a session and returns its cookie.
func signedIn(s *sessions, u *user, cookies ...*http.Cookie) *http.Cookie {
	recorder := httptest.NewRecorder()
	s.open(recorder, requestWith(cookies...), u)
	return recorder.Result().Cookies()[0]
}

func requestWith(cookies ...*http.Cookie) *http.Request {
	r := httptest.NewRequest(http.MethodGet, testBaseURL, nil)
	for _, c := range cookies {
		r.AddCookie(c)
	}
	return r
}

func TestTheSessionCookieIsForThisHostAlone(t *testing.T) {
	t.Parallel()
	cookie := signedIn(newSessions(newClock().Now), &user{})
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
	clock, who := newClock(), &user{}
	s := newSessions(clock.Now)
	began := clock.Now()
	cookie := signedIn(s, who)
	clock.Advance(sessionLifetime - 1)
	found, ok := s.of(requestWith(cookie))
	require.True(t, ok)
	require.Equal(t, began, found.at)
	require.Same(t, who, found.user)
	require.NotContains(t, cookie.Value, found.name)
	clock.Advance(1)
	_, ok = s.of(requestWith(cookie))
	require.False(t, ok)
}

func TestAnotherSignInEndsTheOldSession(t *testing.T) {
	t.Parallel()
	s := newSessions(newClock().Now)
	old := signedIn(s, &user{login: "a"})
	fresh := signedIn(s, &user{login: "b"}, old)
	require.NotEqual(t, old.Value, fresh.Value)
	_, ok := s.of(requestWith(old))
	require.False(t, ok)
	found, ok := s.of(requestWith(fresh))
	require.True(t, ok)
	require.Equal(t, "b", found.user.login)
}

func TestASignOutEndsTheSessionAndTakesItsCookieAway(t *testing.T) {
	t.Parallel()
	s := newSessions(newClock().Now)
	cookie := signedIn(s, &user{})
	recorder := httptest.NewRecorder()
	s.close(recorder, requestWith(cookie))
	_, ok := s.of(requestWith(cookie))
	require.False(t, ok)
	require.Negative(t, recorder.Result().Cookies()[0].MaxAge)
}

func TestAMadeUpCookieIsNoSession(t *testing.T) {
	t.Parallel()
	s := newSessions(newClock().Now)
	signedIn(s, &user{})
	for _, value := range []string{"", "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		_, ok := s.of(requestWith(&http.Cookie{Name: sessionCookie, Value: value}))
		require.False(t, ok)
	}
}

func TestAPersonHasOnlySoManySessions(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := newSessions(clock.Now)
	others := signedIn(s, &user{login: "b"})
	who := &user{login: "a"}
	var cookies []*http.Cookie
	for range maxUserSessions + 1 {
		clock.Advance(1)
		cookies = append(cookies, signedIn(s, who))
	}
	_, ok := s.of(requestWith(cookies[0]))
	require.False(t, ok, "the oldest went")
	for _, c := range append(cookies[1:], others) {
		_, ok := s.of(requestWith(c))
		require.True(t, ok)
	}
}

func TestTheMemoryOfSessionsIsBounded(t *testing.T) {
	t.Parallel()
	clock := newClock()
	s := newSessions(clock.Now)
	oldest := signedIn(s, &user{})
	clock.Advance(1)
	for i := range maxSessions - 1 {
		s.byHash[[32]byte{byte(i), byte(i >> 8), byte(i >> 16)}] = session{user: &user{}, at: clock.Now()}
	}
	require.Len(t, s.byHash, maxSessions)
	signedIn(s, &user{})
	require.Len(t, s.byHash, maxSessions)
	_, ok := s.of(requestWith(oldest))
	require.False(t, ok)

	clock.Advance(sessionLifetime)
	signedIn(s, &user{})
	require.Len(t, s.byHash, 1, "what has expired is forgotten")
}
