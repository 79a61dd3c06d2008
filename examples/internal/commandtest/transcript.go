package commandtest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Transcript is a command of a README, and what it prints.
type Transcript struct {
	Environ, Args []string
	Lines         []string // what is printed, without the lines that are left out
}

// Transcripts are those in the console blocks of the README.md in the test's folder, in order, of the commands that begin
// like this. Variables are exported for one block, and a program may be built there.
func Transcripts(t testing.TB, beginning string) (all []Transcript) {
	t.Helper()
	for _, block := range strings.Split(Read(t, "README.md"), "```console\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		all = append(all, transcriptsOf(t, block, "$ "+beginning+" ")...)
	}
	return all
}

func transcriptsOf(t testing.TB, block, prompt string) (all []Transcript) {
	t.Helper()
	var environ []string
	for line := range strings.Lines(block) {
		line = strings.TrimSuffix(line, "\n")
		if variables, ok := strings.CutPrefix(line, "$ export "); ok {
			environ = append(environ, wordsOf(variables)...)
		} else if command, ok := strings.CutPrefix(line, prompt); ok {
			all = append(all, Transcript{Environ: environ, Args: wordsOf(command)})
		} else if len(all) == 0 {
			require.True(t, strings.HasPrefix(line, "$ go build "), "no command prints %q", line)
		} else if strings.TrimSpace(line) != "…" {
			last := &all[len(all)-1]
			last.Lines = append(last.Lines, line)
		}
	}
	return all
}

// words are the words of a command line. Quotes keep several of them together.
var words = regexp.MustCompile(`(?:"[^"]*"|[^" ])+`)

func wordsOf(line string) (all []string) {
	for _, word := range words.FindAllString(line, -1) {
		all = append(all, strings.ReplaceAll(word, `"`, ""))
	}
	return all
}

// RequireIn requires that the lines were printed in their order, where … stands for something that is left out.
func (one Transcript) RequireIn(t testing.TB, printed string) {
	t.Helper()
	rest := printed
	for _, line := range one.Lines {
		pattern := "(?m)^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$"
		at := regexp.MustCompile(pattern).FindStringIndex(rest)
		require.NotNil(t, at, "%s\n%s\nis not in\n%s", one.Args, line, printed)
		rest = rest[at[1]:]
	}
}
