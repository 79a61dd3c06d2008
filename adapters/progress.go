package adapters

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// showProgress shows how far the account has come. The page follows the steps by server-sent events, or by refreshing
// itself where scripts do not run, and goes on by itself.
func (b *Bridge) showProgress(w http.ResponseWriter, r *http.Request, handle string, steps []stepView) {
	speech := b.pages.language(r)
	b.pages.write(w, http.StatusOK, PageProgress, view{
		Language: speech, Title: speech.say(msgProgressTitle), Steps: speech.steps(steps),
		Again: b.signInURL(handle), Seconds: progressRefresh,
	})
}

// progressRefresh is how often the page with the steps is loaded again where scripts do not run, in seconds.
const progressRefresh = 2

// keepAlive is how often an idle stream says something, so that proxies do not close it.
const keepAlive = 15 * time.Second

// serveProgress streams the steps: an event "steps" with the whole list whenever it changes, and an event "end" when it
// is time to load the page again.
func (b *Bridge) serveProgress(w http.ResponseWriter, r *http.Request) {
	person, known := b.identified(r, r.PathValue("handle"))
	if !known || b.people == nil {
		http.Error(w, "There is no sign-in under way here.", http.StatusForbidden)
		return
	}
	run, err := b.runs.of(r.Context(), person, false)
	if err != nil {
		http.Error(w, "Please load the page again.", http.StatusServiceUnavailable)
		return
	}
	speech := b.pages.language(r)
	stream := newEventStream(w)
	for {
		steps, changed := run.follow()
		if stream.send("steps", speech.steps(steps)) != nil {
			return
		}
		select {
		case <-changed:
		case <-run.ended:
			_ = stream.send("end", speech.steps(run.view()))
			return
		case <-time.After(keepAlive):
		case <-r.Context().Done():
			return
		}
	}
}

// eventStream writes server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html.
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func newEventStream(w http.ResponseWriter) eventStream {
	header := w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // proxies that buffer would hold the events back
	header.Set("X-Content-Type-Options", "nosniff")
	control := http.NewResponseController(w)
	// The server's deadline is meant for pages; a stream may outlast it. Not every ResponseWriter can.
	_ = control.SetWriteDeadline(time.Time{})
	return eventStream{w, control}
}

func (s eventStream) send(event string, data any) error {
	content, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, content); err != nil {
		return err
	}
	return s.control.Flush()
}
