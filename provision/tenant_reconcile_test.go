package provision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// changingTenant is a tenant that accounts can be changed in, with a list of all changes.
type changingTenant struct {
	*tenant
	log      []provision.ChangePage // each with one entry; guarded by tenant.mu
	oldest   int                    // how many of them are forgotten
	page     int                    // changes on a page
	gone     []provision.User       // the deleted users
	revoked  []string               // whose sessions were ended
	users404 map[string]int         // how many reads more miss a user, by object ID
	stale    map[string][]provision.User
	known    map[*tenantUser]bool
	strict   string   // a federated domain in which ImmutableIDs are not changed
	hurried  []string // calls that were not of low priority
}

var (
	_ provision.Accounts     = (*changingTenant)(nil)
	_ provision.DeletedUsers = (*changingTenant)(nil)
	_ provision.UserLists    = (*changingTenant)(nil)
)

func newChangingTenant() *changingTenant {
	return &changingTenant{tenant: newTenant(), page: 100, users404: map[string]int{},
		stale: map[string][]provision.User{}, known: map[*tenantUser]bool{}}
}

// begin is that of the tenant, and notes who is in a hurry.
func (d *changingTenant) begin(ctx context.Context, method, what string) (fault, error) {
	if provision.CallTraceOf(ctx).Priority != provision.PriorityLow {
		d.mu.Lock()
		d.hurried = append(d.hurried, method)
		d.mu.Unlock()
	}
	return d.tenant.begin(ctx, method, what)
}

// edit changes an account behind the pipeline's back.
func (d *changingTenant) edit(objectID string, change func(*provision.User)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.user(objectID).User)
	d.changed(objectID)
}

// user is the account with this object ID; nil if there is none. The tenant is locked.
func (d *changingTenant) user(objectID string) *tenantUser {
	i := slices.IndexFunc(d.users, func(u *tenantUser) bool { return u.ObjectID == objectID })
	if i < 0 {
		return nil
	}
	return d.users[i]
}

func (d *changingTenant) changed(objectID string) {
	d.log = append(d.log, provision.ChangePage{Changed: []string{objectID}})
}

// remove deletes an account behind the pipeline's back.
func (d *changingTenant) remove(objectID string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = append(d.gone, d.user(objectID).User)
	d.users = slices.DeleteFunc(d.users, func(u *tenantUser) bool { return u.ObjectID == objectID })
	d.log = append(d.log, provision.ChangePage{Removed: []provision.RemovedUser{{ObjectID: objectID}}})
}

// purge deletes an account for good behind the pipeline's back.
func (d *changingTenant) purge(objectID string) {
	d.remove(objectID)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.gone = slices.DeleteFunc(d.gone, func(u provision.User) bool { return u.ObjectID == objectID })
	d.log = append(d.log, provision.ChangePage{Removed: []provision.RemovedUser{{ObjectID: objectID, Purged: true}}})
}

func (d *changingTenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	d.mu.Lock()
	missed := d.users404[key.ObjectID] > 0
	d.users404[key.ObjectID]--
	var before []provision.User
	if before = d.stale[key.ObjectID]; len(before) > 0 {
		d.stale[key.ObjectID] = before[1:]
	}
	d.mu.Unlock()
	if provision.CallTraceOf(ctx).Priority != provision.PriorityLow {
		d.mu.Lock()
		d.hurried = append(d.hurried, "FindUser")
		d.mu.Unlock()
	}
	user, err := d.tenant.FindUser(ctx, key)
	switch {
	case missed:
		return provision.User{}, notFound()
	case len(before) > 0:
		return before[0], err
	}
	return user, err
}

// CreateUser gives object IDs that nobody ever had.
func (d *changingTenant) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	user, err := d.tenant.CreateUser(ctx, n)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.users {
		if u.ImmutableID == n.ImmutableID && !d.known[u] {
			d.known[u] = true
			u.ObjectID = fmt.Sprintf("00000000-0000-4000-9000-%012d", len(d.known))
			user.ObjectID = u.ObjectID
			d.changed(u.ObjectID)
		}
	}
	return user, err
}

func (d *changingTenant) ChangeLicenses(
	ctx context.Context, objectID string, change provision.LicenseChange,
) error {
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.changed(objectID)
	}()
	return d.tenant.ChangeLicenses(ctx, objectID, change)
}

func (d *changingTenant) UpdateUser(ctx context.Context, objectID string, change provision.UserChange) error {
	f, err := d.begin(ctx, "UpdateUser", objectID)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.user(objectID)
	if u == nil {
		return notFound()
	}
	if change.ImmutableID != nil && slices.ContainsFunc(d.users, func(o *tenantUser) bool {
		return o != u && *change.ImmutableID != "" && o.ImmutableID == *change.ImmutableID
	}) {
		return conflict("onPremisesImmutableId", "")
	}
	if change.UserPrincipalName != "" && slices.ContainsFunc(d.users, func(o *tenantUser) bool {
		return o != u && strings.EqualFold(o.UserPrincipalName, change.UserPrincipalName)
	}) {
		return conflict("userPrincipalName", "")
	}
	after := u.User
	if change.ImmutableID != nil {
		after.ImmutableID = *change.ImmutableID
	}
	if change.UserPrincipalName != "" {
		after.UserPrincipalName = change.UserPrincipalName
	}
	if d.strict != "" && strings.HasSuffix(after.UserPrincipalName, "@"+d.strict) && (after.ImmutableID == "" ||
		after.ImmutableID != u.ImmutableID && strings.HasSuffix(u.UserPrincipalName, "@"+d.strict)) {
		return badRequest("You must provide a required property: Parameter name: FederatedUser.SourceAnchor")
	}
	if change.AccountEnabled != nil {
		u.AccountEnabled = *change.AccountEnabled
	}
	u.ImmutableID, u.UserPrincipalName = after.ImmutableID, after.UserPrincipalName
	d.changed(objectID)
	return f.err
}

