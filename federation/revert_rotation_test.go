package federation_test

import (
	"crypto/rand"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// rotatedSince is a domain whose display name was changed by the plan "there", and then so many steps of a rotation were made.
func rotatedSince(t *testing.T, steps int) *rotating {
	t.Helper()
	r := newRotating(t)
	r.world.federate(t, "there", changing("contoso.com", r.configuration().ID, federation.Properties{"displayName": "Contoso"}))
	var err error
	r.fed, err = federation.New(federation.Config{
		Directory: r.directory(), Store: r.store, Discovery: r.tenant, Now: r.clock.Now, Sleep: r.clock.Sleep, Rand: rand.Reader,
	})
	require.NoError(t, err)
	r.steps(t, steps)
	return r
}

func (r *rotating) plannedBack(t *testing.T, s federation.RevertSettings) *federation.Plan {
	t.Helper()
	s.Domain = "contoso.com"
	plan, err := r.fed.PlanRevert(t.Context(), s)
	require.NoError(t, err)
	return plan
}

// To undo what was done before the key was changed would bring back the certificate of the key that does not sign any more.
func TestAnUndoDoesNotRestoreTheCertificateOfAKeyThatWasReplaced(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		steps   int
		refused bool
	}{
		"no rotation":                  {0, false},
		"the next key is announced":    {1, false},
		"the next key signs":           {2, true},
		"its certificate is the first": {3, true},
		"the old one is gone for good": {4, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rotatedSince(t, test.steps)
			plan := r.plannedBack(t, federation.RevertSettings{Undo: "there"})
			found := ofRule(plan.Findings, "revert-retired-certificate")
			if !test.refused {
				require.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			require.Equal(t, federation.SeverityError, found[0].Severity)
			require.Equal(t, "AADSTS5000811", found[0].AADSTS)
			require.Contains(t, found[0].Summary, "everybody")
			require.Contains(t, found[0].Details[0], "CN=old")
			before := len(r.writes)
			_, err := r.fed.Apply(t.Context(), plan, nil)
			require.ErrorIs(t, err, federation.ErrBlocked)
			require.Len(t, r.writes, before)

			plan = r.plannedBack(t, federation.RevertSettings{Undo: "there", InsecureRetiredCertificate: true})
			found = ofRule(plan.Findings, "revert-retired-certificate")
			require.Equal(t, federation.SeverityWarning, found[0].Severity, "somebody knows better")
			_, err = r.fed.Apply(t.Context(), plan, nil)
			require.NoError(t, err)
			r.clock.pass(federation.RotationOverlap)
			r.entra.signIn()
			require.Len(t, r.entra.refused, replicas, "the finding was right: nobody can sign in")
		})
	}
}

// The steps of a rotation can be undone one by one, as far as the key that signs stays known.
func TestAnUndoOfAStepOfARotation(t *testing.T) {
	t.Parallel()
	r := rotatedSince(t, 3)
	records, err := r.fed.UndoRecords(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.Len(t, records, 3, "the promotion, the announcement and the plan before")
	promotion := r.plannedBack(t, federation.RevertSettings{Undo: records[0].Plan})
	require.Empty(t, ofRule(promotion.Findings, "revert-retired-certificate"), "the new certificate is the second one then")
	announcement := r.plannedBack(t, federation.RevertSettings{Undo: records[1].Plan})
	require.Len(t, ofRule(announcement.Findings, "revert-retired-certificate"), 1)
}

// Whoever went back to the old key by a plan has it signing: its certificate is not one to be warned of.
func TestAnUndoWithACertificateThatSignsAgain(t *testing.T) {
	t.Parallel()
	r := rotatedSince(t, 4)
	r.world.federate(t, "again", changing("contoso.com", r.configuration().ID,
		federation.Properties{"signingCertificate": bare(r.old)}))
	require.Empty(t, ofRule(r.plannedBack(t, federation.RevertSettings{Undo: "there"}).Findings, "revert-retired-certificate"))
	managed := r.plannedBack(t, federation.RevertSettings{})
	require.Empty(t, ofRule(managed.Findings, "revert-retired-certificate"), "a managed domain needs no certificate")

	_, err := r.fed.Apply(t.Context(), managed, nil)
	require.NoError(t, err)
	plan := r.plannedBack(t, federation.RevertSettings{Undo: "there"})
	require.Len(t, ofRule(plan.Findings, "revert-retired-certificate"), 1, "nobody can tell any more which key signs")
}

// A switch of the key changes nothing in the tenant, so that a plan which was made before it still fits.
func TestAPlanThatWasMadeBeforeTheKeyWasSwitchedIsNotApplied(t *testing.T) {
	t.Parallel()
	r := rotatedSince(t, 1)
	plan := r.plannedBack(t, federation.RevertSettings{Undo: "there"})
	require.Empty(t, ofRule(plan.Findings, "revert-retired-certificate"))
	r.steps(t, 1)
	before := len(r.writes)
	_, err := r.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrChanged)
	require.ErrorContains(t, err, "CN=new")
	require.Len(t, r.writes, before)
	require.NotContains(t, r.kept(t).Undo[len(r.kept(t).Undo)-1].Plan, plan.ID)

	accepted := r.plannedBack(t, federation.RevertSettings{Undo: "there", InsecureRetiredCertificate: true})
	_, err = r.fed.Apply(t.Context(), accepted, nil)
	require.NoError(t, err)

	r = rotatedSince(t, 2)
	_, err = r.fed.Apply(t.Context(), r.plannedBack(t, federation.RevertSettings{}), nil)
	require.NoError(t, err, "a managed domain needs no certificate")
}
