package entratest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Browser walks through a sign-in as a person's browser does, without one: it keeps cookies, follows redirects, posts
// the forms that carry SAML messages, and obeys pages that reload themselves. Whatever takes a decision is asked of
// OnPage. It runs no scripts.
//
//	browser := entratest.NewBrowser(tenant.Transport())
//	page, err := browser.Open(ctx, "https://contoso.sharepoint.com/?whr=contoso.com")
//
// It minds SameSite as real browsers do: a Lax or Strict cookie is not sent along with a post from another site, and
// Entra's requests are posts from another site. An identity provider whose session cookie is lost that way is found out.
//
// Set the fields before the first Open. A Browser is for one goroutine; each is a browser of its own, with its own
// cookies.
type Browser struct {
	// OnPage says what to do on a page that the browser does not get past by itself: a sign-in form, a page to choose
	// from. [Stop] ends the walk there. Nil: the walk ends at the first such page.
	OnPage func(Page) (Action, error)

	// Observe is told of every answer, redirects included, before anything is done about it. Nil: nobody is.
	Observe func(Page)

	// Sleep waits where a page says to reload it later. Nil: real time. Give it [Clock.Sleep] to wait in no time.
	Sleep func(context.Context, time.Duration) error

	// MaxHops bounds the requests of one walk. 0: 50.
	MaxHops int

	client *http.Client
	jar    *siteJar
}

// What a [Browser] gives up over, for errors.Is.
var (
	ErrTooManyHops = errors.New("entratest: the browser was sent around too often")
	ErrNoSuchThing = errors.New("entratest: the page has no such link, form or field")
)

const (
	defaultMaxHops = 50
	maxPageBytes   = 4 << 20
)

// NewBrowser returns a browser without cookies. transport is usually [Tenant.Transport]; nil means
// http.DefaultTransport, for a tenant and an identity provider that listen on this machine.
func NewBrowser(transport http.RoundTripper) *Browser {
	jar := newSiteJar()
	return &Browser{
		jar: jar,
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Action is what to do on a page. Make one with [Stop], [Follow], [Page.Submit] or [Page.Click].
type Action struct{ next *visit }

// Stop ends the walk: this is the page that was looked for.
func Stop() Action { return Action{} }

// Follow goes to an address, which may be relative to the page.
func Follow(address string) Action {
	return Action{next: &visit{method: http.MethodGet, address: address}}
}

// visit is one request to make.
type visit struct {
	method  string
	address string
	form    url.Values // of a POST
}

// Open goes to an address and returns the page where the walk ends: where OnPage stops, or the first that has nothing to
// do by itself. An error status is no error. The errors match [ErrTooManyHops], [ErrNoSuchThing], or what the transport,
// OnPage or ctx reported.
func (b *Browser) Open(ctx context.Context, address string) (Page, error) {
	return b.walk(ctx, &visit{method: http.MethodGet, address: address}, "")
}

// Continue takes an action on a page that an earlier Open returned, and walks on from there.
func (b *Browser) Continue(ctx context.Context, from Page, action Action) (Page, error) {
	if action.next == nil {
		return from, nil
	}
	return b.walk(ctx, action.next, from.URL)
}

func (b *Browser) walk(ctx context.Context, next *visit, from string) (Page, error) {
	limit := b.MaxHops
	if limit == 0 {
		limit = defaultMaxHops
	}
	var page Page
	for range limit {
		var err error
		if page, err = b.fetch(ctx, next, from); err != nil {
			return page, err
		}
		if b.Observe != nil {
			b.Observe(page)
		}
		action, err := b.decide(ctx, page, next)
		if err != nil || action.next == nil {
			return page, err
		}
		next, from = action.next, page.URL
	}
	return page, fmt.Errorf("%w: %d requests, the last to %s", ErrTooManyHops, limit, page.URL)
}

// decide does what a browser would do by itself, and else asks.
func (b *Browser) decide(ctx context.Context, page Page, made *visit) (Action, error) {
	if page.location != "" {
		return page.redirected(made), nil
	}
	if form, ok := page.messageForm(); ok {
		return form.submit(nil, ""), nil
	}
	if page.Refresh != nil {
		sleep := b.Sleep
		if sleep == nil {
			sleep = sleepReal
		}
		if err := sleep(ctx, page.Refresh.After); err != nil {
			return Action{}, err
		}
		return Follow(page.Refresh.URL), nil
	}
	if b.OnPage == nil {
		return Stop(), nil
	}
	return b.OnPage(page)
}

func sleepReal(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// fetch makes one request, as it would come from the page at the address from.
func (b *Browser) fetch(ctx context.Context, v *visit, from string) (Page, error) {
	request, err := newRequest(ctx, v, from)
	if err != nil {
		return Page{}, err
	}
	for _, c := range b.jar.cookies(request) {
		request.AddCookie(c)
	}
	response, err := b.client.Do(request)
	if err != nil {
		return Page{}, fmt.Errorf("entratest: %s %s: %w", v.method, request.URL.Redacted(), err)
	}
	defer response.Body.Close()
	b.jar.store(request.URL, response.Cookies())
	body, err := io.ReadAll(io.LimitReader(response.Body, maxPageBytes))
	if err != nil {
		return Page{}, fmt.Errorf("entratest: reading %s: %w", request.URL.Redacted(), err)
	}
	return newPage(request.URL, response, body), nil
}

func newRequest(ctx context.Context, v *visit, from string) (*http.Request, error) {
	target, err := resolve(from, v.address)
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if v.method == http.MethodPost {
		body = strings.NewReader(v.form.Encode())
	}
	request, err := http.NewRequestWithContext(ctx, v.method, target.String(), body)
	if err != nil {
		return nil, fmt.Errorf("entratest: %w", err)
	}
	request.Header.Set("Accept", "text/html,application/xhtml+xml")
	request.Header.Set("Sec-Fetch-Site", fetchSite(from, target))
	request.Header.Set("Sec-Fetch-Mode", "navigate")
	request.Header.Set("Sec-Fetch-Dest", "document")
	if v.method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if origin, err := url.Parse(from); err == nil && origin.Host != "" {
			request.Header.Set("Origin", origin.Scheme+"://"+origin.Host)
		}
	}
	return request, nil
}

func resolve(from, address string) (*url.URL, error) {
	base, err := url.Parse(from)
	if err != nil {
		return nil, fmt.Errorf("entratest: %w", err)
	}
	target, err := base.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("entratest: %w", err)
	}
	if target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
		return nil, fmt.Errorf("entratest: the browser cannot go to %q", address)
	}
	target.Fragment = ""
	return target, nil
}