func (d *changingTenant) RevokeSessions(ctx context.Context, objectID string) error {
	f, err := d.begin(ctx, "RevokeSessions", objectID)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.user(objectID) == nil {
		return notFound()
	}
	d.revoked = append(d.revoked, objectID)
	return f.err
}

func (d *changingTenant) DeleteUser(ctx context.Context, objectID string) error {
	if _, err := d.begin(ctx, "DeleteUser", objectID); err != nil {
		return err
	}
	d.remove(objectID)
	return nil
}

func (d *changingTenant) FindDeletedUsers(ctx context.Context, key provision.UserKey) ([]provision.User, error) {
	if _, err := d.begin(ctx, "FindDeletedUsers", ""); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.gone), func(u provision.User) bool { return u.ObjectID != key.ObjectID }), nil
}

func (d *changingTenant) RestoreUser(ctx context.Context, objectID, upn string) (provision.User, error) {
	f, err := d.begin(ctx, "RestoreUser", objectID)
	if err != nil {
		return provision.User{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.gone, func(u provision.User) bool { return u.ObjectID == objectID })
	if i < 0 {
		return provision.User{}, notFound()
	}
	user := d.gone[i]
	d.gone = slices.Delete(d.gone, i, i+1)
	d.users = append(d.users, &tenantUser{User: user, foreign: true})
	d.changed(objectID)
	return user, f.err
}

func (d *changingTenant) PurgeUser(context.Context, string) error { return errors.ErrUnsupported }

func (d *changingTenant) ListUsers(ctx context.Context, cursor string) (provision.UserPage, error) {
	if _, err := d.begin(ctx, "ListUsers", cursor); err != nil {
		return provision.UserPage{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	from, _ := strconv.Atoi(cursor)
	to := min(from+d.page, len(d.users))
	var page provision.UserPage
	for _, u := range d.users[from:to] {
		page.Users = append(page.Users, u.User)
	}
	if to < len(d.users) {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

func (d *changingTenant) UserChanges(ctx context.Context, cursor string) (provision.ChangePage, error) {
	if _, err := d.begin(ctx, "UserChanges", cursor); err != nil {
		return provision.ChangePage{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if cursor == provision.CursorNow {
		return provision.ChangePage{Cursor: strconv.Itoa(len(d.log))}, nil
	}
	from, err := strconv.Atoi(cursor)
	if err != nil || from < d.oldest {
		return provision.ChangePage{}, provision.ErrCursorExpired
	}
	to := min(from+d.page, len(d.log))
	var page provision.ChangePage
	for _, entry := range d.log[from:to] {
		page.Changed = append(page.Changed, entry.Changed...)
		page.Removed = append(page.Removed, entry.Removed...)
	}
	if page.Cursor = strconv.Itoa(to); to < len(d.log) {
		page.Next, page.Cursor = page.Cursor, ""
	}
	return page, nil
}

// writes are the methods that changed an account, in their order.
func (d *changingTenant) writes() (methods []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, call := range d.calls {
		method, _, _ := strings.Cut(call, " ")
		if method == "UpdateUser" || method == "RevokeSessions" || method == "RestoreUser" || method == "DeleteUser" {
			methods = append(methods, method)
		}
	}
	return methods
}

// provisioned is a tenant and a store that know a contractor with a seat of the standard subscription, and a
// provisioner for them. Nothing is on the list of changes.
func provisioned(t *testing.T) (*changingTenant, *provision.MemoryStore, *provision.Provisioner, provision.Record) {
	t.Helper()
	dir, store := newChangingTenant(), provision.NewMemoryStore()
	p := newProvisioner(t, licensed(config(dir, store), standardSKU))
	rec := ensured(t, dir, store, p, contractor())
	dir.hurried, dir.calls = nil, nil
	return dir, store, p, rec
}

// ensured provisions somebody, and returns the record with the licence in it.
func ensured(
	t *testing.T, dir *changingTenant, store provision.Store, p *provision.Provisioner, person provision.Person,
) provision.Record {
	t.Helper()
	_, err := p.Ensure(t.Context(), person)
	require.NoError(t, err)
	rec := recordOf(t, store, person)
	rec.Licenses = standardSKU
	rec, err = store.Save(t.Context(), rec)
	require.NoError(t, err)
	return rec
}

func recordOf(t *testing.T, store provision.Store, person provision.Person) provision.Record {
	t.Helper()
	rec, err := store.Load(t.Context(), person.Key())
	require.NoError(t, err)
	return rec
}

// retired marks somebody as retired, as far as the record goes.
func retired(t *testing.T, store provision.Store, rec provision.Record) provision.Record {
	t.Helper()
	rec.RetiringAt = time.Now().UTC().Truncate(time.Microsecond)
	rec.BlockedAt = rec.RetiringAt
	rec, err := store.Save(t.Context(), rec)
	require.NoError(t, err)
	return rec
}
