package adapters

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A browser keeps at most 4096 bytes per cookie, so a sealed value is cut into pieces. All of them are sent only to the
// path of the sign-in that they belong to: other requests do not carry them.
const (
	maxCookiePiece  = 3500
	maxCookiePieces = 4
)

func (b *Bridge) setCookie(w http.ResponseWriter, kind, handle, sealed string) error {
	pieces := (len(sealed) + maxCookiePiece - 1) / maxCookiePiece
	if pieces > maxCookiePieces {
		return fmt.Errorf("the state of the sign-in takes %d cookies, more than %d", pieces, maxCookiePieces)
	}
	value := strconv.Itoa(pieces) + "." + sealed
	for i := range pieces {
		end := min(len(value), (i+1)*maxCookiePiece)
		if i == pieces-1 {
			end = len(value)
		}
		http.SetCookie(w, b.cookie(kind, handle, i, value[i*maxCookiePiece:end], b.signInTime))
	}
	return nil
}

func (b *Bridge) cookieValue(r *http.Request, kind string) (string, bool) {
	first, err := r.Cookie(b.cookieName(kind, 0))
	if err != nil {
		return "", false
	}
	count, value, found := strings.Cut(first.Value, ".")
	pieces, err := strconv.Atoi(count)
	if !found || err != nil || pieces < 1 || pieces > maxCookiePieces {
		return "", false
	}
	for i := 1; i < pieces; i++ {
		next, err := r.Cookie(b.cookieName(kind, i))
		if err != nil {
			return "", false
		}
		value += next.Value
	}
	return value, true
}

// clearCookies takes a finished sign-in out of the browser, also what this very answer was to put there.
func (b *Bridge) clearCookies(w http.ResponseWriter, r *http.Request, handle string) {
	w.Header()["Set-Cookie"] = slices.DeleteFunc(w.Header()["Set-Cookie"], func(line string) bool {
		set, err := http.ParseSetCookie(line)
		return err == nil && set.Path == b.cookiePath(cookieRequest, handle)
	})
	for _, kind := range []string{cookieRequest, cookiePerson, cookieKept} {
		b.clearCookie(w, r, kind, handle)
	}
}

// clearCookie takes the pieces of one value out of the browser.
func (b *Bridge) clearCookie(w http.ResponseWriter, r *http.Request, kind, handle string) {
	for i := range maxCookiePieces {
		if _, err := r.Cookie(b.cookieName(kind, i)); err == nil {
			http.SetCookie(w, b.cookie(kind, handle, i, "", -1))
		}
	}
}

const (
	cookieRequest = "request" // what Entra asked, or where a start link leads
	cookiePerson  = "person"  // who signed in
	cookieKept    = "kept"    // what the host keeps
	cookieLogout  = "logout"  // the sign-out that Entra waits for
	cookieLeft    = "left"    // when somebody signed out
)

func (b *Bridge) cookieName(kind string, piece int) string {
	name := "entrafed-" + kind + "-" + strconv.Itoa(piece)
	if b.secure {
		return "__Secure-" + name
	}
	return name
}

func (b *Bridge) cookie(kind, handle string, piece int, value string, lifetime time.Duration) *http.Cookie {
	age := int(lifetime / time.Second)
	if lifetime < 0 {
		age = -1
	}
	return &http.Cookie{
		Name:     b.cookieName(kind, piece),
		Value:    value,
		Path:     b.cookiePath(kind, handle),
		MaxAge:   age,
		Secure:   b.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	}
}

// cookiePath is the one address that the cookie is sent to; what every sign-in must know is sent to all of them.
func (b *Bridge) cookiePath(kind, handle string) string {
	switch kind {
	case cookieLogout:
		return b.path + "/logout/done"
	case cookieLeft:
		return b.path + "/signin"
	}
	return b.path + "/signin/" + handle
}
