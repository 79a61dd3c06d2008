package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
)

// transcript is a command of the README, and what it prints.
type transcript struct{ environ, args, want []string }

// words are the words of a command line. Quotes keep several of them together.
var words = regexp.MustCompile(`(?:"[^"]*"|[^" ])+`)

func wordsOf(line string) (all []string) {
	for _, word := range words.FindAllString(line, -1) {
		all = append(all, strings.ReplaceAll(word, `"`, ""))
	}
	return all
}

// transcripts are those of the README, in order. Variables are exported for one block.
func transcripts(t *testing.T) (all []transcript) {
	t.Helper()
	blocks := strings.Split(commandtest.Read(t, "README.md"), "```console\n")
	for _, block := range blocks[1:] {
		var one transcript
		block, _, _ = strings.Cut(block, "```")
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(line, "\n")
			if variables, ok := strings.CutPrefix(line, "$ export "); ok {
				one.environ = append(one.environ, wordsOf(variables)...)
			} else if command, ok := strings.CutPrefix(line, "$ go run ./examples/provision "); ok {
				one.args = wordsOf(strings.ReplaceAll(command, "examples/provision/", ""))
			} else if line != "…" {
				one.want = append(one.want, line)
			}
		}
		all = append(all, one)
	}
	return all
}

// What the README shows is what is printed: each line in its order, where … stands for something that is left out.
func TestTheTranscriptsOfTheREADMEAreTrue(t *testing.T) {
	t.Parallel()
	all := transcripts(t)
	require.Len(t, all, 2)
	for _, one := range all {
		p := newProgram()
		p.Environ = one.environ
		got := p.command(t, t.Context(), one.args...)
		require.NotEmpty(t, one.want)
		rest := got.Stdout
		for _, line := range one.want {
			pattern := "(?m)^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$"
			at := regexp.MustCompile(pattern).FindStringIndex(rest)
			require.NotNil(t, at, "%s\n%s\nis not in\n%s", one.args, line, got.Stdout+got.Stderr)
			rest = rest[at[1]:]
		}
	}
}
