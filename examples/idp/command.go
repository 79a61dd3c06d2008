package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"slices"

	"github.com/entrafed/entrafed/examples/internal/command"
)

// program is one run of the command.
type program struct {
	command.Program
	listening func(net.Addr) // is told where the server listens; nil: nobody is
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
	case f.hashPassword:
		return p.hashPassword()
	case f.printFederation:
		return p.printFederation()
	case f.check:
		return p.check(ctx, f.json)
	}
	return p.serve(ctx)
}

// flags are what the command line says. At most one of the first three is set; without any the program serves.
type flags struct{ check, printFederation, hashPassword, json bool }

// list are the flags.
func (f *flags) list() (all command.Flags) {
	all.Add(&f.check, "check", "",
		"try the configuration: get a token, look at the directory and at the licences; start nothing")
	all.Add(&f.json, "json", "", "with -check: print the result as JSON")
	all.Add(&f.printFederation, "print-federation", "",
		"print the values for the domain's federationConfiguration in Microsoft Graph, as JSON")
	all.Add(&f.hashPassword, "hash-password", "",
		"read a password from standard input and print its hash for the users file")
	return all
}

func parseFlags(args []string) (f flags, err error) {
	set := f.list().Set("idp", "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	chosen := slices.DeleteFunc([]bool{f.check, f.printFederation, f.hashPassword}, func(set bool) bool { return !set })
	var problems command.Problems
	problems.If(set.NArg() > 0, "%q is not a flag: the configuration comes from environment variables", set.Arg(0))
	problems.If(len(chosen) > 1, "-check, -print-federation and -hash-password exclude each other")
	problems.If(f.json && !f.check, "-json goes with -check only")
	return f, problems.Err()
}

// serve runs the identity provider until ctx ends.
func (p program) serve(ctx context.Context) int {
	log := newLog(p.Stderr)
	settings, err := readSettings(p.Environ, p.Now())
	if err != nil {
		return p.refuse(err)
	}
	kept, err := settings.database.open(ctx, p.Now, log)
	if err != nil {
		log.Error("not started", "error", err)
		return command.ExitFailed
	}
	defer kept.close()
	idp, err := newIdentityProvider(settings, kept, p.outside(log))
	if err != nil {
		return p.refuse(err)
	}
	settings.announce(log, p.Now())
	if err := idp.listenAndServe(ctx, settings, p.listening); err != nil {
		log.Error("stopped", "error", err)
		return command.ExitFailed
	}
	log.Info("stopped")
	return command.ExitOK
}

// refuse prints the one list of what is wrong with the configuration.
func (p program) refuse(err error) int {
	fmt.Fprintln(p.Stderr, err)
	return command.ExitUsage
}
