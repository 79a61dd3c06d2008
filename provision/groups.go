package provision

import (
	"context"
	"errors"
)

// groups makes the account a member of the groups of the rules.
func (r *run) groups(ctx context.Context) (outcome, error) {
	if len(r.p.rules.Groups) == 0 || !r.rec.JoinedAt.IsZero() {
		return skipped, nil
	}
	for _, name := range r.p.rules.Groups {
		group, err := r.findGroup(ctx, name)
		if err == nil {
			err = r.joinGroup(ctx, group)
		}
		if err != nil {
			return done, err
		}
	}
	at := r.timestamp()
	return done, r.save(ctx, func(rec *Record) error {
		if rec.JoinedAt.IsZero() {
			rec.JoinedAt = at
		}
		return nil
	})
}

// findGroup finds a group by its object ID or its uniqueName.
func (r *run) findGroup(ctx context.Context, name string) (group Group, err error) {
	err = r.retry(ctx, reading, temporary, func(ctx context.Context) (err error) {
		group, err = r.p.directory.(Groups).FindGroup(ctx, GroupKey{UniqueName: name})
		return err
	})
	return group, err
}

// joinGroup makes the account a member of a group. Being one already is a success.
func (r *run) joinGroup(ctx context.Context, group Group) error {
	err := r.retry(ctx, writing, temporaryOrMissing, func(ctx context.Context) error {
		return r.p.directory.(Groups).AddMembers(ctx, group.ObjectID, []string{r.rec.ObjectID})
	})
	if errors.Is(err, ErrAlreadyMember) {
		return nil
	}
	return err
}
