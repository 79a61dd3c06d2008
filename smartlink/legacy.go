package smartlink

import (
	"net/url"
	"strings"

	"github.com/entrafed/entrafed"
)

// parseADFS reads a request that Entra could have made of AD FS. What Entra would have put into wctx stands there: the
// parameters of its login.srf.
func (r rules) parseADFS(link parts) (Link, *LinkError) {
	q := readQuery(link.query)
	q.checkSignIn(link)
	r.checkRealm(q, link)
	inner := readContext(q.get("wctx"))
	l := signIn(inner)
	l.Form = ADFS
	if hint := loginHint(q); hint != "" {
		l.LoginHint = hint
	}
	if inner.err != nil {
		q.fail(inner.err.in("wctx: "+inner.err.Field, inner.err.Err))
	}
	return l, q.err
}

// checkRealm refuses a request on behalf of another relying party than the cloud.
func (r rules) checkRealm(q *query, link parts) {
	realm := q.get("wtrealm")
	if r.cloud.Audience != "" && strings.EqualFold(realm, r.cloud.Audience) {
		return
	}
	remedy := ""
	if r.cloud.Audience == "" {
		remedy = "set the Audience of Policy.Cloud, which is empty"
	}
	for _, other := range entrafed.Clouds() {
		if other.Audience != "" && strings.EqualFold(realm, other.Audience) {
			remedy = "set Policy.Cloud to the cloud " + other.Name
		}
	}
	q.fail(unknownForm(link.String(), "is for another relying party than the cloud "+r.cloud.Name, remedy))
}

// readContext reads a wctx that was decoded once. Where AD FS was to decode it and Entra to read it as one field, it
// was encoded twice: bk%3D1406747354%26LoginOptions%3D3.
func readContext(wctx string) *query {
	if !strings.Contains(wctx, "=") {
		if decoded, err := url.QueryUnescape(wctx); err == nil {
			wctx = decoded
		}
	}
	return readQuery(wctx)
}

// parseAuth0 reads the two links that Auth0's Office 365 pages gave. It returns false if the link is neither.
func parseAuth0(u *url.URL, link parts) (Link, *LinkError, bool) {
	q := readQuery(link.query)
	l := Link{LoginHint: q.get("login_hint")}
	client, isWSFed := strings.CutPrefix(u.Path, "/wsfed/")
	switch {
	case isWSFed && client != "" && !strings.Contains(client, "/"):
		l.Form, l.Client, l.Connection = Auth0WSFed, client, q.get("whr")
		l.Target = q.getURL("wreply", "whr", "login_hint")
	case u.Path == "/login" && q.has("client") && strings.EqualFold(q.get("protocol"), "wsfed"):
		l.Form, l.Client, l.Connection = Auth0Login, q.get("client"), q.get("connection")
		l.Target = q.getURL("redirect_uri", "client", "protocol", "connection", "login_hint")
	default:
		return Link{}, nil, false
	}
	q.checkFragment(link)
	return l, q.err, true
}
