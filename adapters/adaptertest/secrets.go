package adaptertest

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
)

// noSecretInLog goes through everything that is logged, and then reads the log.
func noSecretInLog(w *world) {
	secrets := slices.Clone(w.host.Secrets)
	note := func(t *tab) *tab {
		secrets = append(secrets, t.secrets()...)
		return t
	}
	who, b := w.host.Person, w.newBrowser()
	if who.Password != "" {
		wrong := who
		wrong.Password = wrongly(who.Password)
		note(b.newTab().asOnce(wrong).begin(question{}))
		secrets = append(secrets, who.Password, wrong.Password)
	}
	if who.Code != "" {
		note(b.newTab().as(who).begin(question{mfa: true}))
		secrets = append(secrets, who.Code)
	}
	if w.host.Cancel != nil {
		tab := w.newBrowser().newTab()
		tab.decide = w.host.Cancel
		note(tab.begin(question{}))
	}
	if w.host.Fail != nil {
		tab := w.newBrowser().newTab().begin(question{})
		mend := w.host.Fail(w.t)
		note(tab.asOnce(who).goOn())
		mend()
		w.sleep(2 * time.Minute)
	}
	note(b.ask(question{}, who)).requireSignedIn(who)
	note(b.newTab().send(*b.lastReturn())) // what is refused is logged
	if w.host.endsSessions() {
		note(b.signOut())
	}
	text := w.journal.String()
	for _, secret := range secrets {
		require.NotContains(w.t, text, secret, "a secret is in the log")
	}
}

// minSecret is the length of the shortest value that is taken for a secret because of where it is, and not of what it
// is.
const minSecret = 16

// secrets are what the tab's requests and answers had in them that lets somebody in.
func (t *tab) secrets() []string {
	var found []string
	add := func(value string) {
		if len(value) >= minSecret {
			found = append(found, value)
		}
	}
	for _, page := range t.seen {
		for _, cookie := range (&http.Response{Header: page.Header}).Cookies() {
			add(cookie.Value)
		}
	}
	for _, one := range t.sent {
		address, err := url.Parse(one.address)
		if err != nil {
			continue
		}
		for _, name := range []string{"code", "id_token", "access_token", "SAMLResponse", "password"} {
			add(address.Query().Get(name))
			add(one.form.Get(name))
		}
	}
	return found
}

// lastReturn is the last request of a sign-in at the Bridge.
func (b *browser) lastReturn() *sent {
	b.w.t.Helper()
	for _, one := range slices.Backward(b.tab.sent) {
		if b.w.isBridge(one.address) {
			return &one
		}
	}
	b.w.t.Fatal("the browser was never at the Bridge")
	return nil
}
