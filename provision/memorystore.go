package provision

import (
	"context"
	"strings"
	"sync"
)

// MemoryStore is a [Store] in this process. What it knows is gone when the process ends: the next run finds the
// accounts again by their ImmutableIDs and waits for readiness once more. It suits tests and trials; several processes
// need a shared Store. The zero value is not usable: call [NewMemoryStore].
type MemoryStore struct {
	mu           sync.Mutex
	records      map[PersonKey]Record
	upns         map[string]PersonKey // in lower case
	immutableIDs map[string]PersonKey
}

var _ Store = (*MemoryStore)(nil)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		records:      make(map[PersonKey]Record),
		upns:         make(map[string]PersonKey),
		immutableIDs: make(map[string]PersonKey),
	}
}

// Load implements [Store].
func (s *MemoryStore) Load(ctx context.Context, key PersonKey) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, ok := s.records[key]
	if !ok {
		return Record{}, ErrNoRecord
	}
	return rec, nil
}

// Reserve implements [Store].
func (s *MemoryStore) Reserve(ctx context.Context, rec Record) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored, ok := s.records[rec.Key]; ok {
		return stored, nil
	}
	if err := s.free(rec); err != nil {
		return Record{}, err
	}
	rec.Version = 1
	s.put(rec)
	return rec, nil
}

// Save implements [Store].
func (s *MemoryStore) Save(ctx context.Context, rec Record) (Record, error) {
	if err := ctx.Err(); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.records[rec.Key]
	if !ok || stored.Version != rec.Version {
		return Record{}, ErrStaleRecord
	}
	if err := s.free(rec); err != nil {
		return Record{}, err
	}
	delete(s.upns, strings.ToLower(stored.UPN))
	delete(s.immutableIDs, stored.ImmutableID)
	rec.Version++
	s.put(rec)
	return rec, nil
}

// free reports what of rec somebody else holds.
func (s *MemoryStore) free(rec Record) error {
	if holder, ok := s.immutableIDs[rec.ImmutableID]; ok && holder != rec.Key {
		return ErrImmutableIDTaken
	}
	if holder, ok := s.upns[strings.ToLower(rec.UPN)]; ok && holder != rec.Key {
		return ErrUPNTaken
	}
	return nil
}

func (s *MemoryStore) put(rec Record) {
	s.records[rec.Key] = rec
	s.upns[strings.ToLower(rec.UPN)] = rec.Key
	s.immutableIDs[rec.ImmutableID] = rec.Key
}
