package river_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	jobs "github.com/entrafed/entrafed/provision/river"
)

// crowd is how many people are provisioned.
var crowd = flag.Int("people", 5000, "how many people TestProcessesShareTheWork provisions")

// attempt is how long a job may take, and how long one waits whose process was killed.
const attempt = 10 * time.Second

// TestProcessesShareTheWork lets three worker processes on one database provision many people, and kills one of them
// with SIGKILL now and then, wherever it is, in place of which another one is started.
func TestProcessesShareTheWork(t *testing.T) {
	if testing.Short() {
		t.Skip("three processes and a minute")
	}
	// Ten times a real tenant's limits, so that the test takes a tenth of the time.
	c := newCompany(t, entratest.Config{Lag: entratest.LagFast, Throttle: entratest.Throttle{Scale: 10}})
	watcher, closeAll, err := c.access.open(t.Context(), rules(), attempt) // it works on nothing
	require.NoError(t, err)
	defer closeAll()
	insert(t, watcher, *crowd)

	workers := []*process{launch(t, c.access), launch(t, c.access), launch(t, c.access)}
	t.Cleanup(func() {
		for _, w := range workers {
			w.kill()
		}
	})
	r := rand.New(rand.NewPCG(1, 0))
	began := time.Now()
	kills, finishedByKilled := 0, 0
	for unfinished(t, c) > 0 {
		require.Less(t, time.Since(began), 14*time.Minute, "they do not finish")
		time.Sleep(200*time.Millisecond + time.Duration(r.Int64N(int64(time.Second))))
		if kills < 20 {
			victim := r.IntN(len(workers))
			finishedByKilled += workers[victim].kill()
			kills++
			workers[victim] = launch(t, c.access)
		}
	}
	shares := []int{finishedByKilled}
	for _, w := range workers {
		shares = append(shares, w.kill())
	}
	workers = nil
	t.Logf("%d people in %v, %d processes killed; finished by those and by the last three: %v", *crowd,
		time.Since(began).Round(time.Second), kills, shares)

	require.Positive(t, kills)
	requireOneAccountEach(t, c, *crowd)
	requireAllCompleted(t, c, *crowd)
}

// TestProcessesShareTheTenantsBudget lets three worker processes provision more people than the tenant lets be created at
// once. Each of them alone would take all of the budget; the pacer in the database keeps them within it together.
func TestProcessesShareTheTenantsBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("three processes and half a minute")
	}
	const people = 230 // of the 300 writes that fit at once, 255 are used, and a quarter of these is kept for sign-ins
	c := newCompany(t, entratest.Config{Lag: entratest.LagFast, Throttle: entratest.Throttle{Scale: 0.1}})
	watcher, closeAll, err := c.access.open(t.Context(), rules(), time.Minute)
	require.NoError(t, err)
	defer closeAll()
	insert(t, watcher, people)

	began := time.Now()
	var shares []int
	workers := []*process{launch(t, c.access), launch(t, c.access), launch(t, c.access)}
	for unfinished(t, c) > 0 {
		require.Less(t, time.Since(began), 5*time.Minute, "they do not finish")
		time.Sleep(200 * time.Millisecond)
	}
	for _, w := range workers {
		shares = append(shares, w.kill())
	}
	requireOneAccountEach(t, c, people)
	refused := 0
	for _, call := range c.Tenant.GraphCalls() {
		if call.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	t.Logf("%d people in %v, shared as %v", people, time.Since(began).Round(time.Second), shares)
	require.Zero(t, refused, "the tenant had to throttle")
	for _, share := range shares {
		require.Positive(t, share)
	}
}

func insert(t *testing.T, w *worker, n int) {
	t.Helper()
	for from := 0; from < n; from += 1000 {
		var params []river.InsertManyParams
		for i := from; i < min(n, from+1000); i++ {
			params = append(params, river.InsertManyParams{Args: jobs.EnsureArgs{
				Connection: "hr", ID: fmt.Sprint(i), Email: fmt.Sprintf("person%d@example.net", i)}})
		}
		inserted, err := w.client.InsertMany(t.Context(), params)
		require.NoError(t, err)
		require.Len(t, inserted, len(params))
	}
}

func count(t *testing.T, c *company, where string) (n int) {
	t.Helper()
	require.NoError(t, c.pool.QueryRow(t.Context(), "SELECT count(*) FROM river_job WHERE "+where).Scan(&n))
	return n
}

func unfinished(t *testing.T, c *company) int { return count(t, c, "finalized_at IS NULL") }

func requireAllCompleted(t *testing.T, c *company, n int) {
	t.Helper()
	require.Equal(t, n, count(t, c, "state = 'completed'"))
}

// requireOneAccountEach requires that everybody has one account, and that it is the one that is remembered.
func requireOneAccountEach(t *testing.T, c *company, n int) {
	t.Helper()
	byImmutableID := map[string]entratest.User{}
	for _, user := range created(c) {
		require.NotContains(t, byImmutableID, user.ImmutableID)
		byImmutableID[user.ImmutableID] = user
	}
	require.Len(t, byImmutableID, n)
	for i := range n {
		require.Contains(t, byImmutableID, provision.ImmutableIDFromSubject("hr", fmt.Sprint(i)))
	}
}
