package adaptertest

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// strange is a site that has nothing to do with the host.
const strange = "evil.example.net"

// returnElsewhere lets somebody begin a sign-in and give its last step to another person's browser.
func returnElsewhere(w *world) {
	theirs := w.newBrowser().newTab().as(w.host.Person).holdReturn().begin(question{})
	require.NotNil(w.t, theirs.held, "the browser comes back: %s", describePage(theirs.page))

	victim := w.newBrowser()
	forged := victim.newTab().send(theirs.held.fromElsewhere())
	forged.requireNotSignedIn()
	later := victim.newTab().begin(question{})
	later.requireNotSignedIn()
	require.NotEmpty(w.t, later.shown, "the next sign-in is nobody's yet: %s", describePage(later.page))

	theirs.release().requireSignedIn(w.host.Person)
}

// answerElsewhere puts what one browser brings back into the sign-in of another, which has begun.
func answerElsewhere(w *world) {
	theirs := w.newBrowser().newTab().as(w.host.Person).holdReturn().begin(question{})
	require.NotNil(w.t, theirs.held, "the browser comes back: %s", describePage(theirs.page))
	mine := w.newBrowser().newTab().begin(question{})
	mine.send(theirs.held.fromElsewhere().moved(theirs.handle(), mine.handle()))
	mine.requireNotSignedIn()
}

// returnTwice makes the last step twice before it has led on, and once more when all is done.
func returnTwice(w *world) {
	b := w.newBrowser()
	one := b.newTab().as(w.host.Person).holdReturn().begin(question{})
	require.NotNil(w.t, one.held, "the browser comes back: %s", describePage(one.page))
	step := *one.held
	one.holdNext().send(step)
	two := b.newTab().send(step)
	if one.held != nil {
		one.release()
	}
	three := b.newTab().send(step)
	require.Equal(w.t, 1, len(one.assertions())+len(two.assertions())+len(three.assertions()), "Entra gets one answer")
}

// leadsNowhereElse changes every address of the Bridge that the browser carries to the host.
func leadsNowhereElse(w *world) {
	looked := w.newBrowser().newTab().begin(question{})
	changed := 0
	for i, one := range looked.sent {
		if w.isBridge(one.address) || one.method != http.MethodGet {
			continue
		}
		for _, name := range w.carrying(one.address) {
			for _, lure := range lures() {
				changed++
				tab := w.newBrowser().newTab().begin(question{}) // the same as looked, so far
				require.Greater(w.t, len(tab.sent), i)
				tab.asOnce(w.host.Person).walk(entratest.Follow(replaced(tab.sent[i].address, name, lure)))
				tab.requireNotLedAway()
			}
		}
	}
	if changed == 0 {
		w.t.Skip("the browser carries no address of the Bridge to the host")
	}
}

// lures look as if they led to the Bridge, and do not.
func lures() []string {
	return []string{
		"https://" + strange + "/", "//" + strange + "/", `/\` + strange + "/", "https://" + bridgeHost + "." + strange + "/",
		"https://" + bridgeHost + "@" + strange + "/", "https:" + strange,
	}
}

// carrying lists the parameters of an address that carry an address of the Bridge.
func (w *world) carrying(address string) []string {
	parsed, err := url.Parse(address)
	require.NoError(w.t, err)
	var names []string
	for name, values := range parsed.Query() {
		if strings.Contains(strings.Join(values, " "), w.base) {
			names = append(names, name)
		}
	}
	return names
}

func replaced(address, name, value string) string {
	parsed, _ := url.Parse(address) // it was parsed before
	query := parsed.Query()
	query.Set(name, value)
	parsed.RawQuery = query.Encode()
	return parsed.String()
}

// requireNotLedAway requires that nothing that the browser was given leads to a stranger, whichever way browsers read
// it.
func (t *tab) requireNotLedAway() {
	t.browser.w.t.Helper()
	for _, page := range t.seen {
		targets := []string{page.URL, page.Header.Get("Location")}
		if page.Refresh != nil {
			targets = append(targets, page.Refresh.URL)
		}
		for _, link := range page.Links {
			targets = append(targets, link.URL)
		}
		for _, form := range page.Forms {
			targets = append(targets, form.Action)
		}
		for _, target := range targets {
			path, _, _ := strings.Cut(target, "?")
			require.NotContains(t.browser.w.t, path, strange, "the browser was led away by %s", page.URL)
		}
	}
}

// fromElsewhere is the request as another site makes a browser send it.
func (s sent) fromElsewhere() sent {
	s.from = "https://" + strange + "/"
	return s
}

// moved is the request with one sign-in's handle in the place of another's.
func (s sent) moved(from, to string) sent {
	s.address = strings.ReplaceAll(s.address, from, to)
	form := url.Values{}
	for name, values := range s.form {
		for _, value := range values {
			form.Add(name, strings.ReplaceAll(value, from, to))
		}
	}
	s.form = form
	return s
}

// returnTo is the address of the tab's sign-in at the Bridge.
func (t *tab) returnTo() string {
	w := t.browser.w
	w.t.Helper()
	for i := len(t.sent) - 1; i >= 0; i-- {
		if rest, found := strings.CutPrefix(t.sent[i].address, w.base+"/signin/"); found {
			handle, _, _ := strings.Cut(rest, "?")
			return w.base + "/signin/" + handle
		}
	}
	w.t.Fatalf("no sign-in was begun: %s", describePage(t.page))
	return ""
}

// handle names the tab's sign-in.
func (t *tab) handle() string {
	t.browser.w.t.Helper()
	address := t.returnTo()
	return address[strings.LastIndexByte(address, '/')+1:]
}

// holdReturn holds back the request that leads away from the host's last page, to the Bridge or to another host.
func (t *tab) holdReturn() *tab {
	t.hold = func(r *http.Request) bool {
		if len(t.shown) == 0 {
			return false
		}
		page, err := url.Parse(t.shown[len(t.shown)-1].URL)
		return err == nil && (t.browser.w.isBridge(r.URL.String()) || page.Host != r.URL.Host)
	}
	return t
}

// holdNext holds back the request after the next one.
func (t *tab) holdNext() *tab {
	t.held = nil
	made := 0
	t.hold = func(*http.Request) bool {
		made++
		return made > 1 && len(t.answers) == 0
	}
	return t
}

// release makes the request that was held back.
func (t *tab) release() *tab {
	t.hold = nil
	return t.send(*t.held)
}
