package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// bench is a tenant and somebody who uses it, without time, weather and network around it.
type bench struct {
	*tenant
	at   time.Duration
	host *host
	dice dice
}

func newBench(lag lag) *bench {
	b := &bench{dice: newDice(1, 1)}
	p := &plan{people: make([]person, 2), weather: weather{lag: lag}, skus: []provision.SKU{
		{ID: primarySKU, Enabled: 1}, {ID: secondSKU, Enabled: 5},
	}}
	p.people[1].DisplayName = "Person 1"
	p.foreign = []provision.User{{UserPrincipalName: "foreign@contoso.com", ImmutableID: "foreign"}}
	b.tenant = newTenant(p, func() time.Duration { return b.at })
	b.host = &host{name: "host", w: &world{plan: *p}}
	return b
}

// creates creates a user, which must succeed, and lets a minute pass.
func (b *bench) creates(t *testing.T, upn, immutableID string) string {
	t.Helper()
	user, err := b.create(&b.dice, b.host, provision.NewUser{UserPrincipalName: upn, ImmutableID: immutableID,
		UsageLocation: "DE"})
	require.NoError(t, err)
	b.at += time.Minute
	return user.ObjectID
}

// gives gives a user seats.
func (b *bench) gives(id string, skus ...string) error {
	var change provision.LicenseChange
	for _, sku := range skus {
		change.Add = append(change.Add, provision.LicenseGrant{SKUID: sku})
	}
	return b.changeLicenses(&b.dice, b.host.name, id, change)
}

func TestTheTenantKeepsItsRules(t *testing.T) {
	t.Parallel()
	create := func(b *bench, upn, id string) error {
		_, err := b.create(&b.dice, b.host, provision.NewUser{UserPrincipalName: upn, ImmutableID: id})
		return err
	}
	for name, c := range map[string]struct {
		do   func(t *testing.T, b *bench) error
		want error // nil: it succeeds
	}{
		"an ImmutableID is unique": {func(t *testing.T, b *bench) error {
			return create(b, "new@contoso.com", "foreign")
		}, provision.ErrConflict},
		"a UPN is unique without regard to case": {func(t *testing.T, b *bench) error {
			return create(b, "FOREIGN@contoso.com", "new")
		}, provision.ErrConflict},
		"a deleted user keeps its ImmutableID": {func(t *testing.T, b *bench) error {
			require.NoError(t, b.remove(&b.dice, b.host.name, b.creates(t, "a@contoso.com", "a")))
			return create(b, "b@contoso.com", "a")
		}, provision.ErrConflict},
		"a deleted user frees its UPN": {func(t *testing.T, b *bench) error {
			require.NoError(t, b.remove(&b.dice, b.host.name, b.creates(t, "a@contoso.com", "a")))
			return create(b, "a@contoso.com", "b")
		}, nil},
		"a purged user frees its ImmutableID": {func(t *testing.T, b *bench) error {
			id := b.creates(t, "a@contoso.com", "a")
			require.NoError(t, b.remove(&b.dice, b.host.name, id))
			require.NoError(t, b.purge(&b.dice, b.host, id))
			return create(b, "a@contoso.com", "a")
		}, nil},
		"an active user is not purged": {func(t *testing.T, b *bench) error {
			return b.purge(&b.dice, b.host, b.creates(t, "a@contoso.com", "a"))
		}, provision.ErrNotFound},
		"a deleted user is found by the UPN it had, and restored": {func(t *testing.T, b *bench) error {
			id := b.creates(t, "a@contoso.com", "a")
			require.NoError(t, b.remove(&b.dice, b.host.name, id))
			b.at += time.Minute
			require.Len(t, b.findDeleted(&b.dice, provision.UserKey{UserPrincipalName: "a@contoso.com"}), 1)
			user, err := b.restore(&b.dice, b.host, id, "")
			require.Equal(t, "a@contoso.com", user.UserPrincipalName)
			return err
		}, nil},
		"a restored user needs a free UPN": {func(t *testing.T, b *bench) error {
			id := b.creates(t, "a@contoso.com", "a")
			require.NoError(t, b.remove(&b.dice, b.host.name, id))
			b.creates(t, "a@contoso.com", "b")
			_, err := b.restore(&b.dice, b.host, id, "")
			return err
		}, provision.ErrConflict},
		"a UPN that somebody has is not given by a change": {func(t *testing.T, b *bench) error {
			return b.update(&b.dice, b.host.name, b.creates(t, "a@contoso.com", "a"),
				provision.UserChange{UserPrincipalName: "foreign@contoso.com"})
		}, provision.ErrConflict},
		"a seat that is left is given": {func(t *testing.T, b *bench) error {
			return b.gives(b.creates(t, "a@contoso.com", "a"), primarySKU)
		}, nil},
		"a seat is given twice and taken once": {func(t *testing.T, b *bench) error {
			id := b.creates(t, "a@contoso.com", "a")
			require.NoError(t, b.gives(id, primarySKU))
			b.at += time.Minute
			require.NoError(t, b.gives(id, primarySKU))
			require.Equal(t, 1, b.sku(primarySKU).Consumed)
			return nil
		}, nil},
		"no seat is given that is not there": {func(t *testing.T, b *bench) error {
			require.NoError(t, b.gives(b.creates(t, "a@contoso.com", "a"), primarySKU))
			return b.gives(b.creates(t, "b@contoso.com", "b"), primarySKU)
		}, provision.ErrNoLicense},
		"seats are given all or none": {func(t *testing.T, b *bench) error {
			require.NoError(t, b.gives(b.creates(t, "a@contoso.com", "a"), primarySKU))
			err := b.gives(b.creates(t, "b@contoso.com", "b"), secondSKU, primarySKU)
			require.Zero(t, b.sku(secondSKU).Consumed)
			return err
		}, provision.ErrNoLicense},
		"a SKU that the tenant does not have is refused": {func(t *testing.T, b *bench) error {
			return b.gives(b.creates(t, "a@contoso.com", "a"), "unknown")
		}, provision.ErrNoLicense},
		"a deleted user's seats are free": {func(t *testing.T, b *bench) error {
			id := b.creates(t, "a@contoso.com", "a")
			require.NoError(t, b.gives(id, primarySKU))
			b.at += time.Minute
			require.NoError(t, b.remove(&b.dice, b.host.name, id))
			return b.gives(b.creates(t, "b@contoso.com", "b"), primarySKU)
		}, nil},
		"a user without a usage location gets no seat": {func(t *testing.T, b *bench) error {
			b.objects[0].UsageLocation = ""
			err := b.gives(b.objects[0].ObjectID, primarySKU)
			require.ErrorContains(t, err, "invalid usage location")
			return nil
		}, nil},
		"members are added all or none": {func(t *testing.T, b *bench) error {
			one, two := b.creates(t, "a@contoso.com", "a"), b.creates(t, "b@contoso.com", "b")
			require.NoError(t, b.addMembers(&b.dice, objectID(900), []string{one}))
			err := b.addMembers(&b.dice, objectID(900), []string{two, one})
			require.Equal(t, []string{one}, b.groups[0].members)
			return err
		}, provision.ErrAlreadyMember},
		"an unknown user is no member": {func(t *testing.T, b *bench) error {
			return b.addMembers(&b.dice, objectID(900), []string{"nobody"})
		}, provision.ErrNotFound},
		"a member is removed once": {func(t *testing.T, b *bench) error {
			one := b.creates(t, "a@contoso.com", "a")
			require.NoError(t, b.addMembers(&b.dice, objectID(900), []string{one}))
			require.NoError(t, b.removeMember(&b.dice, objectID(900), one))
			return b.removeMember(&b.dice, objectID(900), one)
		}, provision.ErrNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.do(t, newBench(lag{}))
			if c.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, c.want)
		})
	}
}

