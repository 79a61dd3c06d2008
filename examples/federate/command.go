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
		printHelp(p.Stdout, f.command)
		return command.ExitOK
	case err != nil:
		return p.Misused(err)
	}
	s, err := p.connect(ctx, f)
	if err != nil {
		return p.Misused(errors.Join(err, s.release()))
	}
	return s.close(s.do(ctx))
}

// do is the sub-command.
func (s *session) do(ctx context.Context) int {
	switch s.flags.command {
	case commandPlan:
		return s.plan(ctx)
	case commandApply:
		return s.apply(ctx)
	case commandVerify:
		return s.verify(ctx)
	case commandRotate:
		return s.rotate(ctx)
	case commandRevert:
		return s.revert(ctx)
	case commandDoctor:
		return s.doctor(ctx)
	case commandGuests:
		return s.guests(ctx)
	}
	return s.changeDomain(ctx)
}
