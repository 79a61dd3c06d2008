// Package csp names the styles and scripts of a page for its Content-Security-Policy (https://www.w3.org/TR/CSP3/).
package csp

import (
	"crypto/sha256"
	"encoding/base64"
)

// Hash is the source expression, quotes included, that allows the inline style or script with exactly this content.
func Hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
