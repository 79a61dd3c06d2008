package command_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
)

// federate is a program, and what it says.
func federate() (command.Program, *bytes.Buffer) {
	p := commandtest.New("federate")
	var stderr bytes.Buffer
	p.Stderr = &stderr
	return p, &stderr
}

func TestEachProblemOfAMisuseIsALine(t *testing.T) {
	t.Parallel()
	p, stderr := federate()
	err := errors.Join(errors.New("provision: a\x1b[2J"), errors.Join(errors.New("b"), errors.New("c")))
	require.Equal(t, command.ExitUsage, p.Misused(err))
	require.Equal(t, "federate: a\\u001b[2J\nfederate: b\nfederate: c\nTry federate -h.\n", stderr.String())
}

func TestAnEarlyEndSaysHowToGoOn(t *testing.T) {
	t.Parallel()
	p, stderr := federate()
	require.Equal(t, command.ExitStopped, p.Stopped(context.Canceled, "nothing was changed"))
	require.Equal(t, "federate: context canceled\nfederate: nothing was changed\n", stderr.String())
}

func TestOnlyAYesGoesOn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		terminal bool
		answer   string
		given    bool
		code     int
		says     string
	}{
		{"-yes", false, "", true, command.ExitOK, ""},
		{"nobody can be asked", false, "yes\n", false, command.ExitUsage, "give -yes"},
		{"yes", true, " yes \n", false, command.ExitOK, "Change it?\nType \"yes\" to go on: "},
		{"y", true, "y\n", false, command.ExitUsage, "the answer was not yes"},
		{"no answer", true, "", false, command.ExitUsage, "the answer was not yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p, stderr := federate()
			p.InTerminal, p.Stdin = c.terminal, strings.NewReader(c.answer)
			code, ok := p.Confirm(t.Context(), c.given, "Change it?\n")
			require.Equal(t, c.code, code)
			require.Equal(t, c.code == command.ExitOK, ok)
			require.Contains(t, stderr.String(), c.says)
		})
	}
}

func TestAQuestionCanBeInterrupted(t *testing.T) {
	t.Parallel()
	p, stderr := federate()
	ctx, cancel := context.WithCancel(t.Context())
	p.InTerminal, p.Stdin = true, commandtest.Silent{Leave: cancel}
	code, ok := p.Confirm(ctx, false, "")
	require.Equal(t, command.ExitStopped, code)
	require.False(t, ok)
	require.Contains(t, stderr.String(), "nothing was changed")
}

func TestTimeIsRealUnlessThereIsAClock(t *testing.T) {
	t.Parallel()
	p, _ := federate()
	require.NoError(t, p.Sleep(t.Context(), time.Hour))
	require.Equal(t, commandtest.Morning().Add(time.Hour), p.Now())
	synctest.Test(t, func(t *testing.T) {
		var p command.Program
		began := time.Now()
		require.NoError(t, p.Sleep(t.Context(), time.Hour))
		require.Equal(t, began.Add(time.Hour), p.Now())
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.Sleep(ctx, time.Hour), context.Canceled)
	})
}
