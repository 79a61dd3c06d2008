// Package csp writes the headers that protect a page, the Content-Security-Policy above all (https://www.w3.org/TR/CSP3/).
package csp

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
)

// Hash is the source expression, quotes included, that allows the inline style or script with exactly this content.
func Hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Policy is what a page may use, each a list of source expressions. What is empty is forbidden, and so is everything that has
// no field here.
type Policy struct{ Style, Script, Image, Connect, Form string }

// String is the value of the header.
func (p Policy) String() string {
	const none = "'none'"
	return strings.Join([]string{
		"default-src " + none,
		"style-src " + cmp.Or(p.Style, none),
		"script-src " + cmp.Or(p.Script, none),
		"img-src " + cmp.Or(p.Image, none),
		"connect-src " + cmp.Or(p.Connect, none),
		"form-action " + cmp.Or(p.Form, none),
		"base-uri " + none,
		"frame-ancestors " + none,
	}, "; ")
}

// Referrer policies, https://www.w3.org/TR/referrer-policy/.
const (
	NoReferrer = "no-referrer"

	// OriginOnly is for a page with a form that leads to another site: without a referrer, browsers send "Origin: null".
	OriginOnly = "strict-origin"

	// SameOrigin is for a page with a form of this site, which tells it by its origin from another's.
	SameOrigin = "same-origin"
)

// Protect sets the headers of an HTML page that nobody may keep, frame or change.
func Protect(header http.Header, policy, referrer string) {
	header.Set("Content-Type", "text/html; charset=utf-8")
	ProtectAny(header, policy, referrer)
}

// ProtectAny is [Protect] for an answer of whatever kind, a redirect for example.
func ProtectAny(header http.Header, policy, referrer string) {
	header.Set("Content-Security-Policy", policy)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", referrer)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY")
}
