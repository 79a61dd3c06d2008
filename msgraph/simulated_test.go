package msgraph_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

const (
	adele   = "aaaaaaaa-0000-4000-8000-000000000001"
	boss    = "aaaaaaaa-0000-4000-8000-000000000002"
	nobody  = "aaaaaaaa-0000-4000-8000-00000000000f"
	staff   = "bbbbbbbb-0000-4000-8000-000000000001"
	planOn  = "cccccccc-0000-4000-8000-000000000001"
	planOff = "cccccccc-0000-4000-8000-000000000002"
)

// simulated is a tenant without lag, and the Tenant under test in front of it.
func simulated(t *testing.T, cfg entratest.Config) (*msgraph.Tenant, *entratest.Tenant) {
	t.Helper()
	cfg.Lag = entratest.LagNone
	if cfg.Clock == nil {
		cfg.Clock = entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	}
	entra := entratest.Start(t, cfg)
	tenant, err := msgraph.New(msgraph.Config{
		Cloud: entra.Cloud(), Credential: entra.Credential(), Transport: entra.Transport(), Now: cfg.Clock.Now,
	})
	require.NoError(t, err)
	return tenant, entra
}

// company has two people, a group that gives a subscription, and another subscription.
func company() entratest.Config {
	return entratest.Config{
		SKUs: []entratest.SKU{
			{
				ID: skuID, PartNumber: "SPB", Enabled: 5,
				Plans: []entratest.ServicePlan{{ID: planOn, Name: "EXCHANGE"}, {ID: planOff, Name: "YAMMER"}},
			},
			{ID: otherSKU, PartNumber: "EMS", Enabled: 1},
		},
		Users: []entratest.User{
			{
				ObjectID: adele, UPN: "adele@contoso.com", ImmutableID: "a1", Enabled: true, UsageLocation: "DE",
				Mail: "adele@contoso.com",
			},
			{ObjectID: boss, UPN: "boss@contoso.com", ImmutableID: "b1", Enabled: true, UsageLocation: "DE"},
		},
		Groups: []entratest.Group{
			{ObjectID: staff, DisplayName: "Staff", UniqueName: "staff", SKUIDs: []string{otherSKU}},
		},
	}
}

const otherSKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"

func TestGroupsOfATenant(t *testing.T) {
	t.Parallel()
	tenant, entra := simulated(t, company())
	want := provision.Group{ObjectID: staff, UniqueName: "staff", DisplayName: "Staff", SKUIDs: []string{otherSKU}}
	for _, key := range []provision.GroupKey{{ObjectID: staff}, {UniqueName: "STAFF"}} {
		group, err := tenant.FindGroup(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, want, group)
	}
	for _, key := range []provision.GroupKey{{ObjectID: nobody}, {UniqueName: "nobody"}} {
		_, err := tenant.FindGroup(t.Context(), key)
		require.ErrorIs(t, err, provision.ErrNotFound)
	}

	require.NoError(t, tenant.AddMembers(t.Context(), staff, []string{adele}))
	require.Equal(t, []string{"adele@contoso.com"}, entra.Groups()[0].Members)
	err := tenant.AddMembers(t.Context(), staff, []string{boss, adele})
	require.ErrorIs(t, err, provision.ErrAlreadyMember)
	require.NotErrorIs(t, err, provision.ErrConflict)
	require.ErrorIs(t, tenant.AddMembers(t.Context(), staff, []string{boss, nobody}), provision.ErrNotFound)
	require.Equal(t, []string{"adele@contoso.com"}, entra.Groups()[0].Members, "all or nothing")

	require.NoError(t, tenant.RemoveMember(t.Context(), staff, adele))
	require.Empty(t, entra.Groups()[0].Members)
	require.Len(t, entra.Users(), 2, "nobody was deleted")
	require.ErrorIs(t, tenant.RemoveMember(t.Context(), staff, adele), provision.ErrNotFound)
}

