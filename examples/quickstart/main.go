// Command quickstart shows the whole of entrafed on one machine: somebody with an account elsewhere is provisioned,
// licensed and signed in to a simulated Microsoft 365, by the packages that would do it for a real tenant.
//
//	go run ./examples/quickstart          serves a page to try it in a browser
//	go run ./examples/quickstart -once    runs one sign-in by itself and prints each step
//
// It needs no network, no account and no other software.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation/entratest"
)

const usage = `quickstart shows somebody being provisioned, licensed and signed in to a simulated Microsoft 365.

  go run ./examples/quickstart
      Serves an identity provider and the simulated tenant on this machine. Open the address that it prints.

  go run ./examples/quickstart -once [-person NAME] [-dump DIR] [-json]
      Runs one sign-in by itself, prints each step with its time, and ends with 0 only if the simulated Microsoft 365
      says who signed in. The first sign-in of a person takes about 20 seconds: as long as a real tenant needs until
      its sign-in service knows a new account.

  go run ./examples/quickstart -state DIR
      Keeps the accounts, the keys and what was promised to whom in the directory. End the program in the middle of a
      provisioning, in any way, and start it again: it finishes what was begun, and nobody gets a second account.

People: google, linkedin (both new), directory (owned by a directory sync), nolicense (no seat is left), returning.

Exit codes: 0 it worked, 1 nobody was signed in, 2 the command line is wrong.

Flags:
`

// options are what the command line says.
type options struct {
	addr, tenantAddr string
	once             bool
	person           string
	dump             string
	json             bool
	lag              string
	seed             uint64
	verbose          bool
	state            string
}

func main() {
	os.Exit(run(command.Interruptible(), os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return command.ExitOK
	case err != nil:
		fmt.Fprintln(stderr, "quickstart:", err)
		return command.ExitUsage
	}
	if o.once {
		err = runOnce(ctx, o, stdout, stderr)
	} else {
		err = serve(ctx, o, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
		return command.ExitFailed
	}
	return command.ExitOK
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() { fmt.Fprint(stderr, usage); flags.PrintDefaults() }
	flags.StringVar(&o.addr, "addr", "127.0.0.1:8080", "`address` of the identity provider, on this machine")
	flags.StringVar(&o.tenantAddr, "tenant-addr", "127.0.0.1:8090", "`address` of the simulated tenant, on this machine")
	flags.BoolVar(&o.once, "once", false, "run one sign-in without a browser, and end")
	flags.StringVar(&o.person, "person", "google", "who signs in with -once: google, linkedin, directory, nolicense or returning")
	flags.StringVar(&o.dump, "dump", "", "with -once, write the messages, the keys and the Graph exchanges to this `directory`")
	flags.BoolVar(&o.json, "json", false, "with -once, print the summary as JSON")
	flags.StringVar(&o.lag, "lag", "normal", "how far the tenant's replicas trail behind: none, fast, normal or bad")
	flags.Uint64Var(&o.seed, "seed", 0, "a number that decides the tenant's randomness; 0 chooses one")
	flags.StringVar(&o.state, "state", "", "keep everything in this `directory`, to be stopped or killed and started again")
	flags.BoolVar(&o.verbose, "v", false, "log what happens to standard error")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	return o, o.check(flags.Args())
}

func (o options) check(rest []string) error {
	actors, err := cast()
	if err != nil {
		return err
	}
	var errs []error
	if len(rest) > 0 {
		errs = append(errs, fmt.Errorf("%q is not a flag: see -h", rest[0]))
	}
	if _, err := find(actors, o.person); err != nil {
		errs = append(errs, fmt.Errorf("-person: %w", err))
	}
	if _, known := lags[o.lag]; !known {
		errs = append(errs, fmt.Errorf("-lag: %q is none of none, fast, normal and bad", o.lag))
	}
	if o.state != "" && o.seed != 0 {
		errs = append(errs, errors.New("-seed and -state exclude each other: the tenant would choose the same identifiers again"))
	}
	if !o.once && (o.dump != "" || o.json) {
		errs = append(errs, errors.New("-dump and -json need -once"))
	}
	return errors.Join(errs...)
}

var lags = map[string]entratest.Lag{
	"none": entratest.LagNone, "fast": entratest.LagFast, "normal": entratest.LagNormal, "bad": entratest.LagBad,
}

func (o options) logger(stderr io.Writer) *slog.Logger {
	if !o.verbose {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
