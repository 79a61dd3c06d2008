package provision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// Where the rules look at more than the connection, the host says who the person is whose licence is to be given again.
func TestReconcileRepairsALicenceOfAPersonWhomTheHostKnows(t *testing.T) {
	t.Parallel()
	in := provision.ActionProvision
	basic := byClaim(rule("basic", "google", in), "dept", "reception")
	basic.Licenses = []provision.License{seat(basicSKU)}
	refused := byClaim(rule("gone", "google", provision.ActionRefuse), "dept", "sales")
	inDept := func(dept string) func(context.Context, provision.PersonKey) (provision.Person, error) {
		return func(_ context.Context, key provision.PersonKey) (provision.Person, error) {
			return provision.Person{Connection: key.Connection, ID: key.ID, Claims: map[string]string{"dept": dept}}, nil
		}
	}
	for name, tc := range map[string]struct {
		person func(context.Context, provision.PersonKey) (provision.Person, error)
		seat   string
		err    string
	}{
		"the first rule's":    {inDept("reception"), basicSKU, ""},
		"the last rule's":     {inDept("it"), standardSKU, ""},
		"who is refused":      {inDept("sales"), "", "refuses"},
		"nobody who is known": {nil, "", "Reconciliation.Person"},
		"an error": {func(context.Context, provision.PersonKey) (provision.Person, error) {
			return provision.Person{}, errors.New("the directory of people is down")
		}, "", "the directory of people is down"},
		"somebody else": {func(context.Context, provision.PersonKey) (provision.Person, error) {
			return provision.Person{Connection: "google", ID: "105"}, nil
		}, "", "another person"},
		"somebody invalid": {func(_ context.Context, key provision.PersonKey) (provision.Person, error) {
			return provision.Person{Connection: key.Connection, ID: key.ID, UsageLocation: "UK"}, nil
		}, "", "usage location"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, _, rec := provisioned(t)
				dir.edit(rec.ObjectID, func(u *provision.User) { u.SKUIDs = nil })
				p := newProvisioner(t, licensed(ruled(dir, store, refused, basic, rule("rest", "*", in)), standardSKU))
				found, _ := reconcile(t, p, provision.Reconciliation{Full: true, Repair: always, Person: tc.person})
				require.Len(t, found, 1)
				require.Equal(t, provision.DriftLicense, found[0].Kind)
				if tc.err != "" {
					require.ErrorContains(t, found[0].Err, tc.err)
					require.Empty(t, dir.user(rec.ObjectID).SKUIDs)
					return
				}
				require.True(t, found[0].Repaired, found[0].Err)
				require.Equal(t, []string{tc.seat}, dir.user(rec.ObjectID).SKUIDs)
			})
		})
	}
}

// Other rules than those that gave a licence are in force when it is missing.
func TestALicenceThatIsGivenAgainByOtherRulesIsNoDriftAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, _, rec := provisioned(t)
		dir.edit(rec.ObjectID, func(u *provision.User) { u.SKUIDs = nil })
		p := newProvisioner(t, licensed(config(dir, store), basicSKU))
		found, _ := reconcile(t, p, provision.Reconciliation{Full: true, Repair: always})
		require.Len(t, found, 1)
		require.True(t, found[0].Repaired)
		time.Sleep(time.Minute)
		found, _ = reconcile(t, p, provision.Reconciliation{Full: true, Repair: always})
		require.Empty(t, found)
		require.Equal(t, []string{basicSKU}, dir.user(rec.ObjectID).SKUIDs)
		require.Equal(t, basicSKU, given(t, store, contractor()))
	})
}
