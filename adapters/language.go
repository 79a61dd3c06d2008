package adapters

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Catalogue is the texts of one language. It is plain data: a map that can be written in Go or read from JSON.
type Catalogue map[Message]string

// Language is a language that the Bridge's pages speak. [English], [German] and [French] are built in.
type Language struct {
	// Tag names the language as RFC 5646 does: "de", "pt-BR". It is what Accept-Language is compared with and what the
	// page says it is written in. Required.
	Tag string

	// RightToLeft is true for scripts such as Arabic and Hebrew.
	RightToLeft bool

	// Words are the texts. What is missing is taken from the built-in language of the same Tag, so that a host may change
	// a few texts of one; in any other language every text of [Messages] is required.
	Words Catalogue
}

// builtInLanguages are what the pages speak unless the host says otherwise.
func builtInLanguages() []Language { return []Language{English(), German(), French()} }

// maxWords is the length of the longest text, in bytes.
const maxWords = 1000

var tagPattern = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$`)

// placeholder is what a message's text must contain, because the page puts something in its place; "" for most.
func placeholder(m Message) string {
	switch m {
	case msgWaitingSeconds:
		return "{seconds}"
	case msgWaitingMinutes:
		return "{minutes}"
	}
	return ""
}

// Check returns one error that lists what is wrong with the language: its tag, texts that are missing, unknown, empty,
// longer than 1000 bytes, or without their {placeholder}. [New] checks every language of [Brand.Languages] so; a test of
// the host's can do it earlier.
func (l Language) Check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !tagPattern.MatchString(l.Tag) {
		add("Tag %q is not a language tag such as \"de\" or \"pt-BR\"", l.Tag)
	}
	complete, english := l.completed(), English().Words
	for _, m := range english.keys() {
		if _, there := complete.Words[m]; !there {
			add("%q is missing; in English it is %q", m, english[m])
		}
	}
	for _, m := range complete.Words.keys() {
		text := complete.Words[m]
		own := strings.HasPrefix(string(m), stepPrefix) || strings.HasPrefix(string(m), refusalPrefix)
		switch {
		case english[m] == "" && !own:
			add("%q is no message: see Messages", m)
		case strings.TrimSpace(text) == "":
			add("%q is empty", m)
		case len(text) > maxWords:
			add("%q has %d bytes, more than %d", m, len(text), maxWords)
		case strings.ContainsFunc(text, unicode.IsControl):
			add("%q contains a control character", m)
		case !strings.Contains(text, placeholder(m)):
			add("%q does not say where %s stands", m, placeholder(m))
		}
	}
	return errors.Join(errs...)
}

// completed is the language with what the built-in one adds.
func (l Language) completed() Language {
	words := Catalogue{}
	for _, known := range builtInLanguages() {
		if strings.EqualFold(known.Tag, l.Tag) {
			words = known.Words
		}
	}
	for m, text := range l.Words {
		words[m] = text
	}
	l.Words = words
	return l
}

func (c Catalogue) keys() []Message {
	var keys []Message
	for m := range c {
		keys = append(keys, m)
	}
	slices.Sort(keys)
	return keys
}

// say returns the text of a message. What is no message is text already.
func (l Language) say(m Message) string {
	if text, known := l.Words[m]; known {
		return text
	}
	return string(m)
}

// steps returns the steps with their labels in this language. A step that it does not know keeps the words of its events.
func (l Language) steps(view []stepView) []stepView {
	translated := slices.Clone(view)
	for i, s := range translated {
		if label, known := l.Words[Message(stepPrefix+s.Name)]; known {
			translated[i].Label = label
		}
	}
	return translated
}

// checkLanguages returns what is wrong with the host's languages.
func checkLanguages(languages []Language) (errs []error) {
	seen := map[string]bool{}
	for _, l := range languages {
		if err := l.Check(); err != nil {
			errs = append(errs, fmt.Errorf("adapters: Brand.Languages, %q: %w", l.Tag, err))
		}
		if tag := strings.ToLower(l.Tag); seen[tag] {
			errs = append(errs, fmt.Errorf("adapters: Brand.Languages has %q twice", l.Tag))
		} else {
			seen[tag] = true
		}
	}
	return errs
}
