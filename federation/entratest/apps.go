package entratest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entrafed/entrafed"
)

// app is one simulated application of Microsoft 365, by the name that people know.
type app string

const (
	appHome       app = "Microsoft 365"
	appSharePoint app = "SharePoint"
	appOutlook    app = "Outlook"
	appTeams      app = "Teams"
)

// path is the first segment of the path that stands for the application where all share one origin.
func (a app) path() string {
	if a == appHome {
		return "home"
	}
	return strings.ToLower(string(a))
}

// appByHost tells the application of a host name.
func appByHost(host string) app {
	host = strings.ToLower(host)
	switch {
	case strings.Contains(host, "sharepoint"), strings.Contains(host, "onedrive"):
		return appSharePoint
	case strings.Contains(host, "outlook"):
		return appOutlook
	case strings.HasPrefix(host, "teams."):
		return appTeams
	}
	return appHome
}

// appOf tells the application of a request: by its host, and on a single origin by the first segment of the path.
func appOf(r *http.Request) app {
	if a := appByHost(hostnameOf("http://" + r.Host)); a != appHome {
		return a
	}
	switch first, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(r.URL.Path), "/"), "/"); first {
	case "sharepoint", "sites", "personal":
		return appSharePoint
	case "outlook", "owa", "mail":
		return appOutlook
	case "teams":
		return appTeams
	}
	return appHome
}

// serveApp shows the application to somebody who is signed in, and sends everybody else to login.srf.
func (t *Tenant) serveApp(w http.ResponseWriter, r *http.Request) {
	if ticket := r.URL.Query().Get(ticketParameter); ticket != "" {
		t.redeemTicket(w, r, ticket)
		return
	}
	s, ok := t.sessionOf(r)
	if !ok {
		http.Redirect(w, r, t.signInLink(r), http.StatusFound)
		return
	}
	t.show(w, http.StatusOK, t.appPage(r, s))
}

// redeemTicket sets the session's cookie on this host, and takes the ticket out of the address.
func (t *Tenant) redeemTicket(w http.ResponseWriter, r *http.Request, ticket string) {
	if cookie, ok := t.signIn.redeem(ticket, t.now()); ok {
		t.setCookie(w, cookieSession, cookie)
	}
	q := r.URL.Query()
	q.Del(ticketParameter)
	clean := url.URL{Path: "/" + strings.TrimLeft(r.URL.Path, "/"), RawQuery: q.Encode()}
	http.Redirect(w, r, clean.String(), http.StatusFound)
}

// signInLink leads to login.srf and back to this page.
func (t *Tenant) signInLink(r *http.Request) string {
	parameters := url.Values{"wa": {"wsignin1.0"}, "wreply": {t.ownAddress(r)}}
	if domain := t.domainHint(r); domain != "" {
		parameters.Set("whr", domain)
	}
	if hint := r.URL.Query().Get("login_hint"); hint != "" {
		parameters.Set("login_hint", hint)
	}
	return t.cloud.Login + "/login.srf?" + parameters.Encode()
}

// ownAddress is the absolute address of the page that was asked for. This machine has one name: what was asked for as
// localhost comes back as the address where login.srf is, because cookies are kept by name.
func (t *Tenant) ownAddress(r *http.Request) string {
	scheme, _, _ := strings.Cut(t.cloud.Login, "://")
	address := url.URL{Scheme: scheme, Host: r.Host, Path: r.URL.Path, RawQuery: r.URL.RawQuery}
	if entrafed.IsLoopback(hostnameOf(t.cloud.Login)) && entrafed.IsLoopback(address.Hostname()) {
		address.Host = hostOf(t.cloud.Login)
	}
	return address.String()
}

// domainHint is the federated domain that an address of Microsoft 365 names: in whr, in Outlook's realm, in domain_hint,
// or as the first segment of the path.
func (t *Tenant) domainHint(r *http.Request) string {
	q := r.URL.Query()
	segment, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	for _, hint := range []string{q.Get("whr"), q.Get("realm"), q.Get("domain_hint"), segment} {
		if _, ok := t.realmOf(hint); hint != "" && ok {
			return hint
		}
	}
	return ""
}

// serveLogout takes the cookie of this host and leaves it to login.srf, which has the same session, to end it: that is
// where the identity provider is told.
func (t *Tenant) serveLogout(w http.ResponseWriter, r *http.Request) {
	if hostnameOf("http://"+r.Host) != hostnameOf(t.cloud.Login) {
		t.setCookie(w, cookieSession, "")
	}
	http.Redirect(w, r, t.cloud.Login+"/login.srf?wa=wsignout1.0", http.StatusFound)
}

// currentUser is the signed-in user as the directory has them now, or as they were at the sign-in.
func (t *Tenant) currentUser(s session) User {
	if users := t.signInUsers(s.user.ImmutableID); len(users) == 1 {
		return users[0]
	}
	return s.user
}

// partNumbers names the user's licences as they are now: applications learn of licences in ways of their own, and not
// from the replica that the sign-in reads.
func (t *Tenant) partNumbers(user User) []string {
	for _, now := range t.Users() {
		if now.ObjectID == user.ObjectID {
			user = now
		}
	}
	var names []string
	for _, sku := range t.cfg.SKUs {
		if slices.ContainsFunc(user.SKUIDs, func(id string) bool { return strings.EqualFold(id, sku.ID) }) {
			names = append(names, sku.PartNumber)
		}
	}
	return names
}
