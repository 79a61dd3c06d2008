package storetest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

const objectID = "00000000-0000-4000-8000-000000000001"

// crowd is how many do something at the same time.
const crowd = 24

func person(id string) provision.PersonKey { return provision.PersonKey{Connection: "google", ID: id} }

// record is a record as the pipeline reserves it.
func record(id, immutableID, upn string) provision.Record {
	return provision.Record{
		Key:         person(id),
		ImmutableID: immutableID,
		UPN:         upn,
		ReservedAt:  time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
	}
}

// full is a record with something in every field.
func full(id, immutableID, upn string) provision.Record {
	rec := record(id, immutableID, upn)
	rec.UPNAttempt, rec.ObjectID, rec.DirectoryUPN, rec.Adopted = 3, objectID, "Other.Name@contoso.com", true
	rec.CreatedAt = rec.ReservedAt.Add(time.Second + time.Microsecond)
	rec.Licenses = "f245ecc8-75af-4f8e-b61f-27d8114de5f3 group:" + objectID
	for i, at := range times(&rec) {
		if at.IsZero() {
			*at = rec.CreatedAt.Add(time.Duration(i) * time.Hour) // each another
		}
	}
	return rec
}

// times are all times of a record.
func times(rec *provision.Record) []*time.Time {
	return []*time.Time{
		&rec.ReservedAt, &rec.CreatedAt, &rec.LicensedAt, &rec.JoinedAt, &rec.ReadyAt,
		&rec.RetiringAt, &rec.BlockedAt, &rec.UnlicensedAt, &rec.DeletedAt, &rec.PurgedAt,
	}
}

func reserve(t *testing.T, s provision.Store, rec provision.Record) provision.Record {
	t.Helper()
	stored, err := s.Reserve(t.Context(), rec)
	require.NoError(t, err)
	return stored
}

func save(t *testing.T, s provision.Store, rec provision.Record) provision.Record {
	t.Helper()
	stored, err := s.Save(t.Context(), rec)
	require.NoError(t, err)
	return stored
}

// requireStored requires that the store has exactly rec.
func requireStored(t *testing.T, s provision.Store, rec provision.Record) {
	t.Helper()
	loaded, err := s.Load(t.Context(), rec.Key)
	require.NoError(t, err)
	require.Equal(t, rec, loaded)
}

// requireUnknown requires that the person has no record.
func requireUnknown(t *testing.T, s provision.Store, key provision.PersonKey) {
	t.Helper()
	_, err := s.Load(t.Context(), key)
	require.ErrorIs(t, err, provision.ErrNoRecord)
}

// atOnce runs n calls at the same time and returns their errors.
func atOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	var start sync.WaitGroup
	var all sync.WaitGroup
	start.Add(n)
	for i := range n {
		all.Go(func() {
			start.Done()
			start.Wait()
			errs[i] = call(i)
		})
	}
	all.Wait()
	return errs
}

// oneWins requires that one of the calls succeeded, and that all others failed with want. It returns the winner.
func oneWins(t *testing.T, errs []error, want error) (winner int) {
	t.Helper()
	won := 0
	for i, err := range errs {
		if err == nil {
			winner = i
			won++
			continue
		}
		require.ErrorIs(t, err, want)
	}
	require.Equal(t, 1, won, "how many won")
	return winner
}
