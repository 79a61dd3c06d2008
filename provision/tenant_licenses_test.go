package provision_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

const (
	enterpriseSKU  = "6fd2c87f-b296-42f0-b197-1e91e994b900"
	partnersGroup  = "11111111-0000-4000-8000-000000000002"
	exchangePlan   = "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
	vivaPlan       = "7547a3fe-08ee-4ccb-b430-5077c5041653"
	foundationPlan = "113feb6c-3fe4-4440-bddc-54d774bf0318"
)

// licenseTenant is a tenant with service plans, with licences that are taken back, and with groups that give licences
// some time after somebody joined.
type licenseTenant struct {
	*tenant
	groups   []provision.Group
	members  map[string][]string // object IDs, by group
	delay    time.Duration       // between a change of members and its licences
	jobs     []licenseJob
	excludes [2]string         // two SKUs that exclude one another
	forced   map[string]string // by group: what goes wrong with its licences
	changes  []provision.LicenseChange
}

type licenseJob struct {
	due         time.Time
	user, group string
}

var _ provision.Groups = (*licenseTenant)(nil)

func newLicenseTenant() *licenseTenant {
	t := &licenseTenant{tenant: newTenant(), members: make(map[string][]string), forced: make(map[string]string),
		delay: 3 * time.Second}
	t.skus = append(t.skus, provision.SKU{ID: enterpriseSKU, PartNumber: "ENTERPRISEPACK", AppliesTo: "User",
		Status: "Enabled", Enabled: 100, Plans: []provision.ServicePlan{
			{ID: exchangePlan, Name: "EXCHANGE_S_STANDARD", AppliesTo: "User"},
			{ID: vivaPlan, Name: "YAMMER_ENTERPRISE", AppliesTo: "User"},
			{ID: foundationPlan, Name: "EXCHANGE_S_FOUNDATION", AppliesTo: "Company"},
		}})
	t.groups = []provision.Group{
		{ObjectID: staffGroup, UniqueName: "staff", SKUIDs: []string{standardSKU, enterpriseSKU}},
		{ObjectID: partnersGroup, UniqueName: "partners", SKUIDs: []string{basicSKU}},
	}
	return t
}

// seats leaves a SKU with so many.
func (t *licenseTenant) seats(skuID string, free int) {
	for i := range t.skus {
		if t.skus[i].ID == skuID {
			t.skus[i].Enabled, t.skus[i].Warning = t.skus[i].Consumed+free, 0
		}
	}
}

// consumed is how many seats of a SKU are taken.
func (t *licenseTenant) consumed(skuID string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sku(skuID).Consumed
}

func (t *licenseTenant) sku(id string) *provision.SKU {
	i := slices.IndexFunc(t.skus, func(s provision.SKU) bool { return s.ID == id })
	if i < 0 {
		return nil
	}
	return &t.skus[i]
}

// give assigns a licence, by somebody else than the pipeline.
func (t *licenseTenant) give(u *tenantUser, skuID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hold(u, append(slices.Clone(u.Licenses), provision.AssignedLicense{SKUID: skuID, State: "Active"}))
}

// hold replaces a user's licences, and counts the seats.
func (t *licenseTenant) hold(u *tenantUser, licenses []provision.AssignedLicense) {
	var ids []string
	for _, l := range licenses {
		if strings.HasPrefix(l.State, "Active") && !slices.Contains(ids, l.SKUID) {
			ids = append(ids, l.SKUID)
		}
	}
	for _, id := range u.SKUIDs {
		if !slices.Contains(ids, id) {
			t.sku(id).Consumed--
		}
	}
	for _, id := range ids {
		if !slices.Contains(u.SKUIDs, id) {
			t.sku(id).Consumed++
		}
	}
	u.Licenses, u.SKUIDs = licenses, ids
}

func (t *licenseTenant) user(objectID string) *tenantUser {
	for _, u := range t.users {
		if u.ObjectID == objectID {
			return u
		}
	}
	return nil
}

func (t *licenseTenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	t.mu.Lock()
	t.work()
	t.mu.Unlock()
	return t.tenant.FindUser(ctx, key)
}

func (t *licenseTenant) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	f, err := t.begin(ctx, "ChangeLicenses", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(change.Remove) == 0 {
		change.Remove = nil
	}
	t.changes = append(t.changes, change)
	u := t.user(objectID)
	if u == nil {
		return notFound()
	}
	licenses := slices.Clone(u.Licenses)
	for _, id := range change.Remove {
		i := slices.IndexFunc(licenses, func(l provision.AssignedLicense) bool { return l.SKUID == id && l.GroupID == "" })
		switch {
		case i >= 0:
			licenses = slices.Delete(licenses, i, i+1)
		case slices.Contains(u.SKUIDs, id):
			return badRequest("User license is inherited from a group membership and it cannot be removed directly from the user.")
		default:
			return badRequest("User does not have a corresponding license.")
		}
	}
	for _, grant := range change.Add {
		if refusal := t.refuseGrant(u, grant); refusal != nil {
			return refusal
		}
		licenses = slices.DeleteFunc(licenses, func(l provision.AssignedLicense) bool {
			return l.SKUID == grant.SKUID && l.GroupID == ""
		})
		licenses = append(licenses, provision.AssignedLicense{SKUID: grant.SKUID, State: "Active",
			DisabledPlans: grant.DisabledPlans})
	}
	if t.exclusive(licenses) {
		return badRequest("License assignment failed because the assignment contains mutually exclusive service plans a and b.")
	}
	t.hold(u, licenses)
	return f.err
}

