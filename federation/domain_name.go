package federation

import (
	"strings"
)

// isDomainName reports whether the text, in lower case, is a domain name as Entra has them: at least two labels of letters,
// digits and hyphens, with other alphabets in their xn-- form (RFC 1035, RFC 5890).
func isDomainName(name string) bool {
	labels := strings.Split(name, ".")
	if len(labels) < 2 || len(name) > 253 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return strings.Trim(labels[len(labels)-1], "0123456789") != ""
}

// domainOf is the domain of a UPN, in lower case; empty if it has none.
func domainOf(upn string) string {
	_, domain, _ := strings.Cut(upn, "@")
	return strings.ToLower(domain)
}

// initialSuffixes are where Entra puts the domain that each tenant begins with, in all clouds. No domain there can be
// federated: https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func initialSuffixes() []string {
	return []string{".onmicrosoft.com", ".onmicrosoft.us", ".partner.onmschina.cn"}
}

// isInitial reports whether the domain is the tenant's initial one, or another of Microsoft's.
func (d Domain) isInitial() bool {
	if d.IsInitial {
		return true
	}
	for _, suffix := range initialSuffixes() {
		if strings.HasSuffix(strings.ToLower(d.Name), suffix) {
			return true
		}
	}
	return false
}
