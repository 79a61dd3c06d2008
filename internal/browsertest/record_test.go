package browsertest

import (
	"fmt"
	"net/url"
	"slices"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	devpage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/stretchr/testify/assert"
)

// record is what a tab did, in order. The browser tells it.
type record struct {
	mu        sync.Mutex
	requests  []request
	documents []string                   // the addresses of the pages shown
	told      []string                   // by scripts of the tests, through the binding tell
	failed    map[network.RequestID]bool // requests for pages that came with a status of failure
	wrong     []wrong
}

type request struct {
	URL  string
	Kind network.ResourceType
	Body []byte
}

// wrong is an entry of the console that should not be there.
type wrong struct {
	text    string
	request network.RequestID // empty if it is about none
}

func newRecord() *record { return &record{failed: map[network.RequestID]bool{}} }

// note is called for each event of the tab.
func (r *record) note(event any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		r.requests = append(r.requests, request{URL: e.Request.URL, Kind: e.Type, Body: body(e.Request)})
	case *network.EventResponseReceived:
		r.failed[e.RequestID] = e.Type == network.ResourceTypeDocument && e.Response.Status >= 400
	case *devpage.EventFrameNavigated:
		if e.Frame.ParentID == "" {
			r.documents = append(r.documents, e.Frame.URL)
		}
	case *runtime.EventBindingCalled:
		r.told = append(r.told, e.Payload)
	case *runtime.EventExceptionThrown:
		r.wrong = append(r.wrong, wrong{text: fmt.Sprintf("exception: %+v", e.ExceptionDetails)})
	case *runtime.EventConsoleAPICalled:
		r.wrong = append(r.wrong, wrong{text: fmt.Sprintf("console.%s: %+v", e.Type, e.Args)})
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			text := fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
			r.wrong = append(r.wrong, wrong{text, e.Entry.NetworkRequestID})
		}
	}
}

func body(r *network.Request) (sent []byte) {
	for _, entry := range r.PostDataEntries {
		sent = append(sent, entry.Bytes...)
	}
	return sent
}

// requestsOf returns the requests to an address, whatever their query.
func (r *record) requestsOf(address string) []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []request
	for _, sent := range r.requests {
		if at, err := url.Parse(sent.URL); err == nil && at.Scheme+"://"+at.Host+at.Path == address {
			found = append(found, sent)
		}
	}
	return found
}

func (r *record) everyRequest() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

func (r *record) pagesShown() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.documents)
}

func (r *record) whatWasTold() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.told)
}

// check holds for every tab of every test: nothing leaves this machine, and nothing goes wrong unseen. The console also
// tells of each page that has a status of failure. That is no mistake: such pages are meant to.
func (r *record) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, sent := range r.requests {
		at, err := url.Parse(sent.URL)
		if assert.NoError(t, err) && at.Scheme != "data" {
			assert.Equal(t, "127.0.0.1", at.Hostname(), "a request left this machine: %s", sent.URL)
		}
	}
	for _, entry := range r.wrong {
		if entry.request == "" || !r.failed[entry.request] {
			assert.Fail(t, "the console complains", entry.text)
		}
	}
}
