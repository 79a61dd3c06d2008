package main

import (
	"fmt"

	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/examples/internal/keyfile"
	"github.com/entrafed/entrafed/examples/internal/userfile"
)

// readUsersFile reads the people who may sign in.
func readUsersFile(e *environment.Variables, rules userfile.Rules) *userfile.Users {
	path := e.Required(varUsers)
	if path == "" {
		return nil
	}
	content, err := keyfile.ReadGuarded(path, 0o027, "others could read the password hashes or add people: chmod 600 "+path)
	if err != nil {
		e.Check(varUsers, err)
		return nil
	}
	list, problems := userfile.Parse(content, rules)
	for _, problem := range problems {
		e.Check(varUsers, fmt.Errorf("%s: %w", path, problem))
	}
	if len(problems) > 0 {
		return nil
	}
	return userfile.New(list, userfile.MinIterations)
}
