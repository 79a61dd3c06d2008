package provision_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// placedStep is a step of the host's own with a place.
type placedStep struct {
	ownStep
	after string
}

func (s placedStep) After() string { return s.after }

func TestTheHostsStepsRunWhereTheySay(t *testing.T) {
	t.Parallel()
	run := func(context.Context, provision.Person, provision.Account) error { return nil }
	own := func(name string) ownStep { return ownStep{name: name, run: run} }
	for name, person := range map[string]provision.Person{
		"everybody": contractor(), "who has a manager": managed("boss@contoso.com"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				dir.has("boss", "boss@contoso.com")
				c := inGroups(config(dir, nil), "staff")
				c.Extra = []provision.Step{
					placedStep{own("after create"), provision.StepCreate},
					placedStep{own("after manager"), provision.StepManager},
					placedStep{own("after groups"), provision.StepGroups},
					own("as ever"),
					placedStep{own("after license"), provision.StepLicense},
				}
				var steps []string
				_, err := newProvisioner(t, c).EnsureWithProgress(t.Context(), person, func(e provision.Event) {
					if e.State == provision.Started {
						steps = append(steps, e.Step)
					}
				})
				require.NoError(t, err)
				want := []string{"select", "known", "token", "reserve", "create", "after create"}
				if person.Manager != "" {
					want = append(want, "manager")
				}
				want = append(want, "after manager", "groups", "after groups", "license", "as ever", "after license", "settle")
				require.Equal(t, want, steps)
			})
		})
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	t.Parallel()
	at := func(name, after string) provision.Step { return placedStep{ownStep{name: name}, after} }
	for name, tc := range map[string]struct {
		steps []provision.Step
		want  string
	}{
		"before there is an account": {[]provision.Step{at("a", provision.StepReserve)}, `cannot run after "reserve"`},
		"after the person is ready":  {[]provision.Step{at("a", provision.StepSettle)}, `cannot run after "settle"`},
		"after another own step": {[]provision.Step{ownStep{name: "a"}, at("b", "a")},
			`Config.Extra[1] cannot run after "a"; it can run after create, manager, groups, license`},
		"after nothing": {[]provision.Step{at("a", "")}, `cannot run after ""`},
		"listed in another order": {[]provision.Step{ownStep{name: "a"}, at("b", provision.StepCreate)},
			`Config.Extra[1] runs after "create" but is listed behind one that runs after "license"`},
		"the name of one of ours": {[]provision.Step{at("groups", provision.StepCreate)}, `the name "groups" is taken`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(newTenant(), nil)
			c.Extra = tc.steps
			_, err := provision.New(c)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "nothing else is wrong")
		})
	}
}
