package provision

import (
	"strings"
	"unicode"
)

// transliterate returns s, in lower case, with its Latin, Greek and Cyrillic letters written in a-z, and its accents
// dropped; characters that are not letters stay as they are. ok is false when a letter has no such form: what is left
// of such a name would be arbitrary.
func transliterate(s string) (ascii string, ok bool) {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r <= unicode.MaxASCII:
			b.WriteRune(r)
		case unicode.Is(unicode.Mn, r): // an accent on its own: the text came in decomposed form
		case unicode.IsLetter(r):
			letters, known := asciiLetters(r)
			if !known {
				return "", false
			}
			b.WriteString(letters)
		}
	}
	return b.String(), true
}

// asciiLetters writes one lower-case letter in a-z. Accented Latin letters lose the accent, as in Unicode's canonical
// decomposition; Greek and Cyrillic follow the common passport transliterations.
func asciiLetters(r rune) (letters string, known bool) {
	if letters := latin(r); letters != "" {
		return letters, true
	}
	if letters := vietnamese(r); letters != "" {
		return letters, true
	}
	if letters := greek(r); letters != "" {
		return letters, true
	}
	return cyrillic(r)
}

func latin(r rune) string {
	const table = "a:àáâãäåāăąǎǟǡǻȁȃȧ c:çćĉċč d:ďđð e:èéêëēĕėęěȅȇȩǝ f:ƒ g:ĝğġģǥǧǵ h:ĥħȟ i:ìíîïĩīĭįıǐȉȋ j:ĵǰ " +
		"k:ķĸǩ l:ĺļľŀł n:ñńņňŉŋǹ o:òóôõöøōŏőơǒǫǭǿȍȏȫȭȯȱ r:ŕŗřȑȓ s:śŝşšſș t:ţťŧț u:ùúûüũūŭůűųưǔǖǘǚǜȕȗ w:ŵẁẃẅ " +
		"y:ýÿŷȳ z:źżžƶ ae:æǣǽ oe:œ ss:ß th:þ ij:ĳ dz:ǆǳ lj:ǉ nj:ǌ"
	return lookup(table, r)
}

// vietnamese covers U+1EA0 to U+1EF9, where Unicode keeps the vowels with two marks, vowel by vowel.
func vietnamese(r rune) string {
	switch {
	case r < 0x1EA0 || r > 0x1EF9:
		return ""
	case r <= 0x1EB7:
		return "a"
	case r <= 0x1EC7:
		return "e"
	case r <= 0x1ECB:
		return "i"
	case r <= 0x1EE3:
		return "o"
	case r <= 0x1EF1:
		return "u"
	}
	return "y"
}

func greek(r rune) string {
	const table = "a:αά v:β g:γ d:δ e:εέ z:ζ i:ηήιίϊΐ th:θ k:κ l:λ m:μ n:ν x:ξ o:οόωώ p:π r:ρ s:σς t:τ y:υύϋΰ f:φ " +
		"ch:χ ps:ψ"
	return lookup(table, r)
}

// cyrillic returns known for the soft and the hard sign, which have no letters.
func cyrillic(r rune) (letters string, known bool) {
	if r == 'ь' || r == 'ъ' {
		return "", true
	}
	const table = "a:а b:б v:в g:гґ d:д e:еёэ zh:ж z:з i:иії y:йы k:к l:л m:м n:н o:о p:п r:р s:с t:т u:уў f:ф kh:х " +
		"ts:ц ch:ч sh:ш shch:щ yu:ю ya:я ye:є j:ј lj:љ nj:њ dj:ђ c:ћ dz:џѕ gj:ѓ kj:ќ"
	letters = lookup(table, r)
	return letters, letters != ""
}

// lookup finds r in a table of "letters:runes" fields.
func lookup(table string, r rune) string {
	for field := range strings.FieldsSeq(table) {
		letters, runes, _ := strings.Cut(field, ":")
		if strings.ContainsRune(runes, r) {
			return letters
		}
	}
	return ""
}
