package provision_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestMemoryStoreKeepsTheContract(t *testing.T) {
	t.Parallel()
	exerciseStore(t, func(*testing.T) provision.Store { return provision.NewMemoryStore() })
}

// exerciseStore checks that an implementation keeps the contract of provision.Store. open returns an empty store.
func exerciseStore(t *testing.T, open func(t *testing.T) provision.Store) {
	for name, check := range map[string]func(*testing.T, provision.Store){
		"Load of a stranger is ErrNoRecord":                                 loadStranger,
		"Reserve stores every field with Version 1":                         reserveStores,
		"Reserve returns the record of a person who has one":                reserveReturns,
		"Reserve refuses what somebody else holds":                          reserveRefuses,
		"connection and ID are compared together, and byte for byte":        keysAreExact,
		"ImmutableIDs are compared with regard to case":                     immutableIDsAreExact,
		"Save stores every field with the next Version":                     saveStores,
		"Save of a stale record is ErrStaleRecord":                          saveRefusesStale,
		"Save refuses what somebody else holds":                             saveRefusesTaken,
		"Save frees the UPN and the ImmutableID that the record had before": saveFrees,
		"of many who reserve for one person, one wins and all get it":       reserveRace,
		"of many who reserve one UPN, one wins":                             reserveUPNRace,
		"of many who save one version, one wins":                            saveRace,
		"all methods stop when the context ends":                            stopsWithContext,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, open(t))
		})
	}
}

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

func loadStranger(t *testing.T, s provision.Store) {
	_, err := s.Load(t.Context(), provision.PersonKey{Connection: "google", ID: "1"})
	require.ErrorIs(t, err, provision.ErrNoRecord)
}

func reserveStores(t *testing.T, s provision.Store) {
	rec := record("1", "id-1", "One@contoso.com")
	rec.UPNAttempt, rec.Version = 3, 77
	stored := reserve(t, s, rec)
	rec.Version = 1
	require.Equal(t, rec, stored)
	loaded, err := s.Load(t.Context(), rec.Key)
	require.NoError(t, err)
	require.Equal(t, rec, loaded)
}

func reserveReturns(t *testing.T, s provision.Store) {
	first := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	second := reserve(t, s, record("1", "id-2", "two@contoso.com"))
	require.Equal(t, first, second)
	reserve(t, s, record("2", "id-2", "two@contoso.com")) // nothing of the refused one was kept
}

func reserveRefuses(t *testing.T, s provision.Store) {
	reserve(t, s, record("1", "id-1", "one@contoso.com"))
	for want, rec := range map[error]provision.Record{
		provision.ErrImmutableIDTaken: record("2", "id-1", "two@contoso.com"),
		provision.ErrUPNTaken:         record("2", "id-2", "ONE@Contoso.com"),
	} {
		_, err := s.Reserve(t.Context(), rec)
		require.ErrorIs(t, err, want)
		_, err = s.Load(t.Context(), rec.Key)
		require.ErrorIs(t, err, provision.ErrNoRecord)
	}
}

func keysAreExact(t *testing.T, s provision.Store) {
	for i, key := range []provision.PersonKey{
		{Connection: "google", ID: "a"}, {Connection: "google", ID: "A"}, {Connection: "google", ID: "a "},
		{Connection: "Google", ID: "a"}, {Connection: "googlea", ID: ""}, {Connection: "linkedin", ID: "a"},
		{Connection: "google|a", ID: "b"}, {Connection: "google", ID: "a|b"},
		{Connection: "google", ID: "é'\"\\;--"}, {Connection: "google", ID: strings.Repeat("x", 512)},
	} {
		rec := record("", fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i))
		rec.Key = key
		require.Equal(t, key, reserve(t, s, rec).Key)
		loaded, err := s.Load(t.Context(), key)
		require.NoError(t, err)
		require.Equal(t, rec.ImmutableID, loaded.ImmutableID)
	}
}

func immutableIDsAreExact(t *testing.T, s provision.Store) {
	reserve(t, s, record("1", "abc+/=", "one@contoso.com"))
	reserve(t, s, record("2", "ABC+/=", "two@contoso.com"))
}