func TestLicencesOfATenant(t *testing.T) {
	t.Parallel()
	cfg := company()
	cfg.Clock = entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	tenant, _ := simulated(t, cfg)
	skus, err := tenant.SKUs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []provision.ServicePlan{
		{ID: planOn, Name: "EXCHANGE", AppliesTo: "User"}, {ID: planOff, Name: "YAMMER", AppliesTo: "User"},
	}, skus[0].Plans)

	give := func(disabled ...string) provision.LicenseChange {
		return provision.LicenseChange{Add: []provision.LicenseGrant{{SKUID: skuID, DisabledPlans: disabled}}}
	}
	direct := provision.AssignedLicense{SKUID: skuID, State: "Active", Error: "None", DisabledPlans: []string{planOff}}
	require.NoError(t, tenant.ChangeLicenses(t.Context(), adele, give(planOff)))
	require.Equal(t, []provision.AssignedLicense{direct}, licensesOf(t, tenant, adele))
	require.NoError(t, tenant.ChangeLicenses(t.Context(), adele, give()))
	require.Empty(t, licensesOf(t, tenant, adele)[0].DisabledPlans, "giving it again replaces what was off")
	require.NoError(t, tenant.ChangeLicenses(t.Context(), adele, provision.LicenseChange{Remove: []string{skuID}}))
	require.Empty(t, licensesOf(t, tenant, adele))

	// One seat, and two who should have it.
	require.NoError(t, tenant.AddMembers(t.Context(), staff, []string{adele, boss}))
	cfg.Clock.Advance(time.Hour)
	var states []string
	for _, id := range []string{adele, boss} {
		license := licensesOf(t, tenant, id)[0]
		require.Equal(t, staff, license.GroupID)
		require.Equal(t, otherSKU, license.SKUID)
		states = append(states, license.State+" "+license.Error)
	}
	slices.Sort(states)
	require.Equal(t, []string{"Active None", "Error CountViolation"}, states)
}

func licensesOf(t *testing.T, tenant *msgraph.Tenant, id string) []provision.AssignedLicense {
	t.Helper()
	user, err := tenant.FindUser(t.Context(), provision.UserKey{ObjectID: id})
	require.NoError(t, err)
	return user.Licenses
}

func TestAttributesOfATenantsUsers(t *testing.T) {
	t.Parallel()
	tenant, entra := simulated(t, company())
	created, err := tenant.CreateUser(t.Context(), provision.NewUser{
		UserPrincipalName: "bo@contoso.com", ImmutableID: "b2", DisplayName: "Bo", MailNickname: "bo",
		Password: "Correct-Horse-1",
		Attributes: map[string]string{
			"employeeId": "4711", "mail": "bo@contoso.com", "businessPhones": "+49 30 0", "otherMails": "bo@example.net",
		},
	})
	require.NoError(t, err)
	require.NoError(t, tenant.UpdateUser(t.Context(), created.ObjectID, provision.UserChange{
		UsageLocation: "DE", Attributes: map[string]string{"department": "Sales"},
	}))
	read, err := tenant.FindUser(t.Context(), provision.UserKey{ImmutableID: "b2"})
	require.NoError(t, err)
	require.Equal(t, provision.User{
		ObjectID: created.ObjectID, UserPrincipalName: "bo@contoso.com", ImmutableID: "b2", DisplayName: "Bo",
		Mail: "bo@contoso.com", EmployeeID: "4711", UsageLocation: "DE", AccountEnabled: true,
		CreatedAt: entra.Users()[1].CreatedAt,
	}, read)
}

func TestManagersOfATenant(t *testing.T) {
	t.Parallel()
	tenant, entra := simulated(t, company())
	require.NoError(t, tenant.SetManager(t.Context(), adele, boss))
	require.NoError(t, tenant.SetManager(t.Context(), adele, boss), "again")
	require.ErrorIs(t, tenant.SetManager(t.Context(), adele, nobody), provision.ErrNotFound)
	calls := entra.GraphCalls()
	require.Equal(t, "PUT /v1.0/users/"+adele+"/manager/$ref", calls[0].Method+" "+calls[0].Path)
}

