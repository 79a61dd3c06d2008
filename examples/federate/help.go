package main

import (
	"io"

	"github.com/entrafed/entrafed/examples/internal/environment"
)

func printHelp(w io.Writer, command string) {}

func variables() []environment.Variable {
	return append([]environment.Variable{
		{Name: environment.Domain, Need: environment.Optional, Meaning: "the domain, where the command line does not say it"},
	}, environment.OfTheTenant()...)
}