// A user who was just created is there, then not there, then there; and for ever after the last replica has it.
func TestReplicasLagOneByOne(t *testing.T) {
	t.Parallel()
	b := newBench(lag{most: 10 * time.Second, seldom: 10 * time.Second})
	b.at = time.Minute
	user, err := b.create(&b.dice, b.host, provision.NewUser{UserPrincipalName: "a@contoso.com", ImmutableID: "a"})
	require.NoError(t, err)
	var found, flaps int
	before := false
	for range 200 {
		_, err := b.find(&b.dice, provision.UserKey{ObjectID: user.ObjectID})
		if is := err == nil; is != before {
			before = is
			flaps++
		}
		if err == nil {
			found++
		}
		b.at += 50 * time.Millisecond
	}
	require.Greater(t, flaps, 3)
	require.Positive(t, found)
	b.at += 10 * time.Second
	for range 50 {
		_, err := b.find(&b.dice, provision.UserKey{ImmutableID: "a"})
		require.NoError(t, err)
	}
}

// The last seat is this user's, but the replica that works on the second assignment does not know yet.
func TestALaggingReplicaDoesNotKnowOfASeat(t *testing.T) {
	t.Parallel()
	b := newBench(lag{most: 10 * time.Second, seldom: 10 * time.Second})
	id := b.creates(t, "a@contoso.com", "a")
	require.NoError(t, b.gives(id, primarySKU))
	require.ErrorIs(t, b.gives(id, primarySKU), provision.ErrNoLicense)
	b.at += time.Minute
	require.NoError(t, b.gives(id, primarySKU))
	require.Equal(t, 1, b.sku(primarySKU).Consumed)
}

func TestABucketSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	b := bucket{size: 2, perSecond: 0.5}
	for range 2 {
		_, ok := b.take(0, 1)
		require.True(t, ok)
	}
	wait, ok := b.take(0, 1)
	require.False(t, ok)
	require.InDelta(t, 2*time.Second, wait, float64(2*time.Millisecond))
	_, ok = b.take(wait, 1)
	require.True(t, ok)
}
