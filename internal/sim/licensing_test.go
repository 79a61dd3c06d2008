package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// The groups of the tenant that give licences.
var (
	standardID = objectID(902)
	suiteID    = objectID(903)
)

// later lets so much time pass that all is worked out and known everywhere.
func (b *bench) later() {
	b.at += 5 * time.Minute
	b.catchUp()
}

// joins makes a user a member of a group, which must succeed.
func (b *bench) joins(t *testing.T, groupID, id string) {
	t.Helper()
	require.NoError(t, b.addMembers(&b.dice, groupID, []string{id}))
	b.later()
}

func TestAGroupGivesLicencesInItsOwnTime(t *testing.T) {
	t.Parallel()
	b := newBench(lag{})
	id := b.creates(t, "a@contoso.com", "a")
	require.NoError(t, b.addMembers(&b.dice, standardID, []string{id}))
	b.catchUp()
	require.Empty(t, b.byID(id).SKUIDs, "not at once")
	b.later()
	user, err := b.find(&b.dice, provision.UserKey{ObjectID: id})
	require.NoError(t, err)
	require.Equal(t, []string{primarySKU}, user.SKUIDs)
	require.Equal(t, []provision.AssignedLicense{{SKUID: primarySKU, GroupID: standardID, State: "Active"}}, user.Licenses)
	require.Equal(t, 1, b.sku(primarySKU).Consumed)
	require.True(t, b.inherits(b.byID(id), standard))

	require.NoError(t, b.removeMember(&b.dice, standardID, id))
	require.False(t, b.inherits(b.byID(id), standard), "it is no member any more")
	require.Equal(t, []string{primarySKU}, b.byID(id).SKUIDs, "nor is it taken at once")
	b.later()
	require.Empty(t, b.byID(id).SKUIDs)
	require.Empty(t, b.byID(id).Licenses)
	require.Zero(t, b.sku(primarySKU).Consumed)
}

func TestAGroupGivesAllOrNothing(t *testing.T) {
	t.Parallel()
	b := newBench(lag{})
	one, two := b.creates(t, "a@contoso.com", "a"), b.creates(t, "b@contoso.com", "b")
	require.NoError(t, b.gives(one, primarySKU), "the only seat")
	b.joins(t, suiteID, two)
	require.Empty(t, b.byID(two).SKUIDs)
	require.Equal(t, []provision.AssignedLicense{
		{SKUID: primarySKU, GroupID: suiteID, State: "Error", Error: "CountViolation"},
		{SKUID: secondSKU, GroupID: suiteID, State: "Error", Error: "Other"},
	}, b.byID(two).Licenses)
	require.Zero(t, b.sku(secondSKU).Consumed)

	require.NoError(t, b.remove(&b.dice, b.host.name, one))
	b.later()
	require.True(t, b.inherits(b.byID(two), suite), "it is tried again when a seat is free")
	require.Equal(t, []string{primarySKU, secondSKU}, b.byID(two).SKUIDs)
}

func TestASeatCountsOnceWhereverItComesFrom(t *testing.T) {
	t.Parallel()
	b := newBench(lag{})
	id := b.creates(t, "a@contoso.com", "a")
	b.joins(t, standardID, id)
	require.ErrorContains(t, b.changeLicenses(&b.dice, b.host.name, id, provision.LicenseChange{Remove: []string{primarySKU}}),
		"inherited from a group membership")
	require.NoError(t, b.gives(id, primarySKU), "the last seat is this user's")
	b.joins(t, suiteID, id)
	require.Equal(t, 1, b.sku(primarySKU).Consumed)

	require.NoError(t, b.removeMember(&b.dice, standardID, id))
	require.NoError(t, b.removeMember(&b.dice, suiteID, id))
	b.later()
	require.Equal(t, []string{primarySKU}, b.byID(id).SKUIDs, "what was given directly stays")
	require.Equal(t, 1, b.sku(primarySKU).Consumed)
}

func TestADeletedUserLeavesItsGroups(t *testing.T) {
	t.Parallel()
	b := newBench(lag{})
	id := b.creates(t, "a@contoso.com", "a")
	require.NoError(t, b.addMembers(&b.dice, standardID, []string{id}))
	require.NoError(t, b.remove(&b.dice, b.host.name, id))
	b.later()
	require.False(t, b.isMember(standard, id))
	require.Zero(t, b.sku(primarySKU).Consumed)
}

// A membership refers to a user, whom the replica that works on it may not know.
func TestAMembershipRefersToAUser(t *testing.T) {
	t.Parallel()
	b := newBench(lag{most: 10 * time.Second, seldom: 10 * time.Second})
	b.at = time.Minute
	user, err := b.create(&b.dice, b.host, provision.NewUser{UserPrincipalName: "a@contoso.com", ImmutableID: "a"})
	require.NoError(t, err)
	require.Error(t, b.addMembers(&b.dice, standardID, []string{user.ObjectID}))
	b.later()
	b.joins(t, standardID, user.ObjectID)
}

func TestTheListOfChangesIsReadInPages(t *testing.T) {
	t.Parallel()
	b := newBench(lag{})
	now, err := b.userChanges(&b.dice, provision.CursorNow)
	require.NoError(t, err)
	require.Empty(t, now.Changed)
	var ids []string
	for _, name := range []string{"a", "b", "c", "d"} {
		ids = append(ids, b.creates(t, name+"@contoso.com", name))
	}
	require.NoError(t, b.remove(&b.dice, b.host.name, ids[0]))
	first, err := b.userChanges(&b.dice, now.Cursor)
	require.NoError(t, err)
	require.Equal(t, ids[:3], first.Changed)
	require.Empty(t, first.Cursor)
	last, err := b.userChanges(&b.dice, first.Next)
	require.NoError(t, err)
	require.Equal(t, provision.ChangePage{
		Changed: ids[3:], Removed: []provision.RemovedUser{{ObjectID: ids[0]}}, Cursor: "5",
	}, last)
	again, err := b.userChanges(&b.dice, last.Cursor)
	require.NoError(t, err)
	require.Equal(t, provision.ChangePage{Cursor: "5"}, again)
	_, err = b.userChanges(&b.dice, "no number")
	require.Error(t, err)
}

// A replica has the list of changes up to some place, and nothing is missing before it.
func TestTheListOfChangesLagsWithoutGaps(t *testing.T) {
	t.Parallel()
	b := newBench(lag{most: 10 * time.Second, seldom: 10 * time.Second})
	b.at = time.Minute
	for _, name := range []string{"a", "b", "c"} {
		_, err := b.create(&b.dice, b.host, provision.NewUser{UserPrincipalName: name + "@contoso.com", ImmutableID: name})
		require.NoError(t, err)
	}
	lengths := make(map[int]bool)
	for range 100 {
		page, err := b.userChanges(&b.dice, "")
		require.NoError(t, err)
		for i, id := range page.Changed {
			require.Equal(t, b.changes[i].objectID, id)
		}
		lengths[len(page.Changed)] = true
		b.at += 50 * time.Millisecond
	}
	require.Greater(t, len(lengths), 1)
	b.later()
	page, err := b.userChanges(&b.dice, "")
	require.NoError(t, err)
	require.Len(t, page.Changed, 3)
}
