package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// What the directory still shows of a group that was left looks like somebody else's membership. It must not become one
// that is ours and that nobody remembers.
func TestAGroupThatWasLeftAMomentAgoIsNotJoinedUnnoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		dir.delay = 30 * time.Second
		dir.next("AddMembers", fault{before: func(context.Context) { dir.seats(enterpriseSKU, 0) }}) // the race is lost
		p := newProvisioner(t, licensedBy(dir, store, byGroup("staff")))
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNoLicense)
		require.Empty(t, dir.members[staffGroup], "it is left")

		dir.seats(enterpriseSKU, 1)
		_, err = p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrNoLicense, "the error is still shown")
		require.Empty(t, dir.members[staffGroup])

		time.Sleep(time.Minute)
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{account.ObjectID}, dir.members[staffGroup])
		require.Equal(t, "group:"+staffGroup, given(t, store, contractor()), "it is known whose work that is")
	})
}

// Somebody else ends a membership that the account is waited for in: from then on it is to be the pipeline's.
func TestAMembershipOfSomebodyElsesThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		u := dir.has(provision.ImmutableIDFromSubject("google", "104"), "c@contoso.com")
		dir.members[staffGroup] = []string{u.ObjectID}
		dir.hold(u, []provision.AssignedLicense{{SKUID: standardSKU, GroupID: staffGroup, State: "Active"}}) // not all yet
		time.AfterFunc(2*time.Second, func() {
			require.NoError(t, dir.RemoveMember(context.Background(), staffGroup, u.ObjectID))
		})
		account, err := newProvisioner(t, licensedBy(dir, store, byGroup("staff"))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{account.ObjectID}, dir.members[staffGroup])
		require.Equal(t, "group:"+staffGroup, given(t, store, contractor()))
	})
}
