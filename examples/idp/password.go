package main

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

	"github.com/entrafed/entrafed/examples/internal/command"
)

// The cost of a hash. 600,000 iterations is what OWASP advises for PBKDF2-HMAC-SHA256:
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html.
const (
	minIterations = 600_000
	maxIterations = 10_000_000 // more would let one sign-in block the program
	saltBytes     = 16
	keyBytes      = sha256.Size
)

// The length of a new password. NIST SP 800-63B-4 section 3.1.1.2 asks for 15 characters of one that is the only factor.
const (
	minPassword      = 15   // characters
	maxPasswordBytes = 1024 // also of one that is typed
)

// passwordHash is what is kept of a password, in the users file as
//
//	$pbkdf2-sha256$i=600000$<salt>$<hash>
//
// in the style of https://github.com/P-H-C/phc-string-format, with base64 without padding.
type passwordHash struct {
	iterations int
	salt, key  []byte
}

func newPasswordHash(password string, iterations int) (passwordHash, error) {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails: it would end the program
	key, err := pbkdf2.Key(sha256.New, password, salt, iterations, keyBytes)
	return passwordHash{iterations, salt, key}, err
}

func (h passwordHash) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$pbkdf2-sha256$i=%d$%s$%s", h.iterations, b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

// errHash does not repeat the value: it may be a password that was written there in clear.
var errHash = errors.New("password is not a hash of the form $pbkdf2-sha256$i=600000$salt$hash: make one with " +
	"idp -hash-password")

func parsePasswordHash(text string) (h passwordHash, err error) {
	parts := strings.Split(text, "$")
	if len(parts) != 5 || parts[0] != "" || parts[1] != "pbkdf2-sha256" {
		return h, errHash
	}
	count, found := strings.CutPrefix(parts[2], "i=")
	h.iterations, err = strconv.Atoi(count)
	b64 := base64.RawStdEncoding.Strict()
	salt, saltErr := b64.DecodeString(parts[3])
	key, keyErr := b64.DecodeString(parts[4])
	h.salt, h.key = salt, key
	switch {
	case !found || err != nil || saltErr != nil || keyErr != nil:
		return h, errHash
	case h.iterations < minIterations || h.iterations > maxIterations:
		return h, fmt.Errorf("password has %d iterations, and %d to %d are allowed: hash it again with idp -hash-password",
			h.iterations, minIterations, maxIterations)
	case len(h.salt) < saltBytes || len(h.key) != keyBytes:
		return h, fmt.Errorf("password has a salt of %d bytes and a hash of %d, and at least %d and exactly %d are needed: "+
			"hash it again with idp -hash-password", len(h.salt), len(h.key), saltBytes, keyBytes)
	}
	return h, nil
}

// matches compares in a time that depends on most alone, and not on this hash: a hash with fewer iterations is made up
// to most, so that the time does not tell whose hash was looked at.
func (h passwordHash) matches(password string, most int) bool {
	key, err := pbkdf2.Key(sha256.New, password, h.salt, h.iterations, keyBytes)
	if missing := most - h.iterations; err == nil && missing > 0 {
		_, err = pbkdf2.Key(sha256.New, password, h.salt, missing, keyBytes)
	}
	return subtle.ConstantTimeCompare(key, h.key) == 1 && err == nil
}

// hashPassword reads a password from standard input and prints its hash.
func (p program) hashPassword() int {
	password, err := readPassword(p.Stdin)
	if err != nil {
		p.Say("%v", err)
		return command.ExitFailed
	}
	hash, err := newPasswordHash(password, minIterations)
	if err != nil {
		p.Say("the password could not be hashed: %v", err)
		return command.ExitFailed
	}
	fmt.Fprintln(p.Stdout, hash)
	return command.ExitOK
}

// readPassword reads all of r. One line break at the end, as echo adds it, is not part of the password.
func readPassword(r io.Reader) (string, error) {
	content, err := io.ReadAll(io.LimitReader(r, maxPasswordBytes+3))
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	password := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	switch n := utf8.RuneCountInString(password); {
	case len(password) > maxPasswordBytes:
		return "", fmt.Errorf("the password is longer than %d bytes", maxPasswordBytes)
	case !utf8.ValidString(password) || strings.ContainsAny(password, "\r\n\x00"):
		return "", errors.New("the password must be one line of UTF-8, because that is what a browser sends")
	case n < minPassword:
		return "", fmt.Errorf("the password has %d characters, and at least %d are needed: a few words make a good one",
			n, minPassword)
	}
	return password, nil
}
