package sqltest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// tenant is a directory in the test's process, which the workers reach over loopback. ImmutableIDs and UPNs are unique.
type tenant struct {
	mu       sync.Mutex
	users    []provision.User
	creating map[string]int           // how often a creation was asked for, by ImmutableID
	waiting  map[string]chan struct{} // closed when a worker says that it waits for another one, by ImmutableID

	// before and after are called in a creation, before and after it takes effect.
	before, after func(immutableID string)
}

func newTenant() *tenant {
	nothing := func(string) {}
	return &tenant{creating: map[string]int{}, waiting: map[string]chan struct{}{}, before: nothing, after: nothing}
}

// serve makes the tenant reachable at the address that it returns.
func (d *tenant) serve(t *testing.T) string {
	t.Helper()
	server := rpc.NewServer()
	require.NoError(t, server.RegisterName("Tenant", &remote{d}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // closed
			}
			go server.ServeConn(conn)
		}
	}()
	return listener.Addr().String()
}

// local is the tenant for this process.
func (d *tenant) local() client {
	server := rpc.NewServer()
	if err := server.RegisterName("Tenant", &remote{d}); err != nil {
		panic(err) // the methods are as they must be
	}
	here, there := net.Pipe()
	go server.ServeConn(there)
	return client{rpc.NewClient(here)}
}

// find returns the user that fits, or nil. The tenant is locked.
func (d *tenant) find(fits func(provision.User) bool) *provision.User {
	for i := range d.users {
		if fits(d.users[i]) {
			return &d.users[i]
		}
	}
	return nil
}

// someoneWaits is closed once a worker waits for another one that is at work for the same person.
func (d *tenant) someoneWaits(immutableID string) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting[immutableID] == nil {
		d.waiting[immutableID] = make(chan struct{})
	}
	return d.waiting[immutableID]
}

// remote are the calls that the workers make.
type remote struct{ tenant *tenant }

// FoundUser is a user, or that there is none.
type FoundUser struct {
	User  provision.User
	Found bool
}

// CreatedUser is a user, or the property that clashed.
type CreatedUser struct {
	User  provision.User
	Clash string
}

func (r *remote) Create(n provision.NewUser, reply *CreatedUser) error {
	d := r.tenant
	d.mu.Lock()
	d.creating[n.ImmutableID]++
	d.mu.Unlock()
	d.before(n.ImmutableID)
	defer d.after(n.ImmutableID)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.find(func(u provision.User) bool { return u.ImmutableID == n.ImmutableID }) != nil:
		reply.Clash = "onPremisesImmutableId"
	case d.find(func(u provision.User) bool { return strings.EqualFold(u.UserPrincipalName, n.UserPrincipalName) }) != nil:
		reply.Clash = "userPrincipalName"
	default:
		reply.User = provision.User{ObjectID: fmt.Sprintf("00000000-0000-4000-8000-%012d", len(d.users)+1),
			UserPrincipalName: n.UserPrincipalName, ImmutableID: n.ImmutableID, AccountEnabled: true}
		d.users = append(d.users, reply.User)
	}
	return nil
}

func (r *remote) Find(key provision.UserKey, reply *FoundUser) error {
	d := r.tenant
	d.mu.Lock()
	defer d.mu.Unlock()
	user := d.find(func(u provision.User) bool {
		return key.ObjectID != "" && u.ObjectID == key.ObjectID ||
			key.ImmutableID != "" && u.ImmutableID == key.ImmutableID ||
			key.UserPrincipalName != "" && strings.EqualFold(u.UserPrincipalName, key.UserPrincipalName)
	})
	if user != nil {
		*reply = FoundUser{*user, true}
	}
	return nil
}

// Waits says that the caller waits for another process that is at work for the person.
func (r *remote) Waits(immutableID string, _ *bool) error {
	waits := r.tenant.someoneWaits(immutableID)
	r.tenant.mu.Lock()
	defer r.tenant.mu.Unlock()
	select {
	case <-waits:
	default:
		close(waits)
	}
	return nil
}

// client is the tenant as a worker sees it.
type client struct{ *rpc.Client }

var _ provision.Directory = client{}

func (c client) CreateUser(_ context.Context, n provision.NewUser) (provision.User, error) {
	var reply CreatedUser
	if err := c.Call("Tenant.Create", n, &reply); err != nil {
		return provision.User{}, &provision.DirectoryError{Operation: "creating the user", Err: err}
	}
	if reply.Clash != "" {
		return provision.User{}, &provision.DirectoryError{Operation: "creating the user", Status: 400,
			Code:    "Request_BadRequest",
			Details: []provision.ErrorDetail{{Code: "ObjectConflict", Target: reply.Clash}}}
	}
	return reply.User, nil
}

func (c client) FindUser(_ context.Context, key provision.UserKey) (provision.User, error) {
	var reply FoundUser
	if err := c.Call("Tenant.Find", key, &reply); err != nil {
		return provision.User{}, &provision.DirectoryError{Operation: "finding the user", Err: err}
	}
	if !reply.Found {
		return provision.User{}, &provision.DirectoryError{Operation: "finding the user", Status: 404}
	}
	return reply.User, nil
}

var errNoLicenses = errors.New("the rules name no licence")

func (c client) SKUs(context.Context) ([]provision.SKU, error) { return nil, errNoLicenses }

func (c client) ChangeLicenses(context.Context, string, provision.LicenseChange) error {
	return errNoLicenses
}
