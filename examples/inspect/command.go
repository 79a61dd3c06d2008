package main

import (
	"errors"
	"flag"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
)

// program is one run of the command.
type program struct{ command.Program }

// run does what the flags say and returns the exit code.
func run(p program) int {
	f, err := parseFlags(p.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(p.Stdout)
		return command.ExitOK
	case err != nil:
		return p.Misused(err)
	}
	made, err := p.inspect(f)
	if err != nil {
		return p.Misused(err)
	}
	if f.json {
		err = document.Print(p.Stdout, made)
	} else {
		err = made.writeText(p.Stdout, p.Coloured())
	}
	if err != nil {
		return p.Misused(err)
	}
	return made.exitCode()
}

func (p program) inspect(f flags) (report, error) {
	if f.decode != "" {
		return p.decode(f)
	}
	return p.check(f)
}