// fetchSite is the Sec-Fetch-Site header (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header).
func fetchSite(from string, target *url.URL) string {
	origin, err := url.Parse(from)
	switch {
	case err != nil || origin.Host == "":
		return "none"
	case origin.Scheme == target.Scheme && strings.EqualFold(origin.Host, target.Host):
		return "same-origin"
	case siteOf(origin) == siteOf(target):
		return "same-site"
	}
	return "cross-site"
}

// siteOf is the scheme and the registrable domain, taken to be the last two labels: the browser has no list of public
// suffixes, and for the names of a test that is enough.
func siteOf(u *url.URL) string {
	labels := strings.Split(strings.ToLower(u.Hostname()), ".")
	isName := strings.ContainsAny(labels[len(labels)-1], "abcdefghijklmnopqrstuvwxyz")
	if isName && len(labels) > 2 {
		labels = labels[len(labels)-2:]
	}
	return u.Scheme + "://" + strings.Join(labels, ".")
}

// siteJar is a cookie jar that minds SameSite, which net/http/cookiejar does not: it is one jar for each kind of cookie.
type siteJar struct{ always, lax, strict *cookiejar.Jar }

func newSiteJar() *siteJar {
	jar := func() *cookiejar.Jar {
		j, _ := cookiejar.New(nil) // with nil options New returns no error
		return j
	}
	return &siteJar{always: jar(), lax: jar(), strict: jar()}
}

// cookies returns those that go along with a request.
func (j *siteJar) cookies(r *http.Request) []*http.Cookie {
	crossSite := r.Header.Get("Sec-Fetch-Site") == "cross-site"
	cookies := j.always.Cookies(r.URL)
	if !crossSite || r.Method == http.MethodGet {
		cookies = append(cookies, j.lax.Cookies(r.URL)...)
	}
	if !crossSite {
		cookies = append(cookies, j.strict.Cookies(r.URL)...)
	}
	return cookies
}

// store keeps what a browser would. A cookie without SameSite goes along for its first two minutes in Chromium, which is
// longer than a sign-in takes; SameSite=None without Secure is refused by browsers.
func (j *siteJar) store(u *url.URL, set []*http.Cookie) {
	for _, c := range set {
		if c.SameSite == http.SameSiteNoneMode && !c.Secure {
			continue
		}
		home := j.always
		switch c.SameSite {
		case http.SameSiteLaxMode:
			home = j.lax
		case http.SameSiteStrictMode:
			home = j.strict
		}
		for _, jar := range []*cookiejar.Jar{j.always, j.lax, j.strict} {
			kept := *c
			if jar != home {
				kept.MaxAge = -1
			}
			jar.SetCookies(u, []*http.Cookie{&kept})
		}
	}
}
