package adaptertest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func signOutEnds(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	b.signOut()
	w.sleep(time.Minute)
	ended := w.clock.Now()
	tab := b.ask(question{}, w.host.Person)
	claims := tab.requireSignedIn(w.host.Person)
	require.NotEmpty(w.t, tab.shown, "a page is shown")
	require.False(w.t, claims.AuthnInstant.Before(ended.Truncate(time.Second)), "when the person signed in")
}

func signOutAnswered(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	b.signOut().requireSignedOut()
}

func signOutUpstream(w *world) {
	b := w.newBrowser()
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	tab := b.signOut()
	for _, one := range tab.sent {
		if address, err := url.Parse(one.address); err == nil && !isMicrosoft(address) && !w.isBridge(one.address) {
			return
		}
	}
	w.t.Fatalf("the browser was not led to the provider: %v", addresses(tab.sent))
}

func signOutElsewhere(w *world) {
	here, there := w.newBrowser(), w.newBrowser()
	here.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	there.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
	here.signOut()
	w.sleep(time.Minute)
	tab := there.ask(question{}, w.host.Person)
	tab.requireSignedIn(w.host.Person)
	require.Empty(w.t, tab.shown, "no page is shown")
}

// signOut signs out of Microsoft 365, which tells the Bridge.
func (b *browser) signOut() *tab {
	b.w.t.Helper()
	require.NoError(b.w.t, b.w.tenant.SetRequestOptions(entratest.RequestOptions{SignOut: entratest.SignOutRequest}))
	t := b.newTab()
	t.decide = func(page entratest.Page) (entratest.Action, error) {
		if b.w.host.SignOut == nil {
			return entratest.Stop(), nil
		}
		return b.w.host.SignOut(page)
	}
	return t.walk(entratest.Follow(entraPage + "?wa=wsignout1.0"))
}

// requireSignedOut requires that the sign-out came back to Entra, and was accepted there.
func (t *tab) requireSignedOut() {
	w := t.browser.w
	w.t.Helper()
	require.NoError(w.t, t.err)
	require.Len(w.t, t.answers, 1, "Entra gets an answer: %s", describePage(t.page))
	require.Contains(w.t, t.answers[0].document, "LogoutResponse")
	require.Equal(w.t, http.StatusOK, t.page.Status, describePage(t.page))
	require.True(w.t, strings.HasPrefix(t.page.URL, entraPage), t.page.URL)
}

func addresses(requests []sent) []string {
	var all []string
	for _, one := range requests {
		all = append(all, fmt.Sprint(one.method, " ", one.address))
	}
	return all
}
