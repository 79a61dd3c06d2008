package river_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
	jobs "github.com/entrafed/entrafed/provision/river"
)

func contractor() provision.Person {
	return provision.Person{Connection: "hr", ID: "4711", Email: "contractor@example.net", DisplayName: "A contractor"}
}

// start runs a worker in this process until the test ends.
func start(
	t *testing.T, c *company, rules provision.Rules, changes ...func(*provision.Config, *river.Config),
) *worker {
	t.Helper()
	w, closeAll, err := c.access.open(t.Context(), rules, 20*time.Second, changes...)
	require.NoError(t, err)
	t.Cleanup(closeAll)
	require.NoError(t, w.client.Start(t.Context()))
	t.Cleanup(func() { <-w.client.Stopped() })
	return w
}

// finish waits until the job is in a state that it does not leave, or is put aside.
func finish(t *testing.T, w *worker, id int64) *rivertype.JobRow {
	t.Helper()
	var row *rivertype.JobRow
	require.Eventually(t, func() bool {
		var err error
		row, err = w.client.JobGet(t.Context(), id)
		require.NoError(t, err)
		return row.FinalizedAt != nil || row.State == rivertype.JobStateScheduled || row.State == rivertype.JobStateRetryable
	}, time.Minute, 50*time.Millisecond)
	return row
}

func quick() entratest.Config {
	return entratest.Config{Lag: entratest.LagNone, Domains: []entratest.Domain{{Name: "contoso.com"}}}
}

func TestAnEnsureJobProvisionsAndSaysWhatCameOfIt(t *testing.T) {
	t.Parallel()
	c := newCompany(t, quick())
	w := start(t, c, rules())
	inserted, err := w.client.Insert(t.Context(), jobs.Ensure(contractor()), nil)
	require.NoError(t, err)
	require.Equal(t, jobs.Queue, inserted.Job.Queue)

	row := finish(t, w, inserted.Job.ID)
	require.Equal(t, rivertype.JobStateCompleted, row.State, "%v", row.Errors)
	var outcome jobs.Outcome
	require.NoError(t, json.Unmarshal(row.Output(), &outcome))
	require.Len(t, created(c), 1)
	user := created(c)[0]
	require.Equal(t, user.ObjectID, outcome.ObjectID)
	require.Equal(t, user.ImmutableID, outcome.ImmutableID)
	require.Equal(t, "contractor@contoso.com", outcome.UPN)
	require.False(t, outcome.ReadyAt.IsZero())

	var kept map[string]any
	require.NoError(t, json.Unmarshal(row.EncodedArgs, &kept))
	require.Equal(t, map[string]any{"connection": "hr", "id": "4711", "email": "contractor@example.net",
		"display_name": "A contractor"}, kept, "what River's user interface shows")
}

func TestThereIsOneJobPerPersonAtATime(t *testing.T) {
	t.Parallel()
	c := newCompany(t, quick())
	w, closeAll, err := c.access.open(t.Context(), rules(), 20*time.Second) // it works on nothing
	require.NoError(t, err)
	defer closeAll()

	first, err := w.client.Insert(t.Context(), jobs.Ensure(contractor()), nil)
	require.NoError(t, err)
	renamed := contractor()
	renamed.DisplayName = "Another name"
	again, err := w.client.Insert(t.Context(), jobs.Ensure(renamed), nil)
	require.NoError(t, err)
	require.True(t, again.UniqueSkippedAsDuplicate)
	require.Equal(t, first.Job.ID, again.Job.ID)

	other := contractor()
	other.ID = "4712"
	second, err := w.client.Insert(t.Context(), jobs.Ensure(other), nil)
	require.NoError(t, err)
	require.False(t, second.UniqueSkippedAsDuplicate, "somebody else")
	retire, err := w.client.Insert(t.Context(), jobs.RetireArgs{Connection: "hr", ID: "4711"}, nil)
	require.NoError(t, err)
	require.False(t, retire.UniqueSkippedAsDuplicate, "another kind of job")

	for i, duplicate := range []bool{false, true} {
		reconcile, err := w.client.Insert(t.Context(), jobs.ReconcileArgs{Full: i == 0}, nil)
		require.NoError(t, err)
		require.Equal(t, duplicate, reconcile.UniqueSkippedAsDuplicate, "one reconciliation at a time")
	}
}

func TestAFinishedJobDoesNotKeepTheNextOneOut(t *testing.T) {
	t.Parallel()
	c := newCompany(t, quick())
	w := start(t, c, rules())
	for range 2 {
		inserted, err := w.client.Insert(t.Context(), jobs.Ensure(contractor()), nil)
		require.NoError(t, err)
		require.False(t, inserted.UniqueSkippedAsDuplicate)
		require.Equal(t, rivertype.JobStateCompleted, finish(t, w, inserted.Job.ID).State)
	}
	require.Len(t, created(c), 1)
}

// created are the accounts in the domain.
func created(c *company) (users []entratest.User) {
	for _, user := range c.Tenant.Users() {
		if user.ImmutableID != "" {
			users = append(users, user)
		}
	}
	return users
}

