package adaptertest_test

import (
	"testing"
	"time"

	"github.com/entrafed/entrafed/adapters/adaptertest"
)

// hosts are three that keep the rules, each in its way.
func hosts() map[string]func(env adaptertest.Environment, fault string) adaptertest.Host {
	return map[string]func(env adaptertest.Environment, fault string) adaptertest.Host{
		"local": newLocal,
		"relying": func(env adaptertest.Environment, fault string) adaptertest.Host {
			return newRelying(env, env.Now, fault)
		},
		"typed": func(env adaptertest.Environment, _ string) adaptertest.Host { return newTyped(env) },
	}
}

func TestAHostWithSessionsKeepsTheRules(t *testing.T) {
	t.Parallel()
	run(t, "local")
}

func TestAHostWithAProviderBehindItKeepsTheRules(t *testing.T) {
	t.Parallel()
	run(t, "relying")
}

func TestAHostWithoutPagesKeepsTheRules(t *testing.T) {
	t.Parallel()
	run(t, "typed")
}

func run(t *testing.T, name string) {
	t.Helper()
	adaptertest.Run(t, func(_ *testing.T, env adaptertest.Environment) adaptertest.Host { return hosts()[name](env, "") })
}

func TestAProviderMayHaveAClockOfItsOwn(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits, a second at a time")
	}
	adaptertest.Run(t, func(_ *testing.T, env adaptertest.Environment) adaptertest.Host {
		host := newRelying(env, time.Now, "")
		host.RealTime = true
		return host
	})
}
