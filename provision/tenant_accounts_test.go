package provision_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// accountTenant is a tenant whose accounts are changed, deleted, restored and purged. Every call is answered by a replica,
// which may lag behind.
type accountTenant struct {
	*tenant

	history map[string][]version // by object ID, the oldest first
	members map[string][]string  // object IDs, by the group's uniqueName
	revoked map[string]time.Time // when sessions were ended, by object ID
	admins  map[string]bool      // whose accounts may not be changed

	replica     func() time.Duration // how far behind the replica is that answers the next call
	staysTaken  bool                 // the ImmutableID of a deleted user cannot be used again
	aliasOfUser bool                 // restoring clashes with an address that somebody has now
}

var (
	_ provision.Accounts     = (*accountTenant)(nil)
	_ provision.DeletedUsers = (*accountTenant)(nil)
	_ provision.Groups       = (*accountTenant)(nil)
)

// version is what an account was like since a time.
type version struct {
	since time.Time
	place string // "active", "deleted" or "purged"
	user  provision.User
}

func newAccountTenant() *accountTenant {
	return &accountTenant{
		tenant:  newTenant(),
		history: make(map[string][]version),
		members: make(map[string][]string),
		revoked: make(map[string]time.Time),
		admins:  make(map[string]bool),
		replica: func() time.Duration { return 0 },
	}
}

// had adds an account that somebody else made long ago.
func (t *accountTenant) had(immutableID, upn string, change ...func(*provision.User)) *tenantUser {
	u := t.has(immutableID, upn)
	u.CreatedAt = time.Now().Add(-1000 * time.Hour)
	for _, c := range change {
		c(&u.User)
	}
	t.history[u.ObjectID] = []version{{place: "active", user: u.User}}
	return u
}

// hadDeleted adds an account that somebody else made and deleted long ago.
func (t *accountTenant) hadDeleted(immutableID, upn string, change ...func(*provision.User)) *tenantUser {
	u := t.had(immutableID, upn)
	t.remove(u)
	for _, c := range change {
		c(&u.User)
	}
	t.history[u.ObjectID] = []version{{place: "deleted", user: u.User}}
	return u
}

func synced(u *provision.User)  { u.DirectorySynced = true }
func blocked(u *provision.User) { u.AccountEnabled = false }

// current is what an account is like on the primary.
func (t *accountTenant) current(objectID string) version {
	if versions := t.history[objectID]; len(versions) > 0 {
		return versions[len(versions)-1]
	}
	return version{}
}

// seen is what an account is like on the replica that answers.
func (t *accountTenant) seen(objectID string, lag time.Duration) version {
	then := t.now().Add(-lag)
	for _, v := range slices.Backward(t.history[objectID]) {
		if !v.since.After(then) {
			return v
		}
	}
	return version{}
}

// record notes what an account is like from now on.
func (t *accountTenant) record(place string, u *tenantUser) {
	user := u.User
	user.SKUIDs = slices.Clone(u.SKUIDs)
	t.history[u.ObjectID] = append(t.history[u.ObjectID], version{t.now(), place, user})
}

// remove deletes an account, and changes its UPN as Entra does. Its place stays occupied, so that no object ID is given
// twice.
func (t *accountTenant) remove(u *tenantUser) {
	t.users[slices.Index(t.users, u)] = &tenantUser{foreign: true}
	u.UserPrincipalName = strings.ReplaceAll(u.ObjectID, "-", "") + u.UserPrincipalName
	u.DeletedAt = t.now()
	t.record("deleted", u)
}

// admin does something to an account by hand.
func (t *accountTenant) admin(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do()
}

// deleteByHand is an administrator who deletes the account with an object ID.
func (t *accountTenant) deleteByHand(objectID string) {
	t.admin(func() { t.remove(t.user(objectID)) })
}

// purgeByHand deletes it for good, or 30 days pass.
func (t *accountTenant) purgeByHand(objectID string) {
	t.admin(func() { t.record("purged", &tenantUser{User: t.current(objectID).user}) })
}

// changeByHand changes it.
func (t *accountTenant) changeByHand(objectID string, change func(*provision.User)) {
	t.admin(func() {
		u := t.user(objectID)
		change(&u.User)
		t.record("active", u)
	})
}

func (t *accountTenant) user(objectID string) *tenantUser {
	for _, u := range t.users {
		if u.ObjectID == objectID {
			return u
		}
	}
	return nil
}

// in lists the accounts that are in a place.
func (t *accountTenant) in(place string) []provision.User {
	t.mu.Lock()
	defer t.mu.Unlock()
	var users []provision.User
	for id := range t.history {
		if v := t.current(id); v.place == place {
			users = append(users, v.user)
		}
	}
	slices.SortFunc(users, func(a, b provision.User) int { return strings.Compare(a.ObjectID, b.ObjectID) })
	return users
}

