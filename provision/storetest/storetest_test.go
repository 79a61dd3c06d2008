package storetest_test

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/storetest"
)

// broken is an implementation with one fault, and the rules that must notice it. The faults are those that stores on
// real databases have.
type broken struct {
	store func() provision.Store
	rules []string
}

func faults() map[string]broken {
	before := func(change func(*provision.Record)) func() provision.Store {
		return func() provision.Store { return &changing{MemoryStore: provision.NewMemoryStore(), before: change} }
	}
	after := func(change func(*provision.Record)) func() provision.Store {
		return func() provision.Store { return &changing{MemoryStore: provision.NewMemoryStore(), after: change} }
	}
	return map[string]broken{
		"keys without regard to case": {before(func(r *provision.Record) { r.Key.ID = strings.ToLower(r.Key.ID) }),
			[]string{"connection and ID are compared together, byte for byte"}},
		"keys without trailing blanks": {before(func(r *provision.Record) { r.Key.ID = strings.TrimRight(r.Key.ID, " ") }),
			[]string{"connection and ID are compared together, byte for byte"}},
		"connection and ID joined": {before(func(r *provision.Record) {
			r.Key = provision.PersonKey{ID: r.Key.Connection + "|" + r.Key.ID}
		}), []string{"connection and ID are compared together, byte for byte"}},
		"ImmutableIDs without regard to case": {
			before(func(r *provision.Record) { r.ImmutableID = strings.ToLower(r.ImmutableID) }),
			[]string{"ImmutableIDs are compared byte for byte"}},
		"UPNs kept in lower case": {before(func(r *provision.Record) { r.UPN = strings.ToLower(r.UPN) }),
			[]string{"UPNs are compared without regard to case, and kept as they are"}},
		"times to the millisecond": {
			before(func(r *provision.Record) { r.ReadyAt = r.ReadyAt.Truncate(time.Millisecond) }),
			[]string{"times come back in UTC, to the microsecond"}},
		"times in another zone": {after(func(r *provision.Record) { r.CreatedAt = r.CreatedAt.In(time.FixedZone("", 3600)) }),
			[]string{"times come back in UTC, to the microsecond"}},
		"zero times as 1970": {after(func(r *provision.Record) {
			if r.ReadyAt.IsZero() {
				r.ReadyAt = time.Unix(0, 0).UTC()
			}
		}), []string{"Reserve stores empty fields and zero times", "Save empties fields and times"}},
		"text cut at 255": {before(func(r *provision.Record) { r.Key.ID = r.Key.ID[:min(255, len(r.Key.ID))] }),
			[]string{"keys and names may be as long as Person.Validate and Entra allow"}},
		"a field forgotten": {before(func(r *provision.Record) { r.DirectoryUPN = "" }),
			[]string{"Reserve stores every field, with Version 1", "Save stores every field, with the next Version"}},
		"text trimmed": {before(func(r *provision.Record) { r.ObjectID = strings.TrimSpace(r.ObjectID) }),
			[]string{"text comes back byte for byte"}},
		"saves without a version": {func() provision.Store { return &lastWins{MemoryStore: provision.NewMemoryStore()} },
			[]string{"Save of a stale record is ErrStaleRecord, and changes nothing", "of many who save one version, one wins",
				"of many who save again after ErrStaleRecord, nobody's change is lost"}},
		"look first, then reserve": {func() provision.Store {
			s := &lookFirst{MemoryStore: provision.NewMemoryStore()}
			s.looking.Add(2)
			return s
		},
			[]string{"of many who reserve for one person, one wins and all get its record"}},
		"deaf to the context": {func() provision.Store { return deaf{provision.NewMemoryStore()} },
			[]string{"all methods stop when the context ends", "all methods of leases stop when the context ends"}},
		"leases that expire at once": {func() provision.Store { return brief{provision.NewMemoryStore()} },
			[]string{"a lease that is held is ErrLeaseHeld for everybody else", "of many who acquire one lease, one wins"}},
		"a time forgotten": {after(func(r *provision.Record) { r.UnlicensedAt = time.Time{} }),
			[]string{"Reserve stores every field, with Version 1", "Save stores every field, with the next Version"}},
		"licences cut at 255": {before(func(r *provision.Record) { r.Licenses = r.Licenses[:min(255, len(r.Licenses))] }),
			[]string{"keys and names may be as long as Person.Validate and Entra allow"}},
		"an index without regard to case": {func() provision.Store { return foldedIndex{provision.NewMemoryStore()} },
			[]string{"LoadByObjectID compares byte for byte"}},
		"an index of what was there once": {func() provision.Store {
			return &oldIndex{provision.NewMemoryStore(), map[string]provision.PersonKey{}}
		}, []string{"LoadByObjectID finds what a record has now, not what it had before"}},
		"a list that begins with its key": {func() provision.Store { return inclusive{provision.NewMemoryStore()} },
			[]string{"pages of any size, one after the other, are the whole list"}},
		"a list sorted without regard to case": {func() provision.Store { return sortedByCase{provision.NewMemoryStore()} },
			[]string{"List is in the order of connections, then of IDs, byte for byte"}},
		"a list without a limit": {func() provision.Store { return unlimited{provision.NewMemoryStore()} },
			[]string{"a limit that is not positive returns none"}},
		"cursors' names without regard to case": {func() provision.Store { return foldedCursors{provision.NewMemoryStore()} },
			[]string{"cursors' names are compared byte for byte"}},
		"cursors cut at 255": {func() provision.Store { return shortCursors{provision.NewMemoryStore()} },
			[]string{"cursors come back byte for byte"}},
		"cursors that stay": {func() provision.Store { return firstCursors{provision.NewMemoryStore()} },
			[]string{"SaveCursor replaces the text", "an empty text is as good as none"}},
		"leases without tokens": {func() provision.Store { return tokenless{provision.NewMemoryStore()} },
			[]string{"a token is never used twice", "who has lost the lease neither renews nor releases the next one"}},
	}
}

