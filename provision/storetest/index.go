package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// withObjectID is a record of an account.
func withObjectID(id, objectID string) provision.Record {
	rec := record(id, "id-"+id, id+"@contoso.com")
	rec.ObjectID = objectID
	return rec
}

// requireFound requires that the object ID is found to be exactly that of rec.
func requireFound(t *testing.T, s IndexedStore, rec provision.Record) {
	t.Helper()
	found, err := s.LoadByObjectID(t.Context(), rec.ObjectID)
	require.NoError(t, err)
	require.Equal(t, rec, found)
}

// requireNobody requires that nobody has the object ID.
func requireNobody(t *testing.T, s IndexedStore, objectID string) {
	t.Helper()
	_, err := s.LoadByObjectID(t.Context(), objectID)
	require.ErrorIs(t, err, provision.ErrNoRecord)
}

func list(t *testing.T, s IndexedStore, after provision.PersonKey, limit int) []provision.Record {
	t.Helper()
	records, err := s.List(t.Context(), after, limit)
	require.NoError(t, err)
	return records
}

func loadByUnknownObjectID(t *testing.T, s IndexedStore) {
	requireNobody(t, s, objectID)
	reserve(t, s, record("1", "id-1", "one@contoso.com"))
	reserve(t, s, withObjectID("2", "another"))
	requireNobody(t, s, objectID)
}

func loadByObjectID(t *testing.T, s IndexedStore) {
	rec := reserve(t, s, full("1", "id-1", "one@contoso.com"))
	reserve(t, s, withObjectID("2", "another"))
	requireFound(t, s, rec)
	rec.UPN, rec.PurgedAt = "uno@contoso.com", time.Time{}
	requireFound(t, s, save(t, s, rec))
}

