package main

import (
	"fmt"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/userfile"
)

// hashPassword reads a password from standard input and prints its hash.
func (p program) hashPassword() int {
	password, err := userfile.ReadPassword(p.Stdin)
	if err != nil {
		p.Say("%v", err)
		return command.ExitFailed
	}
	hash, err := userfile.NewHash(password, userfile.MinIterations)
	if err != nil {
		p.Say("the password could not be hashed: %v", err)
		return command.ExitFailed
	}
	fmt.Fprintln(p.Stdout, hash)
	return command.ExitOK
}
