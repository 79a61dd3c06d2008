package provision_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// errCrashed is all that a process sees of the world after it crashed.
var errCrashed = errors.New("crashed")

// process is a directory and a store as one process uses them, until it crashes at its n-th call, before or after that
// call took effect.
type process struct {
	directory provision.Directory
	store     provision.Store
	crashAt   int // 0: never
	after     bool

	mu      sync.Mutex // a call that is shared goes on when a run has left it
	calls   int
	crashed bool
}

func (p *process) step(effect func() error) error {
	last, dead := p.begin()
	if dead {
		return errCrashed
	}
	err := effect()
	if last {
		p.crash()
		return errCrashed
	}
	return err
}

// begin counts a call, and says whether it is the last one, and whether the process is gone before it.
func (p *process) begin() (last, dead bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	last = p.calls == p.crashAt
	p.crashed = p.crashed || last && !p.after
	return last, p.crashed
}

func (p *process) crash() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crashed = true
}

func (p *process) CreateUser(ctx context.Context, n provision.NewUser) (u provision.User, err error) {
	return u, p.step(func() error { u, err = p.directory.CreateUser(ctx, n); return err })
}

func (p *process) FindUser(ctx context.Context, key provision.UserKey) (u provision.User, err error) {
	err = p.step(func() error { u, err = p.directory.FindUser(ctx, key); return err })
	return u, err
}

func (p *process) SKUs(ctx context.Context) (skus []provision.SKU, err error) {
	err = p.step(func() error { skus, err = p.directory.SKUs(ctx); return err })
	return skus, err
}

func (p *process) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	return p.step(func() error { return p.directory.ChangeLicenses(ctx, objectID, change) })
}

func (p *process) Load(ctx context.Context, key provision.PersonKey) (rec provision.Record, err error) {
	err = p.step(func() error { rec, err = p.store.Load(ctx, key); return err })
	return rec, err
}

func (p *process) Reserve(ctx context.Context, in provision.Record) (rec provision.Record, err error) {
	err = p.step(func() error { rec, err = p.store.Reserve(ctx, in); return err })
	return rec, err
}

func (p *process) Save(ctx context.Context, in provision.Record) (rec provision.Record, err error) {
	err = p.step(func() error { rec, err = p.store.Save(ctx, in); return err })
	return rec, err
}

// leasedProcess is a process whose store has leases.
type leasedProcess struct {
	*process
	leaser provision.Leaser
}

func (p *leasedProcess) Acquire(
	ctx context.Context, key provision.PersonKey, ttl time.Duration,
) (lease provision.Lease, err error) {
	err = p.step(func() error { lease, err = p.leaser.Acquire(ctx, key, ttl); return err })
	return lease, err
}

// Renew is not one of the steps: a timer calls it.
func (p *leasedProcess) Renew(ctx context.Context, lease provision.Lease, ttl time.Duration) error {
	return p.leaser.Renew(ctx, lease, ttl)
}

func (p *leasedProcess) Release(ctx context.Context, lease provision.Lease) error {
	return p.step(func() error { return p.leaser.Release(ctx, lease) })
}

// crashing returns a process, the Provisioner that runs in it, and a Provisioner that runs in another one.
type crashing func(t *testing.T, dir *tenant, p *process) (first, second *provision.Provisioner)

func crashingWithoutLeases(t *testing.T, dir *tenant, p *process) (first, second *provision.Provisioner) {
	p.directory, p.store = dir, provision.NewMemoryStore()
	other := &process{directory: dir, store: p.store}
	return newProvisioner(t, licensed(config(p, p), standardSKU)),
		newProvisioner(t, licensed(config(other, other), standardSKU))
}

func crashingWithLeases(t *testing.T, dir *tenant, p *process) (first, second *provision.Provisioner) {
	store := provision.NewMemoryStore()
	p.directory, p.store = dir, store
	return newProvisioner(t, licensed(config(p, &leasedProcess{p, store}), standardSKU)),
		newProvisioner(t, licensed(config(dir, store), standardSKU))
}

func TestACrashAtAnyCallIsResumed(t *testing.T) {
	t.Parallel()
	t.Run("without leases", func(t *testing.T) { crashAnywhere(t, crashingWithoutLeases) })
	t.Run("with leases", func(t *testing.T) { crashAnywhere(t, crashingWithLeases) })
}

