package entratest

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"
)

// mounts are the handlers of hosts that are not the tenant's.
type mounts struct {
	mu       sync.Mutex
	handlers map[string]http.Handler
}

// Mount makes [Tenant.Transport] answer for one more host through h, so that a test can put its own identity provider at
// its own name. The host is a DNS name, with a port if it is not the default port of the URL. A later Mount of the same
// host replaces the earlier one, and a mounted host goes before the tenant's own.
func (t *Tenant) Mount(host string, h http.Handler) {
	t.mounts.mu.Lock()
	defer t.mounts.mu.Unlock()
	if t.mounts.handlers == nil {
		t.mounts.handlers = map[string]http.Handler{}
	}
	t.mounts.handlers[strings.ToLower(host)] = h
}

// Client returns a new HTTP client with [Tenant.Transport] and an empty cookie jar. For a person's way through a sign-in
// there is [Browser].
func (t *Tenant) Client() *http.Client {
	jar, _ := cookiejar.New(nil) // with nil options New returns no error
	return &http.Client{Transport: t.Transport(), Jar: jar}
}

// Transport answers, in this process and without a socket, for the hosts of [Tenant.Cloud] and for those that were
// mounted. Any other host is refused with an error: nothing reaches the network.
//
// It behaves like a connection: bodies are streamed through a buffer of 1 MiB, a request whose context ends is
// abandoned, and a handler that aborts with [http.ErrAbortHandler] is a broken connection, io.EOF. Redirects, cookies
// and time limits are the business of the http.Client around it. It is safe for concurrent use.
func (t *Tenant) Transport() http.RoundTripper { return (*inProcess)(t) }

type inProcess Tenant

func (p *inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	t := (*Tenant)(p)
	h, err := t.handlerFor(r.URL)
	if err == nil {
		err = r.Context().Err()
	}
	if err != nil {
		closeBody(r)
		return nil, err
	}
	return newExchange(r, t.now, t.cfg.Logger).through(h)
}

// handlerFor finds who answers for the host of u.
func (t *Tenant) handlerFor(u *url.URL) (http.Handler, error) {
	host := strings.ToLower(u.Host)
	t.mounts.mu.Lock()
	h := t.mounts.handlers[host]
	t.mounts.mu.Unlock()
	switch {
	case h != nil:
		return h, nil
	case t.ownsHost(u):
		return t, nil
	}
	return nil, fmt.Errorf("entratest: %s is neither a host of the simulated tenant nor mounted, and nothing is sent "+
		"to the network: use Tenant.Mount(%q, handler) if the test serves it", host, host)
}

// ownsHost reports whether u is at an origin of the tenant's cloud or, over https, at one of its applications.
func (t *Tenant) ownsHost(u *url.URL) bool {
	for _, own := range []string{t.cloud.Login, t.cloud.Graph, t.cloud.AssertionConsumerService, t.cloud.Metadata} {
		if o, err := url.Parse(own); err == nil && own != "" && strings.EqualFold(u.Scheme+"://"+u.Host, o.Scheme+"://"+o.Host) {
			return true
		}
	}
	if u.Scheme != "https" || (u.Port() != "" && u.Port() != "443") {
		return false
	}
	name := strings.ToLower(u.Hostname())
	for _, suffix := range t.cloud.Hosts {
		if suffix = strings.ToLower(suffix); name == suffix || strings.HasSuffix(name, "."+suffix) {
			return true
		}
	}
	return false
}

func hostnameOf(origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
