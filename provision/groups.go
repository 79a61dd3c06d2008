package provision

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// groups makes the account a member of the groups of the rules.
func (r *run) groups(ctx context.Context) (outcome, error) {
	if len(r.rules.Groups) == 0 || !r.rec.JoinedAt.IsZero() {
		return skipped, nil
	}
	for _, name := range r.rules.Groups {
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

// joinGroup makes the account a member of a group that findGroup found. Being one already is a success. A group that
// was deleted since it was found is looked up by its name once more.
func (r *run) joinGroup(ctx context.Context, group Group) error {
	err := r.join(ctx, group)
	if !errors.Is(err, errGroupGone) {
		return err
	}
	name := r.groupNames[group.ObjectID]
	r.p.groups.forget(group.ObjectID)
	if name == "" {
		return err
	}
	if group, err = r.findGroup(ctx, name); err != nil {
		return err
	}
	return r.join(ctx, group)
}

// join has the account added, again and again while it has not reached every replica.
func (r *run) join(ctx context.Context, group Group) error {
	if r.joined[group.ObjectID] {
		return nil
	}
	add := joining{by: &r.caller, objectID: r.rec.ObjectID, untried: r.fresh && !r.rec.Adopted}
	for attempt := 1; ; attempt++ {
		if err := r.ripen(ctx); err != nil {
			return err
		}
		result, err := share(ctx, r.p.joins, lane{group.ObjectID, r.priority}, add)
		switch {
		case err == errHurried:
			continue
		case err == nil:
			r.rememberJoined(group)
			r.log.InfoContext(ctx, "joined a group", "object", r.rec.ObjectID, "group", group.ObjectID)
			return nil
		case errors.Is(err, errGroupGone) || !temporaryOrMissing(err):
			return groupRefused(group, err)
		}
		add.untried = add.untried && !result.unsure
		r.ripe = r.ripe && !missingReference(err)
		if err := r.pause(ctx, attempt, err); err != nil {
			return err
		}
	}
}

// rememberJoined saves a second write where a group is named twice.
func (r *run) rememberJoined(group Group) {
	if r.joined == nil {
		r.joined = make(map[string]bool)
	}
	r.joined[group.ObjectID] = true
}

// looksPerLeave is how often the directory must say that the account is no member of a group: a replica that lags behind
// may not know the membership yet. Of an account that may have joined a moment ago it must say so for as long as a seat
// is doubted.
const looksPerLeave = 3

// leaveGroup takes the account out of a group. Being no member is a success.
func (r *run) leaveGroup(ctx context.Context, groupID string) error {
	groups, err := r.p.groupDirectory()
	if err != nil {
		return err
	}
	enough := r.p.now()
	if r.joinedLately(groupID) {
		enough = enough.Add(r.p.settle.seatDoubt())
	}
	for look := 1; ; look++ {
		err := r.retry(ctx, opRemoveMember, writing, temporary, func(ctx context.Context) error {
			return groups.RemoveMember(ctx, groupID, r.rec.ObjectID)
		})
		switch {
		case err == nil:
			r.log.InfoContext(ctx, "group left", "object", r.rec.ObjectID, "group", groupID)
		case !errors.Is(err, ErrNotFound):
			return groupRefused(Group{ObjectID: groupID}, err)
		case look < looksPerLeave || r.p.now().Before(enough):
			if err := r.pause(ctx, look, err); err != nil {
				return err
			}
			continue
		}
		delete(r.joined, groupID)
		return nil
	}
}

// joinedLately reports whether the account may have become a member so short a time ago that not every replica knows. Of a
// group that gives a licence the record may have the intention, and no time.
func (r *run) joinedLately(groupID string) bool {
	if r.rec.LicensedAt.IsZero() && slices.Contains(marksOf(r.rec.Licenses), groupMark+groupID) {
		return true
	}
	now := r.p.now()
	return now.Sub(r.rec.JoinedAt) < maxLag || now.Sub(r.rec.LicensedAt) < maxLag
}

// groupDirectory is the directory's part that knows groups.
func (p *Provisioner) groupDirectory() (Groups, error) {
	groups, ok := p.directory.(Groups)
	if !ok {
		return nil, errNoGroups
	}
	return groups, nil
}

var errNoGroups = errors.New("the Directory does not implement Groups")

// GroupError says that a group of the rules does not exist, or does not take people in or let them go. It wraps what the
// directory said.
type GroupError struct {
	Group   string // the object ID or the uniqueName by which it was looked for
	Problem string // what is wrong with it, and the remedy
	Err     error  // what the directory said; may be nil
}

func (e *GroupError) Error() string {
	text := fmt.Sprintf("group %q: %s", e.Group, e.Problem)
	if e.Err != nil {
		text += fmt.Sprintf(": %v", e.Err)
	}
	return text
}

// Unwrap returns what the directory said.
func (e *GroupError) Unwrap() error { return e.Err }

// groupRefused names the group whose members the directory does not let us change. Other errors stay as they are.
func groupRefused(group Group, err error) error {
	var answer *DirectoryError
	if !errors.As(err, &answer) || temporary(err) {
		return err
	}
	name := group.ObjectID
	if group.UniqueName != "" {
		name = fmt.Sprintf("%s (%s)", group.UniqueName, group.ObjectID)
	}
	switch {
	case errors.Is(err, errGroupGone):
		return &GroupError{Group: name, Err: err, Problem: "it was deleted: restore it, or take it out of the rules"}
	case answer.Status == http.StatusForbidden:
		return &GroupError{Group: name, Err: err, Problem: "the application may not change its members: a group with a " +
			"membership rule (dynamic) has none assigned, and one to which roles can be assigned also needs " +
			"RoleManagement.ReadWrite.Directory; name another group, or grant the permission"}
	case answer.Status == http.StatusBadRequest:
		return &GroupError{Group: name, Err: err, Problem: "its members cannot be changed in the directory: a directory " +
			"sync, Exchange or a membership rule owns them; name a security or Microsoft 365 group with assigned members"}
	}
	return err
}
