package aadsts_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/aadsts"
)

func TestEveryCodeIsCompleteAndUnique(t *testing.T) {
	t.Parallel()
	digits := regexp.MustCompile(`^[1-9][0-9]{4,6}$`)
	seen := map[string]bool{}
	for _, c := range aadsts.All() {
		require.Regexp(t, digits, c.Number)
		require.False(t, seen[c.Number], "AADSTS%s is listed twice", c.Number)
		seen[c.Number] = true
		for field, value := range map[string]string{"Message": c.Message, "Cause": c.Cause, "Remedy": c.Remedy} {
			require.NotEmpty(t, value, "AADSTS%s: %s", c.Number, field)
			require.True(t, strings.HasSuffix(value, "."), "AADSTS%s: %s is no sentence: %s", c.Number, field, value)
			require.NotContains(t, value, "  ", "AADSTS%s: %s", c.Number, field)
		}
		require.Regexp(t, `[Dd]ocumented|[Rr]eported|[Aa]ssumed|no public text`, c.Cause,
			"AADSTS%s: the cause does not say how sure it is", c.Number)
	}
	require.GreaterOrEqual(t, len(seen), 50)
}

func TestLookup(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"51004", "AADSTS51004"} {
		c, ok := aadsts.Lookup(number)
		require.True(t, ok)
		require.Equal(t, "UserAccountNotInDirectory", c.Name)
		require.Equal(t, "AADSTS51004", c.String())
		require.Equal(t, "https://login.microsoftonline.com/error?code=51004", c.URL())
	}
	for _, number := range []string{"", "5100", "aadsts51004", "AADSTSAADSTS51004", "51004 "} {
		_, ok := aadsts.Lookup(number)
		require.False(t, ok, "%q", number)
	}
}

func TestTheCallerCannotChangeTheCatalogue(t *testing.T) {
	t.Parallel()
	aadsts.All()[0].Message = "changed"
	require.NotEqual(t, "changed", aadsts.All()[0].Message)
}
