package federation_test

import (
	"crypto/x509"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// reverting plans the way back of contoso.com.
func (w *world) reverting(t *testing.T, undo string) *federation.Plan {
	t.Helper()
	plan, err := w.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: undo})
	require.NoError(t, err)
	require.Equal(t, federation.PurposeRevert, plan.Purpose)
	require.Equal(t, "contoso.com", plan.Domain)
	require.Equal(t, w.clock.Now(), plan.Made)
	require.Len(t, plan.ID, 32)
	return plan
}

// federate applies a plan with these writes, so that there is a way back.
func (w *world) federate(t *testing.T, id string, writes ...federation.Write) {
	t.Helper()
	plan := planned(t, w.tenant, federation.PurposeFederate, "contoso.com", writes...)
	plan.ID = id
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	w.writes, w.bodies = nil, nil
}

func ruleNames(plan *federation.Plan) (names []string) {
	for _, f := range plan.Findings {
		names = append(names, f.Rule)
	}
	return names
}

func TestRevertToAManagedDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	w.federate(t, "there", creating("contoso.com", configured(newCertificate(t, "first"))))
	before := stateNow(t, w.tenant, "contoso.com")

	plan := w.reverting(t, "")
	require.Equal(t, before, plan.Before)
	require.Len(t, plan.Writes, 1)
	require.Equal(t, federation.DeleteConfiguration, plan.Writes[0].Operation)
	require.Equal(t, "configuration-1", plan.Writes[0].ID)
	require.Contains(t, plan.Writes[0].Changes, federation.Change{Property: "issuerUri", From: before.Configuration.IssuerURI})
	require.Equal(t, []string{"revert-outage"}, ruleNames(plan))
	require.Empty(t, w.writes, "a plan changes nothing")

	outcome, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Nil(t, outcome.State.Configuration)
	require.Empty(t, w.record(t, "contoso.com").Configuration)

	undo, err := w.fed.UndoRecords(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.Len(t, undo, 2)
	require.Equal(t, federation.Undo{Plan: plan.ID, Purpose: federation.PurposeRevert, At: today, Before: before}, undo[0])
	require.Equal(t, "there", undo[1].Plan)
}

func TestTheWayBackHasAWayBack(t *testing.T) {
	t.Parallel()
	c := configured(newCertificate(t, "first"))
	w := newWorld(t, newTenant())
	w.federate(t, "there", creating("contoso.com", c))
	back := w.reverting(t, "there")
	_, err := w.fed.Apply(t.Context(), back, nil)
	require.NoError(t, err)

	again := w.reverting(t, back.ID)
	require.Equal(t, []federation.Operation{federation.CreateConfiguration}, operations(again))
	_, err = w.fed.Apply(t.Context(), again, nil)
	require.NoError(t, err)
	require.Equal(t, &c, withoutID(w.configurations["contoso.com"]))
}

func operations(plan *federation.Plan) (all []federation.Operation) {
	for _, w := range plan.Writes {
		all = append(all, w.Operation)
	}
	return all
}

func TestRevertToTheFederationBefore(t *testing.T) {
	t.Parallel()
	old := configured(newCertificate(t, "old"))
	old.IssuerURI, old.SignOutURI, old.Protocol, old.MFABehavior = "https://old.example.net", "https://old.example.net/out", "", ""
	w := newWorld(t, newTenant().federated("contoso.com", old))
	ours := configured(newCertificate(t, "ours"))
	ours.PasswordResetURI = "https://id.contoso.com/password"
	body := properties(ours)
	body["signOutUri"] = nil
	w.federate(t, "there", changing("contoso.com", "configuration-1", body))

	plan := w.reverting(t, "there")
	require.Len(t, plan.Writes, 1)
	require.Equal(t, federation.ChangeConfiguration, plan.Writes[0].Operation)
	require.Equal(t, federation.Properties{
		"issuerUri": old.IssuerURI, "signOutUri": old.SignOutURI, "signingCertificate": old.SigningCertificate,
		"passwordResetUri": nil, "preferredAuthenticationProtocol": "wsFed", "federatedIdpMfaBehavior": "acceptIfMfaDoneByFederatedIdp",
	}, plan.Writes[0].Body, "what was not set is written as Entra takes it, or cleared")
	require.Equal(t, []string{"revert-outage", "revert-identity-provider"}, ruleNames(plan))
	require.Contains(t, plan.Findings[1].Summary, "https://id.contoso.com/entra/sso")

	outcome, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Equal(t, old.IssuerURI, outcome.State.Configuration.IssuerURI)

	require.Equal(t, []string{"revert-nothing"}, ruleNames(w.reverting(t, "there")), "what Entra assumes is as good as not set")
}

func TestRevertOfAFederationThatIsGone(t *testing.T) {
	t.Parallel()
	old := configured(newCertificate(t, "old"))
	w := newWorld(t, newTenant().federated("contoso.com", old))
	w.federate(t, "there", changing("contoso.com", "configuration-1", federation.Properties{"displayName": "Contoso"}))
	w.replace("contoso.com", nil)

	plan := w.reverting(t, "there")
	require.Equal(t, []federation.Operation{federation.CreateConfiguration}, operations(plan))
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Equal(t, &old, withoutID(w.configurations["contoso.com"]))
}

