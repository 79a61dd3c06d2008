package sqltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

const (
	contenders = 4  // processes, one of which is killed
	contested  = 12 // people
	names      = 9  // of them have names of their own; the others must take a numbered one
)

// deed is what a contender tells.
type deed struct {
	Person string
	Rec    provision.Record // as it was returned
	Saved  bool             // by Save; else by Reserve
	Token  int64            // of the lease that was held meanwhile; 0 if somebody else held it
}

// hostage is whose lease the contender that is killed holds.
const hostage = "hostage"

// contend reserves and saves the same people as all other contenders do, as the pipeline would: with the next UPN where
// one is taken, and on top of what others saved. Each save counts in UPNAttempt.
func contend(ctx context.Context, j job, store *sqlstore.Store, tell func(any)) error {
	if j.Rounds == 0 { // to be killed
		if _, err := store.Acquire(ctx, person(hostage).Key, time.Hour); err != nil {
			return err
		}
	}
	draw := rand.New(rand.NewPCG(7, uint64(j.Worker)))
	for round := 0; j.Rounds == 0 || round < j.Rounds; round++ {
		done, err := contendFor(ctx, store, draw.IntN(contested), j.Worker)
		if err != nil {
			return err
		}
		for _, d := range done {
			tell(d)
		}
	}
	return nil
}

// contendFor does one round for one person.
func contendFor(ctx context.Context, store *sqlstore.Store, i, worker int) (done []deed, err error) {
	id := fmt.Sprint(i)
	lease, err := store.Acquire(ctx, person(id).Key, time.Hour)
	if err != nil && !errors.Is(err, provision.ErrLeaseHeld) {
		return nil, err
	}
	rec, err := reserveAny(ctx, store, i, worker)
	if err != nil {
		return nil, err
	}
	done = append(done, deed{Person: id, Rec: rec, Token: lease.Token})
	saved, err := saveOnTop(ctx, store, rec)
	if err != nil {
		return nil, err
	}
	done = append(done, deed{Person: id, Rec: saved, Saved: true, Token: lease.Token})
	if lease.Token == 0 {
		return done, nil
	}
	return done, store.Release(ctx, lease)
}

// reserveAny reserves with an ImmutableID that every contender chooses differently, and a name that others want too.
func reserveAny(ctx context.Context, store *sqlstore.Store, i, worker int) (provision.Record, error) {
	for attempt := 0; ; attempt++ {
		rec := person(fmt.Sprint(i))
		rec.ImmutableID = fmt.Sprintf("id-%d-%d", i, worker)
		rec.UPN = fmt.Sprintf("Name%d.%d@contoso.com", i%names, attempt)
		if worker%2 == 0 {
			rec.UPN = strings.ToUpper(rec.UPN)
		}
		stored, err := store.Reserve(ctx, rec)
		if !errors.Is(err, provision.ErrUPNTaken) {
			return stored, err
		}
	}
}

// saveOnTop saves, again and again until nobody else was faster.
func saveOnTop(ctx context.Context, store *sqlstore.Store, rec provision.Record) (provision.Record, error) {
	for {
		rec.UPNAttempt++
		saved, err := store.Save(ctx, rec)
		if !errors.Is(err, provision.ErrStaleRecord) {
			return saved, err
		}
		if rec, err = store.Load(ctx, rec.Key); err != nil {
			return rec, err
		}
	}
}