func TestATenantsUsersComeAndGo(t *testing.T) {
	t.Parallel()
	tenant, entra := simulated(t, company())
	no, yes, gone := false, true, ""

	require.NoError(t, tenant.UpdateUser(t.Context(), adele, provision.UserChange{AccountEnabled: &no}))
	require.NoError(t, tenant.RevokeSessions(t.Context(), adele))
	require.False(t, entra.Users()[0].Enabled)

	require.NoError(t, tenant.UpdateUser(t.Context(), adele, provision.UserChange{ImmutableID: &gone}))
	require.Empty(t, entra.Users()[0].ImmutableID)
	id := "a2"
	require.NoError(t, tenant.UpdateUser(t.Context(), adele, provision.UserChange{ImmutableID: &id, AccountEnabled: &yes}))
	taken := "b1"
	require.ErrorIs(t, tenant.UpdateUser(t.Context(), adele, provision.UserChange{ImmutableID: &taken}),
		provision.ErrConflict)

	require.NoError(t, tenant.DeleteUser(t.Context(), adele))
	require.ErrorIs(t, tenant.DeleteUser(t.Context(), adele), provision.ErrNotFound)
	for _, key := range []provision.UserKey{
		{ObjectID: adele}, {ImmutableID: "a2"}, {UserPrincipalName: "Adele@contoso.com"},
	} {
		deleted, err := tenant.FindDeletedUsers(t.Context(), key)
		require.NoError(t, err)
		require.Len(t, deleted, 1)
		require.Equal(t, "adele@contoso.com", deleted[0].UserPrincipalName, "the UPN of before")
		require.Equal(t, "a2", deleted[0].ImmutableID)
		require.False(t, deleted[0].DeletedAt.IsZero())
	}
	for _, key := range []provision.UserKey{
		{ObjectID: boss}, {ImmutableID: "A2"}, {UserPrincipalName: "le@contoso.com"},
	} {
		none, err := tenant.FindDeletedUsers(t.Context(), key)
		require.NoError(t, err)
		require.Empty(t, none)
	}

	successor, err := tenant.CreateUser(t.Context(), provision.NewUser{
		UserPrincipalName: "adele@contoso.com", ImmutableID: "a3", DisplayName: "Adele", MailNickname: "adele3",
		Password: "Correct-Horse-1",
	})
	require.NoError(t, err)
	_, err = tenant.RestoreUser(t.Context(), adele, "")
	require.ErrorIs(t, err, provision.ErrConflict)
	restored, err := tenant.RestoreUser(t.Context(), adele, "adele2@contoso.com")
	require.NoError(t, err)
	require.Equal(t, adele, restored.ObjectID)
	require.Equal(t, "adele2@contoso.com", restored.UserPrincipalName)

	require.NoError(t, tenant.DeleteUser(t.Context(), successor.ObjectID))
	require.NoError(t, tenant.PurgeUser(t.Context(), successor.ObjectID))
	require.ErrorIs(t, tenant.PurgeUser(t.Context(), successor.ObjectID), provision.ErrNotFound)
	_, err = tenant.RestoreUser(t.Context(), successor.ObjectID, "")
	require.ErrorIs(t, err, provision.ErrNotFound)
	require.Len(t, entra.Users(), 2)
}

func TestATenantListsAllItsUsers(t *testing.T) {
	t.Parallel()
	cfg := entratest.Config{}
	for i := range 2100 {
		cfg.Users = append(cfg.Users, entratest.User{UPN: fmt.Sprintf("person%d@contoso.com", i)})
	}
	tenant, _ := simulated(t, cfg)
	seen, pages := map[string]bool{}, 0
	for cursor := ""; pages == 0 || cursor != ""; pages++ {
		page, err := tenant.ListUsers(t.Context(), cursor)
		require.NoError(t, err)
		for _, user := range page.Users {
			seen[user.UserPrincipalName] = true
		}
		cursor = page.Next
	}
	require.Equal(t, 3, pages)
	require.Len(t, seen, 2100)

	_, err := tenant.ListUsers(t.Context(), "$skiptoken=x")
	require.ErrorIs(t, err, provision.ErrCursorExpired)
}

