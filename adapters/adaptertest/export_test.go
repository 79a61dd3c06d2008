package adaptertest

import "net/http"

// Around has f change what the Bridge does, so that tests can break what an Authenticator cannot.
func (h Host) Around(f func(bridge http.Handler) http.Handler) Host {
	h.around = f
	return h
}
