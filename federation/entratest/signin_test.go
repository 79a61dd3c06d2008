package entratest_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

const hrSite = "https://contoso.sharepoint.com/sites/hr?view=all"

func smartLink(pairs ...string) string {
	q := url.Values{"wa": {"wsignin1.0"}}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return "https://login.microsoftonline.com/login.srf?" + q.Encode()
}

func TestASmartLinkEndsAtTheSite(t *testing.T) {
	t.Parallel()
	for name, link := range map[string]string{
		"whr":                    smartLink("whr", "contoso.com", "wreply", hrSite),
		"whr of a child domain":  smartLink("whr", "hr.contoso.com", "wreply", hrSite),
		"a user as login_hint":   smartLink("login_hint", "employee@contoso.com", "wreply", hrSite),
		"a domain as login_hint": smartLink("login_hint", "contoso.com", "wreply", hrSite),
		"whr goes before":        smartLink("whr", "contoso.com", "login_hint", "partner@fabrikam.com", "wreply", hrSite),
		"an unknown whr":         smartLink("whr", "example.org", "login_hint", "employee@contoso.com", "wreply", hrSite),
		"without wa":             "https://login.microsoftonline.com/LOGIN.SRF?whr=contoso.com&wreply=" + url.QueryEscape(hrSite),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			withIdentityProvider(t, w)
			b := w.browser()
			page := b.open(t, link)
			require.Equal(t, http.StatusOK, page.Status)
			require.Equal(t, hrSite, page.URL, "the ticket is gone from the address")
			require.Equal(t, "SharePoint (simulated)", page.Title)
			for _, shown := range []string{"Employee", "employee@contoso.com", "contoso.com", "O365_BUSINESS_PREMIUM"} {
				require.Contains(t, page.Body, shown)
			}
			require.True(t, b.went("id.contoso.com"))
		})
	}
}

func TestAnApplicationSendsToSignInAndBack(t *testing.T) {
	t.Parallel()
	for address, title := range map[string]string{
		"https://contoso.sharepoint.com/sites/hr?whr=contoso.com":   "SharePoint (simulated)",
		"https://outlook.office.com/owa/?realm=contoso.com&exch=1":  "Outlook (simulated)",
		"https://outlook.com/contoso.com":                           "Outlook (simulated)",
		"https://teams.microsoft.com/?domain_hint=contoso.com":      "Teams (simulated)",
		"https://myapps.microsoft.com/contoso.com":                  "Microsoft 365 (simulated)",
		"https://www.office.com/?login_hint=employee%40contoso.com": "Microsoft 365 (simulated)",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			withIdentityProvider(t, w)
			page := w.browser().open(t, address)
			require.Equal(t, http.StatusOK, page.Status)
			require.Equal(t, title, page.Title)
			require.Contains(t, page.Body, "employee@contoso.com")
		})
	}
}

func TestASecondApplicationAsksNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := withIdentityProvider(t, w)
	b := w.browser()
	b.open(t, "https://contoso.sharepoint.com/?whr=contoso.com")
	page := b.open(t, "https://outlook.office.com/mail")
	require.Contains(t, page.Body, "employee@contoso.com")
	require.Len(t, idp.seen(), 1)

	t.Run("unless the link is for somebody else", func(t *testing.T) {
		b.open(t, smartLink("login_hint", "contractor@contoso.com", "wreply", hrSite))
		require.Len(t, idp.seen(), 2)
		page := b.open(t, smartLink("login_hint", "employee@contoso.com", "whr", "hr.contoso.com", "wreply", hrSite))
		require.Contains(t, page.Body, "employee@contoso.com")
		require.Len(t, idp.seen(), 2)
	})
	t.Run("or for another realm", func(t *testing.T) {
		w.Mount("id.fabrikam.com", http.NotFoundHandler())
		page := b.open(t, smartLink("whr", "fabrikam.com", "wreply", hrSite))
		require.Equal(t, "https://id.fabrikam.com/sso", page.URL)
	})
	t.Run("or a day has passed", func(t *testing.T) {
		w.clock.Advance(25 * time.Hour)
		b.open(t, "https://outlook.office.com/mail?whr=contoso.com")
		require.Len(t, idp.seen(), 3)
	})
}

func TestWithoutAHintTheAddressIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withIdentityProvider(t, w)
	b := w.browser()
	page := b.open(t, hrSite)
	require.Equal(t, "Sign in", page.Title)

	answer := func(address string) entratest.Page {
		action, err := page.Submit("", map[string]string{"login_hint": address})
		require.NoError(t, err)
		next, err := b.Continue(context.Background(), page, action)
		require.NoError(t, err)
		return next
	}
	require.Contains(t, answer("somebody@example.org").Body, "AADSTS50128")
	require.Contains(t, answer("operator@managed.example.net").Body, "is in a managed domain")
	require.Equal(t, hrSite, answer("employee@contoso.com").URL)
}

func TestWithoutWreplyThePageSaysWhoIsSignedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withIdentityProvider(t, w)
	page := w.browser().open(t, smartLink("whr", "contoso.com"))
	require.Equal(t, "https://login.microsoftonline.com/login.srf", page.URL)
	require.Contains(t, page.Body, "employee@contoso.com")
}

func TestWreplyStaysInTheCloud(t *testing.T) {
	t.Parallel()
	for name, wreply := range map[string]string{
		"another host":              "https://example.org/",
		"a host that ends alike":    "https://evilsharepoint.com/",
		"a host that begins alike":  "https://sharepoint.com.example.org/",
		"credentials":               "https://sharepoint.com@example.org/",
		"http":                      "http://contoso.sharepoint.com/",
		"a script":                  "javascript:alert(1)",
		"no scheme":                 "//contoso.sharepoint.com/",
		"a path":                    "/sites/hr",
		"a backslash":               `https://example.org\.sharepoint.com/`,
		"a host after a backslash":  `https:\\example.org`,
		"not an address":            "https://%zz/",
		"a line break in the query": "https://contoso.sharepoint.com/\r\nSet-Cookie: a=b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.browser()
			page := b.open(t, smartLink("whr", "contoso.com", "wreply", wreply))
			require.Equal(t, http.StatusBadRequest, page.Status)
			require.Contains(t, page.Body, "AADSTS90023")
			require.Contains(t, page.Body, "wreply does not lead to a host of this cloud")
			require.Len(t, b.pages, 1)
		})
	}
}

// Entra knows of a new user some seconds after Graph does.
func TestANewUserIsThereAfterTheLag(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := withIdentityProvider(t, w)
	idp.change = func(d *draft, _ *etree.Element) { d.nameID, d.upn = "new0001", "new@contoso.com" }
	w.createUser(t, "new@contoso.com", "new0001")

	page := w.browser().open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	require.Equal(t, http.StatusForbidden, page.Status)
	require.Contains(t, page.Body, "AADSTS51004")
	require.Contains(t, page.Body, "or not yet")

	w.clock.Advance(11 * time.Second)
	page = w.browser().open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	require.Equal(t, hrSite, page.URL)
	require.Contains(t, page.Body, "new@contoso.com")
}

// The page shows the user as the directory has them now, and one who is gone as they were.
func TestASessionOutlivesItsUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withIdentityProvider(t, w)
	b := w.browser()
	b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))

	require.Equal(t, http.StatusNoContent, w.graph(t, http.MethodPatch, "users/employee@contoso.com",
		map[string]any{"displayName": "Renamed"}))
	require.NotContains(t, b.open(t, hrSite).Body, "Renamed")
	w.clock.Advance(11 * time.Second)
	require.Contains(t, b.open(t, hrSite).Body, "Renamed")

	require.Equal(t, http.StatusNoContent, w.graph(t, http.MethodDelete, "users/employee@contoso.com", nil))
	w.clock.Advance(11 * time.Second)
	require.Contains(t, b.open(t, hrSite).Body, "employee@contoso.com")
	require.Contains(t, b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite, "prompt", "login")).Body, "AADSTS51004")
}

func TestTheCorrelationIDIsTheClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const id = "0f8fad5b-d9cb-469f-a165-70867728950e"
	link := smartLink("wa", "unknown", "client-request-id", id)
	require.Contains(t, w.browser().open(t, link).Body, "Correlation ID: "+id)
	require.NotContains(t, w.browser().open(t, smartLink("wa", "unknown", "client-request-id", "<b>")).Body, "<b>")
}

func TestTheErrorPageTellsBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := withIdentityProvider(t, w)
	idp.change = func(d *draft, _ *etree.Element) { d.nameID = `<script>alert("x")</script>` }
	page := w.browser().open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	for _, shown := range []string{
		"Sorry, but we’re having trouble signing you in.", "AADSTS51004", "Trace ID: ", "Correlation ID: ",
		"Timestamp: 2026-03-02 09:00:00Z", "What the simulation adds", "Rule 21", "All rules",
		"Compare NameID with the user&#39;s onPremisesImmutableId.",
	} {
		require.Contains(t, page.Body, shown)
	}
	require.NotContains(t, page.Body, "<script>alert")
	require.Contains(t, page.Body, "&lt;script&gt;alert(")
}

func TestTheCookieComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begun, err := w.Transport().RoundTrip(newGet(t, smartLink("whr", "contoso.com")))
	require.NoError(t, err)
	defer begun.Body.Close()
	cookie := begun.Cookies()[0]
	require.True(t, cookie.Secure)
	require.True(t, cookie.HttpOnly)
	require.Equal(t, http.SameSiteNoneMode, cookie.SameSite, "the answer is a post from another site")

	request := requestIn(t, bodyOf(t, begun))
	samlResponse, relayState := newDraft(request, w.clock.Now()).post(t)
	form := url.Values{"SAMLResponse": {samlResponse}, "RelayState": {relayState}}

	v := verdictIn(t, w.post(t, loginSRF, form, asJSON))
	require.Equal(t, "AADSTS165000", v.Code)
	require.Equal(t, 3, v.Rule)

	v = verdictIn(t, w.post(t, loginSRF, form, asJSON, func(r *http.Request) { r.AddCookie(cookie) }))
	require.True(t, v.Accepted)
}

func newGet(t testing.TB, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, address, nil)
	require.NoError(t, err)
	return r
}

// requestIn reads the AuthnRequest out of the page that posts it.
func requestIn(t testing.TB, body string) entratest.AuthnRequest {
	t.Helper()
	doc := etree.NewDocument()
	doc.ReadSettings.Permissive = true
	_, form, ok := strings.Cut(body, "<form")
	require.True(t, ok, body)
	form, _, _ = strings.Cut(form, "</form>")
	require.NoError(t, doc.ReadFromString("<form"+form+"</form>"))
	r := entratest.AuthnRequest{URL: doc.Root().SelectAttrValue("action", "")}
	for _, input := range doc.FindElements("//input") {
		switch input.SelectAttrValue("name", "") {
		case "SAMLRequest":
			r.SAMLRequest = input.SelectAttrValue("value", "")
		case "RelayState":
			r.RelayState = input.SelectAttrValue("value", "")
		}
	}
	r.ID = messageOf(t, r).SelectAttrValue("ID", "")
	return r
}

func messageOf(t testing.TB, r entratest.AuthnRequest) *etree.Element {
	t.Helper()
	message := readMessage(&http.Request{Method: http.MethodPost, Form: r.Form()})
	require.NotNil(t, message)
	return message
}

type verdictJSON struct {
	Accepted                                    bool
	User                                        map[string]string
	Code, Message, Detail, Cause, Remedy        string
	Rule                                        int
	Findings                                    []entratest.Finding
	Claims                                      entratest.Claims
	Location, TraceID, CorrelationID, Timestamp string
}

func verdictIn(t testing.TB, res *http.Response) (v verdictJSON) {
	t.Helper()
	require.Equal(t, "application/json; charset=utf-8", res.Header.Get("Content-Type"))
	require.Equal(t, "no-store", res.Header.Get("Cache-Control"))
	require.NoError(t, json.NewDecoder(res.Body).Decode(&v))
	return v
}

func TestTheAnswerInJSON(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft(t)
	samlResponse, relayState := d.post(t)
	form := url.Values{"SAMLResponse": {samlResponse}, "RelayState": {relayState}}

	res := w.post(t, loginSRF, form, asJSON)
	require.Equal(t, http.StatusOK, res.StatusCode)
	v := verdictIn(t, res)
	require.True(t, v.Accepted)
	require.Equal(t, "employee@contoso.com", v.User["userPrincipalName"])
	require.Equal(t, "employee0001", v.User["onPremisesImmutableId"])
	require.Equal(t, "Employee", v.User["displayName"])
	require.NotEmpty(t, v.User["id"])
	require.Empty(t, v.Code)
	require.Len(t, v.Findings, 35)
	require.Equal(t, "employee0001", v.Claims.NameID)
	require.Equal(t, "2026-03-02 09:00:00Z", v.Timestamp)

	res = w.post(t, loginSRF, form, asJSON)
	require.Equal(t, http.StatusForbidden, res.StatusCode)
	v = verdictIn(t, res)
	require.False(t, v.Accepted)
	require.Nil(t, v.User)
	require.Equal(t, 8, v.Rule)
	for _, text := range []string{v.Code, v.Message, v.Detail, v.Cause, v.Remedy, v.TraceID, v.CorrelationID} {
		require.NotEmpty(t, text)
	}
}

