package provision

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"
)

// MemoryStore is a [Store], a [Leaser], an [Index] and [Cursors] in this process. What it knows is gone when the
// process ends: the next run finds the accounts again by their ImmutableIDs and waits for readiness once more. It suits
// tests and trials; several processes need a shared Store. The zero value is not usable: call [NewMemoryStore].
type MemoryStore struct {
	// Now is the clock by which leases expire. Nil: time.Now. It is not changed after the first call.
	Now func() time.Time

	mu           sync.Mutex
	records      map[PersonKey]Record
	upns         map[string]PersonKey // in lower case
	immutableIDs map[string]PersonKey
	objectIDs    map[string][]PersonKey // who has it; hardly ever more than one
	keys         []PersonKey            // of all records
	unsorted     bool                   // keys were appended since they were sorted
	cursors      map[string]string
	leases       map[PersonKey]memoryLease
	lastToken    int64
}

// memoryLease is a lease that was not released. It may have expired.
type memoryLease struct {
	token     int64
	expiresAt time.Time
}

var (
	_ Store   = (*MemoryStore)(nil)
	_ Leaser  = (*MemoryStore)(nil)
	_ Index   = (*MemoryStore)(nil)
	_ Cursors = (*MemoryStore)(nil)
)

// NewMemoryStore returns an empty store.
func NewMemoryStore() *MemoryStore {
	return &MemoryStore{
		records:      make(map[PersonKey]Record),
		upns:         make(map[string]PersonKey),
		immutableIDs: make(map[string]PersonKey),
		objectIDs:    make(map[string][]PersonKey),
		cursors:      make(map[string]string),
		leases:       make(map[PersonKey]memoryLease),
	}
}

// Load implements [Store].
func (s *MemoryStore) Load(ctx context.Context, key PersonKey) (Record, error) {
	if err := acceptable(ctx, key); err != nil {
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
	if err := acceptable(ctx, rec); err != nil {
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
	s.keys, s.unsorted = append(s.keys, rec.Key), true
	s.put(rec)
	return rec, nil
}

// Save implements [Store].
func (s *MemoryStore) Save(ctx context.Context, rec Record) (Record, error) {
	if err := acceptable(ctx, rec); err != nil {
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
	s.remove(stored)
	rec.Version++
	s.put(rec)
	return rec, nil
}

// LoadByObjectID implements [Index].
func (s *MemoryStore) LoadByObjectID(ctx context.Context, objectID string) (Record, error) {
	if err := acceptable(ctx, Record{ObjectID: objectID}); err != nil {
		return Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if keys := s.objectIDs[objectID]; len(keys) > 0 {
		return s.records[slices.MinFunc(keys, compareKeys)], nil
	}
	return Record{}, ErrNoRecord
}

// List implements [Index].
func (s *MemoryStore) List(ctx context.Context, after PersonKey, limit int) ([]Record, error) {
	if err := acceptable(ctx, after); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsorted {
		slices.SortFunc(s.keys, compareKeys)
		s.unsorted = false
	}
	begin, found := slices.BinarySearchFunc(s.keys, after, compareKeys)
	if found {
		begin++
	}
	var records []Record
	for _, key := range s.keys[begin:][:max(0, min(limit, len(s.keys)-begin))] {
		records = append(records, s.records[key])
	}
	return records, nil
}

// LoadCursor implements [Cursors].
func (s *MemoryStore) LoadCursor(ctx context.Context, name string) (string, error) {
	if err := acceptable(ctx, cursor{name, ""}); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cursors[name], nil
}

// SaveCursor implements [Cursors].
func (s *MemoryStore) SaveCursor(ctx context.Context, name, value string) error {
	if err := acceptable(ctx, cursor{name, value}); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cursors[name] = value
	return nil
}

// cursor is one of the texts of [Cursors].
type cursor struct{ name, value string }

func (c cursor) Validate() error { return ValidateCursor(c.name, c.value) }

// Acquire implements [Leaser].
func (s *MemoryStore) Acquire(ctx context.Context, key PersonKey, ttl time.Duration) (Lease, error) {
	if err := acceptable(ctx, key); err != nil {
		return Lease{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if held, ok := s.leases[key]; ok && now.Before(held.expiresAt) {
		return Lease{}, ErrLeaseHeld
	}
	s.lastToken++
	s.leases[key] = memoryLease{s.lastToken, now.Add(ttl)}
	return Lease{Key: key, Token: s.lastToken}, nil
}

// Renew implements [Leaser].
func (s *MemoryStore) Renew(ctx context.Context, lease Lease, ttl time.Duration) error {
	if err := acceptable(ctx, lease.Key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[lease.Key].token != lease.Token {
		return ErrLeaseLost
	}
	s.leases[lease.Key] = memoryLease{lease.Token, s.now().Add(ttl)}
	return nil
}

// Release implements [Leaser].
func (s *MemoryStore) Release(ctx context.Context, lease Lease) error {
	if err := acceptable(ctx, lease.Key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leases[lease.Key].token == lease.Token {
		delete(s.leases, lease.Key)
	}
	return nil
}

// acceptable reports why a call is refused before anything is looked at.
func acceptable(ctx context.Context, text interface{ Validate() error }) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return text.Validate()
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
	if rec.ObjectID != "" {
		s.objectIDs[rec.ObjectID] = append(s.objectIDs[rec.ObjectID], rec.Key)
	}
}

// remove frees what a record holds, before another one takes its place.
func (s *MemoryStore) remove(rec Record) {
	delete(s.upns, strings.ToLower(rec.UPN))
	delete(s.immutableIDs, rec.ImmutableID)
	others := slices.DeleteFunc(s.objectIDs[rec.ObjectID], func(key PersonKey) bool { return key == rec.Key })
	if len(others) == 0 {
		delete(s.objectIDs, rec.ObjectID)
	} else {
		s.objectIDs[rec.ObjectID] = others
	}
}

// compareKeys orders as [Index] does.
func compareKeys(a, b PersonKey) int {
	return cmp.Or(strings.Compare(a.Connection, b.Connection), strings.Compare(a.ID, b.ID))
}

func (s *MemoryStore) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}
