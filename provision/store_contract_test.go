package provision_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/storetest"
)

func TestMemoryStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) provision.Store { return provision.NewMemoryStore() })
}

func TestMemoryStoreKeepsTheContractOfLeases(t *testing.T) {
	t.Parallel()
	storetest.RunLeaser(t, func(*testing.T) provision.Leaser { return provision.NewMemoryStore() })
}

func TestMemoryStoreKeepsTheContractOfIndexes(t *testing.T) {
	t.Parallel()
	storetest.RunIndex(t, func(*testing.T) storetest.IndexedStore { return provision.NewMemoryStore() })
}

func TestMemoryStoreKeepsTheContractOfCursors(t *testing.T) {
	t.Parallel()
	storetest.RunCursors(t, func(*testing.T) provision.Cursors { return provision.NewMemoryStore() })
}

func TestMemoryStoreExpiresLeasesByItsClock(t *testing.T) {
	t.Parallel()
	clock, store := newClock(), provision.NewMemoryStore()
	store.Now = clock.Now
	key := contractor().Key()
	lease, err := store.Acquire(t.Context(), key, time.Minute)
	require.NoError(t, err)
	require.NoError(t, clock.Sleep(t.Context(), 59*time.Second))
	require.NoError(t, store.Renew(t.Context(), lease, time.Minute))
	require.NoError(t, clock.Sleep(t.Context(), time.Minute-1))
	_, err = store.Acquire(t.Context(), key, time.Minute)
	require.ErrorIs(t, err, provision.ErrLeaseHeld)
	require.NoError(t, clock.Sleep(t.Context(), 1))
	_, err = store.Acquire(t.Context(), key, time.Minute)
	require.NoError(t, err)
}

func TestARecordIsRefusedWithAllThatIsWrong(t *testing.T) {
	t.Parallel()
	rec := record("1\x00", "id-\xff", "one@contoso.com")
	err := rec.Validate()
	require.ErrorIs(t, err, provision.ErrInvalidRecord)
	require.ErrorContains(t, err, "ID has a NUL in it")
	require.ErrorContains(t, err, "ImmutableID is not valid UTF-8")
	require.NoError(t, record("1", "id-1", "one@contoso.com").Validate())
	require.ErrorIs(t, rec.Key.Validate(), provision.ErrInvalidRecord)
	require.NoError(t, contractor().Key().Validate())
}

// record is a reservation of a person of google.
func record(id, immutableID, upn string) provision.Record {
	return provision.Record{
		Key:         provision.PersonKey{Connection: "google", ID: id},
		ImmutableID: immutableID,
		UPN:         upn,
		ReservedAt:  time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
	}
}

func reserve(t *testing.T, s provision.Store, rec provision.Record) provision.Record {
	t.Helper()
	stored, err := s.Reserve(t.Context(), rec)
	require.NoError(t, err)
	return stored
}

// unleased is a store without leases.
type unleased struct{ provision.Store }

// leaser is a store whose leases can be made to fail.
type leaser struct {
	*provision.MemoryStore
	acquire func(ctx context.Context, key provision.PersonKey, ttl time.Duration) (provision.Lease, error)
	renew   func(ctx context.Context, lease provision.Lease, ttl time.Duration) error
	release func(ctx context.Context, lease provision.Lease) error
}

func (s *leaser) Acquire(ctx context.Context, key provision.PersonKey, ttl time.Duration) (provision.Lease, error) {
	if s.acquire != nil {
		return s.acquire(ctx, key, ttl)
	}
	return s.MemoryStore.Acquire(ctx, key, ttl)
}

func (s *leaser) Renew(ctx context.Context, lease provision.Lease, ttl time.Duration) error {
	if s.renew != nil {
		return s.renew(ctx, lease, ttl)
	}
	return s.MemoryStore.Renew(ctx, lease, ttl)
}

func (s *leaser) Release(ctx context.Context, lease provision.Lease) error {
	if s.release != nil {
		return s.release(ctx, lease)
	}
	return s.MemoryStore.Release(ctx, lease)
}
