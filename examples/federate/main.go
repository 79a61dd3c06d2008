package main

import (
	"os"

	"github.com/entrafed/entrafed/examples/internal/command"
)

func main() { os.Exit(run(command.Interruptible(), program{command.Process("federate")})) }
