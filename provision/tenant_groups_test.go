package provision_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// The object IDs of the groups that most tests use.
const (
	staffGroup   = "11111111-0000-4000-8000-000000000001"
	partnerGroup = "11111111-0000-4000-8000-000000000002"
)

// groupTenant is a tenant that has groups and managers too. A write to a group is carried out as a whole or not at all,
// and refers to each account on one of three replicas.
type groupTenant struct {
	*tenant
	groups   []provision.Group
	members  map[string][]string     // by the group's object ID
	refuses  map[string]error        // by the object ID of a group or of a user: what every write with it gets
	managers map[string]string       // by the user's object ID
	replicas func() [3]time.Duration // when each replica knows a new account; nil: at once
	nameless bool                    // answers do not name what is missing
	took     time.Duration           // how long a write to a group takes
	lags     map[string][3]time.Duration
	draw     *rand.Rand

	writes  [][]string // the accounts of each write to a group that was sent
	failed  int        // how many of them came to nothing
	running int
	crowded bool // two writes to groups were under way at the same time
}

var (
	_ provision.Groups   = (*groupTenant)(nil)
	_ provision.Managers = (*groupTenant)(nil)
)

func newGroupTenant() *groupTenant {
	g := &groupTenant{
		tenant: newTenant(),
		groups: []provision.Group{
			{ObjectID: staffGroup, UniqueName: "staff", DisplayName: "Staff"},
			{ObjectID: partnerGroup, UniqueName: "partners", DisplayName: "Partners"},
		},
		members:  make(map[string][]string),
		refuses:  make(map[string]error),
		managers: make(map[string]string),
		lags:     make(map[string][3]time.Duration),
		draw:     rand.New(rand.NewPCG(1, 2)),
	}
	g.tenant.visible = g.onAReplica
	return g
}

// onAReplica reports whether a replica that is drawn knows the account. The caller holds the mutex.
func (g *groupTenant) onAReplica(u *tenantUser) bool {
	if u.foreign || g.replicas == nil {
		return true
	}
	if _, ok := g.lags[u.ObjectID]; !ok {
		g.lags[u.ObjectID] = g.replicas()
	}
	return g.now().Sub(u.createdAt) >= g.lags[u.ObjectID][g.draw.IntN(3)]
}

func (g *groupTenant) FindGroup(ctx context.Context, key provision.GroupKey) (provision.Group, error) {
	kind := "by uniqueName"
	if key.ObjectID != "" {
		kind = "by object ID"
	}
	f, err := g.begin(ctx, "FindGroup", kind)
	if err != nil {
		return provision.Group{}, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, group := range g.groups {
		if key.ObjectID != "" && group.ObjectID == key.ObjectID || key.UniqueName != "" && group.UniqueName == key.UniqueName {
			return group, f.err
		}
	}
	return provision.Group{}, missing(key.ObjectID + key.UniqueName)
}

func (g *groupTenant) AddMembers(ctx context.Context, groupID string, ids []string) error {
	g.mu.Lock()
	g.writes = append(g.writes, slices.Clone(ids))
	g.running++
	g.crowded = g.crowded || g.running > 1
	g.mu.Unlock()
	if g.took > 0 {
		time.Sleep(g.took)
	}
	f, err := g.begin(ctx, "AddMembers", fmt.Sprint(len(ids)))
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	if err == nil {
		err = g.add(groupID, ids)
	}
	if err != nil {
		g.failed++
		return err
	}
	return f.err
}

// add is the write itself.
func (g *groupTenant) add(groupID string, ids []string) error {
	if len(ids) == 0 || len(ids) > provision.MaxMembers {
		return badRequest("A resource cannot contain more than 20 link changes")
	}
	if !slices.ContainsFunc(g.groups, func(group provision.Group) bool { return group.ObjectID == groupID }) {
		return g.missing(groupID)
	}
	if err := g.refuses[groupID]; err != nil {
		return err
	}
	for i, id := range ids {
		known := slices.IndexFunc(g.users, func(u *tenantUser) bool { return u.ObjectID == id })
		if known < 0 || !g.onAReplica(g.users[known]) {
			return g.missing(id)
		}
		if err := g.refuses[id]; err != nil {
			return err
		}
		if slices.Contains(g.members[groupID], id) || slices.Contains(ids[:i], id) {
			return alreadyMember()
		}
	}
	g.members[groupID] = append(g.members[groupID], ids...)
	return nil
}

func (g *groupTenant) RemoveMember(ctx context.Context, groupID, objectID string) error {
	f, err := g.begin(ctx, "RemoveMember", "")
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.refuses[groupID]; err != nil {
		return err
	}
	i := slices.Index(g.members[groupID], objectID)
	if i < 0 {
		return missing(objectID)
	}
	g.members[groupID] = slices.Delete(g.members[groupID], i, i+1)
	return f.err
}

func (g *groupTenant) SetManager(ctx context.Context, objectID, managerID string) error {
	f, err := g.begin(ctx, "SetManager", "")
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range []string{objectID, managerID} {
		known := slices.IndexFunc(g.users, func(u *tenantUser) bool { return u.ObjectID == id })
		if known < 0 || !g.onAReplica(g.users[known]) {
			return g.missing(id)
		}
	}
	g.managers[objectID] = managerID
	return f.err
}

func (g *groupTenant) missing(id string) error {
	if g.nameless {
		return notFound()
	}
	return missing(id)
}

// in are the members of a group.
func (g *groupTenant) in(groupID string) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.members[groupID])
}

