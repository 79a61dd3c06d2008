package smartlink

import (
	"net/url"
	"slices"
	"strings"
)

func (r rules) buildLoginSRF(l Link) string {
	link := r.cloud.Login + "/login.srf?wa=wsignin1.0&whr=" + strings.ToLower(l.Domain)
	if l.Target != "" {
		link += "&wreply=" + escape(l.Target)
	}
	if l.LoginHint != "" {
		link += "&login_hint=" + escape(l.LoginHint)
	}
	return link
}

func (r rules) isLoginSRF(u *url.URL) bool {
	return origin(u) == origin(r.login) && strings.EqualFold(u.Path, "/login.srf")
}

// parseLoginSRF reads a smart link. With anything in it but the four parameters of a smart link, or without whr, it is
// one of the old portals' links.
func (r rules) parseLoginSRF(link parts) (Link, *LinkError) {
	q := readQuery(link.query)
	l := signIn(q)
	q.checkSignIn(link)
	strange := slices.ContainsFunc(q.parameters, func(p parameter) bool {
		return !slices.Contains([]string{"wa", "whr", "wreply", "login_hint"}, p.name) && p.raw != ""
	})
	if strange || q.get("whr") == "" {
		l.Form = OldLoginSRF
	}
	return l, q.err
}

// signIn reads the parameters of a request to login.srf that a Link keeps. An Outlook target names the domain too.
func signIn(q *query) Link {
	l := Link{
		Domain:    strings.ToLower(q.get("whr")),
		Target:    q.getURL("wreply", "wa", "whr", "login_hint", "username"),
		LoginHint: loginHint(q),
	}
	if l.Domain == "" {
		l.Domain = realmOf(l.Target)
	}
	return l
}

// loginHint reads the hint under its two names in WS-Federation requests.
func loginHint(q *query) string {
	hint, username := q.get("login_hint"), q.get("username")
	if hint == "" {
		return username
	}
	return hint
}

// checkSignIn refuses a WS-Federation link that asks for something else than signing in.
func (q *query) checkSignIn(link parts) {
	if !strings.EqualFold(q.get("wa"), "wsignin1.0") {
		q.fail(unknownForm(link.String(), "does not ask to sign in: wa is not wsignin1.0", ""))
	}
	q.checkFragment(link)
}

// checkFragment refuses a link whose target was not encoded, so that the target's fragment became the link's own.
func (q *query) checkFragment(link parts) {
	if link.fragment != "" {
		q.fail((&LinkError{Field: "Link", Reason: "ends in a fragment that its target has lost", Err: ErrEncoding,
			Remedy: "encode the whole target once, so that its # does not end the link"}).about(link.String()))
	}
}

func unknownForm(raw, reason, remedy string) *LinkError {
	return (&LinkError{Field: "Link", Reason: reason, Remedy: remedy, Err: ErrUnknownForm}).about(raw)
}
