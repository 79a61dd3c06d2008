package storetest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func requireCursor(t *testing.T, s provision.Cursors, name, want string) {
	t.Helper()
	value, err := s.LoadCursor(t.Context(), name)
	require.NoError(t, err)
	require.Equal(t, want, value)
}

func saveCursor(t *testing.T, s provision.Cursors, name, value string) {
	t.Helper()
	require.NoError(t, s.SaveCursor(t.Context(), name, value))
	requireCursor(t, s, name, value)
}

func unsavedCursor(t *testing.T, s provision.Cursors) {
	requireCursor(t, s, "one", "")
	saveCursor(t, s, "two", "2")
	requireCursor(t, s, "one", "")
}

func savedCursor(t *testing.T, s provision.Cursors) {
	for _, value := range []string{"1", "2", "2", "1"} {
		saveCursor(t, s, "one", value)
	}
}

func emptiedCursor(t *testing.T, s provision.Cursors) {
	for range 2 {
		saveCursor(t, s, "one", "1")
		saveCursor(t, s, "one", "")
		saveCursor(t, s, "one", "")
	}
}

func cursorNamesAreExact(t *testing.T, s provision.Cursors) {
	names := []string{"", "a", "A", "a ", " a", "é", "e\u0301", "e", "users/delta", "users/full", "%", "_", many(512)}
	for i, name := range names {
		requireCursor(t, s, name, "")
		saveCursor(t, s, name, fmt.Sprint(i))
	}
	for i, name := range names {
		requireCursor(t, s, name, fmt.Sprint(i))
	}
}

func cursorRoundTrips(t *testing.T, s provision.Cursors) {
	for _, value := range []string{
		"'", `\`, "NULL", " leading and trailing ", "tab\tnewline\ncarriage return\r", "é", "e\u0301", "😀", "\ufeff",
		"https://graph.microsoft.com/v1.0/users/delta?$deltatoken=a_b-c%3d&$select=id,displayName", "1.0", "007",
		strings.Repeat("0123456789abcdef", 4096), many(20000),
	} {
		saveCursor(t, s, "one", value)
	}
}

func cursorRace(t *testing.T, s provision.Cursors) {
	for _, err := range atOnce(crowd, func(i int) error {
		return s.SaveCursor(t.Context(), "one", fmt.Sprint("text ", i))
	}) {
		require.NoError(t, err)
	}
	value, err := s.LoadCursor(t.Context(), "one")
	require.NoError(t, err)
	require.Regexp(t, `^text \d+$`, value)
	for range 3 {
		requireCursor(t, s, "one", value)
	}
}

func badCursors(t *testing.T, s provision.Cursors) {
	saveCursor(t, s, "one", "1")
	for _, text := range []string{"\x00", "a\x00b", "\xff"} {
		_, err := s.LoadCursor(t.Context(), text)
		require.ErrorIs(t, err, provision.ErrInvalidRecord)
		require.ErrorIs(t, s.SaveCursor(t.Context(), text, "1"), provision.ErrInvalidRecord)
		require.ErrorIs(t, s.SaveCursor(t.Context(), "one", text), provision.ErrInvalidRecord)
	}
	requireCursor(t, s, "one", "1")
}

func cursorsStopWithContext(t *testing.T, s provision.Cursors) {
	saveCursor(t, s, "one", "1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.LoadCursor(ctx, "one")
	require.ErrorIs(t, err, context.Canceled)
	_, err = s.LoadCursor(ctx, "unknown")
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.SaveCursor(ctx, "one", "2"), context.Canceled)
	requireCursor(t, s, "one", "1")
}