// changing is a store that changes records on their way in or out.
type changing struct {
	*provision.MemoryStore
	before, after func(*provision.Record)
}

func (s *changing) apply(change func(*provision.Record), rec provision.Record) provision.Record {
	if change != nil {
		change(&rec)
	}
	return rec
}

func (s *changing) Load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	if err := key.Validate(); err != nil {
		return provision.Record{}, err
	}
	rec, err := s.MemoryStore.Load(ctx, s.apply(s.before, provision.Record{Key: key}).Key)
	return s.apply(s.after, rec), err
}

func (s *changing) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	rec, err := s.MemoryStore.Reserve(ctx, s.apply(s.before, rec))
	return s.apply(s.after, rec), err
}

func (s *changing) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	rec, err := s.MemoryStore.Save(ctx, s.apply(s.before, rec))
	return s.apply(s.after, rec), err
}

// lastWins is a store that does not compare versions.
type lastWins struct{ *provision.MemoryStore }

func (s *lastWins) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	stored, err := s.Load(ctx, rec.Key)
	if err != nil {
		return stored, err
	}
	rec.Version = stored.Version
	return s.MemoryStore.Save(ctx, rec)
}

// lookFirst is a store that looks who is there, and then stores, as if nothing could happen in between. It does: the
// first two look before anybody stores.
type lookFirst struct {
	*provision.MemoryStore
	calls   atomic.Int64
	looking sync.WaitGroup
}

func (s *lookFirst) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	call := s.calls.Add(1)
	if call > 2 {
		s.looking.Wait()
	}
	stored, err := s.Load(ctx, rec.Key)
	if err == nil {
		return stored, nil
	}
	if call <= 2 {
		s.looking.Done()
		s.looking.Wait()
	}
	if _, err := s.MemoryStore.Reserve(ctx, rec); err != nil {
		return provision.Record{}, err
	}
	rec.Version = 1
	return rec, nil
}

// deaf is a store that does not care for contexts.
type deaf struct{ *provision.MemoryStore }

func (s deaf) Load(ctx context.Context, key provision.PersonKey) (provision.Record, error) {
	return s.MemoryStore.Load(context.WithoutCancel(ctx), key)
}

func (s deaf) Acquire(ctx context.Context, key provision.PersonKey, ttl time.Duration) (provision.Lease, error) {
	return s.MemoryStore.Acquire(context.WithoutCancel(ctx), key, ttl)
}

// tokenless is a store whose leases look alike.
type tokenless struct{ *provision.MemoryStore }

func (s tokenless) Acquire(ctx context.Context, key provision.PersonKey, ttl time.Duration) (provision.Lease, error) {
	lease, err := s.MemoryStore.Acquire(ctx, key, ttl)
	lease.Token = 0
	return lease, err
}

func (s tokenless) Renew(context.Context, provision.Lease, time.Duration) error { return nil }

// brief is a store that mistakes the unit of a lease's time.
type brief struct{ *provision.MemoryStore }

func (s brief) Acquire(ctx context.Context, key provision.PersonKey, _ time.Duration) (provision.Lease, error) {
	return s.MemoryStore.Acquire(ctx, key, 0)
}

// foldedIndex is an index that does not care for case.
type foldedIndex struct{ *provision.MemoryStore }

func (s foldedIndex) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	rec.ObjectID = strings.ToLower(rec.ObjectID)
	return s.MemoryStore.Reserve(ctx, rec)
}

func (s foldedIndex) LoadByObjectID(ctx context.Context, objectID string) (provision.Record, error) {
	return s.MemoryStore.LoadByObjectID(ctx, strings.ToLower(objectID))
}

// oldIndex is an index that forgets to forget.
type oldIndex struct {
	*provision.MemoryStore
	index map[string]provision.PersonKey
}

