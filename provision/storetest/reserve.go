package storetest

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func loadUnknown(t *testing.T, s provision.Store) {
	requireUnknown(t, s, person("1"))
	reserve(t, s, record("2", "id-2", "two@contoso.com"))
	requireUnknown(t, s, person("1"))
}

func reserveStores(t *testing.T, s provision.Store) {
	rec := full("1", "id-1", "One@contoso.com")
	rec.Version = 77 // means nothing here
	stored := reserve(t, s, rec)
	rec.Version = 1
	require.Equal(t, rec, stored)
	requireStored(t, s, rec)
}

func reserveStoresEmpty(t *testing.T, s provision.Store) {
	rec := provision.Record{Key: person("1")}
	stored := reserve(t, s, rec)
	rec.Version = 1
	require.Equal(t, rec, stored)
	requireStored(t, s, rec)
}

func reserveReturns(t *testing.T, s provision.Store) {
	first := reserve(t, s, full("1", "id-1", "one@contoso.com"))
	require.Equal(t, first, reserve(t, s, record("1", "id-2", "two@contoso.com")))
	first.ObjectID = "changed"
	first = save(t, s, first)
	require.Equal(t, first, reserve(t, s, record("1", "id-2", "two@contoso.com")), "with its present Version")
	requireStored(t, s, first)
	reserve(t, s, record("2", "id-2", "two@contoso.com")) // nothing of the second one was kept
}

func reserveReturnsRather(t *testing.T, s provision.Store) {
	first := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	reserve(t, s, record("2", "id-2", "two@contoso.com"))
	require.Equal(t, first, reserve(t, s, record("1", "id-2", "two@contoso.com")))
}

func reserveRefuses(t *testing.T, s provision.Store) {
	first := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	_, err := s.Reserve(t.Context(), record("2", "id-1", "two@contoso.com"))
	require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
	requireUnknown(t, s, person("2"))
	_, err = s.Reserve(t.Context(), record("2", "id-2", "one@contoso.com"))
	require.ErrorIs(t, err, provision.ErrUPNTaken)
	requireUnknown(t, s, person("2"))

	requireStored(t, s, first)
	reserve(t, s, record("2", "id-2", "two@contoso.com")) // neither refusal kept its other half
}

func immutableIDFirst(t *testing.T, s provision.Store) {
	reserve(t, s, record("1", "id-1", "one@contoso.com"))
	reserve(t, s, record("2", "id-2", "two@contoso.com"))
	three := reserve(t, s, record("3", "id-3", "three@contoso.com"))
	for _, rec := range []provision.Record{
		record("4", "id-1", "one@contoso.com"), // both of the same person
		record("4", "id-1", "two@contoso.com"),
	} {
		_, err := s.Reserve(t.Context(), rec)
		require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
		require.NotErrorIs(t, err, provision.ErrUPNTaken)
		changed := three
		changed.ImmutableID, changed.UPN = rec.ImmutableID, rec.UPN
		_, err = s.Save(t.Context(), changed)
		require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
		require.NotErrorIs(t, err, provision.ErrUPNTaken)
	}
}

func reserveRace(t *testing.T, s provision.Store) {
	records := make([]provision.Record, crowd)
	for _, err := range atOnce(crowd, func(i int) (err error) {
		records[i], err = s.Reserve(t.Context(), record("1", fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i)))
		return err
	}) {
		require.NoError(t, err)
	}
	for _, rec := range records {
		require.Equal(t, records[0], rec)
	}
	requireStored(t, s, records[0])
}

func reserveUPNRace(t *testing.T, s provision.Store) {
	upns := []string{"one@contoso.com", "ONE@contoso.com", "one@CONTOSO.com"}
	errs := atOnce(crowd, func(i int) error {
		_, err := s.Reserve(t.Context(), record(fmt.Sprint(i), fmt.Sprintf("id-%d", i), upns[i%len(upns)]))
		return err
	})
	requireOneRecord(t, s, oneWins(t, errs, provision.ErrUPNTaken))
}

func reserveImmutableIDRace(t *testing.T, s provision.Store) {
	errs := atOnce(crowd, func(i int) error {
		_, err := s.Reserve(t.Context(), record(fmt.Sprint(i), "id-1", fmt.Sprintf("u%d@contoso.com", i)))
		return err
	})
	requireOneRecord(t, s, oneWins(t, errs, provision.ErrImmutableIDTaken))
}

// requireOneRecord requires that of the crowd only the winner has a record.
func requireOneRecord(t *testing.T, s provision.Store, winner int) {
	t.Helper()
	for i := range crowd {
		if i != winner {
			requireUnknown(t, s, person(fmt.Sprint(i)))
		}
	}
	_, err := s.Load(t.Context(), person(fmt.Sprint(winner)))
	require.NoError(t, err)
}

func reserveCrowd(t *testing.T, s provision.Store) {
	records := make([]provision.Record, 4*crowd)
	for i := range records {
		records[i] = full(fmt.Sprint(i), fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i))
	}
	for _, err := range atOnce(len(records), func(i int) error {
		stored, err := s.Reserve(t.Context(), records[i])
		if err == nil {
			records[i], err = s.Save(t.Context(), stored)
		}
		return err
	}) {
		require.NoError(t, err)
	}
	for _, rec := range records {
		require.Equal(t, int64(2), rec.Version)
		requireStored(t, s, rec)
	}
}
