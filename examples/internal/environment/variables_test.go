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
	require.Equal(t, entrafed.Global(), environment.New(nil, nil).Cloud())
	require.Equal(t, entrafed.China(), environment.New([]string{environment.CloudName + "=china"}, nil).Cloud())
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