func TestProcessesThatShareADatabaseAgreeAlsoWhenOneIsKilled(t *testing.T) {
	t.Parallel()
	onEvery(t, shared(), func(t *testing.T, p place) {
		victim := start(t, job{Task: "contend", Place: p})
		var others []*process
		for i := range contenders - 1 {
			others = append(others, start(t, job{Task: "contend", Worker: i + 1, Place: p, Rounds: 60}))
		}
		var deeds []deed
		for range 40 {
			d, err := next[deed](victim)
			require.NoError(t, err)
			deeds = append(deeds, d)
		}
		victim.kill(t)
		last, err := rest[deed](victim)
		require.Error(t, err, "it was killed")
		deeds = append(deeds, last...)

		var mu sync.Mutex
		var all sync.WaitGroup
		for _, other := range others {
			all.Go(func() {
				lines, err := rest[deed](other)
				mu.Lock()
				defer mu.Unlock()
				require.NoError(t, err)
				require.Len(t, lines, 120)
				deeds = append(deeds, lines...)
			})
		}
		all.Wait()

		store := p.store(t)
		requireOneIdentityEach(t, store, deeds)
		requireNothingLost(t, store, deeds)
		requireLeasesOfTheDeadExpire(t, p, deeds)
	})
}

// requireOneIdentityEach requires that everybody was told the same of a person, and that nobody shares anything.
func requireOneIdentityEach(t *testing.T, store *sqlstore.Store, deeds []deed) {
	t.Helper()
	immutableIDs, upns := map[string]string{}, map[string]string{}
	for i := range contested {
		rec, err := store.Load(t.Context(), person(fmt.Sprint(i)).Key)
		require.NoError(t, err)
		require.Empty(t, immutableIDs[rec.ImmutableID])
		require.Empty(t, upns[strings.ToLower(rec.UPN)])
		immutableIDs[rec.ImmutableID], upns[strings.ToLower(rec.UPN)] = rec.Key.ID, rec.Key.ID
	}
	for _, d := range deeds {
		require.Equal(t, d.Person, d.Rec.Key.ID)
		require.Equal(t, d.Person, immutableIDs[d.Rec.ImmutableID], "somebody was told another ImmutableID")
		require.Equal(t, d.Person, upns[strings.ToLower(d.Rec.UPN)], "somebody was told another UPN")
	}
}

// requireNothingLost requires that each save that was confirmed is in the record, and at most one that was not: the one
// that the kill interrupted.
func requireNothingLost(t *testing.T, store *sqlstore.Store, deeds []deed) {
	t.Helper()
	confirmed, stored := 0, 0
	versions := map[string]bool{}
	for _, d := range deeds {
		if d.Saved {
			confirmed++
			version := fmt.Sprint(d.Person, " ", d.Rec.Version)
			require.False(t, versions[version], "two saved the same version of %s", d.Person)
			versions[version] = true
		}
	}
	for i := range contested {
		rec, err := store.Load(t.Context(), person(fmt.Sprint(i)).Key)
		require.NoError(t, err)
		require.Equal(t, rec.Version, int64(rec.UPNAttempt)+1, "each save added to what was there")
		stored += rec.UPNAttempt
	}
	require.GreaterOrEqual(t, stored, confirmed)
	require.LessOrEqual(t, stored, confirmed+1, "at most what the killed one had not told yet")
}

// requireLeasesOfTheDeadExpire requires that a killed process keeps its leases for their time and no longer, and that no
// two leases ever had one token.
func requireLeasesOfTheDeadExpire(t *testing.T, p place, deeds []deed) {
	t.Helper()
	now := p.store(t)
	_, err := now.Acquire(t.Context(), person(hostage).Key, time.Minute)
	require.ErrorIs(t, err, provision.ErrLeaseHeld)

	config := p.config(p.connect(t))
	config.Now = func() time.Time { return time.Now().Add(2 * time.Hour) }
	later, err := sqlstore.New(t.Context(), config)
	require.NoError(t, err)
	holders := map[int64]string{}
	for _, d := range deeds {
		if d.Token != 0 {
			require.Contains(t, []string{"", d.Person}, holders[d.Token])
			holders[d.Token] = d.Person
		}
	}
	for _, id := range append(people(), hostage) {
		lease, err := later.Acquire(t.Context(), person(id).Key, time.Minute)
		require.NoError(t, err)
		require.Empty(t, holders[lease.Token])
	}
}

func people() (ids []string) {
	for i := range contested {
		ids = append(ids, fmt.Sprint(i))
	}
	return ids
}
