package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/document"
	"github.com/entrafed/entrafed/provision"
)

// apply carries out a plan.
func (p program) apply(ctx context.Context, f flags) int {
	plan, err := readPlan(f.file)
	if err != nil {
		return p.Misused(err)
	}
	s, err := p.connect(ctx, f, plan.Domain)
	if err := errors.Join(err, f.checkUndo(plan)); err != nil {
		return p.Misused(err)
	}
	changes := countChanges(plan)
	if changes == 0 {
		p.Say("nothing is to be changed")
		return s.close(s.newResults(0).finish(doneNothing(plan), nil, ""))
	}
	detourBy, err := s.detourBy(ctx)
	switch {
	case errors.Is(err, errInitialDomain):
		return p.Misused(err)
	case err != nil:
		return s.close(p.Stopped(err, "nothing was changed"))
	}
	adoption, err := s.people.Adoption(s.fromPlan(detourBy))
	if err != nil {
		return p.Misused(err)
	}
	if code, ok := p.Confirm(ctx, f.yes, s.question(plan, changes, detourBy)); !ok {
		return s.close(code)
	}
	undo, err := f.openUndo()
	if err != nil {
		return p.Misused(err)
	}
	r := s.newResults(changes)
	hide := s.progress.Show(ctx)
	done, err := adoption.Apply(r.gently(ctx), plan, undo, r.add)
	hide()
	err = errors.Join(err, undo.Close())
	return s.close(r.finish(done, err, fmt.Sprintf("to go on: adopt apply %s -undo %s -resume, with the same other flags; "+
		"to go back: adopt undo %s", f.file, f.undo, f.undo)))
}

// countChanges is how many users a plan changes.
func countChanges(plan provision.AdoptionPlan) (n int) {
	for _, item := range plan.Items {
		if item.Action == provision.AdoptSet || item.Action == provision.AdoptReplace {
			n++
		}
	}
	return n
}

// doneNothing is the result of a plan that changes nobody.
func doneNothing(plan provision.AdoptionPlan) (done provision.AdoptionDone) {
	for _, item := range plan.Items {
		if item.Action == provision.AdoptKeep {
			done.Kept++
		} else {
			done.Left++
		}
	}
	return done
}

// detourBy is the domain of the detours, or "" for none. The tenant's users tell it, in a list of all of them.
func (s *session) detourBy(ctx context.Context) (string, error) {
	if !s.flags.detour || s.flags.initialDomain != "" {
		return strings.ToLower(s.flags.initialDomain), nil
	}
	adoption, err := s.people.Adoption(s.fromPlan(""))
	if err != nil {
		return "", err
	}
	if _, err := adoption.Plan(ctx); err != nil {
		return "", err
	}
	domains := slices.Sorted(maps.Keys(s.directory.initial))
	switch len(domains) {
	case 0:
		return "", fmt.Errorf("%w: no user is in an onmicrosoft.com domain", errInitialDomain)
	case 1:
		return domains[0], nil
	}
	return "", fmt.Errorf("%w: users are in %s", errInitialDomain, strings.Join(domains, ", "))
}

// question is what is asked before anything is changed.
func (s *session) question(plan provision.AdoptionPlan, changes int, detourBy string) string {
	replaced := 0
	for _, item := range plan.Items {
		if item.Action == provision.AdoptReplace {
			replaced++
		}
	}
	text := fmt.Sprintf("Tenant %s: %d users of %s get ImmutableIDs; %d of them have another one now. Planned %v ago.\n",
		s.tenant, changes, plan.Domain, replaced, s.Now().Sub(plan.At).Round(time.Minute))
	if detourBy != "" {
		text += fmt.Sprintf("Where the change is refused, the UPN is in %s meanwhile, and the user cannot sign in.\n", detourBy)
	}
	return text
}

// checkUndo refuses an undo file that is there, or with -resume one that is not there or is of another domain.
func (f flags) checkUndo(plan provision.AdoptionPlan) error {
	if !f.resume {
		if err := document.Absent(f.undo, "-undo"); err != nil {
			return fmt.Errorf("%w: go on with it by -resume, or give another file", err)
		}
		return nil
	}
	records, err := readUndo(f.undo)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is nothing to go on with: %w", err)
	case err != nil:
		return err
	case records.domain != "" && !strings.EqualFold(records.domain, plan.Domain):
		return fmt.Errorf("%s is about users of %s, and the plan about those of %s", f.undo, records.domain, plan.Domain)
	}
	return nil
}

// openUndo opens the undo file, a new one if it is not gone on with.
func (f flags) openUndo() (*os.File, error) {
	mode := os.O_WRONLY | os.O_APPEND
	if !f.resume {
		mode |= os.O_CREATE | os.O_EXCL
	}
	file, err := os.OpenFile(f.undo, mode, 0o600)
	if err == nil && !f.resume {
		syncFolder(filepath.Dir(f.undo))
	}
	return file, err
}

// syncFolder makes a new file's name last, where the system lets folders be synced.
func syncFolder(path string) {
	if folder, err := os.Open(path); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
}

// undo makes users as they were before.
func (p program) undo(ctx context.Context, f flags) int {
	records, err := readUndo(f.file)
	if err != nil {
		return p.Misused(err)
	}
	if records.users == 0 {
		p.Say("%s has nothing to undo", f.file)
		return command.ExitOK
	}
	s, err := p.connect(ctx, f, records.domain)
	if err != nil {
		return p.Misused(err)
	}
	adoption, err := s.people.Adoption(s.fromPlan(""))
	if err != nil {
		return p.Misused(err)
	}
	question := fmt.Sprintf("Tenant %s: %d users of %s become as they were; %d of them had no ImmutableID.\n", s.tenant,
		records.users, records.domain, records.bare)
	if code, ok := p.Confirm(ctx, f.yes, question); !ok {
		return s.close(code)
	}
	file, err := os.Open(f.file)
	if err != nil {
		return p.Misused(err)
	}
	defer file.Close()
	r := s.newResults(records.users)
	hide := s.progress.Show(ctx)
	done, err := adoption.Undo(r.gently(ctx), file, r.add)
	hide()
	return s.close(r.finish(done, err, "to go on: adopt undo "+f.file))
}
