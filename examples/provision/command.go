package main

import (
	"context"
	"errors"
	"flag"
	"io"

	"github.com/entrafed/entrafed/examples/internal/command"
)

// program is one run of the command.
type program struct {
	command.Program
	random io.Reader // nil: the system's
}

// run does what the flags say and returns the exit code.
func run(ctx context.Context, p program) int {
	f, err := parseFlags(p.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(p.Stdout)
		return command.ExitOK
	case err != nil:
		return p.Misused(err)
	}
	j, err := p.prepare(ctx, f)
	if err != nil {
		return p.Misused(err)
	}
	defer j.close()
	if f.dryRun {
		return j.rehearse(ctx)
	}
	return j.provision(ctx)
}
