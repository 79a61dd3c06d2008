package commandtest

import (
	"context"
	"strings"
	"testing"

	"github.com/entrafed/entrafed/examples/internal/command"
)

// Answer is what somebody says who is asked before anything changes.
type Answer struct {
	Terminal bool // somebody can be asked
	Typed    string
	Code     int    // what the command ends with
	Says     string // at standard error
}

// Yes reports whether the command goes on.
func (a Answer) Yes() bool { return a.Code == command.ExitOK }

// Give puts somebody who answers in front of a program.
func (a Answer) Give(p *command.Program) {
	p.InTerminal, p.Stdin = a.Terminal, strings.NewReader(a.Typed)
}

// OnlyAYesGoesOn runs a test of a command that asks for each kind of answer. question is a part of what it asks.
func OnlyAYesGoesOn(t *testing.T, question string, test func(*testing.T, Answer)) {
	t.Helper()
	for name, answer := range map[string]Answer{
		"nobody can be asked": {false, "yes\n", command.ExitUsage, "give -yes"},
		"no":                  {true, "no\n", command.ExitUsage, "the answer was not yes"},
		"y":                   {true, "y\n", command.ExitUsage, "the answer was not yes"},
		"no answer":           {true, "", command.ExitUsage, "the answer was not yes"},
		"yes":                 {true, "yes\n", command.ExitOK, question},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, answer)
		})
	}
}

// Silent is somebody at standard input who is asked and leaves.
type Silent struct{ Leave context.CancelFunc }

// Read implements [io.Reader], and never returns.
func (s Silent) Read([]byte) (int, error) {
	s.Leave()
	select {}
}
