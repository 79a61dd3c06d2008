package main

import (
	"context"
	"errors"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// memory is a store. It survives the hosts that use it.
type memory struct {
	plan    storePlan
	inner   *provision.MemoryStore
	leases  [5]leaseOf          // of each person
	records [5]provision.Record // as they were saved last
	upns    [5][]string         // all that were reserved at some time
}

// leaseOf is who has the lease of a person, as the store knows it.
type leaseOf struct {
	holder *host
	token  int64
	until  time.Duration
}

func newMemory(p storePlan) *memory { return &memory{plan: p, inner: provision.NewMemoryStore()} }

// errStore is a store that fails: the host cannot tell whether the call took effect.
var errStore = errors.New("the connection to the store was reset")

// storeOf is a store as one life of a host sees it: behind a network.
type storeOf struct{ h *host }

// leasedStoreOf is one that has leases.
type leasedStoreOf struct{ storeOf }

var (
	_ provision.Store  = storeOf{}
	_ provision.Leaser = leasedStoreOf{}
)

func (h *host) storeInUse() provision.Store {
	if h.store.plan.leases {
		return leasedStoreOf{storeOf{h}}
	}
	return storeOf{h}
}

// use makes a call to the store.
func (s storeOf) use(ctx context.Context, op string, lane int, write bool, effect func(*call) error) error {
	c, err := s.h.begin(ctx, op, lane)
	if err != nil {
		return err
	}
	fails := lane == laneRun && s.h.w.now() < s.h.w.plan.weather.lasts && c.dice.in(s.h.store.plan.fails)
	commits := c.dice.in(50)
	if err := c.travel(ctx, c.dice.between(200*time.Microsecond, 5*time.Millisecond)); err != nil {
		c.cutOff(err, write, func() error { return effect(c) })
		return err
	}
	return c.arrive(func() error {
		if !fails {
			return effect(c)
		}
		s.h.storeFail = true
		if commits {
			s.h.w.noteCall(c, "takes effect, and its answer is lost", effect(c))
		}
		return errStore
	})
}

func (s storeOf) Load(ctx context.Context, key provision.PersonKey) (rec provision.Record, err error) {
	err = s.use(ctx, "Load", laneRun, false, func(*call) (err error) {
		rec, err = s.h.store.inner.Load(context.Background(), key)
		return err
	})
	return rec, err
}

func (s storeOf) Reserve(ctx context.Context, in provision.Record) (rec provision.Record, err error) {
	err = s.use(ctx, "Reserve", laneRun, true, func(c *call) (err error) {
		c.text = in.UPN + " " + in.ImmutableID
		if rec, err = s.h.store.inner.Reserve(context.Background(), in); err == nil {
			s.h.w.judgeRecord(s.h, rec)
		}
		return err
	})
	return rec, err
}

func (s storeOf) Save(ctx context.Context, in provision.Record) (rec provision.Record, err error) {
	err = s.use(ctx, "Save", laneRun, true, func(c *call) (err error) {
		c.text = s.h.w.recordText(in)
		if rec, err = s.h.store.inner.Save(context.Background(), in); err == nil {
			s.h.w.judgeRecord(s.h, rec)
		}
		return err
	})
	return rec, err
}

func (s leasedStoreOf) Acquire(
	ctx context.Context, key provision.PersonKey, ttl time.Duration,
) (lease provision.Lease, err error) {
	err = s.use(ctx, "Acquire", laneRun, true, func(*call) (err error) {
		if lease, err = s.h.store.inner.Acquire(context.Background(), key, ttl); err == nil {
			s.h.store.leases[s.h.w.keyed(key)] = leaseOf{s.h, lease.Token, s.h.w.now() + ttl}
		}
		return err
	})
	return lease, err
}

func (s leasedStoreOf) Renew(ctx context.Context, lease provision.Lease, ttl time.Duration) error {
	return s.use(ctx, "Renew", laneRenew, true, func(*call) error {
		err := s.h.store.inner.Renew(context.Background(), lease, ttl)
		if err == nil {
			s.h.store.leases[s.h.w.keyed(lease.Key)].until = s.h.w.now() + ttl
		}
		return err
	})
}

func (s leasedStoreOf) Release(ctx context.Context, lease provision.Lease) error {
	return s.use(ctx, "Release", laneRun, true, func(*call) error {
		held := &s.h.store.leases[s.h.w.keyed(lease.Key)]
		if held.token == lease.Token {
			*held = leaseOf{}
		}
		return s.h.store.inner.Release(context.Background(), lease)
	})
}

// holder is who has the lease of a person now, or nil.
func (m *memory) holder(who int, now time.Duration) *host {
	if l := m.leases[who]; l.holder != nil && now < l.until {
		return l.holder
	}
	return nil
}
