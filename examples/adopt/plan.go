package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/provision"
)

// plan says what would change.
func (p program) plan(ctx context.Context, f flags) int {
	rules, err := f.rules()
	s, connectErr := p.connect(ctx, f, "")
	if err := errors.Join(err, connectErr, document.Absent(f.out, "-out")); err != nil {
		return p.Misused(err)
	}
	rules.Domain = s.domain
	adoption, err := s.people.Adoption(rules)
	if err != nil {
		return p.Misused(err)
	}
	hide := s.progress.Show(ctx)
	plan, err := adoption.Plan(ctx)
	hide()
	if err != nil {
		return s.close(p.Stopped(err, "nothing was changed"))
	}
	return s.close(s.report(plan))
}

// rules are what the flags say of the ImmutableIDs.
func (f flags) rules() (rules provision.AdoptionRules, err error) {
	rules = provision.AdoptionRules{Source: sources()[f.by], Replace: f.replace}
	if f.table != "" {
		rules.Table, err = readTable(f.table)
	}
	if f.connection != "" {
		rules.ImmutableID = func(value string) (string, error) {
			return provision.ImmutableIDFromSubject(f.connection, value), nil
		}
	}
	return rules, err
}

func readTable(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	table, err := provision.ReadAdoptionTable(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return table, nil
}

// report writes and prints the plan.
func (s *session) report(plan provision.AdoptionPlan) int {
	if s.flags.out != "" {
		if err := document.Create(s.flags.out, plan); err != nil {
			return s.Misused(err)
		}
	}
	chart := s.newChart(plan)
	show := chart.print
	if s.flags.json {
		show = func(w io.Writer) error { return document.Print(w, plan) }
	}
	if err := show(s.Stdout); err != nil {
		return s.Stopped(err, "nothing was changed")
	}
	if s.flags.out != "" {
		s.Say("the plan is in %s", s.flags.out)
	}
	return chart.code()
}
