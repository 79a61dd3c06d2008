package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Exit codes.
const (
	exitOK      = 0
	exitRefused = 1 // Entra would refuse it, or does not send it
	exitUsage   = 2 // wrong flags, or a file that cannot be read
)

// program is what the operating system gives a run, and what a test gives it instead.
type program struct {
	args     []string
	environ  []string // "NAME=value"
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	terminal bool // stdout is one
	now      func() time.Time
}

// run does what the flags say and returns the exit code.
func run(p program) int {
	f, err := parseFlags(p.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(p.stdout)
		return exitOK
	case err != nil:
		return p.misused(err)
	}
	made, err := p.inspect(f)
	if err != nil {
		return p.misused(err)
	}
	if f.json {
		err = made.writeJSON(p.stdout)
	} else {
		err = made.writeText(p.stdout, p.coloured())
	}
	if err != nil {
		return p.misused(err)
	}
	return made.exitCode()
}

func (p program) inspect(f flags) (report, error) {
	if f.decode != "" {
		return p.decode(f)
	}
	return p.check(f)
}

func (p program) misused(err error) int {
	fmt.Fprintf(p.stderr, "inspect: %v\nTry inspect -h.\n", strings.ReplaceAll(plain(err.Error()), "\n", "\ninspect: "))
	return exitUsage
}

// coloured: only on a terminal, and not where https://no-color.org or a dumb terminal says no.
func (p program) coloured() bool {
	unwanted := func(variable string) bool {
		name, value, _ := strings.Cut(variable, "=")
		return name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb"
	}
	return p.terminal && !slices.ContainsFunc(p.environ, unwanted)
}
