package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
)

// What the README shows is what is printed: each line in its order, where … stands for something that is left out.
func TestTheTranscriptsOfTheREADMEAreTrue(t *testing.T) {
	t.Parallel()
	all := commandtest.Transcripts(t, "go run ./examples/provision")
	require.Len(t, all, 2)
	for _, one := range all {
		for i := range one.Args {
			one.Args[i] = strings.ReplaceAll(one.Args[i], "examples/provision/", "")
		}
		p := newProgram()
		p.Environ = one.Environ
		got := p.command(t, t.Context(), one.Args...)
		require.NotEmpty(t, one.Lines)
		one.RequireIn(t, got.Stdout)
	}
}
