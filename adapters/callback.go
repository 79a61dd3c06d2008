package adapters

import (
	"errors"
	"net/http"
	"regexp"
)

// handlePattern is the form of a handle.
var handlePattern = regexp.MustCompile(`^[0-9a-f]{32}$`)

// maxCallback is the length of the longest query that is led on, in bytes: an authorization code is short, an error
// description may be long.
const maxCallback = 8 << 10

// serveCallback is the one address to which providers send browsers back. The cookies of a sign-in are sent only to the
// sign-in's own address, so the browser is led there; that it is the right browser shows there.
func (b *Bridge) serveCallback(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxCallback)
	if err := r.ParseForm(); err != nil {
		b.fail(w, r, staleFailure(err))
		return
	}
	query := r.Form.Encode()
	if handle := r.Form.Get("state"); handlePattern.MatchString(handle) && len(query) <= maxCallback {
		b.redirect(w, r, b.signInURL(handle)+"?"+query)
		return
	}
	b.fail(w, r, staleFailure(errors.New("the callback's state is not a sign-in's")))
}
