package entratest_test

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// identityProvider is a whole identity provider in a test: it asks nobody anything, and answers every AuthnRequest for
// the same person.
type identityProvider struct {
	t      testing.TB
	clock  *entratest.Clock
	change func(d *draft, request *etree.Element) // of the answer

	mu       sync.Mutex
	requests []*http.Request
	messages []*etree.Element
}

// withIdentityProvider mounts one at the address of contoso.com's federation.
func withIdentityProvider(t testing.TB, w *world) *identityProvider {
	t.Helper()
	idp := &identityProvider{t: t, clock: w.clock}
	w.Mount("id.contoso.com", idp)
	return idp
}

// seen returns the messages that arrived.
func (p *identityProvider) seen() []*etree.Element {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.messages
}

func (p *identityProvider) last() *http.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requests[len(p.requests)-1]
}

var answerPage = template.Must(template.New("").Parse(`<!doctype html><title>Answer</title>
<form method=post action="{{.Action}}"><input type=hidden name=SAMLResponse value="{{.SAMLResponse}}">
<input type=hidden name=RelayState value="{{.RelayState}}"><button>Continue</button></form>`))

func (p *identityProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	message := readMessage(r)
	p.mu.Lock()
	p.requests, p.messages = append(p.requests, r), append(p.messages, message)
	p.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if message == nil || message.Tag != "AuthnRequest" {
		_, _ = io.WriteString(w, "<title>Signed out there</title>")
		return
	}
	d := newDraft(entratest.AuthnRequest{
		ID: message.SelectAttrValue("ID", ""), RelayState: r.PostForm.Get("RelayState"),
	}, p.clock.Now())
	d.authnInstant = p.clock.Now()
	acs := loginSRF
	if p.change != nil {
		p.change(d, message)
	}
	samlResponse, relayState := d.post(p.t)
	_ = answerPage.Execute(w, struct{ Action, SAMLResponse, RelayState string }{acs, samlResponse, relayState})
}

// readMessage reads a SAMLRequest of either binding, or returns nil.
func readMessage(r *http.Request) *etree.Element {
	raw, err := base64.StdEncoding.DecodeString(r.Form.Get("SAMLRequest"))
	if err != nil || len(raw) == 0 {
		return nil
	}
	if r.Method == http.MethodGet {
		if raw, err = io.ReadAll(flate.NewReader(bytes.NewReader(raw))); err != nil {
			return nil
		}
	}
	doc := etree.NewDocument()
	if doc.ReadFromBytes(raw) != nil {
		return nil
	}
	return doc.Root()
}

// trail is a browser that notes where it has been.
type trail struct {
	*entratest.Browser
	pages []entratest.Page
}

func (w *world) browser() *trail {
	b := &trail{Browser: entratest.NewBrowser(w.Transport())}
	b.Sleep = w.clock.Sleep
	b.Observe = func(p entratest.Page) { b.pages = append(b.pages, p) }
	return b
}

func (b *trail) open(t testing.TB, address string) entratest.Page {
	t.Helper()
	page, err := b.Open(context.Background(), address)
	require.NoError(t, err)
	return page
}

// went tells whether the browser has been at a host.
func (b *trail) went(host string) bool {
	for _, p := range b.pages {
		if u, err := url.Parse(p.URL); err == nil && u.Host == host {
			return true
		}
	}
	return false
}

// post posts a form and returns the answer. Redirects are not followed.
func (w *world) post(t testing.TB, address string, form url.Values, change ...func(*http.Request)) *http.Response {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, c := range change {
		c(r)
	}
	res, err := w.Transport().RoundTrip(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func asJSON(r *http.Request) { r.Header.Set("Accept", "text/html;q=0.1, application/json") }

func bodyOf(t testing.TB, res *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return string(raw)
}

// createUser creates a user through Graph.
func (w *world) createUser(t testing.TB, upn, immutableID string) {
	t.Helper()
	require.Equal(t, http.StatusCreated, w.graph(t, http.MethodPost, "users", map[string]any{
		"accountEnabled": true, "displayName": "New", "mailNickname": "new", "userPrincipalName": upn,
		"onPremisesImmutableId": immutableID,
		"passwordProfile":       map[string]any{"password": "Correct-Horse-1", "forceChangePasswordNextSignIn": false},
	}))
}

// graph calls Graph and returns the status.
func (w *world) graph(t testing.TB, method, path string, body any) int {
	t.Helper()
	scope := w.Cloud().Graph + "/.default"
	token, err := w.Credential().GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{scope}})
	require.NoError(t, err)
	raw, err := json.Marshal(body)
	require.NoError(t, err)
	r, err := http.NewRequest(method, w.Cloud().Graph+"/v1.0/"+path, bytes.NewReader(raw))
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token.Token)
	r.Header.Set("Content-Type", "application/json")
	res, err := w.Transport().RoundTrip(r)
	require.NoError(t, err)
	defer res.Body.Close()
	return res.StatusCode
}
