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
	objects [5][]string         // the accounts that were recorded at some time
	forgot  [5]string           // the account that a repair made the record forget
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
	_ provision.Store   = storeOf{}
	_ provision.Index   = storeOf{}
	_ provision.Cursors = storeOf{}
	_ provision.Leaser  = leasedStoreOf{}
)

func (h *host) storeInUse() provision.Store {
	if h.store.plan.leases {
		return leasedStoreOf{storeOf{h}}
	}
	return storeOf{h}
}

// use makes a call to the store.
func use[T any](
	ctx context.Context, h *host, op, text string, write bool, effect func() (T, error),
) (result T, err error) {
	lane := laneRun
	if op == opRenew {
		lane = laneRenew
	}
	c, err := h.begin(ctx, op, lane)
	if err != nil {
		return result, err
	}
	c.text = text
	fails := lane == laneRun && h.w.now() < h.w.plan.weather.lasts && c.dice.in(h.store.plan.fails)
	commits := c.dice.in(50)
	lost := func() error { _, err := effect(); return err } // nobody gets what it answers
	if err := c.travel(ctx, c.dice.between(200*time.Microsecond, 5*time.Millisecond)); err != nil {
		c.cutOff(err, write, lost)
		return result, err
	}
	err = c.arrive(func() (err error) {
		switch {
		case fails && commits:
			h.w.noteCall(c, "takes effect, and its answer is lost", lost())
		case !fails:
			result, err = effect()
			return err
		}
		h.storeFail = true
		return errStore
	}, lost)
	return result, err
}

// The calls to a store.
const (
	opLoad    = "Load"
	opReserve = "Reserve"
	opSave    = "Save"
	opAcquire = "Acquire"
	opRenew   = "Renew"
	opRelease = "Release"
	opFind    = "LoadByObjectID"
	opList    = "List"
	opCursor  = "LoadCursor"
	opMove    = "SaveCursor"
)

func (s storeOf) Load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	return use(ctx, s.h, opLoad, "", false, func() (provision.Record, error) {
		return s.h.store.inner.Load(context.Background(), key)
	})
}

func (s storeOf) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	return use(ctx, s.h, opReserve, s.h.w.joined(rec.UPN, rec.ImmutableID), true, func() (provision.Record, error) {
		return s.remembered(ctx)(s.h.store.inner.Reserve(context.Background(), rec))
	})
}

func (s storeOf) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	return use(ctx, s.h, opSave, s.h.w.recordText(rec), true, func() (provision.Record, error) {
		return s.remembered(ctx)(s.h.store.inner.Save(context.Background(), rec))
	})
}

// remembered has a record judged that is now in the store.
func (s storeOf) remembered(ctx context.Context) func(provision.Record, error) (provision.Record, error) {
	return func(rec provision.Record, err error) (provision.Record, error) {
		if err == nil {
			s.h.w.judgeRecord(s.h, rec, isReconciling(ctx))
		}
		return rec, err
	}
}

func (s storeOf) LoadByObjectID(ctx context.Context, objectID string) (provision.Record, error) {
	return use(ctx, s.h, opFind, objectID, false, func() (provision.Record, error) {
		return s.h.store.inner.LoadByObjectID(context.Background(), objectID)
	})
}

func (s storeOf) List(ctx context.Context, after provision.PersonKey, limit int) ([]provision.Record, error) {
	return use(ctx, s.h, opList, "", false, func() ([]provision.Record, error) {
		return s.h.store.inner.List(context.Background(), after, min(limit, 2)) // several pages
	})
}

func (s storeOf) LoadCursor(ctx context.Context, name string) (string, error) {
	return use(ctx, s.h, opCursor, name, false, func() (string, error) {
		return s.h.store.inner.LoadCursor(context.Background(), name)
	})
}

func (s storeOf) SaveCursor(ctx context.Context, name, value string) error {
	_, err := use(ctx, s.h, opMove, s.h.w.joined(name, value), true, func() (struct{}, error) {
		return struct{}{}, s.h.store.inner.SaveCursor(context.Background(), name, value)
	})
	return err
}

func (s leasedStoreOf) Acquire(
	ctx context.Context, key provision.PersonKey, ttl time.Duration,
) (provision.Lease, error) {
	return use(ctx, s.h, opAcquire, "", true, func() (provision.Lease, error) {
		lease, err := s.h.store.inner.Acquire(context.Background(), key, ttl)
		if err == nil {
			*s.lease(key) = leaseOf{s.h, lease.Token, s.h.w.now() + ttl}
		}
		return lease, err
	})
}

func (s leasedStoreOf) Renew(ctx context.Context, lease provision.Lease, ttl time.Duration) error {
	_, err := use(ctx, s.h, opRenew, "", true, func() (struct{}, error) {
		err := s.h.store.inner.Renew(context.Background(), lease, ttl)
		if err == nil {
			s.lease(lease.Key).until = s.h.w.now() + ttl
		}
		return struct{}{}, err
	})
	return err
}

func (s leasedStoreOf) Release(ctx context.Context, lease provision.Lease) error {
	_, err := use(ctx, s.h, opRelease, "", true, func() (struct{}, error) {
		if held := s.lease(lease.Key); held.token == lease.Token {
			*held = leaseOf{}
		}
		return struct{}{}, s.h.store.inner.Release(context.Background(), lease)
	})
	return err
}

// lease is what is known of the lease of a person.
func (s leasedStoreOf) lease(key provision.PersonKey) *leaseOf {
	return &s.h.store.leases[s.h.w.keyed(key)]
}

// holder is who has the lease of a person now, or nil.
func (m *memory) holder(who int, now time.Duration) *host {
	if l := m.leases[who]; l.holder != nil && now < l.until {
		return l.holder
	}
	return nil
}
