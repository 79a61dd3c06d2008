package main

import (
	"fmt"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/provision"
)

// readPlan reads a plan and checks it.
func readPlan(path string) (plan provision.AdoptionPlan, err error) {
	if err := document.Read(path, &plan); err != nil {
		return plan, err
	}
	if err := plan.Validate(); err != nil {
		return plan, fmt.Errorf("%s: %w", path, err)
	}
	return plan, nil
}
