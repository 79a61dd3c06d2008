package main

import (
	"context"
	"strings"
	"sync"

	"github.com/entrafed/entrafed/provision"
)

// passingStore remembers people only until they are reported, so that its size does not depend on the input's. Whoever
// comes again is recognised by their ImmutableID. A program in which people sign in needs a store that lasts: package
// sqlstore.
type passingStore struct {
	mu           sync.Mutex
	records      map[provision.PersonKey]provision.Record
	upns         map[string]provision.PersonKey // in lower case
	immutableIDs map[string]provision.PersonKey
}

func newPassingStore() *passingStore {
	return &passingStore{
		records:      map[provision.PersonKey]provision.Record{},
		upns:         map[string]provision.PersonKey{},
		immutableIDs: map[string]provision.PersonKey{},
	}
}

// Load implements [provision.Store].
func (s *passingStore) Load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rec, ok := s.records[key]
	if !ok {
		return rec, provision.ErrNoRecord
	}
	return rec, ctx.Err()
}

// Reserve implements [provision.Store].
func (s *passingStore) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored, ok := s.records[rec.Key]; ok {
		return stored, ctx.Err()
	}
	rec.Version = 1
	return s.put(ctx, rec)
}

// Save implements [provision.Store]. Somebody who is in the input twice may be forgotten while the second run is under
// way; then there is nothing that it could overwrite.
func (s *passingStore) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stored, ok := s.records[rec.Key]; ok && stored.Version != rec.Version {
		return rec, provision.ErrStaleRecord
	}
	rec.Version++
	return s.put(ctx, rec)
}

func (s *passingStore) put(ctx context.Context, rec provision.Record) (provision.Record, error) {
	if err := ctx.Err(); err != nil {
		return rec, err
	}
	if holder, ok := s.immutableIDs[rec.ImmutableID]; ok && holder != rec.Key {
		return rec, provision.ErrImmutableIDTaken
	}
	if holder, ok := s.upns[strings.ToLower(rec.UPN)]; ok && holder != rec.Key {
		return rec, provision.ErrUPNTaken
	}
	s.remove(rec.Key)
	s.records[rec.Key] = rec
	s.immutableIDs[rec.ImmutableID] = rec.Key
	s.upns[strings.ToLower(rec.UPN)] = rec.Key
	return rec, nil
}

// forget is called when a person is reported.
func (s *passingStore) forget(key provision.PersonKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove(key)
}

func (s *passingStore) remove(key provision.PersonKey) {
	if rec, ok := s.records[key]; ok {
		delete(s.records, key)
		delete(s.immutableIDs, rec.ImmutableID)
		delete(s.upns, strings.ToLower(rec.UPN))
	}
}