func crashAnywhere(t *testing.T, processes crashing) {
	t.Parallel()
	for name, prepare := range map[string]func(*tenant){
		"a plain creation":                func(*tenant) {},
		"a lagging directory":             func(dir *tenant) { dir.lag = 4 * time.Second },
		"a UPN that somebody has":         func(dir *tenant) { dir.has("somebody-else", "contractor@contoso.com") },
		"a creation whose answer is lost": func(dir *tenant) { dir.next("CreateUser", fault{err: dropped(), commit: true}) },
		"a creation that fails":           func(dir *tenant) { dir.next("CreateUser", fault{err: status(500)}) },
		"the last seat, and the answer is lost": func(dir *tenant) {
			dir.skus[0].Enabled = 1
			dir.next("ChangeLicenses", fault{err: dropped(), commit: true})
		},
	} {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, crash after the effect: %v", name, after), func(t *testing.T) {
				t.Parallel()
				for crashAt := 1; crashAndResume(t, processes, prepare, crashAt, after); crashAt++ {
					require.Less(t, crashAt, 200)
				}
			})
		}
	}
}

// crashAndResume reports whether the first process did crash. One that crashed when all was done returned the account.
func crashAndResume(
	t *testing.T, processes crashing, prepare func(*tenant), crashAt int, after bool,
) (crashed bool) {
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		prepare(dir)
		p := &process{crashAt: crashAt, after: after}
		first, second := processes(t, dir, p)
		account, err := first.Ensure(t.Context(), contractor())
		if crashed = p.crashed; crashed {
			if err != nil {
				require.ErrorIs(t, err, errCrashed)
			}
			account, err = second.Ensure(t.Context(), contractor())
		}
		require.NoError(t, err, "crash at call %d", crashAt)
		user := oneAccount(t, dir, account)
		require.Equal(t, []string{standardSKU}, user.SKUIDs)
		require.Equal(t, 1, dir.skus[0].Consumed)
		dwelt := time.Since(user.createdAt) + time.Microsecond // records keep microseconds
		require.GreaterOrEqual(t, dwelt, 15*time.Second, "the dwell is kept")
	})
	return crashed
}

func TestAfterACrashWithTheStoreLostTheAccountIsFoundAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.has("somebody-else", "contractor@contoso.com")
		before, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, "contractor2@contoso.com", before.UPN)
		after, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, after)
		require.Equal(t, before.UPN, after.UPN)
	})
}

func TestReservationsThatCrossAfterTheStoreWasLostBlockNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		one := provision.Person{Connection: "google", ID: "1", Email: "same@example.net"}
		two := provision.Person{Connection: "google", ID: "2", Email: "same@example.org"}
		dir := newTenant()
		p := newProvisioner(t, config(dir, nil))
		for _, person := range []provision.Person{one, two} {
			_, err := p.Ensure(t.Context(), person)
			require.NoError(t, err)
		}

		store := provision.NewMemoryStore() // each holds the UPN that the other's account has
		for id, upn := range map[string]string{"1": "same2@contoso.com", "2": "same@contoso.com"} {
			_, err := store.Reserve(t.Context(), record(id, provision.ImmutableIDFromSubject("google", id), upn))
			require.NoError(t, err)
		}
		p = newProvisioner(t, config(dir, store))
		for upn, person := range map[string]provision.Person{"same@contoso.com": one, "same2@contoso.com": two} {
			account, err := p.Ensure(t.Context(), person)
			require.NoError(t, err)
			require.Equal(t, upn, account.UPN)
			account, err = p.Ensure(t.Context(), person)
			require.NoError(t, err)
			require.Equal(t, upn, account.UPN, "also from the record alone")
		}
		require.Len(t, dir.mine(), 2)
	})
}

func TestAStoreThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"Load", "Reserve", "Save"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newTenant(), &brokenStore{Store: provision.NewMemoryStore(), method: method}
				_, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
				require.ErrorIs(t, err, errDisk)
				requireOneSentinel(t, err)
				var failure *provision.Error
				require.ErrorAs(t, err, &failure)
				require.Equal(t, provision.ReasonInternal, failure.Reason())
			})
		})
	}
}

var errDisk = errors.New("the disk is full")

// brokenStore fails in one method.
type brokenStore struct {
	provision.Store
	method string
}

func (s *brokenStore) Load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	if s.method == "Load" {
		return provision.Record{}, errDisk
	}
	return s.Store.Load(ctx, key)
}

func (s *brokenStore) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	if s.method == "Reserve" {
		return provision.Record{}, errDisk
	}
	return s.Store.Reserve(ctx, rec)
}

func (s *brokenStore) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	if s.method == "Save" {
		return provision.Record{}, errDisk
	}
	return s.Store.Save(ctx, rec)
}
