package adaptertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"github.com/entrafed/entrafed"
)

// router leads requests to those who answer for a name: handlers in this process, Entra, or addresses of this machine.
type router struct {
	network *http.Transport // for addresses of this machine

	mu        sync.Mutex
	handlers  map[string]http.Handler
	microsoft http.RoundTripper
}

func newRouter() *router {
	return &router{network: &http.Transport{}, handlers: map[string]http.Handler{}}
}

func (r *router) mount(host string, h http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handlers[strings.ToLower(host)] = h
}

// mounted is what answers for the host itself, or nil.
func (r *router) mounted(host string) http.Handler {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.handlers[strings.ToLower(host)]
}

// RoundTrip implements http.RoundTripper.
func (r *router) RoundTrip(request *http.Request) (*http.Response, error) {
	if err := request.Context().Err(); err != nil {
		return nil, err
	}
	switch host := request.URL.Host; {
	case r.mounted(host) != nil:
		return inProcess(r.mounted(host), request), nil
	case entrafed.IsLoopback(request.URL.Hostname()):
		return r.network.RoundTrip(request)
	case isMicrosoft(request.URL):
		return r.microsoft.RoundTrip(request)
	}
	return nil, fmt.Errorf("adaptertest: nobody answers for %s: use Environment.Mount if the host does", request.URL.Host)
}

// inProcess answers a request as a server does.
func inProcess(h http.Handler, request *http.Request) *http.Response {
	served := httptest.NewRequestWithContext(request.Context(), request.Method, request.URL.String(), request.Body)
	served.Header = request.Header.Clone()
	served.ContentLength = request.ContentLength
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, served)
	response := recorder.Result()
	response.Request = request
	return response
}

func isMicrosoft(u *url.URL) bool {
	return u.Scheme == "https" && (u.Host == "login.microsoftonline.com" || strings.HasSuffix(u.Host, ".sharepoint.com"))
}
