package smartlink

import "strings"

// domainFault returns which rule of a DNS name (RFC 1123 section 2.1, RFC 1035 section 2.3.4) the name breaks, or "".
// Names of one label, names with a final dot and everything that could be an IP address are refused too.
func domainFault(name string) string {
	if len(name) > 253 {
		return "is longer than 253 characters"
	}
	labels := strings.Split(name, ".")
	if len(labels) < 2 {
		return "is not a DNS name of at least two labels"
	}
	for _, label := range labels {
		if fault := labelFault(label); fault != "" {
			return fault
		}
	}
	// A browser takes a host whose last label begins like a number for an IPv4 address: 127.1, 1.2.3.0x7f.
	if last := labels[len(labels)-1]; !isLetter(last[0]) {
		return "is an IP address or ends like one"
	}
	return ""
}

func labelFault(label string) string {
	switch {
	case label == "":
		return "has an empty label: a dot at an end, or two in a row"
	case len(label) > 63:
		return "has a label longer than 63 characters"
	case label[0] == '-' || label[len(label)-1] == '-':
		return "has a label that begins or ends with a hyphen"
	}
	for i := range len(label) {
		if c := label[i]; !isLetter(c) && !isDigit(c) && c != '-' {
			return "has a character other than ASCII letters, digits and hyphens"
		}
	}
	return ""
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWithin reports whether host is the domain or below it, label by label and without regard to case.
func isWithin(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	return host == domain || strings.HasSuffix(host, "."+domain)
}

func isWithinAny(host string, domains []string) bool {
	for _, domain := range domains {
		if isWithin(host, domain) {
			return true
		}
	}
	return false
}

func checkDomain(domain string) *LinkError {
	fault := domainFault(domain)
	if fault == "" {
		return nil
	}
	return (&LinkError{
		Field: "Domain", Reason: fault, Err: ErrDomain,
		Remedy: `give the federated domain alone, as in "contoso.com"; write an international name in punycode`,
	}).about(domain)
}
