package provision_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestAnAdoptionIsUndoneWhateverALaggingReplicaShows(t *testing.T) {
	t.Parallel()
	for name, rules := range map[string]provision.AdoptionRules{
		"directly":    {Replace: true},
		"by a detour": {Replace: true, DetourByUPN: "contoso.onmicrosoft.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				user := dir.employee("old", "a@contoso.com", "1")
				before := user.User
				a := adoption(t, dir, rules)
				var undo bytes.Buffer
				apply(t, a, plan(t, a), &undo)
				require.Equal(t, []string{"1"}, dir.immutableIDs())
				for range 20 {
					dir.stale[before.ObjectID] = append(dir.stale[before.ObjectID], before)
				}
				_, done := undone(t, a, &undo)
				require.Zero(t, done.Failed)
				require.Equal(t, []string{"old"}, dir.immutableIDs())
			})
		})
	}
}
