package smartlink

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/entrafed/entrafed"
)

// The longest target is escaped to three times its length at worst, and still fits a link that is read again.
const (
	maxTarget    = 4096
	maxLoginHint = 1024
	maxBase      = 2048
	maxLink      = 16384
)

// addressRules says what an absolute URL may be.
type addressRules struct {
	limit    int  // bytes
	loopback bool // http, and any port, on a loopback host
	ports    bool // any port on any host
}

// readAddress reads an absolute https URL and refuses every spelling that Go's net/url and a browser could take for
// different hosts. Its errors speak of a target.
//
// A browser (https://url.spec.whatwg.org/#concept-basic-url-parser) drops tabs and newlines, trims spaces, takes a
// backslash for a slash, skips missing or surplus slashes after https:, decodes percent signs and maps Unicode in a
// host, and reads numbers as IPv4 addresses. None of these is let through.
func readAddress(raw string, rules addressRules) (*url.URL, *LinkError) {
	if err := checkSpelling(raw, rules.limit); err != nil {
		return nil, err
	}
	scheme, rest, ok := cutScheme(raw)
	if !ok {
		return nil, schemeError(raw)
	}
	authority := rest
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		authority = rest[:end]
	}
	if err := checkAuthority(raw, scheme, authority, rules); err != nil {
		return nil, err
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host != authority || u.User != nil || u.Scheme != scheme {
		return nil, syntaxError(raw, "has a path or fragment with a % that does not begin an escape",
			"write a literal % as %25")
	}
	return u, nil
}

func checkSpelling(raw string, limit int) *LinkError {
	switch {
	case raw == "":
		return syntaxError(raw, "is empty", "give an absolute https URL")
	case len(raw) > limit:
		return (&LinkError{Field: "Target", Reason: "is longer than " + strconv.Itoa(limit) + " bytes",
			Err: ErrTooLong}).about(raw)
	case !utf8.ValidString(raw):
		return syntaxError(raw, "is not UTF-8", "percent-encode it")
	case strings.ContainsFunc(raw, unicode.IsControl):
		return syntaxError(raw, "holds a control character", "percent-encode or remove it")
	case strings.Contains(raw, `\`):
		return syntaxError(raw, "holds a backslash, which browsers take for a slash", "write it as %5C")
	case strings.TrimSpace(raw) != raw:
		return syntaxError(raw, "begins or ends with a space", "remove it")
	}
	return nil
}

// cutScheme returns the scheme in lower case and what follows "://".
func cutScheme(raw string) (scheme, rest string, ok bool) {
	for _, scheme := range []string{"https", "http"} {
		prefix := scheme + "://"
		if len(raw) >= len(prefix) && strings.EqualFold(raw[:len(prefix)], prefix) {
			return scheme, raw[len(prefix):], true
		}
	}
	return "", "", false
}

func checkAuthority(raw, scheme, authority string, rules addressRules) *LinkError {
	host, port, hasPort := splitPort(authority)
	if rules.loopback && isLoopback(host) && (!hasPort || isPort(port)) {
		return nil
	}
	switch {
	case scheme != "https":
		return schemeError(raw)
	case authority == "":
		return hostError(raw, "has no host", "")
	case strings.Contains(authority, "@"):
		return hostError(raw, "carries credentials before an @", "remove them")
	case hasPort && !rules.ports:
		return hostError(raw, "names a port", "remove it: the applications answer on the default one")
	case hasPort && !isPort(port):
		return hostError(raw, "names a port that is not a number from 1 to 65535", "")
	}
	if fault := domainFault(host); fault != "" {
		return hostError(raw, "has a host that "+fault, "")
	}
	return nil
}

// splitPort cuts an authority at the colon that ends its host.
func splitPort(authority string) (host, port string, hasPort bool) {
	if end := strings.IndexByte(authority, ']'); strings.HasPrefix(authority, "[") && end > 0 {
		port, hasPort = strings.CutPrefix(authority[end+1:], ":")
		if !hasPort && port != "" {
			return authority, "", false
		}
		return authority[:end+1], port, hasPort
	}
	return strings.Cut(authority, ":")
}

func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && port[0] != '0'
}

// isLoopback is [entrafed.IsLoopback] for a host as it stands in a URL; of IPv6 it knows [::1] alone.
func isLoopback(host string) bool {
	return host == "[::1]" || (!strings.ContainsFunc(host, notInName) && entrafed.IsLoopback(host))
}

// notInName reports whether r is neither an ASCII letter, a digit nor a dot. Case folding alone would let in the
// letters of other scripts that fold to ASCII, such as ſ.
func notInName(r rune) bool {
	return r != '.' && (r > unicode.MaxASCII || !isLetter(byte(r)) && !isDigit(byte(r)))
}

// origin is what a browser compares: scheme, host and port.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func syntaxError(raw, reason, remedy string) *LinkError {
	return (&LinkError{Field: "Target", Reason: reason, Remedy: remedy, Err: ErrTargetSyntax}).about(raw)
}

func schemeError(raw string) *LinkError {
	return (&LinkError{Field: "Target", Reason: "does not begin with https://", Err: ErrTargetScheme,
		Remedy: "give the absolute https address"}).about(raw)
}

func hostError(raw, reason, remedy string) *LinkError {
	return (&LinkError{Field: "Target", Reason: reason, Remedy: remedy, Err: ErrTargetHost}).about(raw)
}
