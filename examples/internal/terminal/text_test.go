package terminal_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/terminal"
)

func TestNothingSteersTheTerminal(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Zoë, 東京, a\tb\nc":        "Zoë, 東京, a\tb\nc",
		"\x1b[2J\a\r":             `\u001b[2J\u0007\u000d`,
		"contoso\u202emoc":        `contoso\u202emoc`, // would be shown from right to left
		"\x9b2J, not UTF-8: \xff": "\ufffd2J, not UTF-8: \ufffd",
	} {
		require.Equal(t, want, terminal.Plain(text))
	}
	require.Equal(t, `a b; c\u001b`, terminal.Cell("a\tb\nc\x1b"))
}

func TestAPageHasColoursOnlyWhereTheyAreWanted(t *testing.T) {
	t.Parallel()
	for coloured, want := range map[bool]string{true: "\x1b[32mfine\x1b[0m\n\nplain\n", false: "fine\n\nplain\n"} {
		var b strings.Builder
		p := terminal.NewPage(&b, coloured)
		p.Line(terminal.Good, "%s", "fine")
		p.Line(terminal.Bad, "")
		p.Line(terminal.None, "plain")
		require.NoError(t, p.Err())
		require.Equal(t, want, b.String())
	}
}
