package adapters_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
)

func TestWhichSignInsAreNewEnough(t *testing.T) {
	t.Parallel()
	asked := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	for rule, test := range map[string]struct {
		at                   time.Time
		wherePlain, andFresh bool
	}{
		"of long ago":          {asked.AddDate(-1, 0, 0), true, false},
		"of the second before": {asked.Add(-time.Second), true, false},
		"of the same second":   {asked.Truncate(time.Second), true, true},
		"of that moment":       {asked, true, true},
		"of later":             {asked.Add(time.Minute), true, true},
		"of no time":           {time.Time{}, true, false},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.wherePlain, adapters.Ask{Asked: asked}.NewEnough(test.at))
			require.Equal(t, test.andFresh, adapters.Ask{Asked: asked, Fresh: true}.NewEnough(test.at))
		})
	}
}
