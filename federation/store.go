package federation

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Store keeps what must outlive the process: how the tenant was before each change, and how far a rotation has come. One
// small document for each domain. It must be safe for concurrent use. [NewFileStore] and [NewMemoryStore] are two.
type Store interface {
	// Load returns the document with this name, or nil if there is none. Names are domain names, or "guests/" and one.
	Load(ctx context.Context, name string) ([]byte, error)

	// Save replaces it, durably: it is there after a crash once Save has returned. Where the present document is not equal
	// to old (nil: there is none), nothing is saved, and the error matches [ErrStale].
	Save(ctx context.Context, name string, old, document []byte) error
}

// ErrStale: somebody else has changed the document meanwhile. For errors.Is.
var ErrStale = errors.New("federation: another process works on the same domain")

// Record is what a [Store] keeps of a domain, as JSON.
type Record struct {
	// Undo are the ways back, the newest last; at most 50.
	Undo []Undo `json:"undo,omitempty"`

	// Certificates are those, as base64 of DER, that this package put into the tenant for the domain: a certificate that is
	// neither here nor in the settings is somebody else's. The newest last; at most 20.
	Certificates []string `json:"certificates,omitempty"`

	// Retired are the certificates of keys that a rotation replaced, or that were withdrawn for good: an identity provider
	// that keeps such a key as its other one is not meant to go back to it. The newest last; at most 20.
	Retired []string `json:"retired,omitempty"`

	// Configuration is the ID of the federation that this package created or changed last.
	Configuration string `json:"configuration,omitempty"`

	// Rotation is the change of key under way; nil if there is none.
	Rotation *RotationRecord `json:"rotation,omitempty"`
}

// Undo says how the domain was before a plan was applied.
type Undo struct {
	Plan    string    `json:"plan"` // its ID
	Purpose Purpose   `json:"purpose"`
	At      time.Time `json:"at"`
	Before  State     `json:"before"`
}

// The limits of a record, so that a document stays small.
const (
	maxUndo         = 50
	maxCertificates = 20
)

// record reads what is kept of a domain, together with the document as it is, for saving.
func (f *Federator) record(ctx context.Context, name string) (r Record, document []byte, err error) {
	document, err = f.store.Load(ctx, name)
	if err != nil {
		return Record{}, nil, fmt.Errorf("federation: the record of %s cannot be read: %w", name, err)
	}
	if document == nil {
		return Record{}, nil, nil
	}
	if err := json.Unmarshal(document, &r); err != nil {
		return Record{}, nil, fmt.Errorf("federation: the record of %s is not one: %w", name, err)
	}
	return r, document, nil
}

// remember changes the record of a domain; change is called again when another process was faster.
func (f *Federator) remember(ctx context.Context, name string, change func(*Record)) error {
	const attempts = 5
	var err error
	for range attempts {
		var r Record
		var old []byte
		if r, old, err = f.record(ctx, name); err != nil {
			return err
		}
		change(&r)
		if err = f.save(ctx, name, old, r); !errors.Is(err, ErrStale) {
			break
		}
	}
	return err
}

// save replaces the record of a domain, where it is still the document that was read.
func (f *Federator) save(ctx context.Context, name string, old []byte, r Record) error {
	r.Undo = newest(r.Undo, maxUndo)
	r.Certificates = newest(r.Certificates, maxCertificates)
	r.Retired = newest(r.Retired, maxCertificates)
	document, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if err := f.store.Save(ctx, name, old, document); err != nil {
		return fmt.Errorf("federation: the record of %s cannot be saved: %w", name, err)
	}
	return nil
}

// newest drops the oldest of more than so many.
func newest[T any](all []T, most int) []T { return all[max(0, len(all)-most):] }

// MemoryStore is a [Store] that ends with the process: for tests.
type MemoryStore struct {
	mu        sync.Mutex
	documents map[string][]byte
}

// NewMemoryStore returns an empty one.
func NewMemoryStore() *MemoryStore { return &MemoryStore{documents: map[string][]byte{}} }

// Load implements [Store].
func (s *MemoryStore) Load(_ context.Context, name string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.documents[name]), nil
}

// Save implements [Store].
func (s *MemoryStore) Save(_ context.Context, name string, old, document []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bytes.Equal(s.documents[name], old) {
		return ErrStale
	}
	s.documents[name] = slices.Clone(document)
	return nil
}
