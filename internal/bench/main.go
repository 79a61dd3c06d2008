package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run does what the flags say and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parseFlags(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printHelp(stdout)
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "bench: %v\nTry bench -h.\n", err)
		return exitUsage
	}
	measured := compare
	if opts.provision {
		measured = measurePipeline
	}
	if err := measured(ctx, opts, stdout, stderr); err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return exitFailure
	}
	return exitOK
}

var errNothingMeasured = errors.New("interrupted before the first round was complete: there is nothing to show")

// compare measures all cells and prints the result. If it is interrupted, it prints that of the rounds so far.
func compare(ctx context.Context, opts options, stdout, stderr io.Writer) error {
	cells, err := newCells(newSignIn())
	if err != nil {
		return err
	}
	rounds, err := measureRounds(ctx, cells, opts, stderr)
	if err != nil {
		return err
	}
	if len(rounds) == 0 {
		return errNothingMeasured
	}
	if len(rounds) < opts.rounds {
		fmt.Fprintf(stderr, "bench: interrupted; the result is that of %s\n", counted(len(rounds), "complete round"))
	}
	rows := summarise(cells, rounds)
	if opts.json {
		return printJSON(stdout, rows)
	}
	return printTable(stdout, rows, len(rounds), opts)
}
