package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func saveStores(t *testing.T, s provision.Store) {
	reserved := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	changed := full("1", "id-2", "Two@contoso.com")
	changed.ReservedAt = changed.ReservedAt.Add(-time.Hour)
	changed.Version = reserved.Version
	saved := save(t, s, changed)
	changed.Version = 2
	require.Equal(t, changed, saved)
	requireStored(t, s, changed)
	require.Equal(t, int64(3), save(t, s, saved).Version, "one more, even if nothing else changes")
}

func saveEmpties(t *testing.T, s provision.Store) {
	rec := reserve(t, s, full("1", "id-1", "one@contoso.com"))
	emptied := provision.Record{Key: rec.Key, Version: rec.Version}
	saved := save(t, s, emptied)
	emptied.Version = 2
	require.Equal(t, emptied, saved)
	requireStored(t, s, emptied)
}

func saveRefusesStale(t *testing.T, s provision.Store) {
	first := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	second := save(t, s, first)
	for _, version := range []int64{first.Version, 0, -1, 3, 77} {
		stale := first
		stale.Version, stale.UPN = version, "other@contoso.com"
		_, err := s.Save(t.Context(), stale)
		require.ErrorIs(t, err, provision.ErrStaleRecord, "version %d", version)
	}
	requireStored(t, s, second)
	reserve(t, s, record("2", "id-2", "other@contoso.com")) // nothing of the refused ones was kept
}

func saveRefusesUnknown(t *testing.T, s provision.Store) {
	for _, version := range []int64{0, 1} {
		rec := record("1", "id-1", "one@contoso.com")
		rec.Version = version
		_, err := s.Save(t.Context(), rec)
		require.ErrorIs(t, err, provision.ErrStaleRecord)
		requireUnknown(t, s, rec.Key)
	}
}

func saveRefusesTaken(t *testing.T, s provision.Store) {
	one := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	two := reserve(t, s, record("2", "id-2", "two@contoso.com"))
	changed := two
	changed.UPN = "ONE@contoso.com"
	_, err := s.Save(t.Context(), changed)
	require.ErrorIs(t, err, provision.ErrUPNTaken)
	changed = two
	changed.ImmutableID = "id-1"
	_, err = s.Save(t.Context(), changed)
	require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
	requireStored(t, s, one)
	requireStored(t, s, two)
	save(t, s, two) // the refusals cost no Version
}

func staleFirst(t *testing.T, s provision.Store) {
	reserve(t, s, record("1", "id-1", "one@contoso.com"))
	stale := reserve(t, s, record("2", "id-2", "two@contoso.com"))
	save(t, s, stale)
	stale.UPN, stale.ImmutableID = "one@contoso.com", "id-1"
	_, err := s.Save(t.Context(), stale)
	require.ErrorIs(t, err, provision.ErrStaleRecord)
	require.NotErrorIs(t, err, provision.ErrUPNTaken)
	require.NotErrorIs(t, err, provision.ErrImmutableIDTaken)
}

func saveOwnCase(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	rec.UPN = "One@Contoso.com"
	rec = save(t, s, rec)
	requireStored(t, s, rec)
	_, err := s.Reserve(t.Context(), record("2", "id-2", "one@contoso.com"))
	require.ErrorIs(t, err, provision.ErrUPNTaken)
}

func saveFrees(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	rec.UPN, rec.ImmutableID = "uno@contoso.com", "id-uno"
	save(t, s, rec)
	reserve(t, s, record("2", "id-1", "one@contoso.com"))
	_, err := s.Reserve(t.Context(), record("3", "id-3", "uno@contoso.com"))
	require.ErrorIs(t, err, provision.ErrUPNTaken)
	_, err = s.Reserve(t.Context(), record("3", "id-uno", "three@contoso.com"))
	require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
}

func saveRace(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	records := make([]provision.Record, crowd)
	errs := atOnce(crowd, func(i int) (err error) {
		changed := rec
		changed.UPN = fmt.Sprintf("u%d@contoso.com", i)
		records[i], err = s.Save(t.Context(), changed)
		return err
	})
	requireStored(t, s, records[oneWins(t, errs, provision.ErrStaleRecord)])
}

func saveUPNRace(t *testing.T, s provision.Store) {
	records := make([]provision.Record, crowd)
	for i := range records {
		records[i] = reserve(t, s, record(fmt.Sprint(i), fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i)))
	}
	errs := atOnce(crowd, func(i int) error {
		changed := records[i]
		changed.UPN = "wanted@contoso.com"
		_, err := s.Save(t.Context(), changed)
		return err
	})
	winner := oneWins(t, errs, provision.ErrUPNTaken)
	for i, rec := range records {
		if i == winner {
			rec.UPN, rec.Version = "wanted@contoso.com", 2
		}
		requireStored(t, s, rec)
	}
}

// saveAgainRace counts in UPNAttempt, as the pipeline saves: on top of whatever another process saved meanwhile.
func saveAgainRace(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	for _, err := range atOnce(8, func(int) error { return countOneUp(t, s, rec) }) {
		require.NoError(t, err)
	}
	rec.UPNAttempt, rec.Version = 8, 9
	requireStored(t, s, rec)
}

func countOneUp(t *testing.T, s provision.Store, rec provision.Record) error {
	for {
		rec.UPNAttempt++
		_, err := s.Save(t.Context(), rec)
		if !errors.Is(err, provision.ErrStaleRecord) {
			return err
		}
		if rec, err = s.Load(t.Context(), rec.Key); err != nil {
			return err
		}
	}
}
