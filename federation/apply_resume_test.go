package federation_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// threeSteps is a tenant, and a plan of three writes that was stopped after the second.
func threeSteps(t *testing.T) (*world, *federation.Plan) {
	t.Helper()
	dir := newTenant()
	dir.domains["contoso.com"].IsDefault, dir.domains["contoso.onmicrosoft.com"].IsDefault = true, false
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", makingDefault("contoso.onmicrosoft.com"),
		creating("contoso.com", configured(newCertificate(t, "first"))),
		changing("contoso.com", "", federation.Properties{"displayName": "Contoso"}))
	dir.lose = atWrite(1, func() { panic("killed") })
	applyKilled(t.Context(), w.fed, plan)
	dir.lose = nil
	require.Len(t, dir.writes, 2)
	return w, plan
}

func TestARunThatGoesOnSaysWhatItFound(t *testing.T) {
	t.Parallel()
	w, plan := threeSteps(t)
	var events []federation.Event
	outcome, err := w.federator(t, w.tenant).Apply(t.Context(), plan, func(e federation.Event) { events = append(events, e) })
	require.NoError(t, err)
	require.Equal(t, 3, outcome.Done)
	require.Equal(t, []federation.EventKind{
		federation.EventChecked, federation.EventFound, federation.EventFound, federation.EventUndo,
		federation.EventWriting, federation.EventWritten,
	}, kinds(events))
	require.Equal(t, "contoso.com is as it must be after 2 of 3 writes: going on there.", events[0].Message)
	require.Equal(t, "Done before: change domain contoso.onmicrosoft.com.", events[1].Message)
	require.Equal(t, 2, events[2].Index)
	require.Equal(t, 3, events[5].Index)

	events = nil
	_, err = w.fed.Apply(t.Context(), plan, func(e federation.Event) { events = append(events, e) })
	require.NoError(t, err)
	require.Equal(t, "contoso.com is as it must be after the plan: nothing has to be written.", events[0].Message)
}

// A stopped plan is not gone on with when somebody else changed the tenant meanwhile; what differs is said against the state
// that the tenant is most like.
func TestAStoppedPlanIsRefusedWhenTheTenantWasChangedSince(t *testing.T) {
	t.Parallel()
	w, plan := threeSteps(t)
	w.configurations["contoso.com"].SignOutURI = "https://other.example.net/out"
	outcome, err := w.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrChanged)
	require.EqualError(t, err, "federation: the tenant was changed since the plan was made: signOutUri is "+
		`"https://other.example.net/out" and not not set. Nothing was written by this run. Make a new plan`)
	require.Equal(t, planID, outcome.Undo, "the way back of the first run is there")
	require.Len(t, w.writes, 2)
}

// When all reads are old, a run that goes on may begin with a write that was done long ago. It finds out, and skips what was
// done after it too.
func TestARunThatBeganWithAnOldReadSkipsWhatWasDone(t *testing.T) {
	t.Parallel()
	dir := newTenant().federated("contoso.com", configured(newCertificate(t, "first")))
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeRevert, "contoso.com",
		deleting("contoso.com", "configuration-1"), makingDefault("contoso.com"))
	before := newReplica(dir, 4)
	before.remember() // the reads are of before the first write for as long as the next run begins
	dir.refuse = nil
	_, err := w.federator(t, dir).Apply(t.Context(), plan, nil)
	require.NoError(t, err)

	var events []federation.Event
	outcome, err := w.federator(t, before).Apply(t.Context(), plan, func(e federation.Event) { events = append(events, e) })
	require.NoError(t, err)
	require.Equal(t, 2, outcome.Done)
	require.Equal(t, []federation.EventKind{
		federation.EventChecked, federation.EventUndo, federation.EventWriting, federation.EventWaiting,
		federation.EventWritten, federation.EventFound,
	}, kinds(events))
	require.Equal(t, []string{"delete configuration contoso.com", "change domain contoso.com"}, dir.writes)
}

func TestAContextThatEndsWhileAnOutcomeIsUnclear(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	ctx, cancel := context.WithCancel(t.Context())
	dir.refuse = once("create configuration contoso.com", func(call string) error {
		cancel()
		return noAnswer(call)
	})
	outcome, err := w.fed.Apply(ctx, plan, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.EqualError(t, err, "federation: stopped (context canceled) while it was not clear whether write 1 of 1 (create configuration "+
		"contoso.com) was done; as Graph shows it, contoso.com is managed: its people sign in at Entra. Apply the plan again to go on: "+
		"create configuration contoso.com: no answer: context deadline exceeded")
	require.Zero(t, outcome.Done)
}

// Whoever is told of progress has the plan too. What was not checked is not sent.
func TestAPlanThatIsSpoiledWhileItIsApplied(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	_, err := w.fed.Apply(t.Context(), plan, func(e federation.Event) {
		if e.Kind == federation.EventWriting {
			delete(plan.Writes[0].Body, "signingCertificate")
		}
	})
	require.ErrorIs(t, err, federation.ErrBlocked)
	require.ErrorContains(t, err, "it would create a federation without signingCertificate")
	require.Empty(t, dir.writes)
	require.Empty(t, w.clock.slept)
}
