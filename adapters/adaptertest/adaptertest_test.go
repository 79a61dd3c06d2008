package adaptertest_test

import (
	"testing"

	"github.com/entrafed/entrafed/adapters/adaptertest"
)

func TestAHostWithSessionsKeepsTheRules(t *testing.T) {
	t.Parallel()
	adaptertest.Run(t, func(_ *testing.T, env adaptertest.Environment) adaptertest.Host { return newLocal(env, "") })
}
