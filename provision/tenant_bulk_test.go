package provision_test

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// member is one of many people.
func member(i int) provision.Person {
	id := fmt.Sprintf("m%06d", i)
	return provision.Person{Connection: "google", ID: id, Email: id + "@example.net"}
}

// crowd is that many people.
func crowd(n int) iter.Seq2[provision.Person, error] {
	return func(yield func(provision.Person, error) bool) {
		for i := range n {
			if !yield(member(i), nil) {
				return
			}
		}
	}
}

// people are these people, and nobody fails to be read.
func people(list ...provision.Person) iter.Seq2[provision.Person, error] {
	return func(yield func(provision.Person, error) bool) {
		for _, p := range list {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// bulkLog is what a bulk told, and the bulk that tells it.
type bulkLog struct{ events []provision.BulkEvent }

func (l *bulkLog) to(b provision.Bulk) provision.Bulk {
	b.Progress = func(e provision.BulkEvent) { l.events = append(l.events, e) }
	return b
}

func (l *bulkLog) outcomes() (list []provision.BulkOutcome) {
	for _, e := range l.events {
		list = append(list, e.Outcome)
	}
	return list
}

func (l *bulkLog) indexes() (list []int) {
	for _, e := range l.events {
		list = append(list, e.Index)
	}
	return list
}

// meanwhile is a host's step that takes as long as told, and counts who is in it.
type meanwhile struct {
	lasts  func(provision.Person) time.Duration
	inside atomic.Int64
	most   atomic.Int64
}

func (m *meanwhile) Name() string { return "meanwhile" }

func (m *meanwhile) Run(ctx context.Context, p provision.Person, _ provision.Account) error {
	n := m.inside.Add(1)
	defer m.inside.Add(-1)
	for {
		most := m.most.Load()
		if n <= most || m.most.CompareAndSwap(most, n) {
			break
		}
	}
	select {
	case <-time.After(m.lasts(p)):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unkeeping is a directory and a store that keep nothing of a person who is done: everybody has an account already.
type unkeeping struct {
	provision.Directory // answers nothing else

	mu      sync.Mutex
	records map[provision.PersonKey]provision.Record
}

func (u *unkeeping) FindUser(_ context.Context, key provision.UserKey) (provision.User, error) {
	return provision.User{ObjectID: "00000000-0000-4000-8000-000000000001", ImmutableID: key.ImmutableID}, nil
}

func (u *unkeeping) Load(_ context.Context, key provision.PersonKey) (provision.Record, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	rec, ok := u.records[key]
	if !ok {
		return rec, provision.ErrNoRecord
	}
	return rec, nil
}

func (u *unkeeping) Reserve(_ context.Context, rec provision.Record) (provision.Record, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	rec.Version = 1
	u.records[rec.Key] = rec
	return rec, nil
}

func (u *unkeeping) Save(_ context.Context, rec provision.Record) (provision.Record, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	rec.Version++
	u.records[rec.Key] = rec
	if !rec.ReadyAt.IsZero() {
		delete(u.records, rec.Key)
	}
	return rec, nil
}
