package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation/entratest"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // some users are not as wanted
	exitUsage   = 2 // wrong flags, a configuration or a file that cannot be used, or nobody said yes
	exitStopped = 3 // it ended early, and can be gone on with
)

// program is what the operating system gives a run, and what a test gives it instead.
type program struct {
	args    []string
	environ []string // "NAME=value"
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	asks    bool // stdin is a terminal: there is somebody to ask
	bar     bool // stderr is one

	transport http.RoundTripper // to Microsoft; nil: the network
	clock     *entratest.Clock  // nil: real time
}

// run does what the command line says and returns the exit code.
func run(ctx context.Context, p program) int {
	f, err := parseFlags(p.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(p.stdout)
		return exitOK
	case err != nil:
		return p.misused(err)
	}
	switch f.command {
	case commandPlan:
		return p.plan(ctx, f)
	case commandApply:
		return p.apply(ctx, f)
	}
	return p.undo(ctx, f)
}

// misused prints everything that is wrong with the command line, the configuration or a file.
func (p program) misused(err error) int {
	terminal.Complain(p.stderr, "adopt", err)
	return exitUsage
}

// stopped prints why the work ended early, and what is to be done about it.
func (p program) stopped(err error, remedy string) int {
	p.say("%s", strings.TrimPrefix(err.Error(), "provision: "))
	p.say("%s", remedy)
	return exitStopped
}

// say prints a line about the work itself.
func (p program) say(format string, args ...any) {
	fmt.Fprintln(p.stderr, "adopt:", terminal.Plain(fmt.Sprintf(format, args...)))
}

func (p program) now() time.Time {
	if p.clock != nil {
		return p.clock.Now()
	}
	return time.Now()
}
