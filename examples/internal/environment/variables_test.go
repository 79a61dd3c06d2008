package environment_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/examples/internal/environment"
	"github.com/entrafed/entrafed/provision"
)

func TestTheCloudIsTheOneThatIsNamed(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]entrafed.Cloud{
		"": entrafed.Global(), "global": entrafed.Global(), "china": entrafed.China(),
		"usgov-high": entrafed.USGovernmentHigh(), "usgov-dod": entrafed.USGovernmentDoD(),
	} {
		e := environment.New([]string{environment.CloudName + "=" + name}, nil)
		cloud, known := e.Cloud()
		require.True(t, known)
		require.Equal(t, want, cloud)
		require.NoError(t, e.Err())
	}
}

func TestACloudThatIsNoneIsRefusedAndTheRestCheckedForTheWorldwideOne(t *testing.T) {
	t.Parallel()
	e := environment.New([]string{environment.CloudName + "=mars"}, nil)
	cloud, known := e.Cloud()
	require.False(t, known)
	require.Equal(t, entrafed.Global(), cloud)
	require.EqualError(t, e.Err(), `ENTRAFED_CLOUD "mars" is not one of china, global, usgov-dod, usgov-high`)
}

func TestAMissingVariableIsExplained(t *testing.T) {
	t.Parallel()
	e := environment.New([]string{"B= "}, []environment.Variable{
		{Name: "A", Meaning: "the first"}, {Name: "B", Meaning: "the second", Example: "b"},
	})
	require.Empty(t, e.Required("A")+e.Required("B"))
	require.EqualError(t, e.Err(), "A is missing: the first\nB is missing: the second, for example b")
	require.Len(t, e.Problems(), 2)
}

func TestAListHasNothingEmptyAndNothingTwice(t *testing.T) {
	t.Parallel()
	e := environment.New([]string{"L= a, b,a,,c"}, nil)
	require.Equal(t, []string{"a", "b", "c"}, e.List("L"))
	require.EqualError(t, e.Err(), "L has \"a\" twice\nL has an empty entry: check its commas")
	require.Empty(t, e.List("another"))
}

func TestAGroupIsFoundByItsObjectIDOrItsName(t *testing.T) {
	t.Parallel()
	const id = "11111111-2222-3333-4444-555555555555"
	require.Equal(t, provision.GroupKey{ObjectID: id}, environment.GroupKey(id))
	require.Equal(t, provision.GroupKey{UniqueName: "staff"}, environment.GroupKey("staff"))
}

func TestLicencesWithFallbacksAndGroups(t *testing.T) {
	t.Parallel()
	e := environment.New([]string{"L=Microsoft 365 Business Standard | SPB|group: staff, STANDARDPACK"}, nil)
	require.Equal(t, []provision.License{
		{SKU: "Microsoft 365 Business Standard", Fallbacks: []provision.License{{SKU: "SPB"}, {Group: "staff"}}},
		{SKU: "STANDARDPACK"},
	}, e.Licenses("L"))
	require.NoError(t, e.Err())
}

func TestAnEmptyAlternativeIsRefused(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"A|", "|A", "group:", "A||B"} {
		e := environment.New([]string{"L=" + list}, nil)
		e.Licenses("L")
		require.ErrorContains(t, e.Err(), "L has an empty alternative", list)
	}
}
