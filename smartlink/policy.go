package smartlink

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/entrafed/entrafed"
)

// Policy says where links may lead. The zero Policy is that of the worldwide cloud. A Policy is safe for concurrent use
// as long as nobody changes it.
type Policy struct {
	// Cloud is the cloud of the tenant; [entrafed.Global] if zero. Its Login is where the links start, and its Hosts
	// are the hosts to which they may lead. With InsecureLoopback, which is safe only with a simulated tenant on this
	// machine, targets may also be http or https on localhost, 127.0.0.0/8 or [::1], with any port.
	Cloud entrafed.Cloud

	// Hosts are further hosts to which links may lead, each with the hosts below it: "apps.contoso.com". They are DNS
	// names of at least two labels, without a scheme, a port or a wildcard. Whoever controls one of these names, or a
	// name below it, decides what a person sees after signing in.
	Hosts []string
}

// Build returns the link as a URL. It checks everything first, and returns one error with all that is wrong: each part
// is a *[LinkError]. A Link of a form that is only read matches [ErrParserOnly]; see [Link.Modern].
func (p Policy) Build(l Link) (string, error) {
	rules, err := p.rules()
	if err != nil {
		return "", err
	}
	return rules.build(l)
}

// CheckTarget returns the parsed target if a link may lead to it, and a *[LinkError] otherwise. What counts is the
// target's text: the URL returned may print differently.
//
// A target is at most 4096 bytes of UTF-8 and begins with https://. Its host is a DNS name of ASCII letters, digits and
// hyphens, is one of the cloud's Hosts or of p.Hosts or is below one of them by whole labels, and has no port, no
// credentials, no final dot and no percent sign. It holds no control character and no backslash, and no space at its
// ends. IP addresses are refused. The rest of the URL may hold anything that net/url reads, spaces and Unicode
// included.
//
// Below the cloud's Hosts, these are refused all the same, unless p.Hosts names them: the sign-in services and Safe
// Links, whose own redirects would make the link lead on to anywhere, and the names under which every customer of Azure
// may publish pages, such as *.cloudapp.azure.com.
//
// The error matches [ErrTargetSyntax], [ErrTargetScheme], [ErrTargetHost], [ErrTooLong] or [ErrPolicy].
func (p Policy) CheckTarget(raw string) (*url.URL, error) {
	rules, err := p.rules()
	if err != nil {
		return nil, err
	}
	u, fault := rules.checkTarget(raw)
	if fault != nil {
		return nil, fault
	}
	return u, nil
}

// rules is a Policy that was checked.
type rules struct {
	cloud entrafed.Cloud
	login *url.URL // the origin of the sign-in service
	hosts []string // Policy.Hosts
}

func (p Policy) rules() (rules, error) {
	cloud := p.Cloud.OrGlobal()
	var errs []error
	login, fault := readAddress(cloud.Login, addressRules{limit: maxTarget, loopback: cloud.InsecureLoopback, ports: true})
	switch {
	case fault != nil:
		errs = append(errs, fault.in("Policy.Cloud.Login", ErrPolicy))
	case login.Path != "" || strings.ContainsAny(cloud.Login, "?#"):
		errs = append(errs, (&LinkError{Field: "Policy.Cloud.Login", Reason: "is more than an origin", Err: ErrPolicy,
			Remedy: `end it after the host, as in "https://login.microsoftonline.com"`}).about(cloud.Login))
	}
	// A simulated tenant lists the loopback address that it listens on, which is allowed already.
	loopback := func(host string) bool { return cloud.InsecureLoopback && entrafed.IsLoopback(host) }
	cloud.Hosts = slices.DeleteFunc(slices.Clone(cloud.Hosts), loopback)
	errs = append(errs, checkHosts("Policy.Cloud.Hosts", cloud.Hosts)...)
	errs = append(errs, checkHosts("Policy.Hosts", p.Hosts)...)
	return rules{cloud: cloud, login: login, hosts: p.Hosts}, errors.Join(errs...)
}

func checkHosts(field string, hosts []string) []error {
	var errs []error
	for i, host := range hosts {
		if fault := domainFault(host); fault != "" {
			errs = append(errs, (&LinkError{Field: fmt.Sprintf("%s[%d]", field, i), Reason: fault, Err: ErrPolicy,
				Remedy: `give a bare name, as in "apps.contoso.com"; the hosts below it are included`}).about(host))
		}
	}
	return errs
}

// checkTarget is [Policy.CheckTarget].
func (r rules) checkTarget(raw string) (*url.URL, *LinkError) {
	u, err := readAddress(raw, addressRules{limit: maxTarget, loopback: r.cloud.InsecureLoopback})
	if err != nil {
		return nil, err
	}
	host := strings.ToLower(u.Hostname())
	switch {
	case r.cloud.InsecureLoopback && entrafed.IsLoopback(host), isWithinAny(host, r.hosts):
		return u, nil
	case !isWithinAny(host, r.cloud.Hosts):
		return nil, r.outsideError(raw, host)
	case isWithinAny(host, publishedByAnybody()):
		return nil, hostError(raw, "is on a host where every customer of Azure may publish pages",
			"if the page is yours, add its full host name to Policy.Hosts")
	case r.isRedirector(host):
		return nil, hostError(raw, "is a service that would redirect further: a sign-in service or Safe Links",
			"give the address of the application, where the person lands after signing in")
	}
	return u, nil
}

func (r rules) outsideError(raw, host string) *LinkError {
	remedy := "correct it, or add its host to Policy.Hosts if a link may lead there"
	for _, other := range entrafed.Clouds() {
		if other.Name != r.cloud.Name && isWithinAny(host, other.Hosts) {
			remedy = "it belongs to the cloud " + other.Name + ": set Policy.Cloud, or correct the address"
		}
	}
	return hostError(raw, "is outside the hosts of the cloud "+r.cloud.Name+" and of Policy.Hosts", remedy)
}

// isRedirector reports whether host is the cloud's sign-in service or one like it (login.microsoft.com,
// login-us.microsoftonline.com, ccs.login.microsoftonline.com), or Safe Links, which forwards to the URL in its query
// (https://learn.microsoft.com/defender-office-365/safe-links-about).
func (r rules) isRedirector(host string) bool {
	_, parent, _ := strings.Cut(r.login.Hostname(), ".")
	return slices.ContainsFunc(strings.Split(host, "."), func(label string) bool {
		return label == "login" || label == "safelinks" || strings.HasPrefix(label, "login") && isWithin(host, parent)
	})
}

// publishedByAnybody lists names below the clouds' own where every customer of Azure may publish pages: virtual
// machines and public addresses (https://learn.microsoft.com/azure/virtual-network/ip-services/public-ip-addresses),
// HTTP triggers of Logic Apps, and endpoints of Azure Machine Learning.
func publishedByAnybody() []string {
	return []string{
		"cloudapp.azure.com", "logic.azure.com", "inference.ml.azure.com",
		"cloudapp.azure.us", "logic.azure.us", "inference.ml.azure.us",
		"cloudapp.azure.cn", "logic.azure.cn", "inference.ml.azure.cn",
	}
}