func saveStores(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	at := rec.ReservedAt
	rec.UPN, rec.UPNAttempt, rec.ObjectID = "two@contoso.com", 1, "00000000-0000-4000-8000-000000000001"
	rec.DirectoryUPN, rec.Adopted = "three@contoso.com", true
	rec.CreatedAt, rec.LicensedAt, rec.ReadyAt = at.Add(time.Second), at.Add(time.Minute), at.Add(time.Hour)
	saved, err := s.Save(t.Context(), rec)
	require.NoError(t, err)
	rec.Version = 2
	require.Equal(t, rec, saved)
	loaded, err := s.Load(t.Context(), rec.Key)
	require.NoError(t, err)
	require.Equal(t, rec, loaded)
}

func saveRefusesStale(t *testing.T, s provision.Store) {
	first := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	second, err := s.Save(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, int64(2), second.Version)
	first.UPN = "other@contoso.com"
	_, err = s.Save(t.Context(), first)
	require.ErrorIs(t, err, provision.ErrStaleRecord)
	_, err = s.Save(t.Context(), record("nobody", "id-9", "nine@contoso.com"))
	require.ErrorIs(t, err, provision.ErrStaleRecord)
	loaded, err := s.Load(t.Context(), first.Key)
	require.NoError(t, err)
	require.Equal(t, second, loaded)
}

func saveRefusesTaken(t *testing.T, s provision.Store) {
	reserve(t, s, record("1", "id-1", "one@contoso.com"))
	two := reserve(t, s, record("2", "id-2", "two@contoso.com"))
	changed := two
	changed.UPN = "ONE@contoso.com"
	_, err := s.Save(t.Context(), changed)
	require.ErrorIs(t, err, provision.ErrUPNTaken)
	changed = two
	changed.ImmutableID = "id-1"
	_, err = s.Save(t.Context(), changed)
	require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
	loaded, err := s.Load(t.Context(), two.Key)
	require.NoError(t, err)
	require.Equal(t, two, loaded)
}

func saveFrees(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	rec.UPN, rec.ImmutableID = "uno@contoso.com", "id-uno"
	_, err := s.Save(t.Context(), rec)
	require.NoError(t, err)
	reserve(t, s, record("2", "id-1", "one@contoso.com"))
	_, err = s.Reserve(t.Context(), record("3", "id-3", "uno@contoso.com"))
	require.ErrorIs(t, err, provision.ErrUPNTaken)
}

// atOnce runs n calls at the same time and returns their errors.
func atOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = call(i) })
	}
	all.Wait()
	return errs
}

func reserveRace(t *testing.T, s provision.Store) {
	records := make([]provision.Record, 20)
	for _, err := range atOnce(len(records), func(i int) (err error) {
		records[i], err = s.Reserve(t.Context(), record("1", fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i)))
		return err
	}) {
		require.NoError(t, err)
	}
	for _, rec := range records {
		require.Equal(t, records[0], rec)
	}
}

func reserveUPNRace(t *testing.T, s provision.Store) {
	won := 0
	for _, err := range atOnce(20, func(i int) error {
		_, err := s.Reserve(t.Context(), record(fmt.Sprint(i), fmt.Sprintf("id-%d", i), "one@contoso.com"))
		return err
	}) {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, provision.ErrUPNTaken)
	}
	require.Equal(t, 1, won)
}

func saveRace(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	won := 0
	for _, err := range atOnce(20, func(i int) error {
		changed := rec
		changed.UPN = fmt.Sprintf("u%d@contoso.com", i)
		_, err := s.Save(t.Context(), changed)
		return err
	}) {
		if err == nil {
			won++
			continue
		}
		require.ErrorIs(t, err, provision.ErrStaleRecord)
	}
	require.Equal(t, 1, won)
}

func stopsWithContext(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.Load(ctx, rec.Key)
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Reserve(ctx, record("2", "id-2", "two@contoso.com"))
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.Save(ctx, rec)
	require.ErrorIs(t, err, context.Canceled)
}
