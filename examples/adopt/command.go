package main

import (
	"context"
	"errors"
	"flag"

	"github.com/entrafed/entrafed/examples/internal/command"
)

// program is one run of the command.
type program struct{ command.Program }

// run does what the command line says and returns the exit code.
func run(ctx context.Context, p program) int {
	f, err := parseFlags(p.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(p.Stdout)
		return command.ExitOK
	case err != nil:
		return p.Misused(err)
	}
	switch f.command {
	case commandPlan:
		return p.plan(ctx, f)
	case commandApply:
		return p.apply(ctx, f)
	}
	return p.undo(ctx, f)
}
