package adapters_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// outlasting is a pipeline whose budget of 2 minutes runs out as often as attempts says, by the world's clock.
func (w *world) outlasting(attempts int, err error) (calls *int) {
	calls = new(int)
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		*calls++
		if *calls <= attempts {
			w.Advance(2 * time.Minute)
			return provision.Account{}, stopped(err)
		}
		return account, nil
	}
	return calls
}

// pauseOf reads how long the page waits, and checks that all who read it are told the same: the script, a browser without
// scripts, and whoever goes by the header.
func pauseOf(t *testing.T, recorder *httptest.ResponseRecorder, address string) time.Duration {
	t.Helper()
	page := recorder.Body.String()
	seconds := recorder.Header().Get("Retry-After")
	require.Contains(t, page, `<p id="again" data-seconds="`+seconds+`"><a class="button" href="`+address+`?retry">Try again</a></p>`)
	require.Contains(t, page, `<noscript><meta http-equiv="refresh" content="`+seconds+`; url=`+address+`?retry" /></noscript>`)
	n, err := strconv.Atoi(seconds)
	require.NoError(t, err)
	return time.Duration(n) * time.Second
}

func TestAPageThatWaitsTriesAgainUntilTheAccountIsReady(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls := w.outlasting(3, provision.ErrNotReady)
	b := w.browser()
	address := b.request("", "state", testTime)
	var pauses []time.Duration
	recorder := b.get(address)
	for recorder.Code == http.StatusServiceUnavailable {
		w.requireFailure(recorder, http.StatusServiceUnavailable, "This takes longer than usual")
		require.Contains(t, recorder.Body.String(), "You do not have to do anything")
		pauses = append(pauses, pauseOf(t, recorder, address))
		w.Advance(pauses[len(pauses)-1])
		recorder = b.get(address + "?retry")
	}
	requireAnswered(t, recorder, "state")
	require.Equal(t, 4, *calls)
	require.Equal(t, []time.Duration{30 * time.Second, 60 * time.Second, 60 * time.Second}, pauses, "a quarter of the time so far")
}

func TestThePausesGrow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		return provision.Account{}, stopped(provision.ErrUnavailable)
	}
	b := w.browser()
	address := b.request("", "state", testTime)
	last, attempts := time.Duration(0), 0
	recorder := b.get(address)
	for recorder.Header().Get("Retry-After") != "" {
		pause := pauseOf(t, recorder, address)
		require.GreaterOrEqual(t, pause, last)
		require.LessOrEqual(t, pause, time.Minute)
		last = pause
		attempts++
		w.Advance(pause)
		recorder = b.get(address + "?retry")
	}
	require.Equal(t, time.Minute, last)
	require.Less(t, attempts, 30)

	w.requireFailure(recorder, http.StatusServiceUnavailable, "This takes longer than usual")
	page := recorder.Body.String()
	require.Contains(t, page, "Please try again in a few minutes.", "what to do")
	require.Contains(t, page, "Nothing is lost")
	require.Contains(t, page, `href="https://id.contoso.com/entra/go">Start again</a>`)
	require.NotContains(t, page, "refresh", "it does not go on by itself any more")
	require.NotContains(t, page, "<script")
	waited := w.Now().Sub(testTime)
	require.Less(t, waited, 15*time.Minute, "while the sign-in is still valid")
	require.Greater(t, waited, 12*time.Minute, "but as long as it makes sense")
}

// The time at the host's own sign-in page is not the person's waiting for an account.
func TestThePausesCountFromTheSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		return provision.Account{}, stopped(provision.ErrNotReady)
	}
	b := w.browser()
	address := b.request("", "state", testTime)
	w.Advance(8 * time.Minute)
	require.Equal(t, 5*time.Second, pauseOf(t, b.get(address), address))
}

// Another replica, which knows nothing of the first attempt, waits as long.
func TestThePausesAreTheSameOnEveryReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.outlasting(9, provision.ErrNotReady)
	b := w.browser()
	address := b.request("", "state", testTime)
	require.Equal(t, 30*time.Second, pauseOf(t, b.get(address), address))
	b.handler = w.newBridge()
	require.Equal(t, time.Minute, pauseOf(t, b.get(address+"?retry"), address))
}

func TestThePauseIsWhatTheDirectoryAskedFor(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		asked time.Duration
		want  time.Duration // 0: the page does not go on by itself
		says  string
	}{
		"nothing":                       {0, 5 * time.Second, "in about 5 seconds."},
		"less than the least pause":     {time.Second, 5 * time.Second, "in about 5 seconds."},
		"part of a second":              {90*time.Second + time.Millisecond, 91 * time.Second, "in about 91 seconds."},
		"minutes":                       {5*time.Minute + time.Second, 301 * time.Second, "in about 6 minutes."},
		"almost the sign-in's lifetime": {14*time.Minute + time.Second, 0, "Nothing is lost"},
		"an hour":                       {time.Hour, 0, "Nothing is lost"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
				return provision.Account{}, stopped(&provision.DirectoryError{
					Operation: "POST /users", Status: http.StatusTooManyRequests, RetryAfter: test.asked,
				})
			}
			b := w.browser()
			address := b.request("", "", testTime)
			recorder := b.get(address)
			require.Contains(t, recorder.Body.String(), test.says)
			if test.want == 0 {
				require.Empty(t, recorder.Header().Get("Retry-After"))
				return
			}
			require.Equal(t, test.want, pauseOf(t, recorder, address))
		})
	}
}

// The pages open in embedded browsers that know ECMAScript 5 and no more. This looks for what came after; a parser looks at
// the scripts in the browser tests.
func TestTheScriptsAreOld(t *testing.T) {
	t.Parallel()
	newer := regexp.MustCompile("=>|`|\\.\\.\\.|\\?\\.|\\?\\?|\\*\\*|" +
		`\b(let|const|class|async|await|import|export|of|yield|Promise|fetch|Symbol|Map|Set)\b`)
	text := regexp.MustCompile(`"[^"]*"`)
	for _, sample := range []string{"let a", "a => b", "`a`", "a?.b", "for (a of b) {}"} {
		require.Regexp(t, newer, sample, "the check can fail")
	}
	for _, name := range []string{"progress.js", "waiting.js", "response.js"} {
		script, err := os.ReadFile(name)
		require.NoError(t, err)
		for i, line := range strings.Split(text.ReplaceAllString(string(script), `""`), "\n") {
			require.NotRegexp(t, newer, line, fmt.Sprintf("%s:%d", name, i+1))
		}
	}
	progress, err := os.ReadFile("progress.js")
	require.NoError(t, err)
	require.Contains(t, string(progress), "if (!window.EventSource) { setTimeout(again, 2000); return; }", "without streams it loads the page again")
	for _, l := range []adapters.Language{adapters.English(), adapters.German(), adapters.French()} {
		for _, state := range []adapters.Message{"state.done", "state.doing", "state.failed"} {
			require.NotContains(t, string(progress), `"`+l.Words[state]+`"`, "the words are the page's")
		}
	}
}
