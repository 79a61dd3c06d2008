package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/peoplefile"
)

func TestTheLinesOfPeopleAreForgottenOnceTheyAreReported(t *testing.T) {
	t.Parallel()
	in, err := newProgram().openInput(t.Context(), flags{file: commandtest.Keep(t, "people.csv", crowd(10)), format: peoplefile.CSV})
	require.NoError(t, err)
	defer in.close()
	require.Equal(t, 10, in.total)
	in.skip = 4
	index := 0
	for range in.people() {
		if index >= in.skip {
			require.Equal(t, index+2, in.lineOf(index))
		}
		index++
	}
	require.Equal(t, 10, index)
	require.Empty(t, in.lines)
}
