package smartlink

import (
	"net/url"
	"strings"

	"github.com/entrafed/entrafed"
)

// Parse reads a link of any [Form]. The Link that it returns either builds, to a URL that means the same, or has a form
// for which [Form.ParserOnly] is true, and then [Link.Modern] is its successor as far as the old link said.
//
// What the link names is held to the same rules as what is built: a target that [Policy.CheckTarget] refuses makes the
// whole link an error, and so does a parameter that is given twice, where readers differ on which one counts. The
// address of an AD FS or Auth0 server may be any https address; it does not become part of what is built.
//
// A link is at most 16384 bytes. Names of parameters are read without regard to case. The error is a *[LinkError], or
// several joined, and matches [ErrUnknownForm] where the text is no link at all.
func (p Policy) Parse(raw string) (Link, error) {
	rules, err := p.rules()
	if err != nil {
		return Link{}, err
	}
	return rules.parse(raw)
}

func (r rules) parse(raw string) (Link, error) {
	u, fault := readAddress(raw, addressRules{limit: maxLink, loopback: r.cloud.InsecureLoopback, ports: true})
	if fault != nil {
		return Link{}, fault.in("Link", ErrUnknownForm)
	}
	l, fault := r.read(u, cut(raw))
	if fault != nil {
		return Link{}, fault
	}
	if err := r.check(l); err != nil {
		return Link{}, err
	}
	return l, nil
}

// read takes the link apart without judging its fields.
func (r rules) read(u *url.URL, link parts) (Link, *LinkError) {
	switch {
	case r.isLoginSRF(u):
		return r.parseLoginSRF(link)
	case r.isAuthorize(u):
		return parseAuthorize(link)
	case readQuery(link.query).has("wtrealm"):
		return r.parseADFS(link)
	}
	if l, err, ok := parseAuth0(u, link); ok {
		return l, err
	}
	for _, form := range []Form{OutlookRealm, MyAppsHomeRealm, Microsoft365, OutlookDomain, AzurePortal, MyApps} {
		if l, err, ok := parseApplication(form, u, link); ok {
			return l, err
		}
	}
	switch {
	case isTeams(u) && readQuery(link.query).has("tenantid"):
		return Link{Form: Teams, Target: link.String()}, nil
	case r.isSharePoint(u):
		return Link{Form: SharePoint, Target: link.String()}, nil
	}
	return Link{}, r.noForm(u, link)
}

func (r rules) noForm(u *url.URL, link parts) *LinkError {
	remedy := ""
	for _, other := range entrafed.Clouds() {
		if "https://"+strings.ToLower(u.Host) == other.Login && other.Login != r.cloud.Login {
			remedy = "set Policy.Cloud to the cloud " + other.Name
		}
	}
	return unknownForm(link.String(), "is not a sign-in link of a known form in the cloud "+r.cloud.Name, remedy)
}
