package entrafed_test

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

// Each link of a page to a file of this repository leads to one, and each anchor to a heading of that page.
func TestEveryLinkOfAPageLeadsSomewhere(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range repositoryFiles(t, ".md") {
		for _, match := range link.FindAllStringSubmatch(text(t, page), -1) {
			target, err := url.Parse(match[1])
			require.NoError(t, err, page)
			if target.Scheme != "" {
				continue
			}
			links++
			file := page
			if target.Path != "" {
				file = filepath.Join(filepath.Dir(page), filepath.FromSlash(target.Path))
			}
			_, err = os.Stat(file)
			require.NoError(t, err, "%s: %s", page, match[1])
			if target.Fragment != "" {
				require.Contains(t, anchors(text(t, file)), target.Fragment, "%s: %s", page, match[1])
			}
		}
	}
	require.NotZero(t, links)
}

// text is a page without its blocks of code, in which nothing is a link or a heading.
func text(t *testing.T, page string) string {
	t.Helper()
	content, err := os.ReadFile(page)
	require.NoError(t, err)
	return fence.ReplaceAllString(string(content), "")
}

// anchors are what GitHub makes of the headings of a page.
func anchors(page string) []string {
	var names []string
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		names = append(names, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, match[1]))
	}
	return names
}
