package provision

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// maxUPNAttempts bounds how many UPNs are tried for one person.
const maxUPNAttempts = 20

// numberedUPNAttempts is how many attempts of the default rule end in a number before they end in a hash: a name as
// common as "info" must not use up all attempts.
const numberedUPNAttempts = 10

// UPNFromEmail returns the default rule for UPNs in a domain: the part of the address before the "@" and before a "+",
// in lower case, accents removed, Greek and Cyrillic written in Latin letters, and of all else only letters, digits,
// ".", "-" and "_" kept.
//
// Attempt 0 is the bare name; attempts 1 to 9 add a number (contractor2, contractor3, …); later ones add a hyphen and
// ten hexadecimal characters of a hash of the person and the attempt, so that even very common names come to an end.
//
// A person without an address, or whose name has letters with no Latin form, gets "user-" and such a hash. Names that
// carry authority over a domain or are read by its operators (admin, postmaster, security: RFC 2142 and the CA/Browser
// Forum's baseline requirements) are never given bare: whoever had such a mailbox could obtain certificates for the
// domain.
func UPNFromEmail(domain string) func(p Person, attempt int) (string, error) {
	return func(p Person, attempt int) (string, error) {
		upn := localPart(p, attempt) + "@" + domain
		return upn, ValidateUPN(upn)
	}
}

func localPart(p Person, attempt int) string {
	name := nameFromEmail(p.Email)
	if name == "" {
		return "user-" + personHash(p, attempt)
	}
	number := attempt + 1
	if reservedName(name) {
		number++
	}
	switch {
	case number == 1:
		return withSuffix(name, "")
	case attempt < numberedUPNAttempts:
		return withSuffix(name, strconv.Itoa(number))
	}
	return withSuffix(name, "-"+personHash(p, attempt))
}

// nameFromEmail is the usable part of an address before the @, or "".
func nameFromEmail(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at < 0 {
		return ""
	}
	untagged, _, _ := strings.Cut(email[:at], "+")
	ascii, ok := transliterate(untagged)
	if !ok {
		return ""
	}
	name := strings.Map(func(r rune) rune {
		if isASCIIAlphanumeric(r) || r == '.' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, ascii)
	for strings.Contains(name, "..") {
		name = strings.ReplaceAll(name, "..", ".")
	}
	return strings.Trim(name, ".-_")
}

// withSuffix shortens name so that name and suffix fit before the @, and do not meet in a dot.
func withSuffix(name, suffix string) string {
	if room := maxUPNLocal - len(suffix); len(name) > room {
		name = name[:room]
	}
	return strings.TrimRight(name, ".-_") + suffix
}

// personHash is ten hexadecimal characters that nobody else gets for their attempts.
func personHash(p Person, attempt int) string {
	return hex.EncodeToString(hashed("upn", p.Connection, p.ID, strconv.Itoa(attempt))[:5])
}

// reservedName tells the names of RFC 2142, of the CA/Browser Forum's domain validation, and their usual variants.
func reservedName(name string) bool {
	switch strings.NewReplacer(".", "", "-", "", "_", "").Replace(name) {
	case "admin", "administrator", "administration", "root", "sysadmin", "system", "hostmaster", "postmaster",
		"webmaster", "mailerdaemon", "ssladmin", "ssladministrator", "sslwebmaster", "abuse", "noc", "security",
		"info", "marketing", "sales", "support", "helpdesk", "billing", "noreply", "donotreply",
		"usenet", "news", "www", "uucp", "ftp":
		return true
	}
	return false
}
