package ldap

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// However many names are tried, what is remembered is bounded, and the oldest is forgotten.
func TestTheMemoryOfAttemptsIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := newAttempts(1, time.Minute, func() time.Time { return now })
	require.True(t, a.take("first"))
	require.False(t, a.take("FIRST"))
	for i := range maxNames {
		require.True(t, a.take(strconv.Itoa(i)))
	}
	require.Len(t, a.names, maxNames)
	require.Equal(t, maxNames, a.order.Len())
	require.True(t, a.take("first"))
	require.False(t, a.take(strconv.Itoa(maxNames-1)))
	now = now.Add(time.Minute)
	require.True(t, a.take("another"))
	require.Len(t, a.names, 1)
}

// A flood of names that nobody has does not make the failures of a real entry forgotten.
func TestAFloodOfNamesBuysNoAttempts(t *testing.T) {
	t.Parallel()
	a, err := New(Config{
		Kind: ActiveDirectory, URLs: []string{"ldaps://dc1.contoso.com"}, Connection: "ad", BaseDN: "DC=contoso,DC=com",
		BindTemplate: "{name}@contoso.com", Attempts: 1,
	})
	require.NoError(t, err)
	const dn = "CN=An Employee,DC=contoso,DC=com"
	require.True(t, a.entries.take(dn))
	for i := range maxNames + 1 {
		require.True(t, a.names.take(strconv.Itoa(i)))
	}
	require.False(t, a.entries.take(dn))
}
