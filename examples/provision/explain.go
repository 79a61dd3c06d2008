package main

import (
	"encoding/json"
	"fmt"

	"github.com/entrafed/entrafed/examples/internal/terminal"
	"github.com/entrafed/entrafed/provision"
)

// explained is a line of -explain -json.
type explained struct {
	reportLine
	Explanation *provision.Explanation `json:"explanation,omitempty"` // none of a line that cannot be read
}

// explain prints what would become of a person, and why.
func (r *rehearsal) explain(line reportLine, one *rehearsed) error {
	r.progress.Clear()
	known := one.explanation.Why != ""
	if r.flags.json {
		all := explained{reportLine: line}
		if known {
			all.Explanation = &one.explanation
		}
		encoder := json.NewEncoder(r.Stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(all)
	}
	text := line.Outcome + ": " + line.Operator
	if known {
		text = one.explanation.String()
	}
	_, err := fmt.Fprintf(r.Stdout, "line %d: %s\n", line.Line, terminal.Plain(text))
	return err
}
