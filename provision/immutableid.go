package provision

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxImmutableID is the length that a SAML NameID, which must equal the ImmutableID, may have:
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
const maxImmutableID = 64

// ImmutableIDFromSubject is the default rule: 32 lower-case hexadecimal characters, the first 128 bits of a SHA-256
// over the connection and the subject, each preceded by its length, so that no two pairs run together. The same person
// gets the same ImmutableID in every process and from an empty [Store], which is what makes a second account
// impossible. Two of n people share one with a probability of about n²/2¹²⁹.
func ImmutableIDFromSubject(connection, subject string) string {
	return hex.EncodeToString(hashed(connection, subject)[:16])
}

// hashed is the SHA-256 over parts, each preceded by its length in bytes as a 64-bit big-endian number.
func hashed(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part)))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// ImmutableIDFromObjectGUID returns the ImmutableID that Entra Connect gives to an Active Directory user by default:
// the base64 of the 16 bytes of objectGUID (or of mS-DS-ConsistencyGuid) as Active Directory stores them, which has the
// first three groups of the text form byte-swapped. The text is 8-4-4-4-12 hexadecimal digits of any case, with or
// without braces.
//
// The result holds "=" and may hold "+" and "/": see [ImmutableIDWarnings]. Use it for people whom a directory sync
// brought, or will bring, into the tenant.
func ImmutableIDFromObjectGUID(guid string) (string, error) {
	b, err := parseUUID(guid)
	if err != nil {
		return "", err
	}
	b[0], b[1], b[2], b[3] = b[3], b[2], b[1], b[0]
	b[4], b[5] = b[5], b[4]
	b[6], b[7] = b[7], b[6]
	return base64.StdEncoding.EncodeToString(b[:]), nil
}

// ImmutableIDFromObjectGUIDBytes is [ImmutableIDFromObjectGUID] for the 16 bytes as LDAP returns them.
func ImmutableIDFromObjectGUIDBytes(objectGUID []byte) (string, error) {
	if len(objectGUID) != 16 {
		return "", fmt.Errorf("provision: an objectGUID has 16 bytes, not %d", len(objectGUID))
	}
	return base64.StdEncoding.EncodeToString(objectGUID), nil
}

// ImmutableIDFromUUID returns the 32 lower-case hexadecimal characters of a UUID, for identity providers whose subjects
// are UUIDs. The text is 8-4-4-4-12 hexadecimal digits of any case, with or without braces.
func ImmutableIDFromUUID(uuid string) (string, error) {
	b, err := parseUUID(uuid)
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// ImmutableIDFromBase64OfUUIDText returns the base64 of the 36 characters of a UUID's text (not of its 16 bytes): 48
// characters. This is the form that Auth0's published rule for Office 365 gave its users; use it for people who were
// provisioned that way. The letters are encoded as they come, so their case matters: the rule wrote them in lower case.
func ImmutableIDFromBase64OfUUIDText(uuid string) (string, error) {
	if _, err := parseUUID(uuid); err != nil {
		return "", err
	}
	if len(uuid) != 36 {
		return "", fmt.Errorf("provision: %q is not the 36 characters of a UUID", uuid)
	}
	return base64.StdEncoding.EncodeToString([]byte(uuid)), nil
}

// ImmutableIDFromEmail returns the address in lower case, for tenants whose accounts were made that way (Google
// Workspace does it). The error says why an address cannot be one: longer than 64 characters, or with "$" or "_" in it.
//
// Prefer [ImmutableIDFromSubject] for anything new. An address changes and is given to other people; whoever presents
// it then is signed in to the first holder's account. Never use it for a connection that does not verify addresses.
func ImmutableIDFromEmail(email string) (string, error) {
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") {
		return "", fmt.Errorf("provision: %q is not an address", email)
	}
	id := strings.ToLower(email)
	return id, ValidateImmutableID(id)
}

// ValidateImmutableID checks what Entra documents of onPremisesImmutableId and of the NameID that must equal it: 1 to 64
// characters, no "$", no "_", no white space and no control characters. The error lists all that is wrong.
//
// Sources: https://learn.microsoft.com/graph/api/resources/user and
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp.
func ValidateImmutableID(id string) error {
	if id == "" {
		return errors.New("provision: the ImmutableID is empty")
	}
	if !utf8.ValidString(id) {
		return errors.New("provision: the ImmutableID is not valid UTF-8")
	}
	var problems []error
	if n := utf16Len(id); n > maxImmutableID {
		problems = append(problems, fmt.Errorf("provision: the ImmutableID has %d characters; 64 are allowed", n))
	}
	if strings.ContainsAny(id, "$_") {
		problems = append(problems, fmt.Errorf(`provision: the ImmutableID %q has a "$" or a "_" in it`, id))
	}
	if strings.ContainsFunc(id, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) }) {
		problems = append(problems, fmt.Errorf("provision: the ImmutableID %q has white space or a control character "+
			"in it", id))
	}
	return errors.Join(problems...)
}

// ImmutableIDWarnings lists what is allowed in id but known to cause trouble: Microsoft's page wants letters and
// digits, and characters such as "+" encoded (".2B"), while tenants are known to work with raw base64. An ImmutableID
// that already exists should be sent as it is; a new one should give no warning. Nil when there is nothing to say.
func ImmutableIDWarnings(id string) []string {
	var warnings []string
	if strings.ContainsAny(id, "+/=") {
		warnings = append(warnings, `the ImmutableID has "+", "/" or "=" in it (base64): send it raw, never as ".2B"`)
	}
	if strings.Contains(id, "@") {
		warnings = append(warnings, "the ImmutableID is an address: whoever gets the address later gets the account")
	}
	if strings.ContainsFunc(id, func(r rune) bool { return r > unicode.MaxASCII }) {
		warnings = append(warnings, "the ImmutableID has characters outside ASCII")
	}
	if strings.ContainsFunc(id, otherPunctuation) {
		warnings = append(warnings, "the ImmutableID has characters other than letters, digits, \"-\" and \".\"")
	}
	return warnings
}

func otherPunctuation(r rune) bool {
	return r <= unicode.MaxASCII && !isASCIIAlphanumeric(r) && !strings.ContainsRune("-.+/=@", r)
}

// parseUUID reads 8-4-4-4-12 hexadecimal digits, with or without braces.
func parseUUID(s string) ([16]byte, error) {
	var b [16]byte
	text := s
	if strings.HasPrefix(text, "{") && strings.HasSuffix(text, "}") {
		text = text[1 : len(text)-1]
	}
	malformed := fmt.Errorf("provision: %.80q is not a UUID (8-4-4-4-12 hexadecimal digits)", s)
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return b, malformed
	}
	digits := text[:8] + text[9:13] + text[14:18] + text[19:23] + text[24:]
	if _, err := hex.Decode(b[:], []byte(digits)); err != nil {
		return b, malformed
	}
	return b, nil
}
