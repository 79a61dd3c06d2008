package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// How often a manager is looked for, and how often the manager is set while the directory says that one of the two is
// missing, before the person goes on without.
const (
	looksPerManager  = 3
	writesPerManager = 6
)

// managerSupported refuses a person with a manager where the directory cannot name one, before anything is written.
func (r *run) managerSupported() error {
	if _, ok := r.p.directory.(Managers); r.person.Manager != "" && !ok {
		return errors.New("Person.Manager is set, but the Directory does not implement Managers: leave Manager empty, or " +
			"use a directory that does")
	}
	return nil
}

// manager makes the person's manager the account's. It is set again in each run until the person is ready.
//
// A manager who is not found, or whom the directory refuses, is logged and left out: nobody is kept from their work
// because of somebody else's account.
func (r *run) manager(ctx context.Context) (outcome, error) {
	manager, err := r.findManager(ctx)
	switch {
	case errors.Is(err, ErrNotFound):
		return r.withoutManager(ctx, "the manager is not in the directory", err)
	case err != nil:
		return done, err
	case manager.ObjectID == "" || strings.EqualFold(manager.ObjectID, r.rec.ObjectID):
		return r.withoutManager(ctx, "the manager cannot be the person themself, and must have an object ID", nil)
	}
	if err := r.ripen(ctx); err != nil {
		return done, err
	}
	err = r.setManager(ctx, manager.ObjectID)
	var answer *DirectoryError
	if missingReference(err) || errors.As(err, &answer) && answer.Status == http.StatusBadRequest && !temporary(err) {
		return r.withoutManager(ctx, "the directory refuses the manager", err)
	}
	return done, err
}

// findManager finds the manager by object ID or UPN. One who cannot be seen may be new.
func (r *run) findManager(ctx context.Context) (User, error) {
	key := UserKey{UserPrincipalName: r.person.Manager}
	if isObjectID(r.person.Manager) {
		key = UserKey{ObjectID: strings.ToLower(r.person.Manager)}
	}
	for look := 1; ; look++ {
		manager, err := r.find(ctx, key)
		if !errors.Is(err, ErrNotFound) || look == looksPerManager {
			return manager, err
		}
		if err := r.pause(ctx, look, err); err != nil {
			return User{}, err
		}
	}
}

// setManager names the manager, and again while either of the two has not reached the replica that answers.
func (r *run) setManager(ctx context.Context, managerID string) error {
	tries := 0
	again := func(err error) bool {
		if missingReference(err) {
			tries++
			return tries < writesPerManager
		}
		return temporary(err)
	}
	return r.retry(ctx, opSetManager, writing, again, func(ctx context.Context) error {
		return r.p.directory.(Managers).SetManager(ctx, r.rec.ObjectID, managerID)
	})
}

func (r *run) withoutManager(ctx context.Context, why string, err error) (outcome, error) {
	r.log.WarnContext(ctx, "the person has no manager in the directory", "why", why, "object", r.rec.ObjectID,
		"manager", r.person.Manager, "error", err)
	return skipped, nil
}

// validateManager checks the form of a manager.
func validateManager(manager string) error {
	if isObjectID(manager) {
		return nil
	}
	if err := ValidateUPN(manager); err != nil {
		return fmt.Errorf("the manager is neither an object ID (a GUID) nor a UPN: %w", err)
	}
	return nil
}