func TestARetireJobEndsTheAccessAndKeepsEnsureJobsOut(t *testing.T) {
	t.Parallel()
	c := newCompany(t, quick())
	w := start(t, c, rules())
	do := func(args river.JobArgs) *rivertype.JobRow {
		inserted, err := w.client.Insert(t.Context(), args, nil)
		require.NoError(t, err)
		return finish(t, w, inserted.Job.ID)
	}
	require.Equal(t, rivertype.JobStateCompleted, do(jobs.Ensure(contractor())).State)
	row := do(jobs.RetireArgs{Connection: "hr", ID: "4711"})
	require.Equal(t, rivertype.JobStateCompleted, row.State, "%v", row.Errors)
	require.False(t, created(c)[0].Enabled)

	row = do(jobs.Ensure(contractor()))
	require.Equal(t, rivertype.JobStateCancelled, row.State, "trying again does not help")
	require.Contains(t, row.Errors[0].Error, "the person has left")
	require.False(t, created(c)[0].Enabled)
}

func TestAReconcileJobFindsAndRepairsWhatItIsToldTo(t *testing.T) {
	t.Parallel()
	c := newCompany(t, quick())
	w := start(t, c, rules())
	do := func(args river.JobArgs) provision.Reconciled {
		inserted, err := w.client.Insert(t.Context(), args, nil)
		require.NoError(t, err)
		row := finish(t, w, inserted.Job.ID)
		require.Equal(t, rivertype.JobStateCompleted, row.State, "%v", row.Errors)
		var done provision.Reconciled
		if _, ok := args.(jobs.ReconcileArgs); ok {
			require.NoError(t, json.Unmarshal(row.Output(), &done))
		}
		return done
	}
	do(jobs.Ensure(contractor()))
	do(jobs.ReconcileArgs{}) // from here on it is told what changes
	disable(t, c, created(c)[0].ObjectID)

	require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1}, do(jobs.ReconcileArgs{Full: true}))
	require.False(t, created(c)[0].Enabled, "nothing is repaired unless it is asked for")
	repair := jobs.ReconcileArgs{Full: true, Repair: []provision.DriftKind{provision.DriftDisabled}}
	require.Equal(t, provision.Reconciled{Looked: 1, Drifts: 1, Repaired: 1}, do(repair))
	require.True(t, created(c)[0].Enabled)
}

// disable does what an administrator may do at any time.
func disable(t *testing.T, c *company, objectID string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, c.access.Graph+"/v1.0/users/"+objectID,
		strings.NewReader(`{"accountEnabled": false}`))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+c.access.Token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusNoContent, answer.StatusCode)
}

func TestHowAFailureIsTreated(t *testing.T) {
	t.Parallel()
	nobody := contractor()
	nobody.UsageLocation = "Germany"
	for name, c := range map[string]struct {
		person provision.Person
		fault  entratest.Fault
		state  rivertype.JobState
	}{
		"a person whom Entra would refuse: cancelled":     {person: nobody, state: rivertype.JobStateCancelled},
		"a missing permission: tried again":               {contractor(), entratest.Fault{Path: "/v1.0/users", Method: http.MethodPost, Times: -1, Status: 403}, rivertype.JobStateRetryable},
		"throttling beyond the attempt's time: put aside": {contractor(), entratest.Fault{Path: "/v1.0/users", Times: -1, Status: 429, RetryAfter: "300"}, rivertype.JobStateScheduled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			company := newCompany(t, quick())
			if c.fault.Status != 0 {
				company.Tenant.Inject(c.fault)
			}
			w := start(t, company, rules())
			inserted, err := w.client.Insert(t.Context(), jobs.Ensure(c.person), nil)
			require.NoError(t, err)
			row := finish(t, w, inserted.Job.ID)
			require.Equal(t, c.state, row.State, "%v", row.Errors)
			if c.state == rivertype.JobStateScheduled {
				require.Greater(t, time.Until(row.ScheduledAt), 4*time.Minute, "as long as the directory asked")
				require.Empty(t, row.Errors, "it does not count as an attempt that failed")
			} else {
				require.NotEmpty(t, row.Errors, "the reason is there for the operator to read")
			}
		})
	}
}

func TestAddWorkersRefuses(t *testing.T) {
	t.Parallel()
	err := jobs.AddWorkers(river.NewWorkers(), jobs.Config{Timeout: -1})
	require.ErrorContains(t, err, "Config.People is required")
	require.ErrorContains(t, err, "Config.Timeout is negative")

	people, err := provision.New(provision.Config{Directory: nothing{}, Rules: rules()})
	require.NoError(t, err)
	workers := river.NewWorkers()
	require.NoError(t, jobs.AddWorkers(workers, jobs.Config{People: people}))
	require.Error(t, jobs.AddWorkers(workers, jobs.Config{People: people}), "twice")
}

// nothing is a directory that nobody calls.
type nothing struct{ provision.Directory }

func TestConfigureLeavesWhatTheHostSet(t *testing.T) {
	t.Parallel()
	var config river.Config
	jobs.Config{}.Configure(&config)
	require.Equal(t, jobs.DefaultTimeout, config.RescueStuckJobsAfter)
	jobs.Config{Timeout: time.Hour}.Configure(&config)
	require.Equal(t, jobs.DefaultTimeout, config.RescueStuckJobsAfter)
}
