package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func timesRoundTrip(t *testing.T, s provision.Store) {
	for i, at := range []time.Time{
		time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 1000, time.UTC),
		time.Date(2026, 1, 2, 3, 4, 5, 999999000, time.UTC),
		time.Date(2026, 3, 29, 1, 30, 0, 100000000, time.UTC), // an hour that clocks in Europe skip
		time.Date(2024, 2, 29, 23, 59, 59, 10000, time.UTC),
		time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC), // zero in Unix time, and yet a time
		time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(2262, 4, 12, 0, 0, 0, 1000, time.UTC), // more nanoseconds since 1970 than an int64 holds
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		rec := record(fmt.Sprint(i), fmt.Sprintf("id-%d", i), fmt.Sprintf("u%d@contoso.com", i))
		for _, field := range times(&rec) {
			*field = at
		}
		stored := reserve(t, s, rec)
		rec.Version = 1
		require.Equal(t, rec, stored)
		requireStored(t, s, rec)
		saved := save(t, s, rec)
		rec.Version = 2
		require.Equal(t, rec, saved)
		requireStored(t, s, rec)
	}
}

func textRoundTrips(t *testing.T, s provision.Store) {
	for i, text := range []string{
		"'", `"`, `\`, "--", ";", "%", "_", "?", "$1", ":a", "@a", "'; DROP TABLE people; --", "NULL", "null", "''",
		" leading and trailing ", "tab\tnewline\ncarriage return\r", "\u0001\u001f\u007f",
		"é", "e\u0301", "İstanbul", "Straße", "日本語", "😀", "\u202e", "\ufeff", "\ufffd", "\u2028",
		"2026-01-02 03:04:05", "0x00", "1e3", "true", "-0", "{}",
	} {
		rec := full(fmt.Sprint(i)+text, fmt.Sprint("id-", i, text), fmt.Sprint("u", i, text, "@contoso.com"))
		rec.Key.Connection = text
		rec.ObjectID, rec.DirectoryUPN, rec.Licenses = text, text, text
		stored := reserve(t, s, rec)
		rec.Version = 1
		require.Equal(t, rec, stored)
		requireStored(t, s, rec)
		requireStored(t, s, save(t, s, rec))
	}
}

func longText(t *testing.T, s provision.Store) {
	long := full(many(512), strings.Repeat("I", 64), strings.Repeat("u", 64)+"@"+strings.Repeat("d", 44)+".com")
	long.Key.Connection = many(128)
	long.ObjectID, long.DirectoryUPN, long.Licenses = many(512), many(4096), many(4096)
	other := full(many(511)+"x", "id-2", "two@contoso.com") // differs at the very end
	other.Key.Connection = long.Key.Connection
	for _, rec := range []provision.Record{long, other} {
		stored := reserve(t, s, rec)
		rec.Version = 1
		require.Equal(t, rec, stored)
		requireStored(t, s, rec)
		requireStored(t, s, save(t, s, rec))
	}
	_, err := s.Reserve(t.Context(), record("3", long.ImmutableID, "three@contoso.com"))
	require.ErrorIs(t, err, provision.ErrImmutableIDTaken)
	_, err = s.Reserve(t.Context(), record("3", "id-3", strings.ToUpper(long.UPN)))
	require.ErrorIs(t, err, provision.ErrUPNTaken)
}

// many are n characters of three bytes each, in an order that no index can compress.
func many(n int) string {
	var b strings.Builder
	state := uint32(1)
	for range n {
		state = state*1664525 + 1013904223
		b.WriteRune(rune(0x4e00 + state>>8%0x5000))
	}
	return b.String()
}

func badTextIsRefused(t *testing.T, s provision.Store) {
	rec := reserve(t, s, full("1", "id-1", "one@contoso.com"))
	for _, text := range []string{"\x00", "a\x00b", "\xff", "a\xc3", "\xed\xa0\x80"} {
		for field, spoil := range map[string]func(*provision.Record){
			"Connection":   func(r *provision.Record) { r.Key.Connection = text },
			"ID":           func(r *provision.Record) { r.Key.ID = text },
			"ImmutableID":  func(r *provision.Record) { r.ImmutableID = text },
			"UPN":          func(r *provision.Record) { r.UPN = text },
			"ObjectID":     func(r *provision.Record) { r.ObjectID = text },
			"DirectoryUPN": func(r *provision.Record) { r.DirectoryUPN = text },
			"Licenses":     func(r *provision.Record) { r.Licenses = text },
		} {
			bad := rec
			spoil(&bad)
			_, err := s.Save(t.Context(), bad)
			require.ErrorIs(t, err, provision.ErrInvalidRecord, "Save with %q in %s", text, field)

			bad = full("2", "id-2", "two@contoso.com")
			spoil(&bad)
			_, err = s.Reserve(t.Context(), bad)
			require.ErrorIs(t, err, provision.ErrInvalidRecord, "Reserve with %q in %s", text, field)
			require.ErrorContains(t, err, field)
		}
		for _, key := range []provision.PersonKey{{Connection: text, ID: "1"}, {Connection: "google", ID: text}} {
			_, err := s.Load(t.Context(), key)
			require.ErrorIs(t, err, provision.ErrInvalidRecord, "Load with %q", text)
		}
	}
	requireStored(t, s, rec)
	requireUnknown(t, s, person("2"))
}

func recordsAreCopies(t *testing.T, s provision.Store) {
	given := full("1", "id-1", "one@contoso.com")
	returned := reserve(t, s, given)
	want := returned
	loaded, err := s.Load(t.Context(), given.Key)
	require.NoError(t, err)
	for _, rec := range []*provision.Record{&given, &returned, &loaded} {
		rec.UPN, rec.Version, rec.ReadyAt = "changed@contoso.com", 77, time.Time{}
	}
	requireStored(t, s, want)
}

func stopsWithContext(t *testing.T, s provision.Store) {
	rec := reserve(t, s, record("1", "id-1", "one@contoso.com"))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for _, ctx := range []context.Context{canceled, late} {
		_, err := s.Load(ctx, rec.Key)
		require.ErrorIs(t, err, ctx.Err())
		_, err = s.Load(ctx, person("unknown"))
		require.ErrorIs(t, err, ctx.Err())
		_, err = s.Reserve(ctx, record("2", "id-2", "two@contoso.com"))
		require.ErrorIs(t, err, ctx.Err())
		_, err = s.Save(ctx, rec)
		require.ErrorIs(t, err, ctx.Err())
	}
	requireStored(t, s, rec)
	requireUnknown(t, s, person("2"))
}
