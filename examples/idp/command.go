package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // wrong flags, or a configuration that cannot be used
)

// program is what the operating system gives a run, and what a test gives it instead.
type program struct {
	args    []string
	environ []string // "NAME=value"
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer

	transport http.RoundTripper // to Microsoft; nil: the network
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error // between two looks at an account; nil: real time
	listening func(net.Addr)                             // is told where the server listens; nil: nobody is
}

// run does what the flags say and returns the exit code.
func run(ctx context.Context, p program) int {
	flags, err := parseFlags(p.args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(p.stdout)
		return exitOK
	case err != nil:
		fmt.Fprintf(p.stderr, "idp: %v\nTry idp -h.\n", err)
		return exitUsage
	case flags.hashPassword:
		return p.hashPassword()
	case flags.printFederation:
		return p.printFederation()
	case flags.check:
		return p.check(ctx, flags.json)
	}
	return p.serve(ctx)
}

// commandFlags are the flags. At most one of the first three is set; without any the program serves.
type commandFlags struct{ check, printFederation, hashPassword, json bool }

// flagUsage is what -h says about a flag.
type flagUsage struct{ name, usage string }

func flagUsages() []flagUsage {
	return []flagUsage{
		{"check", "try the configuration: get a token, look at the directory and at the licences; start nothing"},
		{"json", "with -check: print the result as JSON"},
		{"print-federation", "print the values for the domain's federationConfiguration in Microsoft Graph, as JSON"},
		{"hash-password", "read a password from standard input and print its hash for the users file"},
	}
}

func parseFlags(args []string) (f commandFlags, err error) {
	set := flag.NewFlagSet("idp", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are printed by run, once
	set.BoolVar(&f.check, "check", false, "")
	set.BoolVar(&f.json, "json", false, "")
	set.BoolVar(&f.printFederation, "print-federation", false, "")
	set.BoolVar(&f.hashPassword, "hash-password", false, "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	chosen := slices.DeleteFunc([]bool{f.check, f.printFederation, f.hashPassword}, func(set bool) bool { return !set })
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("%q is not a flag: the configuration comes from environment variables", set.Arg(0))
	case len(chosen) > 1:
		return f, errors.New("-check, -print-federation and -hash-password exclude each other")
	case f.json && !f.check:
		return f, errors.New("-json goes with -check only")
	}
	return f, nil
}

// serve runs the identity provider until ctx ends.
func (p program) serve(ctx context.Context) int {
	log := newLog(p.stderr)
	settings, err := readSettings(p.environ, p.now())
	if err != nil {
		return p.refuse(err)
	}
	kept, err := settings.database.open(ctx, p.now, log)
	if err != nil {
		log.Error("not started", "error", err)
		return exitFailure
	}
	defer kept.close()
	idp, err := newIdentityProvider(settings, kept, p.outside(log))
	if err != nil {
		return p.refuse(err)
	}
	settings.announce(log, p.now())
	if err := idp.listenAndServe(ctx, settings, p.listening); err != nil {
		log.Error("stopped", "error", err)
		return exitFailure
	}
	log.Info("stopped")
	return exitOK
}

// refuse prints the one list of what is wrong with the configuration.
func (p program) refuse(err error) int {
	fmt.Fprintln(p.stderr, err)
	return exitUsage
}
