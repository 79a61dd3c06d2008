package xmldoc

import (
	"fmt"
	"unicode/utf8"
)

// escapeTable says what stands for each byte of a value: itself where it is plain, or its replacement. What is beyond
// ASCII is not plain and has none.
type escapeTable struct {
	plain       [256]bool
	replacement [utf8.RuneSelf]string
}

// unwritable marks the bytes that XML cannot carry.
const unwritable = "\x00"

// The replacements of https://www.w3.org/TR/2001/REC-xml-c14n-20010315#ProcessingModel, for text and attribute nodes.
var (
	textEscapes = newEscapeTable(map[byte]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"})
	attrEscapes = newEscapeTable(map[byte]string{
		'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;",
	})
)

func newEscapeTable(replacements map[byte]string) (t escapeTable) {
	for c := range t.replacement {
		t.replacement[c] = replacements[byte(c)]
		if !IsChar(rune(c)) {
			t.replacement[c] = unwritable
		}
		t.plain[c] = t.replacement[c] == ""
	}
	return t
}

// append appends a value, escaped.
func (t *escapeTable) append(dst []byte, s string) ([]byte, error) {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if t.plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || !IsChar(r) {
				return nil, &CharError{Offset: i}
			}
			i += size
			continue
		}
		if t.replacement[c] == unwritable {
			return nil, &CharError{Offset: i}
		}
		dst = append(dst, s[from:i]...)
		dst = append(dst, t.replacement[c]...)
		i++
		from = i
	}
	return append(dst, s[from:]...), nil
}

// CharError is a value that XML cannot carry: not UTF-8, or a character outside the Char production.
type CharError struct{ Offset int }

func (e *CharError) Error() string {
	return fmt.Sprintf("xmldoc: the value has a character at byte %d that XML cannot carry", e.Offset)
}

// IsChar reports whether r is a Char of https://www.w3.org/TR/xml/#charsets.
func IsChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}
