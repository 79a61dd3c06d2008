package smartlink

import (
	"net/url"
	"strings"
)

func buildAuthorize(l Link) string {
	link := cut(l.Target)
	if l.Domain != "" {
		link = link.with("domain_hint", strings.ToLower(l.Domain))
	}
	if l.LoginHint != "" {
		link = link.with("login_hint", l.LoginHint)
	}
	return link.String()
}

func parseAuthorize(link parts) (Link, *LinkError) {
	q := readQuery(link.query)
	return Link{
		Form:      Authorize,
		Domain:    strings.ToLower(q.get("domain_hint")),
		Target:    link.without("domain_hint", "login_hint").String(),
		LoginHint: q.get("login_hint"),
	}, q.err
}

func (r rules) isAuthorize(u *url.URL) bool {
	path := strings.ToLower(u.Path)
	return origin(u) == origin(r.login) &&
		(strings.HasSuffix(path, "/oauth2/v2.0/authorize") || strings.HasSuffix(path, "/oauth2/authorize"))
}

// checkAuthorize checks the request to which the hints are added. Its redirect_uri is Entra's to check: it sends
// answers to registered addresses only.
func (r rules) checkAuthorize(target string) *LinkError {
	if target == "" {
		return nil
	}
	u, err := readAddress(target, addressRules{limit: maxTarget, loopback: r.cloud.InsecureLoopback, ports: true})
	if err != nil {
		return err
	}
	fault := &LinkError{Field: "Target", Err: ErrTarget}
	switch q := readQuery(u.RawQuery); {
	case !r.isAuthorize(u):
		fault.Reason = "is not an authorization request to " + r.cloud.Login
		fault.Remedy = "give the address that the application sends people to, ending in /oauth2/v2.0/authorize"
	case q.has("domain_hint") || q.has("login_hint"):
		fault.Reason = "already has a hint"
		fault.Remedy = "parse it, and change the Link that comes out"
	default:
		return nil
	}
	return fault.about(target)
}
