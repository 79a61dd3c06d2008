package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/terminal"
)

// minute is how exactly the age of a plan is told.
const minute = time.Minute

// confirm asks before anything is changed, and says whether to go on; if not, with which exit code to end.
func (p program) confirm(ctx context.Context, yes bool, question string) (code int, ok bool) {
	if yes {
		return exitOK, true
	}
	if !p.asks {
		p.say("standard input is no terminal, so nobody can be asked: give -yes")
		return exitUsage, false
	}
	fmt.Fprint(p.stderr, terminal.Plain(question), `Type "yes" to go on: `)
	answer := make(chan string, 1)
	go func() { // it is left behind in its read if the program is interrupted
		line, _ := bufio.NewReader(p.stdin).ReadString('\n') // an end without a line is no yes
		answer <- strings.TrimSpace(line)
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(p.stderr)
		return p.stopped(ctx.Err(), "nothing was changed"), false
	case text := <-answer:
		if text == "yes" {
			return exitOK, true
		}
		p.say("the answer was not yes, so nothing was changed. Scripts give -yes")
		return exitUsage, false
	}
}
