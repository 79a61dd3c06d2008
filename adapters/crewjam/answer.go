package crewjam

import (
	"fmt"
	"net/http"
)

// answer is the browser as a SessionProvider sees it. What says that the host failed does not get through: the Bridge
// has a page for that, which says what to do and has a number for the log.
type answer struct {
	browser http.ResponseWriter // nil: nobody looks
	header  http.Header
	status  int
	written bool
}

func newAnswer(browser http.ResponseWriter) *answer {
	a := &answer{browser: browser, header: http.Header{}}
	if browser != nil {
		a.header = browser.Header()
	}
	return a
}

func (a *answer) Header() http.Header { return a.header }

func (a *answer) WriteHeader(status int) {
	if a.written {
		return
	}
	a.status, a.written = status, true
	if a.shown() {
		a.browser.WriteHeader(status)
	}
}

func (a *answer) Write(content []byte) (int, error) {
	if !a.written {
		a.status, a.written = http.StatusOK, true // the browser's writer says so itself, and finds out what the content is
	}
	if a.shown() {
		return a.browser.Write(content)
	}
	return len(content), nil
}

func (a *answer) shown() bool { return a.browser != nil && !a.failed() }

func (a *answer) failed() bool { return a.status >= http.StatusInternalServerError }

func (a *answer) err() error {
	for _, name := range []string{"Content-Type", "Content-Length", "X-Content-Type-Options"} {
		a.header.Del(name) // http.Error set them for its own text
	}
	return fmt.Errorf("crewjam: the SessionProvider answered %d %s: its log says why", a.status, http.StatusText(a.status))
}
