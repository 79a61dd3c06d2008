package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/userfile"
)

func TestAHashedPasswordSignsIn(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := newWorld(t).command(testPassword+"\n", "-hash-password")
	require.Equal(t, command.ExitOK, code, stderr)
	line, found := strings.CutSuffix(stdout, "\n")
	require.True(t, found)
	require.NotContains(t, line, "\n")

	hash, err := userfile.ParseHash(line)
	require.NoError(t, err)
	require.Equal(t, line, hash.String())
	require.Equal(t, userfile.MinIterations, hash.Iterations)
	require.True(t, hash.Matches(testPassword, userfile.MinIterations))
	require.False(t, hash.Matches(testPassword+"\n", userfile.MinIterations))
}

func TestAPasswordThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ typed, says string }{
		"nothing":               {"", "0 characters"},
		"a line break alone":    {"\n", "0 characters"},
		"too short":             {"fourteen chars\n", "14 characters, and at least 15"},
		"short in characters":   {strings.Repeat("ä", 14), "14 characters"},
		"two lines":             {testPassword + "\n" + testPassword + "\n", "one line"},
		"not UTF-8":             {testPassword + "\xff", "UTF-8"},
		"longer than the limit": {strings.Repeat("a", userfile.MaxPasswordBytes+1), "longer than 1024"},
		"endless":               {strings.Repeat("a", 1<<20), "longer than 1024"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := newWorld(t).command(test.typed, "-hash-password")
			require.Equal(t, command.ExitFailed, code)
			require.Empty(t, stdout)
			require.Contains(t, stderr, test.says)
		})
	}
}
