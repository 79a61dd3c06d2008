package msgraph_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// again calls until there is a verdict: in a tenant that lags badly a budget may end before,
// also in the middle of a call.
func again(call func() error) error {
	err := call()
	for range 10 {
		if !errors.Is(err, provision.ErrNotReady) && !errors.Is(err, provision.ErrUnavailable) {
			return err
		}
		err = call()
	}
	return err
}

// Who leaves, comes back and signs in within a minute meets replicas that do not know that yet.
func TestPipelineRestoresAtOnce(t *testing.T) {
	t.Parallel()
	for name, leaving := range map[string]provision.Leaving{
		"blocked":                    {},
		"blocked, with all licences": {KeepLicenses: true},
		"deleted":                    {Delete: true},
		"deleted with its licences":  {Delete: true, KeepLicenses: true},
	} {
		for _, lag := range []entratest.Lag{entratest.LagNormal, entratest.LagBad} {
			t.Run(name+", lag "+string(lag), func(t *testing.T) {
				t.Parallel()
				cfg, config := employment()
				cfg.Lag = lag
				inWorlds(t, 8, cfg, config, func(w *world) {
					person := contractor(1)
					before := provision.Account{}
					ensure := func() (err error) { before, err = w.Ensure(w.Context(), person); return err }
					require.NoError(w, again(ensure))
					for range 2 {
						require.NoError(w, again(func() error { return w.Retire(w.Context(), person.Key(), leaving) }))
						require.NoError(w, again(func() error { return w.Restore(w.Context(), person) }))
						id := before.ObjectID
						require.NoError(w, again(ensure))
						require.Equal(w, id, before.ObjectID)
					}
					w.active(before.ObjectID, premium, standard)
					require.True(w, w.person(before.ImmutableID).Enabled)
					require.Equal(w, []string{before.UPN}, w.entra.Groups()[1].Members)
					require.NoError(w, w.Retire(w.Context(), person.Key(), provision.Leaving{Delete: true}))
					w.leftBehind(person)
					require.Zero(w, w.seats())
				})
			})
		}
	}
}
