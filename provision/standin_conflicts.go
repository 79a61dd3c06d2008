package provision

import (
	"context"
	"errors"
)

// removeLicenses takes back the seats that the account holds.
func (r *run) removeLicenses(ctx context.Context) error {
	user, err := r.find(ctx, UserKey{ObjectID: r.rec.ObjectID})
	if err != nil || len(user.SKUIDs) == 0 {
		return err
	}
	err = r.retry(ctx, writing, temporaryOrMissing, func(ctx context.Context) error {
		return r.p.directory.ChangeLicenses(ctx, r.rec.ObjectID, LicenseChange{Remove: user.SKUIDs})
	})
	var answer *DirectoryError
	if errors.As(err, &answer) && answer.says("does not have a corresponding license") {
		return nil
	}
	return err
}

// leaveGroup takes the account out of a group. Being no member is a success.
func (r *run) leaveGroup(ctx context.Context, groupID string) error {
	err := r.retry(ctx, writing, temporary, func(ctx context.Context) error {
		return r.p.directory.(Groups).RemoveMember(ctx, groupID, r.rec.ObjectID)
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
