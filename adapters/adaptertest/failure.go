package adaptertest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
)

func cancelled(w *world) {
	b := w.newBrowser()
	tab := b.newTab()
	tab.decide = w.host.Cancel
	tab.begin(question{})
	require.NotEmpty(w.t, tab.shown, "a page is shown: %s", describePage(tab.page))
	tab.requireFailure()
	causes := w.journal.causes()
	require.True(w.t, slices.ContainsFunc(causes, isCancelled), "the cause is ErrCancelled: %v", causes)
	require.Empty(w.t, w.people.all(), "nobody is provisioned")
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
}

func isCancelled(err error) bool { return errors.Is(err, adapters.ErrCancelled) }

// fails has what the Authenticator depends on fail before the sign-in page, or while the person is there.
func fails(w *world, atReturn bool) {
	b := w.newBrowser()
	tab := b.newTab()
	if atReturn {
		tab.begin(question{})
		require.NotEmpty(w.t, tab.shown, "a page is shown: %s", describePage(tab.page))
	}
	before := w.journal.alarmed()
	mend := w.host.Fail(w.t)
	tab.asOnce(w.host.Person)
	if atReturn {
		tab.goOn()
	} else {
		tab.begin(question{})
	}
	tab.requireNotSignedIn()
	require.NoError(w.t, tab.err)
	require.GreaterOrEqual(w.t, tab.page.Status, 400, "the page is no success: %s", describePage(tab.page))
	require.Greater(w.t, w.journal.alarmed(), before, "the operator reads of it in the log")
	for _, cause := range w.journal.causes() {
		require.NotContains(w.t, tab.page.Body, cause.Error(), "people do not")
	}
	mend()
	w.sleep(2 * time.Minute)
	b.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)
}

func withoutID(w *world) { requireRefused(w, *w.host.WithoutID) }

func withoutEmail(w *world) { requireRefused(w, *w.host.WithoutEmail) }

// requireRefused requires that the person can sign in at the host, and not get any further.
func requireRefused(w *world, who Person) {
	tab := w.newBrowser().ask(question{}, who)
	require.NotEmpty(w.t, tab.shown, "a page is shown: %s", describePage(tab.page))
	tab.requireFailure()
	require.Empty(w.t, w.people.all(), "nobody is provisioned")
	require.Positive(w.t, w.journal.alarmed(), "the operator reads of it in the log")
}

// asOnce makes somebody sit in front of the tab who signs in, and does nothing more where the same page comes again.
func (t *tab) asOnce(who Person) *tab {
	var done []string
	t.decide = func(page entratest.Page) (entratest.Action, error) {
		asked := asks(page)
		if page.Status >= 500 || slices.Contains(done, asked) || len(done) > 0 && page.Status >= 400 {
			return entratest.Stop(), nil
		}
		done = append(done, asked)
		return t.browser.w.host.SignIn(page, who)
	}
	return t
}

// asks tells pages from each other: by their addresses, and what they ask for. The steps of a sign-in may share an
// address.
func asks(page entratest.Page) string {
	address, _, _ := strings.Cut(page.URL, "?")
	for _, form := range page.Forms {
		for _, field := range form.Fields {
			address += " " + field.Name
		}
	}
	return address
}
