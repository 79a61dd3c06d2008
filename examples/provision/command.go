package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"time"

	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation/entratest"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailed  = 1 // some people have no account that is ready
	exitUsage   = 2 // wrong flags, a configuration that cannot be used, or a file that cannot
	exitStopped = 3 // it ended early, and can be resumed
)

// program is what the operating system gives a run, and what a test gives it instead.
type program struct {
	args     []string
	environ  []string // "NAME=value"
	stdin    io.Reader
	stdout   io.Writer
	stderr   io.Writer
	terminal bool // stderr is one

	transport http.RoundTripper // to Microsoft; nil: the network
	clock     *entratest.Clock  // nil: real time
	random    io.Reader         // nil: the system's
}

// run does what the flags say and returns the exit code.
func run(ctx context.Context, p program) int {
	f, err := parseFlags(p.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(p.stdout)
		return exitOK
	case err != nil:
		return p.misused(err)
	}
	j, err := p.prepare(ctx, f)
	if err != nil {
		return p.misused(err)
	}
	defer j.close()
	if f.dryRun {
		return j.rehearse(ctx)
	}
	return j.provision(ctx)
}

// misused prints everything that is wrong with the command line, the configuration or a file.
func (p program) misused(err error) int {
	terminal.Complain(p.stderr, "provision", err)
	return exitUsage
}

func (p program) now() time.Time {
	if p.clock != nil {
		return p.clock.Now()
	}
	return time.Now()
}

func (p program) sleep(ctx context.Context, d time.Duration) error {
	if p.clock != nil {
		return p.clock.Sleep(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
