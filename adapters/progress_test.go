package adapters_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

func newJar(t testing.TB) http.CookieJar {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return jar
}

// slowly is a pipeline that tells of each step only when the test lets it.
func slowly(next <-chan provision.Event) func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
	return func(ctx context.Context, _ provision.Person, progress func(provision.Event)) (provision.Account, error) {
		for {
			select {
			case e, open := <-next:
				if !open {
					return account, nil
				}
				progress(e)
			case <-ctx.Done():
				return provision.Account{}, ctx.Err()
			}
		}
	}
}

func event(step string, state provision.State, message string) provision.Event {
	return provision.Event{Step: step, State: state, Message: message}
}

func TestThePageShowsTheStepsWithoutScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) {
		c.Patience = time.Nanosecond
		c.Notice = "A test & nothing else"
	})
	next := make(chan provision.Event)
	w.people = slowly(next)
	b := w.browser()
	address := b.request("", "state", testTime)
	b.get(address)
	next <- event(provision.StepSelect, provision.Started, "Checking who you are")
	next <- event(provision.StepSelect, provision.Done, "Checking who you are")
	next <- event(provision.StepToken, provision.Started, "Contacting the directory")
	next <- event(provision.StepToken, provision.Skipped, "Contacting the directory")
	next <- event("badge", provision.Started, "Printing <your> badge")
	next <- event("badge", provision.Waiting, "Printing <your> badge")

	var page string
	require.Eventually(t, func() bool {
		page = b.get(address).Body.String()
		return strings.Contains(page, `<li class="doing">Printing &lt;your&gt; badge`)
	}, 10*time.Second, time.Millisecond)
	require.Contains(t, page, `<li class="done">Checking who you are`)
	require.NotContains(t, page, "Contacting the directory", "what had nothing to do is not shown")
	require.Contains(t, page, `<noscript><meta http-equiv="refresh" content="2; url=`+address+`" /></noscript>`)
	require.Contains(t, page, `<p class="notice" role="note">A test &amp; nothing else</p>`)
	require.Contains(t, page, `role="status" aria-live="polite"`)
	require.Contains(t, page, `<html lang="en">`)

	close(next)
	require.Eventually(t, func() bool { return strings.Contains(b.get(address).Body.String(), "SAMLResponse") },
		10*time.Second, time.Millisecond)
}

func TestThePagesAllowNothingButThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Nanosecond })
	next := make(chan provision.Event)
	defer close(next)
	w.people = slowly(next)
	b := w.browser()
	for _, recorder := range []*httptest.ResponseRecorder{b.get(b.request("", "", testTime)), b.get(base + "/nothing")} {
		policy := recorder.Header().Get("Content-Security-Policy")
		for _, directive := range []string{
			"default-src 'none'", "form-action 'none'", "img-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
		} {
			require.Contains(t, policy, directive)
		}
		require.NotContains(t, policy, "unsafe")
		page := recorder.Body.String()
		for _, tag := range []string{"style", "script"} {
			for _, match := range regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(page, -1) {
				sum := sha256.Sum256([]byte(match[1]))
				require.Contains(t, policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", tag)
			}
		}
		require.NotRegexp(t, ` on[a-z]+=| style=`, page)
		require.Equal(t, "no-store", recorder.Header().Get("Cache-Control"))
		require.Equal(t, "DENY", recorder.Header().Get("X-Frame-Options"))
	}
}

// The stream as a browser reads it, over a real connection.
func TestTheStreamTellsEachStepAndTheEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Nanosecond })
	next := make(chan provision.Event)
	w.people = slowly(next)
	b := w.browser()
	address := b.request("", "state", testTime)
	b.get(address)

	server := httptest.NewServer(w.bridge)
	defer server.Close()
	r, err := http.NewRequest(http.MethodGet, server.URL+strings.TrimPrefix(address, "https://id.contoso.com")+"/progress", nil)
	require.NoError(t, err)
	page := httptest.NewRequest(http.MethodGet, address, nil)
	for _, c := range b.jar.Cookies(page.URL) {
		r.AddCookie(c)
	}
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))

	events := make(chan string)
	go readEvents(response, events)
	require.Equal(t, `steps []`, <-events)
	next <- event(provision.StepCreate, provision.Started, "Creating your account")
	require.Equal(t, `steps [{"name":"create","label":"Creating your account","state":"doing"}]`, <-events)
	next <- event(provision.StepCreate, provision.Done, "Creating your account")
	require.Equal(t, `steps [{"name":"create","label":"Creating your account","state":"done"}]`, <-events)
	close(next)
	require.Equal(t, `end [{"name":"create","label":"Creating your account","state":"done"}]`, <-events)
	_, open := <-events
	require.False(t, open)
}

func readEvents(response *http.Response, events chan<- string) {
	defer close(events)
	buffer, text := make([]byte, 1024), ""
	for {
		n, err := response.Body.Read(buffer)
		text += string(buffer[:n])
		for {
			one, rest, found := strings.Cut(text, "\n\n")
			if !found {
				break
			}
			text = rest
			one = strings.TrimPrefix(one, "event: ")
			events <- strings.Replace(one, "\ndata: ", " ", 1)
		}
		if err != nil {
			return
		}
	}
}

func TestTheStreamIsOnlyForWhoeverSignsInThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	address := b.request("", "state", testTime)
	require.Equal(t, http.StatusForbidden, b.get(address+"/progress").Code, "nobody was identified yet")
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Nanosecond })
	ended := make(chan struct{})
	w.people = func(ctx context.Context, _ provision.Person, _ func(provision.Event)) (provision.Account, error) {
		<-ctx.Done()
		close(ended)
		return provision.Account{}, ctx.Err()
	}
	b := w.browser()
	address := b.request("", "state", testTime)
	b.get(address)
	require.NoError(t, w.bridge.Close(context.Background()))
	<-ended
	w.requireFailure(b.get(b.request("", "", testTime)), http.StatusInternalServerError, "Something went wrong here")
}

func TestConcurrentBrowsersOfOnePersonShareOneRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	calls := make(chan struct{}, 100)
	w.people = func(context.Context, provision.Person, func(provision.Event)) (provision.Account, error) {
		calls <- struct{}{}
		return account, nil
	}
	for range 10 {
		b := w.browser()
		requireAnswered(t, b.get(b.request("", "state", testTime)), "state")
	}
	require.Len(t, calls, 1)
	w.Advance(2 * time.Minute)
	b := w.browser()
	requireAnswered(t, b.get(b.request("", "state", w.Now())), "state")
	require.Len(t, calls, 2, "the result is kept for a minute, not for ever")
}
