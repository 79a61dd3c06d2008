package command

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/entrafed/entrafed/examples/internal/terminal"
)

// Confirm asks before anything is changed, and says whether to go on; if not, with which exit code to end. yes is the
// answer that the command line gave already.
func (p Program) Confirm(ctx context.Context, yes bool, question string) (code int, ok bool) {
	if yes {
		return ExitOK, true
	}
	if !p.InTerminal {
		p.Say("standard input is no terminal, so nobody can be asked: give -yes")
		return ExitUsage, false
	}
	fmt.Fprint(p.Stderr, terminal.Plain(question), `Type "yes" to go on: `)
	answer := make(chan string, 1)
	go func() { // it is left behind in its read if the program is interrupted
		line, _ := bufio.NewReader(p.Stdin).ReadString('\n') // an end without a line is no yes
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.Stderr)
		return p.Stopped(ctx.Err(), "nothing was changed"), false
	case text := <-answer:
		if text == "yes" {
			return ExitOK, true
		}
		p.Say("the answer was not yes, so nothing was changed. Scripts give -yes")
		return ExitUsage, false
	}
}
