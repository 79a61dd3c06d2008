// Package command is what the commands have in common: what the operating system gives them, how their flags are read
// and explained, how they ask before they change anything, and with what exit codes they end.
package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation/entratest"
)

// Exit codes. What a failure is, each command's -h says.
const (
	ExitOK      = 0
	ExitFailed  = 1
	ExitUsage   = 2 // wrong flags, a configuration or a file that cannot be used, or nobody said yes: nothing was done
	ExitStopped = 3 // it ended early, and can be gone on with
)

// Program is what the operating system gives a run of a command, and what a test gives it instead.
type Program struct {
	Name    string // as it is typed
	Args    []string
	Environ []string // "NAME=value"

	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer

	// Which of these are terminals: there is somebody to ask, who sees colours, and a bar that moves.
	InTerminal, OutTerminal, ErrTerminal bool

	Transport http.RoundTripper // to Microsoft; nil: the network
	Clock     *entratest.Clock  // nil: real time
}

// Process is this process, as a command of that name.
func Process(name string) Program {
	return Program{
		Name: name, Args: os.Args[1:], Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		InTerminal: terminal.Is(os.Stdin), OutTerminal: terminal.Is(os.Stdout), ErrTerminal: terminal.Is(os.Stderr),
	}
}

// Interruptible returns a context that ends at Ctrl-C or SIGTERM. A second one ends the process at once.
func Interruptible() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// Now is the time.
func (p Program) Now() time.Time {
	if p.Clock != nil {
		return p.Clock.Now()
	}
	return time.Now()
}

// Sleep waits until d is over or ctx ends.
func (p Program) Sleep(ctx context.Context, d time.Duration) error {
	if p.Clock != nil {
		return p.Clock.Sleep(ctx, d)
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

// Misused prints everything that is wrong with the command line, the configuration or a file, each on a line.
func (p Program) Misused(err error) (code int) {
	p.Say("%s", plainError(err))
	fmt.Fprintf(p.Stderr, "Try %s -h.\n", p.Name)
	return ExitUsage
}

// Stopped prints why the work ended early, and what is to be done about it.
func (p Program) Stopped(err error, remedy string) (code int) {
	p.Say("%s", plainError(err))
	p.Say("%s", remedy)
	return ExitStopped
}

// plainError says what is wrong, without the name of the package that found it.
func plainError(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimPrefix(line, "provision: "), "federation: ")
	}
	return strings.Join(lines, "\n")
}

// Say prints something about the work itself, each line after the command's name.
func (p Program) Say(format string, args ...any) {
	for line := range strings.SplitSeq(fmt.Sprintf(format, args...), "\n") {
		fmt.Fprintln(p.Stderr, p.Name+":", terminal.Plain(line))
	}
}

// Coloured reports whether standard output is to have colours: only on a terminal, and not where https://no-color.org or
// a dumb terminal says no.
func (p Program) Coloured() bool {
	refused := func(variable string) bool {
		value, found := strings.CutPrefix(variable, "NO_COLOR=")
		return found && value != ""
	}
	return p.OutTerminal && !terminal.Dumb(p.Environ) && !slices.ContainsFunc(p.Environ, refused)
}

// Progress shows on standard error how far the run is: as a bar only where the log, if it is wanted, does not cut it up.
func (p Program) Progress(log bool) *terminal.Progress {
	return terminal.NewProgress(p.Name, p.Stderr, p.ErrTerminal && !log && !terminal.Dumb(p.Environ), p.Now)
}