func objectIDsAreExact(t *testing.T, s IndexedStore) {
	var records []provision.Record
	for i, id := range []string{"a", "A", "a ", " a", "é", "e\u0301", "e", "1", "01", "%", "_", "'", `\`} {
		requireNobody(t, s, id)
		records = append(records, reserve(t, s, withObjectID(fmt.Sprint(i), id)))
	}
	for _, rec := range records {
		requireFound(t, s, rec)
	}
}

func emptyObjectID(t *testing.T, s IndexedStore) {
	requireNobody(t, s, "")
	rec := reserve(t, s, withObjectID("1", ""))
	requireNobody(t, s, "")
	rec.ObjectID = objectID
	rec = save(t, s, rec)
	requireFound(t, s, rec)
	rec.ObjectID = ""
	save(t, s, rec)
	requireNobody(t, s, "")
	requireNobody(t, s, objectID)
}

func objectIDChanges(t *testing.T, s IndexedStore) {
	rec := reserve(t, s, withObjectID("1", "before"))
	rec.ObjectID = "after"
	rec = save(t, s, rec)
	requireFound(t, s, rec)
	requireNobody(t, s, "before")
	requireFound(t, s, reserve(t, s, withObjectID("2", "before")))
	requireFound(t, s, rec)
}

func sharedObjectID(t *testing.T, s IndexedStore) {
	var records []provision.Record
	for i, key := range lookalikes() {
		rec := record("", fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i))
		rec.Key, rec.ObjectID = key, objectID
		records = append(records, reserve(t, s, rec))
	}
	slices.SortFunc(records, inOrder)
	for i, rec := range records {
		requireFound(t, s, rec)
		rec.ObjectID = fmt.Sprint("their own ", i)
		requireFound(t, s, save(t, s, rec))
	}
	requireNobody(t, s, objectID)
}

// inOrder is the order of the keys.
func inOrder(a, b provision.Record) int {
	return cmp.Or(strings.Compare(a.Key.Connection, b.Key.Connection), strings.Compare(a.Key.ID, b.Key.ID))
}

// populate reserves people whose keys not everything sorts alike, and returns them in their order.
func populate(t *testing.T, s IndexedStore) []provision.Record {
	t.Helper()
	keys := append(lookalikes(),
		provision.PersonKey{Connection: "a", ID: "b"}, provision.PersonKey{Connection: "a", ID: "B"},
		provision.PersonKey{Connection: "a-b", ID: "c"}, provision.PersonKey{Connection: "ab", ID: "a"},
		provision.PersonKey{Connection: "Z", ID: "z"}, provision.PersonKey{Connection: "z", ID: "10"},
		provision.PersonKey{Connection: "z", ID: "9"}, provision.PersonKey{Connection: "z", ID: "😀"},
		provision.PersonKey{Connection: "z", ID: "\uffee"}, provision.PersonKey{Connection: "z", ID: "ä"},
		provision.PersonKey{Connection: "z", ID: "zz"}, provision.PersonKey{Connection: "z", ID: "\u0001"},
		provision.PersonKey{Connection: many(128), ID: many(512)},
		provision.PersonKey{Connection: many(128), ID: many(511) + "x"},
	)
	var records []provision.Record
	for i, key := range keys {
		rec := full("", fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i))
		rec.Key = key
		records = append(records, reserve(t, s, rec))
	}
	slices.SortFunc(records, inOrder)
	return records
}

func listEmpty(t *testing.T, s IndexedStore) {
	require.Empty(t, list(t, s, provision.PersonKey{}, 10))
	require.Empty(t, list(t, s, person("1"), 10))
}

func listStores(t *testing.T, s IndexedStore) {
	one := reserve(t, s, full("1", "id-1", "one@contoso.com"))
	two := reserve(t, s, provision.Record{Key: person("2")})
	require.Equal(t, []provision.Record{one, two}, list(t, s, provision.PersonKey{}, 10))
	one.UPN = "uno@contoso.com"
	one = save(t, s, one)
	require.Equal(t, []provision.Record{one, two}, list(t, s, provision.PersonKey{}, 10))
}

func listInOrder(t *testing.T, s IndexedStore) {
	records := populate(t, s)
	require.Equal(t, records, list(t, s, provision.PersonKey{}, len(records)))
	require.Equal(t, records, list(t, s, provision.PersonKey{}, 1000))
}

func listInPages(t *testing.T, s IndexedStore) {
	records := populate(t, s)
	for _, limit := range []int{1, 2, 3, len(records) - 1, len(records)} {
		after, seen := provision.PersonKey{}, []provision.Record(nil)
		for {
			page := list(t, s, after, limit)
			require.LessOrEqual(t, len(page), limit)
			if len(page) == 0 {
				break
			}
			after, seen = page[len(page)-1].Key, append(seen, page...)
		}
		require.Equal(t, records, seen, "pages of %d", limit)
	}
}

func listAfterUnknown(t *testing.T, s IndexedStore) {
	records := populate(t, s)
	for _, after := range []provision.PersonKey{
		{Connection: "a", ID: "C"}, {Connection: "a", ID: ""}, {Connection: "aa", ID: "z"}, {Connection: "google", ID: "b"},
		{Connection: "z", ID: "zzz"}, {Connection: "\U0010ffff", ID: "\U0010ffff"}, {Connection: "", ID: "\u0001"},
	} {
		var want []provision.Record
		for _, rec := range records {
			if inOrder(rec, provision.Record{Key: after}) > 0 {
				want = append(want, rec)
			}
		}
		got := list(t, s, after, 1000)
		require.Len(t, got, len(want), "after %q", after)
		for i := range want {
			require.Equal(t, want[i], got[i])
		}
	}
}

func listNone(t *testing.T, s IndexedStore) {
	reserve(t, s, record("1", "id-1", "one@contoso.com"))
	for _, limit := range []int{0, -1, -1000} {
		require.Empty(t, list(t, s, provision.PersonKey{}, limit))
	}
}

func listWhileReserving(t *testing.T, s IndexedStore) {
	for i := range crowd {
		reserve(t, s, withObjectID(fmt.Sprintf("%02d", i), ""))
	}
	errs := make(chan error)
	go func() {
		var err error
		for i := range crowd {
			if err == nil {
				_, err = s.Reserve(t.Context(), withObjectID(fmt.Sprintf("%02d-later", i), ""))
			}
		}
		errs <- err
	}()
	after, seen := provision.PersonKey{}, map[string]int{}
	for page := list(t, s, after, 3); len(page) > 0; page = list(t, s, after, 3) {
		for _, rec := range page {
			seen[rec.Key.ID]++
		}
		after = page[len(page)-1].Key
	}
	require.NoError(t, <-errs)
	for i := range crowd {
		require.Equal(t, 1, seen[fmt.Sprintf("%02d", i)])
	}
}

func badIndexText(t *testing.T, s IndexedStore) {
	for _, text := range []string{"\x00", "a\x00b", "\xff"} {
		_, err := s.LoadByObjectID(t.Context(), text)
		require.ErrorIs(t, err, provision.ErrInvalidRecord)
		for _, key := range []provision.PersonKey{{Connection: text, ID: "1"}, {Connection: "google", ID: text}} {
			_, err := s.List(t.Context(), key, 1)
			require.ErrorIs(t, err, provision.ErrInvalidRecord)
		}
	}
}

func indexStopsWithContext(t *testing.T, s IndexedStore) {
	reserve(t, s, withObjectID("1", objectID))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, id := range []string{objectID, "unknown", ""} {
		_, err := s.LoadByObjectID(ctx, id)
		require.ErrorIs(t, err, context.Canceled)
	}
	_, err := s.List(ctx, provision.PersonKey{}, 1)
	require.ErrorIs(t, err, context.Canceled)
}
