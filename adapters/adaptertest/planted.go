package adaptertest

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
)

// planted is a cookie that another browser got.
type planted struct {
	host   string
	cookie *http.Cookie
}

// plant puts the cookies that a tab got into the browser, where it has none of the name. A site next to the host's can
// do so to anybody; a thief does it to a browser of his own.
func (b *browser) plant(from *tab) {
	for _, page := range from.seen {
		address, err := url.Parse(page.URL)
		if err != nil {
			continue
		}
		for _, cookie := range (&http.Response{Header: page.Header}).Cookies() {
			if cookie.MaxAge >= 0 && cookie.Value != "" {
				b.planted = append(b.planted, planted{address.Host, cookie})
			}
		}
	}
}

// addPlanted adds to a request what was planted, the last of each name.
func (b *browser) addPlanted(r *http.Request) {
	for i := len(b.planted) - 1; i >= 0; i-- {
		p := b.planted[i]
		_, none := r.Cookie(p.cookie.Name)
		if none != nil && p.host == r.URL.Host && strings.HasPrefix(r.URL.Path, p.cookie.Path) {
			r.AddCookie(&http.Cookie{Name: p.cookie.Name, Value: p.cookie.Value})
		}
	}
}

// plantedCookie gives a person the cookies of somebody who waits for them to sign in with these (session fixation).
func plantedCookie(w *world) {
	attacker := w.newBrowser()
	waiting := attacker.newTab().begin(question{})
	waiting.requireNotSignedIn()
	victim := w.newBrowser()
	victim.plant(waiting)
	victim.ask(question{}, w.host.Person).requireSignedIn(w.host.Person)

	w.sleep(time.Minute)
	attacker.newTab().begin(question{}).requireNotSignedIn()
	waiting.walk(entratest.Follow(waiting.returnTo())).requireNotSignedIn()
}

// copiedCookie has somebody keep a copy of the cookies of a session that ends.
func copiedCookie(w *world) {
	b, thief := w.newBrowser(), w.newBrowser()
	tab := b.ask(question{}, w.host.Person)
	tab.requireSignedIn(w.host.Person)
	thief.plant(tab)
	b.signOut()
	w.sleep(time.Minute)
	thief.newTab().begin(question{}).requireNotSignedIn()
}