// batchTenant is a tenant that also creates several users in one round trip.
type batchTenant struct {
	*groupTenant
	short bool // an answer is missing
}

var _ provision.UserBatches = (*batchTenant)(nil)

// CreateUsers does what CreateUser does for each, faults included; the script of "CreateUsers" is about the round trip.
func (b *batchTenant) CreateUsers(ctx context.Context, users []provision.NewUser) ([]provision.Created, error) {
	f, err := b.begin(ctx, "Batch", fmt.Sprint(len(users)))
	if err != nil {
		return nil, err
	}
	var out []provision.Created
	for _, u := range users {
		user, err := b.CreateUser(ctx, u)
		out = append(out, provision.Created{User: user, Err: err})
	}
	if b.short {
		out = out[1:]
	}
	return out, f.err
}

// What the directory answers.

func missing(id string) *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "call", Status: http.StatusNotFound, Code: "Request_ResourceNotFound",
		Message: "Resource '" + id + "' does not exist or one of its queried reference-property objects are not present."}
}

func alreadyMember() *provision.DirectoryError {
	return &provision.DirectoryError{Operation: "AddMembers", Status: http.StatusBadRequest, Code: "Request_BadRequest",
		Message: "One or more added object references already exist for the following modified properties: 'members'.",
		Err:     provision.ErrAlreadyMember}
}

// hires is n people.
func hires(n int) []provision.Person {
	people := make([]provision.Person, n)
	for i := range people {
		people[i] = provision.Person{Connection: "hr", ID: fmt.Sprint(i), Email: fmt.Sprintf("person%d@example.net", i)}
	}
	return people
}

func inGroups(c provision.Config, groups ...string) provision.Config {
	c.Rules.Groups = groups
	return c
}

// ensureLow provisions people as bulk work does, all at the same time, and returns what became of each.
func ensureLow(ctx context.Context, p *provision.Provisioner, people []provision.Person) []error {
	errs := make([]error, len(people))
	var all sync.WaitGroup
	for i, person := range people {
		all.Go(func() { _, errs[i] = p.EnsureLow(ctx, person) })
	}
	all.Wait()
	return errs
}

// quick is a configuration whose writes are not paced, for tests that count calls.
func quick(c provision.Config) provision.Config {
	c.Pace = provision.Pace{WritesPerSecond: 1000, WriteBurst: 1000, UnitsPerSecond: 10_000, UnitBurst: 10_000}
	return c
}

// sizes are how many accounts each write was for.
func (g *groupTenant) sizes() (sizes []int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, w := range g.writes {
		sizes = append(sizes, len(w))
	}
	return sizes
}

func callsOf(calls []string, method string) (of []string) {
	for _, call := range calls {
		if strings.HasPrefix(call, method) {
			of = append(of, call)
		}
	}
	return of
}

// objectIDs are the accounts of everybody who was created.
func objectIDs(t testing.TB, dir *tenant) (ids []string) {
	t.Helper()
	for _, u := range dir.mine() {
		ids = append(ids, u.ObjectID)
	}
	return ids
}