func (s *oldIndex) Reserve(ctx context.Context, rec provision.Record) (provision.Record, error) {
	s.index[rec.ObjectID] = rec.Key
	return s.MemoryStore.Reserve(ctx, rec)
}

func (s *oldIndex) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	s.index[rec.ObjectID] = rec.Key
	return s.MemoryStore.Save(ctx, rec)
}

func (s *oldIndex) LoadByObjectID(ctx context.Context, objectID string) (provision.Record, error) {
	key, ok := s.index[objectID]
	if !ok {
		return provision.Record{}, provision.ErrNoRecord
	}
	return s.Load(ctx, key)
}

// inclusive is a list that has the key in it that it begins after.
type inclusive struct{ *provision.MemoryStore }

func (s inclusive) List(ctx context.Context, after provision.PersonKey, limit int) ([]provision.Record, error) {
	records, err := s.MemoryStore.List(ctx, after, limit)
	if rec, loadErr := s.Load(ctx, after); loadErr == nil && limit > 1 && len(records) > 0 {
		records = append([]provision.Record{rec}, records...)[:min(limit, len(records)+1)]
	}
	return records, err
}

// sortedByCase is a list in the order of a language.
type sortedByCase struct{ *provision.MemoryStore }

func (s sortedByCase) List(ctx context.Context, after provision.PersonKey, limit int) ([]provision.Record, error) {
	records, err := s.MemoryStore.List(ctx, after, limit)
	slices.SortStableFunc(records, func(a, b provision.Record) int {
		return strings.Compare(strings.ToLower(a.Key.Connection), strings.ToLower(b.Key.Connection))
	})
	return records, err
}

// unlimited is a list to which a negative limit is none.
type unlimited struct{ *provision.MemoryStore }

func (s unlimited) List(ctx context.Context, after provision.PersonKey, limit int) ([]provision.Record, error) {
	if limit < 0 {
		limit = 1 << 30
	}
	return s.MemoryStore.List(ctx, after, limit)
}

// foldedCursors do not care for case.
type foldedCursors struct{ *provision.MemoryStore }

func (s foldedCursors) LoadCursor(ctx context.Context, name string) (string, error) {
	return s.MemoryStore.LoadCursor(ctx, strings.ToLower(name))
}

func (s foldedCursors) SaveCursor(ctx context.Context, name, value string) error {
	return s.MemoryStore.SaveCursor(ctx, strings.ToLower(name), value)
}

// shortCursors are cut.
type shortCursors struct{ *provision.MemoryStore }

func (s shortCursors) SaveCursor(ctx context.Context, name, value string) error {
	return s.MemoryStore.SaveCursor(ctx, name, value[:min(255, len(value))])
}

// firstCursors are inserted and never updated.
type firstCursors struct{ *provision.MemoryStore }

func (s firstCursors) SaveCursor(ctx context.Context, name, value string) error {
	if before, err := s.LoadCursor(ctx, name); err != nil || before != "" {
		return err
	}
	return s.MemoryStore.SaveCursor(ctx, name, value)
}

// brokenStore names the fault of the store that this process checks.
const brokenStore = "STORETEST_BROKEN_STORE"

// TestBrokenStore is run by the test below, in a process of its own, because it fails.
func TestBrokenStore(t *testing.T) {
	fault, ok := faults()[os.Getenv(brokenStore)]
	if !ok {
		t.Skip("run by TestTheSuiteNoticesWhatIsBroken")
	}
	wanted := func(name string) bool { return strings.Contains(strings.Join(fault.rules, "\n"), name) }
	for _, rule := range storetest.Rules() {
		if wanted(rule.Name) {
			t.Run(rule.Name, func(t *testing.T) { rule.Check(t, fault.store()) })
		}
	}
	for _, rule := range storetest.LeaseRules() {
		if wanted(rule.Name) {
			t.Run(rule.Name, func(t *testing.T) { rule.Check(t, fault.store().(provision.Leaser)) })
		}
	}
	for _, rule := range storetest.IndexRules() {
		if wanted(rule.Name) {
			t.Run(rule.Name, func(t *testing.T) { rule.Check(t, fault.store().(storetest.IndexedStore)) })
		}
	}
	for _, rule := range storetest.CursorRules() {
		if wanted(rule.Name) {
			t.Run(rule.Name, func(t *testing.T) { rule.Check(t, fault.store().(provision.Cursors)) })
		}
	}
}

func TestTheSuiteNoticesWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, fault := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.Command(os.Args[0], "-test.run=^TestBrokenStore$", "-test.v")
			command.Env = append(os.Environ(), brokenStore+"="+name)
			output, err := command.CombinedOutput()
			require.Error(t, err)
			for _, rule := range fault.rules {
				failed := "--- FAIL: TestBrokenStore/" + strings.ReplaceAll(rule, " ", "_")
				require.Contains(t, string(output), failed)
			}
			require.NotContains(t, string(output), "panic:")
		})
	}
}