// Rule 1: what is no POST of a form with one SAMLResponse.
func TestTheResponseIsPosted(t *testing.T) {
	t.Parallel()
	type request struct {
		method, contentType, body string
		query                     string
	}
	form := func(body, query string) request {
		return request{method: "POST", contentType: "application/x-www-form-urlencoded", body: body, query: query}
	}
	for name, tt := range map[string]struct {
		request
		detail string
	}{
		"GET":                  {request{method: "GET", query: "?SAMLResponse=PHg%2B"}, "came by GET"},
		"multipart":            {request{method: "POST", contentType: "multipart/form-data; boundary=x"}, "multipart"},
		"no content type":      {request{method: "POST", body: "SAMLResponse=PHg%2B"}, "Content-Type"},
		"in the query":         {form("", "?SAMLResponse=PHg%2B"), "no SAMLResponse"},
		"another field":        {form("SAMLRequest=PHg%2B", ""), "no SAMLResponse"},
		"the field twice":      {form("SAMLResponse=PHg%2B&SAMLResponse=PHg%2B", ""), "more than once"},
		"RelayState twice":     {form("SAMLResponse=PHg%2B&RelayState=a&RelayState=b", ""), "more than once"},
		"an escape cut off":    {form("SAMLResponse=%4", ""), "cannot be read"},
		"more than a megabyte": {form("SAMLResponse="+strings.Repeat("A", 2<<20), ""), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r, err := http.NewRequest(tt.method, loginSRF+tt.query, strings.NewReader(tt.body))
			require.NoError(t, err)
			r.Header.Set("Accept", "application/json")
			if tt.contentType != "" {
				r.Header.Set("Content-Type", tt.contentType)
			}
			res, err := w.Transport().RoundTrip(r)
			require.NoError(t, err)
			defer res.Body.Close()
			v := verdictIn(t, res)
			require.Equal(t, 1, v.Rule)
			require.Equal(t, "AADSTS900144", v.Code)
			require.Equal(t, "The request body must contain the following parameter: 'SAMLResponse'.", v.Message)
			require.Contains(t, v.Detail, tt.detail)
		})
	}
}

func TestWSFederationAnswersAreNotChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res := w.post(t, loginSRF, url.Values{"wa": {"wsignin1.0"}, "wresult": {"<x/>"}})
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Contains(t, bodyOf(t, res), "AADSTS90082")
}

func TestOtherRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct {
		method, address string
		status          int
	}{
		{"GET", smartLink("wa", "wattr1.0"), http.StatusBadRequest},
		{"PUT", loginSRF, http.StatusMethodNotAllowed},
		{"POST", hrSite, http.StatusMethodNotAllowed},
		{"GET", "https://login.microsoftonline.com/favicon.ico", http.StatusNotFound},
		{"HEAD", hrSite, http.StatusFound},
		{"HEAD", smartLink(), http.StatusOK},
	} {
		r, err := http.NewRequest(tt.method, tt.address, nil)
		require.NoError(t, err)
		res, err := w.Transport().RoundTrip(r)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, tt.status, res.StatusCode, "%s %s", tt.method, tt.address)
	}
}

func TestEnforcedMFAIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(d *draft, request *etree.Element)
		want   string
	}{
		{"and proven", func(d *draft, request *etree.Element) {
			if ref := request.FindElement("./RequestedAuthnContext/AuthnContextClassRef"); ref != nil && ref.Text() == mfaRef {
				d.classRef = mfaRef
			}
		}, "employee@contoso.com"},
		{"and never proven", nil, "AADSTS50079"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			require.NoError(t, w.SetSignInPolicy(entratest.SignInPolicy{RequireMFA: true}))
			withFederation(func(f *entratest.Federation) { f.MFABehavior = entratest.EnforceMFA })(t, w)
			idp := withIdentityProvider(t, w)
			idp.change = tt.change
			page := w.browser().open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
			require.Contains(t, page.Body, tt.want)
			require.Len(t, idp.seen(), 2, "the browser was sent back once")
		})
	}
}

