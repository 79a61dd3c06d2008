package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/entrafed/entrafed/examples/internal/terminal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, program{
		args: os.Args[1:], environ: os.Environ(),
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, terminal: terminal.Is(os.Stderr),
	}))
}
