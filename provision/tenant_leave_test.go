package provision_test

import (
	"context"
	"slices"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// laggingTenant is a tenant with licences by seat and by group, whose replicas show everything some time later.
type laggingTenant struct {
	*licenseTenant
	lag  time.Duration
	past map[string][]version           // of accounts, by object ID, the oldest first
	ties map[string]map[string]lifespan // of memberships, by group and object ID
}

// lifespan is since when somebody is a member of a group.
type lifespan struct{ since time.Time }

var _ provision.Accounts = (*laggingTenant)(nil)

func newLaggingTenant() *laggingTenant {
	return &laggingTenant{licenseTenant: newLicenseTenant(), past: make(map[string][]version),
		ties: make(map[string]map[string]lifespan)}
}

// note keeps what all accounts are like now, where that has changed.
func (t *laggingTenant) note() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.work()
	for _, u := range t.users {
		now := version{since: t.now(), user: u.User}
		now.user.SKUIDs, now.user.Licenses = slices.Clone(u.SKUIDs), slices.Clone(u.Licenses)
		t.past[u.ObjectID] = append(t.past[u.ObjectID], now)
	}
}

func (t *laggingTenant) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	defer t.note()
	return t.licenseTenant.CreateUser(ctx, n)
}

func (t *laggingTenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	t.note()
	user, err := t.licenseTenant.FindUser(ctx, key)
	if err != nil {
		return user, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, v := range slices.Backward(t.past[user.ObjectID]) {
		if !v.since.After(t.now().Add(-t.lag)) {
			return v.user, nil
		}
	}
	return provision.User{}, notFound()
}

func (t *laggingTenant) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	defer t.note()
	return t.licenseTenant.ChangeLicenses(ctx, objectID, change)
}

func (t *laggingTenant) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	err := t.licenseTenant.AddMembers(ctx, groupID, objectIDs)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ties[groupID] == nil {
		t.ties[groupID] = make(map[string]lifespan)
	}
	for _, id := range objectIDs {
		t.ties[groupID][id] = lifespan{t.now()}
	}
	return nil
}

// RemoveMember is answered by a replica, which does not know a membership that is younger than it lags.
func (t *laggingTenant) RemoveMember(ctx context.Context, groupID, objectID string) error {
	t.mu.Lock()
	tie, ok := t.ties[groupID][objectID]
	t.mu.Unlock()
	if ok && t.now().Sub(tie.since) < t.lag {
		_, err := t.begin(ctx, "RemoveMember", "")
		if err == nil {
			err = notFound()
		}
		return err
	}
	return t.licenseTenant.RemoveMember(ctx, groupID, objectID)
}

func (t *laggingTenant) UpdateUser(ctx context.Context, objectID string, change provision.UserChange) error {
	defer t.note()
	f, err := t.begin(ctx, "UpdateUser", describe(change))
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if change.AccountEnabled != nil {
		t.user(objectID).AccountEnabled = *change.AccountEnabled
	}
	return f.err
}

func (t *laggingTenant) RevokeSessions(ctx context.Context, _ string) error {
	f, err := t.begin(ctx, "RevokeSessions", "")
	if err != nil {
		return err
	}
	return f.err
}

func (t *laggingTenant) DeleteUser(ctx context.Context, _ string) error {
	f, err := t.begin(ctx, "DeleteUser", "")
	if err != nil {
		return err
	}
	return f.err
}
