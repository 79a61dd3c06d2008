package adaptertest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/entrafed/entrafed/federation/entratest"
)

// browser is a person's: its cookies are shared by all of its tabs.
type browser struct {
	w       *world
	client  *entratest.Browser
	tab     *tab      // the one that walks
	planted []planted // cookies that others put there
}

// tab is one sign-in in a browser.
type tab struct {
	browser *browser
	request entratest.AuthnRequest

	page    entratest.Page   // where the walk stopped
	shown   []entratest.Page // the pages that the person had to do something on
	seen    []entratest.Page // all of them, redirects included
	sent    []sent           // all requests
	answers []answer         // what the Bridge sent to Entra
	err     error            // why the walk broke off

	decide func(entratest.Page) (entratest.Action, error) // what the person does
	hold   func(*http.Request) bool                       // which request is not sent
	held   *sent                                          // the one that was not
}

// sent is a request that a browser makes.
type sent struct {
	method, address, from string
	form                  url.Values
}

// errHeld ends a walk before a request that the rule wants to have.
var errHeld = errors.New("adaptertest: the request was held back")

func (w *world) newBrowser() *browser {
	b := &browser{w: w}
	b.client = entratest.NewBrowser(b)
	b.client.Sleep = w.clock.Sleep
	b.client.Observe = func(page entratest.Page) { b.tab.observe(page) }
	b.client.OnPage = func(page entratest.Page) (entratest.Action, error) { return b.tab.onPage(page) }
	return b
}

// RoundTrip makes a request, unless the tab holds it back.
func (b *browser) RoundTrip(r *http.Request) (*http.Response, error) {
	one := sent{method: r.Method, address: r.URL.String(), from: b.tab.page.URL}
	if n := len(b.tab.seen); n > 0 {
		one.from = b.tab.seen[n-1].URL
	}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		one.form, _ = url.ParseQuery(string(body)) // the browser wrote it
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if b.tab.hold != nil && b.tab.hold(r) {
		b.tab.held = &one
		return nil, errHeld
	}
	b.tab.sent = append(b.tab.sent, one)
	b.addPlanted(r)
	return b.w.router.RoundTrip(r)
}

// newTab opens a tab in which nothing happens yet.
func (b *browser) newTab() *tab {
	t := &tab{browser: b, page: entratest.Page{URL: entraPage}}
	t.decide = func(entratest.Page) (entratest.Action, error) { return entratest.Stop(), nil }
	return t
}

// as makes somebody sit in front of the tab who signs in.
func (t *tab) as(who Person) *tab {
	t.decide = func(page entratest.Page) (entratest.Action, error) { return t.browser.w.host.SignIn(page, who) }
	return t
}

// ask makes Entra ask in a new tab, and lets the person sign in.
func (b *browser) ask(q question, who Person) *tab { return b.newTab().as(who).begin(q) }

// begin makes Entra ask, and walks as far as it goes.
func (t *tab) begin(q question) *tab {
	request, action := t.browser.w.put(q)
	t.request = request
	return t.walk(action)
}

// walk goes on from the page where the tab stopped.
func (t *tab) walk(action entratest.Action) *tab {
	t.browser.tab = t
	t.err = nil
	page, err := t.browser.client.Continue(context.Background(), t.page, action)
	if page.URL != "" {
		t.page = page
	}
	if !errors.Is(err, errHeld) {
		t.err = err
	}
	return t
}

// goOn does on the page where the tab stopped what the person does there, and walks on.
func (t *tab) goOn() *tab {
	action, err := t.onPage(t.page)
	if err != nil {
		t.err = err
		return t
	}
	return t.walk(action)
}

// send makes a request again, or one that was held back, as if the tab came from where that one came from.
func (t *tab) send(one sent) *tab {
	t.page = entratest.Page{URL: one.from}
	return t.walk(submission(one.method, one.address, one.form))
}

// onPage asks the person, where it is for a person to act.
func (t *tab) onPage(page entratest.Page) (entratest.Action, error) {
	if t.browser.w.isFinal(page) {
		return entratest.Stop(), nil
	}
	t.shown = append(t.shown, page)
	return t.decide(page)
}

// isFinal reports whether the page is where a sign-in ends: Entra's, or one of the Bridge without a form of the host.
func (w *world) isFinal(page entratest.Page) bool {
	address, err := url.Parse(page.URL)
	return err != nil || isMicrosoft(address) || w.isBridge(page.URL) && (len(page.Forms) == 0 || isFailure(page))
}

// isFailure reports whether the page is one on which the Bridge says what went wrong.
func isFailure(page entratest.Page) bool { return strings.Contains(page.Body, `id="quote"`) }