func TestPromptLoginWantsAFreshSignIn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		age    time.Duration
		status int
	}{
		{"a new one", 0, http.StatusOK},
		{"the one of a minute ago", time.Minute, http.StatusForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			idp := withIdentityProvider(t, w)
			idp.change = func(d *draft, _ *etree.Element) { d.authnInstant = d.now.Add(-tt.age) }
			b := w.browser()
			b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
			page := b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite, "prompt", "login"))
			require.Equal(t, tt.status, page.Status)
			require.Equal(t, "true", idp.seen()[1].SelectAttrValue("ForceAuthn", ""))
			if tt.status != http.StatusOK {
				require.Contains(t, page.Body, "AADSTS70043")
			}
		})
	}
}

func TestATicketIsGoodOnceAndForAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	withIdentityProvider(t, w)
	b := w.browser()
	b.open(t, smartLink("whr", "contoso.com", "wreply", hrSite))
	var withTicket string
	for _, p := range b.pages {
		if strings.Contains(p.URL, "ticket=") {
			withTicket = p.URL
		}
	}
	require.NotEmpty(t, withTicket)
	require.Equal(t, "Sign in", w.browser().open(t, withTicket).Title, "another browser has the address, and too late")

	ticket := location(t, w, b, hrSite+"&again=1")
	w.clock.Advance(2 * time.Minute)
	require.Equal(t, "Sign in", w.browser().open(t, ticket).Title)
}

// location signs in once more, and returns the address with the ticket without going there.
func location(t testing.TB, w *world, b *trail, wreply string) string {
	t.Helper()
	b.MaxHops = 1
	_, err := b.Open(context.Background(), smartLink("wreply", wreply))
	require.ErrorIs(t, err, entratest.ErrTooManyHops)
	return b.pages[len(b.pages)-1].Header.Get("Location")
}

// On one loopback origin everything is told apart by path, cookies need no TLS, and no link leads to Microsoft.
func TestOnALoopbackAddress(t *testing.T) {
	t.Parallel()
	var tenant *entratest.Tenant
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tenant.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	clock := entratest.NewClock(morning())
	idp := &identityProvider{t: t, clock: clock}
	idpServer := httptest.NewServer(loopbackIdentityProvider{idp, server.URL})
	t.Cleanup(idpServer.Close)
	federation := contosoFederation()
	federation.SignInURL = idpServer.URL + "/sso"
	tenant = entratest.Start(t, entratest.Config{
		Clock: clock, Lag: entratest.LagNone, BaseURL: server.URL,
		Domains: []entratest.Domain{{Name: "contoso.com", Federation: federation}},
		Users:   []entratest.User{{UPN: "employee@contoso.com", ImmutableID: "employee0001", Enabled: true}},
	})

	for wreply, want := range map[string]string{
		hrSite:                           server.URL + "/sharepoint/sites/hr?view=all",
		"https://outlook.office.com/owa": server.URL + "/outlook/owa",
		"https://www.office.com/":        server.URL + "/home/",
		server.URL + "/teams/general":    server.URL + "/teams/general",
	} {
		page, err := entratest.NewBrowser(nil).Open(context.Background(),
			server.URL+"/login.srf?whr=contoso.com&wreply="+url.QueryEscape(wreply))
		require.NoError(t, err)
		require.Equal(t, want, page.URL)
		require.Contains(t, page.Body, "employee@contoso.com")
	}

	localhost := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	page, err := entratest.NewBrowser(nil).Open(context.Background(), localhost+"/sharepoint/sites/hr?whr=contoso.com")
	require.NoError(t, err)
	require.Equal(t, server.URL+"/sharepoint/sites/hr?whr=contoso.com", page.URL)
	require.Equal(t, "SharePoint (simulated)", page.Title)

	res, err := http.Get(server.URL + "/login.srf?whr=contoso.com")
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.SameSiteLaxMode, res.Cookies()[0].SameSite)
	require.False(t, res.Cookies()[0].Secure)
}

// loopbackIdentityProvider answers to a tenant at another address than Microsoft's.
type loopbackIdentityProvider struct {
	*identityProvider
	tenant string
}

func (p loopbackIdentityProvider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder := httptest.NewRecorder()
	acs := p.tenant + "/login.srf"
	p.change = func(d *draft, _ *etree.Element) {
		d.prepare = func(response, assertion *etree.Element) {
			response.CreateAttr("Destination", acs)
			set(p.t, assertion, ".//SubjectConfirmationData", "Recipient", acs)
		}
	}
	p.identityProvider.ServeHTTP(recorder, r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(strings.Replace(recorder.Body.String(), loginSRF, acs, 1)))
}
