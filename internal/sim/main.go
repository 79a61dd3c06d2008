package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// Exit codes.
const (
	exitOK          = 0
	exitViolation   = 1
	exitUsage       = 2
	exitInterrupted = 3
)

func main() {
	debug.SetGCPercent(3000) // histories are small and many: time is worth more than memory
	growStacks()
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
		fmt.Fprintf(stderr, "sim: %v\nTry sim -h.\n", err)
		return exitUsage
	}
	result := simulateAll(ctx, opts, stdout, newProgress(stderr, opts))
	if opts.json {
		printJSON(stdout, result)
	} else {
		printSummary(stdout, result)
	}
	switch {
	case len(result.bad) > 0:
		explain(stderr, result)
		return exitViolation
	case result.histories < result.asked:
		return exitInterrupted
	}
	return exitOK
}
