package provision_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// A federated domain lets nobody be without an ImmutableID, and Apply was not allowed to give one: there is nothing to
// undo. It is a failure only if a read shows that there is.
func TestWhoCouldNotBeAdoptedNeedNotBeUndone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		adopted bool // before the domain refused
		stale   int  // reads that show the user as before
		want    provision.AdoptionDone
		looks   int
	}{
		"as before":                       {false, 0, provision.AdoptionDone{Kept: 1}, 4},
		"adopted":                         {true, 0, provision.AdoptionDone{Failed: 1}, 1},
		"adopted, and one replica lags":   {true, 1, provision.AdoptionDone{Failed: 1}, 2},
		"adopted, and two replicas lag":   {true, 3, provision.AdoptionDone{Failed: 1}, 4},
		"adopted, and all that read lags": {true, 4, provision.AdoptionDone{Kept: 1}, 4}, // as far as can be known
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newChangingTenant()
				u := dir.employee("", "a@contoso.com", "1")
				before := u.User
				a := adoption(t, dir, provision.AdoptionRules{})
				var undo bytes.Buffer
				p := plan(t, a)
				if !tc.adopted {
					dir.next("UpdateUser", fault{err: badRequest("You must provide a required property: " +
						"Parameter name: FederatedUser.SourceAnchor")})
				}
				apply(t, a, p, &undo)
				dir.strict = "contoso.com"
				for range tc.stale {
					dir.stale[u.ObjectID] = append(dir.stale[u.ObjectID], before)
				}
				dir.calls = nil
				results, done := undone(t, a, &undo)
				require.Equal(t, tc.want, done)
				require.Equal(t, tc.looks, dir.count("FindUser"))
				require.Equal(t, tc.want.Failed == 0, results[0].Err == nil)
				require.False(t, results[0].Changed && results[0].Err == nil)
			})
		})
	}
}
