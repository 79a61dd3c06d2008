package storetest_test

import (
	"context"
	"os"
	"os/exec"
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