// call begins a call that a replica answers.
func (t *accountTenant) call(ctx context.Context, method, what string) (f fault, lag time.Duration, err error) {
	if f, err = t.begin(ctx, method, what); err != nil {
		return f, 0, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return f, t.replica(), nil
}

func (t *accountTenant) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	f, err := t.begin(ctx, "CreateUser", n.UserPrincipalName)
	if err != nil {
		return provision.User{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := refuse(n); err != nil {
		return provision.User{}, err
	}
	if err := t.clash(n); err != nil {
		return provision.User{}, err
	}
	for id := range t.history {
		if v := t.current(id); t.staysTaken && v.place == "deleted" && v.user.ImmutableID == n.ImmutableID {
			return provision.User{}, conflict("onPremisesImmutableId", "")
		}
	}
	u := &tenantUser{created: n, createdAt: t.now(), User: provision.User{
		ObjectID: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(t.users)+1), UserPrincipalName: n.UserPrincipalName,
		ImmutableID: n.ImmutableID, UsageLocation: n.UsageLocation, AccountEnabled: true, CreatedAt: t.now(),
	}}
	t.users = append(t.users, u)
	t.record("active", u)
	return provision.User{ObjectID: u.ObjectID, UserPrincipalName: u.UserPrincipalName}, f.err
}

func (t *accountTenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	f, lag, err := t.call(ctx, "FindUser", keyKind(key))
	if err != nil {
		return provision.User{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.history {
		if v := t.seen(id, lag); v.place == "active" && matches(&tenantUser{User: v.user}, key) {
			return v.user, f.err
		}
	}
	if f.err != nil {
		return provision.User{}, f.err
	}
	return provision.User{}, notFound()
}

func (t *accountTenant) FindDeletedUsers(ctx context.Context, key provision.UserKey) ([]provision.User, error) {
	f, lag, err := t.call(ctx, "FindDeletedUsers", keyKind(key))
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var users []provision.User
	for id := range t.history {
		v := t.seen(id, lag)
		had := v.user
		had.UserPrincipalName = strings.TrimPrefix(had.UserPrincipalName, strings.ReplaceAll(id, "-", ""))
		if v.place == "deleted" && matches(&tenantUser{User: had}, key) {
			users = append(users, v.user)
		}
	}
	return users, f.err
}

// target is the account that a call changes. A replica that does not know it refuses.
func (t *accountTenant) target(objectID string, lag time.Duration, place string) (version, error) {
	if t.seen(objectID, lag).place != place || t.current(objectID).place != place {
		return version{}, notFound()
	}
	if t.admins[objectID] {
		return version{}, &provision.DirectoryError{Operation: "PATCH /users", Status: 403, Code: "Authorization_RequestDenied",
			Message: "Insufficient privileges to complete the operation."}
	}
	return t.current(objectID), nil
}

func (t *accountTenant) UpdateUser(ctx context.Context, objectID string, change provision.UserChange) error {
	f, lag, err := t.call(ctx, "UpdateUser", describe(change))
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.target(objectID, lag, "active"); err != nil {
		return err
	}
	u := t.user(objectID)
	if u.DirectorySynced {
		return badRequest("Unable to update the specified properties for objects that have originated within an external " +
			"service.")
	}
	if change.ImmutableID != nil {
		for _, other := range t.users {
			if other != u && other.ImmutableID == *change.ImmutableID {
				return conflict("onPremisesImmutableId", other.ObjectID)
			}
		}
		u.ImmutableID = *change.ImmutableID
	}
	if change.AccountEnabled != nil {
		u.AccountEnabled = *change.AccountEnabled
	}
	t.record("active", u)
	return f.err
}

func describe(change provision.UserChange) string {
	switch {
	case change.ImmutableID != nil:
		return "ImmutableID"
	case change.AccountEnabled != nil:
		return fmt.Sprintf("enabled %v", *change.AccountEnabled)
	}
	return "something else"
}

func (t *accountTenant) RevokeSessions(ctx context.Context, objectID string) error {
	f, lag, err := t.call(ctx, "RevokeSessions", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.target(objectID, lag, "active"); err != nil {
		return err
	}
	t.revoked[objectID] = t.now()
	return f.err
}

func (t *accountTenant) DeleteUser(ctx context.Context, objectID string) error {
	f, lag, err := t.call(ctx, "DeleteUser", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.target(objectID, lag, "active"); err != nil {
		return err
	}
	t.remove(t.user(objectID))
	return f.err
}

func (t *accountTenant) RestoreUser(ctx context.Context, objectID, upn string) (provision.User, error) {
	f, lag, err := t.call(ctx, "RestoreUser", upn)
	if err != nil {
		return provision.User{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	v, err := t.target(objectID, lag, "deleted")
	if err != nil {
		return provision.User{}, err
	}
	u := &tenantUser{User: v.user, createdAt: v.user.CreatedAt}
	u.UserPrincipalName = strings.TrimPrefix(u.UserPrincipalName, strings.ReplaceAll(objectID, "-", ""))
	if upn != "" {
		u.UserPrincipalName = upn
	}
	clash := t.clash(provision.NewUser{UserPrincipalName: u.UserPrincipalName, ImmutableID: u.ImmutableID})
	if t.aliasOfUser {
		clash = conflict("proxyAddresses", "")
	}
	if clash != nil {
		return provision.User{}, clash
	}
	u.DeletedAt = time.Time{}
	t.users = append(t.users, u)
	t.record("active", u)
	return provision.User{ObjectID: objectID, UserPrincipalName: u.UserPrincipalName}, f.err
}

func (t *accountTenant) PurgeUser(ctx context.Context, objectID string) error {
	f, lag, err := t.call(ctx, "PurgeUser", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	v, err := t.target(objectID, lag, "deleted")
	if err != nil {
		return err
	}
	t.record("purged", &tenantUser{User: v.user})
	return f.err
}

func (t *accountTenant) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	what := "add"
	if len(change.Remove) > 0 {
		what = "remove"
	}
	f, lag, err := t.call(ctx, "ChangeLicenses", what)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.target(objectID, lag, "active"); err != nil {
		return err
	}
	u := t.user(objectID)
	held := slices.Clone(u.SKUIDs)
	for _, grant := range change.Add {
		if !slices.Contains(held, grant.SKUID) {
			held = append(held, grant.SKUID)
		}
	}
	for _, id := range change.Remove {
		if !slices.Contains(held, id) {
			return badRequest("User does not have a corresponding license.")
		}
		held = slices.DeleteFunc(held, func(h string) bool { return h == id })
	}
	u.SKUIDs = held
	t.record("active", u)
	return f.err
}

func (t *accountTenant) FindGroup(ctx context.Context, key provision.GroupKey) (provision.Group, error) {
	f, err := t.begin(ctx, "FindGroup", "")
	if err != nil {
		return provision.Group{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := key.UniqueName + strings.TrimPrefix(key.ObjectID, "id of ")
	if _, ok := t.members[name]; !ok {
		return provision.Group{}, notFound()
	}
	return provision.Group{ObjectID: "id of " + name, UniqueName: name}, f.err
}

func (t *accountTenant) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	f, lag, err := t.call(ctx, "AddMembers", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := strings.TrimPrefix(groupID, "id of ")
	for _, id := range objectIDs {
		if t.seen(id, lag).place != "active" || t.current(id).place != "active" {
			return notFound()
		}
		if slices.Contains(t.members[name], id) {
			return fmt.Errorf("%w", provision.ErrAlreadyMember)
		}
	}
	t.members[name] = append(t.members[name], objectIDs...)
	return f.err
}

func (t *accountTenant) RemoveMember(ctx context.Context, groupID, objectID string) error {
	f, err := t.begin(ctx, "RemoveMember", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	name := strings.TrimPrefix(groupID, "id of ")
	i := slices.Index(t.members[name], objectID)
	if i < 0 {
		return notFound()
	}
	t.members[name] = slices.Delete(t.members[name], i, i+1)
	return f.err
}

// accountProcess is a process whose directory is an accountTenant.
type accountProcess struct {
	*process
	accounts *accountTenant
}

func (p *accountProcess) UpdateUser(ctx context.Context, objectID string, change provision.UserChange) error {
	return p.step(func() error { return p.accounts.UpdateUser(ctx, objectID, change) })
}

func (p *accountProcess) RevokeSessions(ctx context.Context, objectID string) error {
	return p.step(func() error { return p.accounts.RevokeSessions(ctx, objectID) })
}

func (p *accountProcess) DeleteUser(ctx context.Context, objectID string) error {
	return p.step(func() error { return p.accounts.DeleteUser(ctx, objectID) })
}

func (p *accountProcess) FindDeletedUsers(
	ctx context.Context, key provision.UserKey,
) (users []provision.User, err error) {
	err = p.step(func() error { users, err = p.accounts.FindDeletedUsers(ctx, key); return err })
	return users, err
}

func (p *accountProcess) RestoreUser(ctx context.Context, objectID, upn string) (u provision.User, err error) {
	err = p.step(func() error { u, err = p.accounts.RestoreUser(ctx, objectID, upn); return err })
	return u, err
}

func (p *accountProcess) PurgeUser(ctx context.Context, objectID string) error {
	return p.step(func() error { return p.accounts.PurgeUser(ctx, objectID) })
}

func (p *accountProcess) FindGroup(ctx context.Context, key provision.GroupKey) (g provision.Group, err error) {
	err = p.step(func() error { g, err = p.accounts.FindGroup(ctx, key); return err })
	return g, err
}

func (p *accountProcess) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	return p.step(func() error { return p.accounts.AddMembers(ctx, groupID, objectIDs) })
}

func (p *accountProcess) RemoveMember(ctx context.Context, groupID, objectID string) error {
	return p.step(func() error { return p.accounts.RemoveMember(ctx, groupID, objectID) })
}
