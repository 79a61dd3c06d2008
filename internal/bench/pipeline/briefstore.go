package pipeline

import (
	"context"
	"fmt"
	"sync"

	"github.com/entrafed/entrafed/provision"
)

// briefStore is a store that keeps the records of those who are under way, and one byte for everybody. Who is ready is
// never loaded again in a stream: then it is an error.
type briefStore struct {
	mu       sync.Mutex
	ready    []uint8
	underWay map[int]provision.Record
}

func newBriefStore(people int) *briefStore {
	return &briefStore{ready: make([]uint8, people), underWay: make(map[int]provision.Record)}
}

func (s *briefStore) Load(_ context.Context, key provision.PersonKey) (provision.Record, error) {
	n, err := numberOf(key.ID, len(s.ready))
	if err != nil {
		return provision.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, ok := s.underWay[n]
	switch {
	case s.ready[n] > 0:
		return provision.Record{}, fmt.Errorf("the record of person %d is not kept any more", n)
	case !ok:
		return provision.Record{}, provision.ErrNoRecord
	}
	return rec, nil
}

// Reserve need not look whether others have the UPN or the ImmutableID: they hold the person's number.
func (s *briefStore) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	stored, err := s.Load(ctx, rec.Key)
	if err != provision.ErrNoRecord {
		return stored, err
	}
	rec.Version = 1
	return rec, s.put(rec)
}

func (s *briefStore) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	stored, err := s.Load(ctx, rec.Key)
	if err != nil {
		return stored, err
	}
	if stored.Version != rec.Version {
		return provision.Record{}, provision.ErrStaleRecord
	}
	rec.Version++
	return rec, s.put(rec)
}

// put stores a record whose person has one run at a time.
func (s *briefStore) put(rec provision.Record) error {
	n, err := numberOf(rec.Key.ID, len(s.ready))
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec.ReadyAt.IsZero() {
		s.underWay[n] = rec
		return nil
	}
	s.ready[n] = 1
	delete(s.underWay, n)
	return nil
}
