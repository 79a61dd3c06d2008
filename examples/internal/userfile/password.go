package userfile

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MinIterations is the cost of a new hash, and what each has at least. It is what OWASP advises for PBKDF2-HMAC-SHA256:
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html.
const MinIterations = 600_000

const (
	maxIterations = 10_000_000 // more would let one sign-in block the program
	saltBytes     = 16
	keyBytes      = sha256.Size
)

// minPassword is how many characters a new password has at least. NIST SP 800-63B-4 section 3.1.1.2 asks for that of one
// that is the only factor.
const minPassword = 15

// MaxPasswordBytes is how long a password may be, also one that is typed.
const MaxPasswordBytes = 1024

// Hash is what is kept of a password, in the file as
//
//	$pbkdf2-sha256$i=600000$<salt>$<hash>
//
// in the style of https://github.com/P-H-C/phc-string-format, with base64 without padding.
type Hash struct {
	Iterations int
	Salt, Key  []byte
}

// NewHash hashes a password with a salt of its own: outside tests, with MinIterations.
func NewHash(password string, iterations int) (Hash, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: it would end the program
	key, err := pbkdf2.Key(sha256.New, password, salt, iterations, keyBytes)
	return Hash{iterations, salt, key}, err
}

// String is the hash as the file has it.
func (h Hash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$pbkdf2-sha256$i=%d$%s$%s", h.Iterations, b64.EncodeToString(h.Salt), b64.EncodeToString(h.Key))
}

// errHash does not repeat the value: it may be a password that was written there in clear.
var errHash = errors.New("password is not a hash of the form $pbkdf2-sha256$i=600000$salt$hash: make one with " +
	"idp -hash-password")

// ParseHash reads a hash as the file has it, and refuses one that is weak.
func ParseHash(text string) (h Hash, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 5 || parts[0] != "" || parts[1] != "pbkdf2-sha256" {
		return h, errHash
	}
	count, found := strings.CutPrefix(parts[2], "i=")
	h.Iterations, err = strconv.Atoi(count)
	b64 := base64.RawStdEncoding.Strict()
	salt, saltErr := b64.DecodeString(parts[3])
	key, keyErr := b64.DecodeString(parts[4])
	h.Salt, h.Key = salt, key
	switch {
	case !found || err != nil || saltErr != nil || keyErr != nil:
		return h, errHash
	case h.Iterations < MinIterations || h.Iterations > maxIterations:
		return h, fmt.Errorf("password has %d iterations, and %d to %d are allowed: hash it again with idp -hash-password",
			h.Iterations, MinIterations, maxIterations)
	case len(h.Salt) < saltBytes || len(h.Key) != keyBytes:
		return h, fmt.Errorf("password has a salt of %d bytes and a hash of %d, and at least %d and exactly %d are needed: "+
			"hash it again with idp -hash-password", len(h.Salt), len(h.Key), saltBytes, keyBytes)
	}
	return h, nil
}

// Matches compares in a time that depends on most alone, and not on this hash: a hash with fewer iterations is made up
// to most, so that the time does not tell whose hash was looked at.
func (h Hash) Matches(password string, most int) bool {
	key, err := pbkdf2.Key(sha256.New, password, h.Salt, h.Iterations, keyBytes)
	if missing := most - h.Iterations; err == nil && missing > 0 {
		_, err = pbkdf2.Key(sha256.New, password, h.Salt, missing, keyBytes)
	}
	return subtle.ConstantTimeCompare(key, h.Key) == 1 && err == nil
}

// ReadPassword reads a new password: all of r. One line break at the end, as echo adds it, is not part of the password.
func ReadPassword(r io.Reader) (string, error) {
	content, err := io.ReadAll(io.LimitReader(r, MaxPasswordBytes+3))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch n := utf8.RuneCountInString(password); {
	case len(password) > MaxPasswordBytes:
		return "", fmt.Errorf("the password is longer than %d bytes", MaxPasswordBytes)
	case !utf8.ValidString(password) || strings.ContainsAny(password, "\r\n\x00"):
		return "", errors.New("the password must be one line of UTF-8, because that is what a browser sends")
	case n < minPassword:
		return "", fmt.Errorf("the password has %d characters, and at least %d are needed: a few words make a good one",
			n, minPassword)
	}
	return password, nil
}
