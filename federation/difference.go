package federation

import (
	"fmt"
	"strings"
)

// difference says where two URIs differ that should be equal byte for byte: the usual mistakes by their names, anything
// else by its place.
func difference(sent, registered string) string {
	mistakes := usualMistakes()
	if normal(sent, mistakes, -1) != normal(registered, mistakes, -1) {
		return place(sent, registered)
	}
	var names []string
	for i, m := range mistakes {
		if normal(sent, mistakes, i) != normal(registered, mistakes, i) {
			names = append(names, m.name)
		}
	}
	return "they differ in " + strings.Join(names, " and in ") + " alone"
}

// mistake is a difference that people overlook.
type mistake struct {
	name   string
	normal func(string) string // makes two texts equal that differ in it
}

func usualMistakes() []mistake {
	return []mistake{
		{"white space at an end", strings.TrimSpace},
		{"upper and lower case", strings.ToLower},
		{"http and https", func(s string) string {
			if len(s) >= len("http:") && strings.EqualFold(s[:len("http:")], "http:") {
				return s[:len("http")] + "s:" + s[len("http:"):]
			}
			return s
		}},
		{"the slash at the end", func(s string) string { return strings.TrimSuffix(s, "/") }},
	}
}

// normal makes none of the mistakes but the one at the index.
func normal(s string, mistakes []mistake, but int) string {
	for i, m := range mistakes {
		if i != but {
			s = m.normal(s)
		}
	}
	return s
}

// place quotes both texts from where they differ.
func place(sent, registered string) string {
	a, b := []rune(sent), []rune(registered)
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	const shown = 40
	return fmt.Sprintf("they differ from character %d on, %q and %q", same+1,
		string(a[same:min(len(a), same+shown)]), string(b[same:min(len(b), same+shown)]))
}