func (t *licenseTenant) refuseGrant(u *tenantUser, grant provision.LicenseGrant) error {
	sku := t.sku(grant.SKUID)
	if sku == nil {
		return badRequest("License " + grant.SKUID + " does not correspond to a valid company License.")
	}
	if !slices.Contains(u.SKUIDs, sku.ID) && sku.Free() == 0 {
		return noSeat(sku.ID)
	}
	for _, id := range grant.DisabledPlans {
		if !slices.ContainsFunc(sku.Plans, func(p provision.ServicePlan) bool { return p.ID == id && p.AppliesTo == "User" }) {
			return badRequest("disabledPlans has " + id)
		}
	}
	return nil
}

func (t *licenseTenant) exclusive(licenses []provision.AssignedLicense) bool {
	has := func(id string) bool {
		return slices.ContainsFunc(licenses, func(l provision.AssignedLicense) bool {
			return l.SKUID == id && strings.HasPrefix(l.State, "Active")
		})
	}
	return has(t.excludes[0]) && has(t.excludes[1])
}

func (t *licenseTenant) FindGroup(ctx context.Context, key provision.GroupKey) (provision.Group, error) {
	f, err := t.begin(ctx, "FindGroup", key.UniqueName+key.ObjectID)
	if err != nil {
		return provision.Group{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.groups {
		if g.UniqueName == key.UniqueName || g.ObjectID == key.ObjectID {
			return g, f.err
		}
	}
	return provision.Group{}, notFound()
}

func (t *licenseTenant) AddMembers(ctx context.Context, groupID string, objectIDs []string) error {
	f, err := t.begin(ctx, "AddMembers", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range objectIDs {
		if slices.Contains(t.members[groupID], id) {
			return fmt.Errorf("%w", provision.ErrAlreadyMember)
		}
		if t.user(id) == nil {
			return notFound()
		}
	}
	for _, id := range objectIDs {
		t.members[groupID] = append(t.members[groupID], id)
		t.jobs = append(t.jobs, licenseJob{t.now().Add(t.delay), id, groupID})
	}
	return f.err
}

func (t *licenseTenant) RemoveMember(ctx context.Context, groupID, objectID string) error {
	f, err := t.begin(ctx, "RemoveMember", "")
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.members[groupID], objectID)
	if i < 0 {
		return notFound()
	}
	t.members[groupID] = slices.Delete(t.members[groupID], i, i+1)
	t.jobs = append(t.jobs, licenseJob{t.now().Add(t.delay), objectID, groupID})
	return f.err
}

// work works out the licences that are due.
func (t *licenseTenant) work() {
	for len(t.jobs) > 0 && !t.jobs[0].due.After(t.now()) {
		job := t.jobs[0]
		t.jobs = t.jobs[1:]
		t.inherit(t.user(job.user), job.group)
	}
}

// inherit gives a member what the group gives: all of it or, with what is wrong in place of it, nothing.
func (t *licenseTenant) inherit(u *tenantUser, groupID string) {
	others := slices.DeleteFunc(slices.Clone(u.Licenses), func(l provision.AssignedLicense) bool { return l.GroupID == groupID })
	var given []provision.AssignedLicense
	if slices.Contains(t.members[groupID], u.ObjectID) {
		i := slices.IndexFunc(t.groups, func(g provision.Group) bool { return g.ObjectID == groupID })
		given = t.inherited(u, t.groups[i], others)
	}
	t.hold(u, append(others, given...))
}

func (t *licenseTenant) inherited(
	u *tenantUser, group provision.Group, others []provision.AssignedLicense,
) []provision.AssignedLicense {
	var given []provision.AssignedLicense
	problem := t.forced[group.ObjectID]
	for _, id := range group.SKUIDs {
		given = append(given, provision.AssignedLicense{SKUID: id, GroupID: group.ObjectID, State: "Active", Error: "None"})
		if !slices.Contains(u.SKUIDs, id) && t.sku(id).Free() == 0 {
			problem = "CountViolation"
		}
	}
	if t.exclusive(append(slices.Clone(others), given...)) {
		problem = "MutuallyExclusiveViolation"
	}
	for i := range given {
		if problem == "" {
			continue
		}
		given[i].State, given[i].Error = "Error", "Other"
		if problem != "CountViolation" || t.sku(given[i].SKUID).Free() == 0 {
			given[i].Error = problem
		}
	}
	return given
}

// licensedBy are the usual rules with these licences.
func licensedBy(dir provision.Directory, store provision.Store, licenses ...provision.License) provision.Config {
	c := config(dir, store)
	c.Rules.Licenses = licenses
	return c
}

func seat(sku string, fallbacks ...provision.License) provision.License {
	return provision.License{SKU: sku, Fallbacks: fallbacks}
}

func byGroup(group string, fallbacks ...provision.License) provision.License {
	return provision.License{Group: group, Fallbacks: fallbacks}
}

// person is one of many.
func person(i int) provision.Person {
	return provision.Person{Connection: "ldap", ID: fmt.Sprint(i), Email: fmt.Sprintf("person%d@example.net", i)}
}

// given is what the store says that a person was given and did not lose.
func given(t testing.TB, store provision.Store, p provision.Person) string {
	t.Helper()
	rec, err := store.Load(context.Background(), p.Key())
	require.NoError(t, err)
	return strings.Join(slices.DeleteFunc(fieldsOf(rec.Licenses), func(mark string) bool {
		return strings.HasPrefix(mark, "lost:")
	}), " ")
}

// fieldsOf are the marks of what a record says was given.
func fieldsOf(licenses string) []string { return strings.Fields(licenses) }