func TestRevertRestoresTheDefaultDomain(t *testing.T) {
	t.Parallel()
	c := configured(newCertificate(t, "first"))
	begin := func(t *testing.T) *world {
		dir := newTenant()
		dir.domains["contoso.com"].IsDefault, dir.domains["contoso.onmicrosoft.com"].IsDefault = true, false
		w := newWorld(t, dir)
		w.federate(t, "there", makingDefault("contoso.onmicrosoft.com"), creating("contoso.com", c))
		return w
	}
	t.Run("once the domain is managed", func(t *testing.T) {
		w := begin(t)
		plan := w.reverting(t, "there")
		require.Equal(t, []federation.Operation{federation.DeleteConfiguration, federation.ChangeDomain}, operations(plan))
		outcome, err := w.fed.Apply(t.Context(), plan, nil)
		require.NoError(t, err)
		require.Equal(t, "contoso.com", outcome.State.DefaultDomain)
	})
	t.Run("not without an undo record", func(t *testing.T) {
		require.Equal(t, []federation.Operation{federation.DeleteConfiguration}, operations(begin(t).reverting(t, "")))
	})
	t.Run("not one that somebody else has moved since", func(t *testing.T) {
		w := newWorld(t, newTenant())
		w.federate(t, "there", creating("contoso.com", c))
		w.with(federation.Domain{Name: "contoso.net", IsRoot: true, IsVerified: true, IsDefault: true})
		w.domains["contoso.onmicrosoft.com"].IsDefault = false
		require.Equal(t, []federation.Operation{federation.DeleteConfiguration}, operations(w.reverting(t, "there")))
	})
	t.Run("before the domain is federated again", func(t *testing.T) {
		w := newWorld(t, newTenant().federated("contoso.com", c))
		w.federate(t, "there", deleting("contoso.com", "configuration-1"), makingDefault("contoso.com"))
		plan := w.reverting(t, "there")
		require.Equal(t, []federation.Operation{federation.ChangeDomain, federation.CreateConfiguration}, operations(plan))
		_, err := w.fed.Apply(t.Context(), plan, nil)
		require.NoError(t, err)
		require.Equal(t, &c, withoutID(w.configurations["contoso.com"]))
		require.True(t, w.domains["contoso.onmicrosoft.com"].IsDefault)
	})
}

// A plan back that is refused has no effect, however it is applied.
func TestARevertWithAnErrorCannotBeApplied(t *testing.T) {
	t.Parallel()
	expired := configured(newCertificate(t, "old", func(c *x509.Certificate) { c.NotAfter = today.Add(time.Hour) }))
	w := newWorld(t, newTenant().federated("contoso.com", expired))
	w.federate(t, "there", changing("contoso.com", "configuration-1",
		federation.Properties{"signingCertificate": bare(newCertificate(t, "new"))}))
	w.clock.pass(2 * time.Hour)
	plan := w.reverting(t, "there")
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrBlocked)
	plan.Findings = nil
	_, err = w.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrBlocked, "the certificate is looked at again")
	require.Empty(t, w.writes)
}

func TestRevertEndsARotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	w.federate(t, "there", creating("contoso.com", configured(newCertificate(t, "first"))))
	document, err := w.store.Load(t.Context(), "contoso.com")
	require.NoError(t, err)
	rotating := fmt.Appendf(nil, `%s,"rotation":{"old":"a","new":"b"}}`, document[:len(document)-1])
	require.NoError(t, w.store.Save(t.Context(), "contoso.com", document, rotating))
	require.NotNil(t, w.record(t, "contoso.com").Rotation)

	plan := w.reverting(t, "")
	require.Contains(t, ruleNames(plan), "revert-rotation")
	_, err = w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Nil(t, w.record(t, "contoso.com").Rotation)
}

func TestPlanRevertThatCannotBeMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant().federated("contoso.com", configured(newCertificate(t, "first"))))
	_, err := w.fed.PlanRevert(t.Context(), federation.RevertSettings{})
	require.EqualError(t, err, "federation: no domain is named that is to be reverted")

	_, err = w.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com", Undo: "another"})
	require.ErrorIs(t, err, federation.ErrNotFound)
	require.EqualError(t, err, `federation: the store has no way back "another" for contoso.com; list those that it has, and look `+
		"whether it is the store that the plan was applied with")

	for _, call := range []string{"domains", "configuration contoso.com"} {
		w.refuse = always(call, func(call string) error { return answer(call, 403, "Authorization_RequestDenied", "no") })
		_, err = w.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
		require.ErrorIs(t, err, federation.ErrForbidden)
		require.ErrorContains(t, err, "federation: no way back can be planned for contoso.com")
	}

	w.refuse = nil
	delete(w.configurations, "contoso.com")
	_, err = w.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
	require.ErrorContains(t, err, "federation: contoso.com is federated, but its configuration cannot be read")
	require.ErrorContains(t, err, "the tenant shows no configuration")
}

// A managed domain whose lack of a federation is a 404 is as good as one with an empty answer.
func TestPlanRevertOfADomainWithoutAFederation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	w.refuse = always("configuration contoso.com", notFound)
	require.Equal(t, []string{"revert-nothing"}, ruleNames(w.reverting(t, "")))
}
