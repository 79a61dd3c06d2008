package provision_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// limitedTenant is a tenant that limits calls as Graph does: two buckets fill with what calls cost and drain steadily. A
// call that does not fit is refused, and counts all the same; one with low priority is refused above 80 %, from where on
// the load is reported.
type limitedTenant struct {
	*tenant
	limits sync.Mutex
	writes usage
	units  usage
	silent bool // without Retry-After

	refused  int
	accepted []acceptance
}

// acceptance is a write that was not refused.
type acceptance struct {
	at       time.Duration // since the tenant was made
	priority provision.Priority
}

// usage is a bucket that drains.
type usage struct {
	scope    string
	capacity float64
	window   time.Duration
	level    float64
	at       time.Time
}

// newLimitedTenant allows so many writes in 150 seconds, and 3,500 resource units in 10.
func newLimitedTenant(writes float64) *limitedTenant {
	return &limitedTenant{
		tenant: newTenant(),
		writes: usage{scope: "Tenant_Application/Write", capacity: writes, window: 150 * time.Second, at: time.Now()},
		units:  usage{scope: "Tenant_Application/ReadWrite", capacity: 3500, window: 10 * time.Second, at: time.Now()},
	}
}

// drain lets go of what was used long ago.
func (u *usage) drain(now time.Time) {
	u.level = max(0, u.level-u.capacity*now.Sub(u.at).Seconds()/u.window.Seconds())
	u.at = now
}

// charge counts a call, and says for how long it does not fit.
func (u *usage) charge(now time.Time, cost, share float64) time.Duration {
	u.drain(now)
	u.level = min(u.level+cost, 1.8*u.capacity)
	over := u.level - share*u.capacity
	if over <= 1e-6 {
		return 0
	}
	return time.Duration(math.Ceil(over/u.capacity*u.window.Seconds())) * time.Second
}

// limit charges a call, or refuses it.
func (t *limitedTenant) limit(ctx context.Context, writes, units float64) error {
	t.limits.Lock()
	defer t.limits.Unlock()
	trace, now, share := provision.CallTraceOf(ctx), time.Now(), 1.0
	if trace.Priority == provision.PriorityLow {
		share = 0.8
	}
	var wait time.Duration
	for _, bucket := range []struct {
		*usage
		cost float64
	}{{&t.writes, writes}, {&t.units, units}} {
		if bucket.cost == 0 {
			continue
		}
		if w := bucket.charge(now, bucket.cost, share); w > wait {
			wait, trace.Scope = w, bucket.scope
		}
		if load := bucket.level / bucket.capacity; load > 0.8 && load > trace.Load {
			trace.Load = load
		}
	}
	if wait == 0 {
		if writes > 0 {
			t.accepted = append(t.accepted, acceptance{now.Sub(t.born()), trace.Priority})
		}
		return nil
	}
	t.refused++
	if t.silent {
		wait = 0
	}
	return throttled(wait)
}

// born is when tests in virtual time begin.
func (t *limitedTenant) born() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

func (t *limitedTenant) CreateUser(ctx context.Context, n provision.NewUser) (provision.User, error) {
	if err := t.limit(ctx, 1, 1); err != nil {
		return provision.User{}, err
	}
	return t.tenant.CreateUser(ctx, n)
}

func (t *limitedTenant) FindUser(ctx context.Context, key provision.UserKey) (provision.User, error) {
	if err := t.limit(ctx, 0, 1); err != nil {
		return provision.User{}, err
	}
	return t.tenant.FindUser(ctx, key)
}

// times are when writes of a priority were accepted.
func (t *limitedTenant) times(priority provision.Priority) (at []time.Duration) {
	t.limits.Lock()
	defer t.limits.Unlock()
	for _, a := range t.accepted {
		if a.priority == priority {
			at = append(at, a.at)
		}
	}
	return at
}

// newPacer is a pacer of a pace, on the clock of the test.
func newPacer(t testing.TB, pace provision.Pace) *provision.MemoryPacer {
	t.Helper()
	pacer, err := provision.NewMemoryPacer(pace, nil)
	require.NoError(t, err)
	return pacer
}

// paced is a Provisioner of a priority that shares a pacer.
func paced(
	t testing.TB, dir provision.Directory, pacer provision.Pacer, priority provision.Priority,
) *provision.Provisioner {
	t.Helper()
	c := config(dir, nil)
	c.Pacer, c.Priority = pacer, priority
	c.Settle = provision.Settle{Budget: 24 * time.Hour}
	return newProvisioner(t, c)
}

// somebodyElse is one of many people.
func somebodyElse(i int) provision.Person {
	return provision.Person{Connection: "google", ID: fmt.Sprint(i)}
}

// ensureAll provisions many people at once and returns a function that waits for them.
func ensureAll(t testing.TB, p *provision.Provisioner, first, n int) (wait func()) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if _, err := p.Ensure(t.Context(), somebodyElse(first+i)); err != nil && t.Context().Err() == nil {
				t.Errorf("person %d: %v", first+i, err)
			}
		})
	}
	return all.Wait
}
