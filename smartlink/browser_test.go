package smartlink_test

import "strings"

// browserHost is the host that a browser takes an https URL to, written from the basic URL parser of
// https://url.spec.whatwg.org and sharing no code with the package. It stops where that parser would map Unicode,
// because no accepted host gets there, and returns "" for what is no https URL.
func browserHost(raw string) string {
	raw = strings.TrimFunc(raw, func(r rune) bool { return r <= ' ' })
	raw = strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(raw)
	scheme, rest, ok := strings.Cut(raw, ":")
	if !ok || strings.ToLower(scheme) != "https" {
		return ""
	}
	rest = strings.TrimLeft(rest, `/\`)
	if end := strings.IndexAny(rest, `/\?#`); end >= 0 {
		rest = rest[:end]
	}
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	return strings.ToLower(rest)
}