func TestATenantTellsWhoChanged(t *testing.T) {
	t.Parallel()
	cfg := company()
	cfg.Clock = entratest.NewClock(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
	tenant, _ := simulated(t, cfg)
	everybody, err := tenant.UserChanges(t.Context(), "")
	require.NoError(t, err)
	require.ElementsMatch(t, []string{adele, boss}, everybody.Changed)
	now, err := tenant.UserChanges(t.Context(), provision.CursorNow)
	require.NoError(t, err)
	require.Equal(t, provision.ChangePage{Cursor: now.Cursor}, now)

	cfg.Clock.Advance(time.Second)
	off := false
	require.NoError(t, tenant.UpdateUser(t.Context(), adele, provision.UserChange{AccountEnabled: &off}))
	require.NoError(t, tenant.UpdateUser(t.Context(), boss, provision.UserChange{
		Attributes: map[string]string{"city": "Bonn"},
	}))
	for _, cursor := range []string{everybody.Cursor, now.Cursor} {
		changes, err := tenant.UserChanges(t.Context(), cursor)
		require.NoError(t, err)
		require.Equal(t, []string{adele}, changes.Changed, "and of a property that is not read nothing is told")
		require.Empty(t, changes.Removed)
	}

	cfg.Clock.Advance(time.Second)
	require.NoError(t, tenant.DeleteUser(t.Context(), adele))
	require.NoError(t, tenant.DeleteUser(t.Context(), boss))
	require.NoError(t, tenant.PurgeUser(t.Context(), boss))
	changes, err := tenant.UserChanges(t.Context(), now.Cursor)
	require.NoError(t, err)
	require.ElementsMatch(t, []provision.RemovedUser{{ObjectID: adele}, {ObjectID: boss, Purged: true}}, changes.Removed)
	require.NotEmpty(t, changes.Cursor)

	cfg.Clock.Advance(8 * 24 * time.Hour)
	_, err = tenant.UserChanges(t.Context(), now.Cursor)
	require.ErrorIs(t, err, provision.ErrCursorExpired)
}

// newPeople are users to create, person0 and so on.
func newPeople(count int) []provision.NewUser {
	users := make([]provision.NewUser, count)
	for i := range users {
		name := fmt.Sprintf("person%d", i)
		users[i] = provision.NewUser{
			UserPrincipalName: name + "@contoso.com", ImmutableID: name, DisplayName: name, MailNickname: name,
			Password: "Correct-Horse-1",
		}
	}
	return users
}

func TestATenantCreatesManyAtOnce(t *testing.T) {
	t.Parallel()
	tenant, entra := simulated(t, company())
	users := newPeople(provision.MaxBatch)
	users[3].UserPrincipalName = "adele@contoso.com"
	users[4].ImmutableID = "no_underscore"
	created, err := tenant.CreateUsers(t.Context(), users)
	require.NoError(t, err)
	for i, outcome := range created {
		switch i {
		case 3:
			require.ErrorIs(t, outcome.Err, provision.ErrConflict)
		case 4:
			var answer *provision.DirectoryError
			require.ErrorAs(t, outcome.Err, &answer)
			require.Equal(t, http.StatusBadRequest, answer.Status)
		default:
			require.NoError(t, outcome.Err)
			read, err := tenant.FindUser(t.Context(), provision.UserKey{ObjectID: outcome.User.ObjectID})
			require.NoError(t, err)
			require.Equal(t, users[i].ImmutableID, read.ImmutableID)
		}
	}
	require.Len(t, entra.Users(), 2+18)
}

func TestFaultsWithinABatchAreThoseOfOneUser(t *testing.T) {
	t.Parallel()
	tenant, entra := simulated(t, company())
	entra.Inject(entratest.Fault{Path: "/v1.0/users", Status: 429, RetryAfter: "7"})
	entra.Inject(entratest.Fault{Path: "/v1.0/users", Status: 504, AfterCommit: true})
	created, err := tenant.CreateUsers(t.Context(), newPeople(3))
	require.NoError(t, err)
	var statuses []int
	for _, outcome := range created {
		var answer *provision.DirectoryError
		if errors.As(outcome.Err, &answer) {
			statuses = append(statuses, answer.Status)
			require.Equal(t, answer.Status == 429, errors.Is(outcome.Err, provision.ErrThrottled))
			require.Equal(t, answer.Status == 429, answer.RetryAfter == 7*time.Second)
			continue
		}
		require.NoError(t, outcome.Err)
	}
	require.ElementsMatch(t, []int{429, 504}, statuses)
	require.Len(t, entra.Users(), 2+2, "whoever got 504 was created")

	entra.Inject(entratest.Fault{Path: "/v1.0/$batch", Drop: true})
	_, err = tenant.CreateUsers(t.Context(), newPeople(3))
	require.ErrorIs(t, err, provision.ErrUnavailable)
}

// A tenant near its limits says so, serves those who wait, and turns bulk work away.
func TestThePriorityReachesTheTenant(t *testing.T) {
	t.Parallel()
	cfg := company()
	cfg.Throttle = entratest.Throttle{Scale: 0.01} // 30 writes
	tenant, _ := simulated(t, cfg)
	for range 13 {
		_, err := tenant.CreateUsers(t.Context(), newPeople(2))
		require.NoError(t, err)
	}
	write := func(trace *provision.CallTrace) error {
		return tenant.RevokeSessions(provision.WithCallTrace(t.Context(), trace), adele)
	}
	low := provision.CallTrace{Priority: provision.PriorityLow}
	require.ErrorIs(t, write(&low), provision.ErrThrottled)
	require.Equal(t, "Tenant_Application/Write", low.Scope)
	require.Greater(t, low.Load, 0.8)
	require.Equal(t, provision.PriorityLow, low.Priority)

	high := provision.CallTrace{}
	require.NoError(t, write(&high))
	require.Greater(t, high.Load, 0.8)

	batch := provision.CallTrace{}
	_, err := tenant.CreateUsers(provision.WithCallTrace(t.Context(), &batch), newPeople(2))
	require.NoError(t, err)
	require.Greater(t, batch.Load, 0.8, "a batch as such costs nothing: its requests tell")
}

// The table in the package's documentation, row by row: with the one permission the call is answered, and without it
// it is refused.
func TestTheLeastPermissions(t *testing.T) {
	t.Parallel()
	change := func(c provision.UserChange) func(*testing.T, *msgraph.Tenant) error {
		return func(t *testing.T, tenant *msgraph.Tenant) error { return tenant.UpdateUser(t.Context(), adele, c) }
	}
	off := false
	for name, test := range map[string]struct {
		permission string
		call       func(*testing.T, *msgraph.Tenant) error
	}{
		"create": {"User.ReadWrite.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.CreateUser(t.Context(), newPeople(1)[0])
			return err
		}},
		"create in a batch": {"User.ReadWrite.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			created, err := tenant.CreateUsers(t.Context(), newPeople(1))
			require.NoError(t, err)
			return created[0].Err
		}},
		"find by ImmutableID": {"User.Read.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.FindUser(t.Context(), provision.UserKey{ImmutableID: "a1"})
			return err
		}},
		"find by object ID": {"User.Read.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.FindUser(t.Context(), provision.UserKey{ObjectID: adele})
			return err
		}},
		"list": {"User.Read.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.ListUsers(t.Context(), "")
			return err
		}},
		"changes": {"User.Read.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.UserChanges(t.Context(), "")
			return err
		}},
		"find deleted": {"User.Read.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.FindDeletedUsers(t.Context(), provision.UserKey{UserPrincipalName: "adele@contoso.com"})
			return err
		}},
		"update":  {"User.ReadWrite.All", change(provision.UserChange{DisplayName: "Adele"})},
		"disable": {"User.EnableDisableAccount.All", change(provision.UserChange{AccountEnabled: &off})},
		"revoke sessions": {"User.RevokeSessions.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			return tenant.RevokeSessions(t.Context(), adele)
		}},
		"delete and restore": {"User.DeleteRestore.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			if err := tenant.DeleteUser(t.Context(), adele); err != nil {
				return err
			}
			_, err := tenant.RestoreUser(t.Context(), adele, "")
			return err
		}},
		"delete for good": {"User.DeleteRestore.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			if err := tenant.DeleteUser(t.Context(), adele); err != nil {
				return err
			}
			return tenant.PurgeUser(t.Context(), adele)
		}},
		"set the manager": {"User.ReadWrite.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			return tenant.SetManager(t.Context(), adele, boss)
		}},
		"subscriptions": {"LicenseAssignment.Read.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.SKUs(t.Context())
			return err
		}},
		"assign": {"LicenseAssignment.ReadWrite.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			return tenant.ChangeLicenses(t.Context(), adele, addLicense(skuID))
		}},
		"find a group": {"GroupMember.Read.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			_, err := tenant.FindGroup(t.Context(), provision.GroupKey{UniqueName: "staff"})
			return err
		}},
		"add and remove members": {"GroupMember.ReadWrite.All", func(t *testing.T, tenant *msgraph.Tenant) error {
			if err := tenant.AddMembers(t.Context(), staff, []string{adele, boss}); err != nil {
				return err
			}
			return tenant.RemoveMember(t.Context(), staff, boss)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := entratest.DefaultApp()
			app.Permissions = []string{test.permission}
			cfg := company()
			cfg.Apps = []entratest.App{app}
			tenant, _ := simulated(t, cfg)
			require.NoError(t, test.call(t, tenant))

			cfg.Apps[0].Permissions = []string{"Domain.ReadWrite.All"}
			tenant, _ = simulated(t, cfg)
			require.ErrorIs(t, test.call(t, tenant), provision.ErrForbidden)
		})
	}
}
