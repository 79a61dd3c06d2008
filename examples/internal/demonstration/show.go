package demonstration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation/entratest"
)

// Show is an example: a program that serves a host behind the Bridge, in front of a simulated tenant.
type Show struct {
	Name    string        // of the command
	Adapter string        // the folder in adapters of the one that is shown
	Is      string        // what it is, as -h says it: whole sentences
	Flags   command.Flags // beside -addr; nil: there are no others

	// Check says what is wrong with the flags. nil: nothing can be.
	Check func() error

	// Host makes the host.
	Host func(context.Context, *Demonstration) (http.Handler, error)
}

// Main is the main function of an example.
func (s Show) Main() { os.Exit(s.Run(command.Interruptible(), command.Process(s.Name))) }

// Run does what the command line says until ctx ends, and returns the exit code.
func (s Show) Run(ctx context.Context, p command.Program) (code int) {
	address := "127.0.0.1:8080"
	var own command.Flags
	own.Add(&address, "addr", "ADDRESS", "where it listens, on this machine; 127.0.0.1:8080 if it is not given")
	flags := slices.Concat(own, s.Flags)
	err := s.parse(flags, p.Args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		s.help(p.Stdout, flags)
		return command.ExitOK
	case err != nil:
		return p.Misused(err)
	}
	if err := s.serve(ctx, address, p.Stdout); err != nil {
		p.Say("%s", err)
		return command.ExitFailed
	}
	return command.ExitOK
}

func (s Show) parse(flags command.Flags, args []string) error {
	others, err := command.ParseMixed(flags.Set(s.Name, ""), args)
	switch {
	case err != nil:
		return err
	case len(others) > 0:
		return fmt.Errorf("%q is not a flag", others[0])
	case s.Check != nil:
		return s.Check()
	}
	return nil
}

func (s Show) serve(ctx context.Context, address string, stdout io.Writer) error {
	demo, err := Open(address, entratest.LagNormal)
	if err != nil {
		return err
	}
	host, err := s.Host(ctx, demo)
	if err != nil {
		return errors.Join(err, demo.Close())
	}
	fmt.Fprintf(stdout, "Open %s and sign in as %s. Ctrl-C ends it.\n", demo.SmartLink(), demo.Visitor)
	return demo.Serve(ctx, host)
}

const walk = `
Open the address that it prints. You see the sign-in page, then the steps of a first sign-in, and then a document of Microsoft
365. That takes about 20 seconds: as long as a real tenant needs until its sign-in service knows a new account. The Microsoft
365 is simulated by this program, and forgotten when it ends.

All that the host had to add stands in examples/%s/main.go, between "entrafed: begin" and "entrafed: end". What it needs in
front of a real tenant is explained in adapters/%s/README.md.

Flags:
`

const exitCodes = `
Exit codes: 0 Ctrl-C has ended it, 1 it cannot go on, 2 the command line is wrong.
`

func (s Show) help(w io.Writer, flags command.Flags) {
	fmt.Fprintf(w, "%s\n\n  go run ./examples/%s\n", s.Is, s.Name)
	fmt.Fprintf(w, walk, s.Name, s.Adapter)
	flags.Print(w)
	fmt.Fprint(w, exitCodes)
}
