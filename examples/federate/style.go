package main

import (
	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/federation"
)

// style is how plans and diagnoses are printed: in colours where standard output has them.
func (s *session) style() federation.Style {
	if !s.Coloured() {
		return federation.Style{}
	}
	return federation.Style{
		Heading: terminal.Bold.Mark, Removed: terminal.Bad.Mark, Added: terminal.Good.Mark, Error: terminal.Bad.Mark,
		Warning: terminal.Warn.Mark, Notice: terminal.Dim.Mark,
	}
}
