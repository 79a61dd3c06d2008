package provision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/storetest"
)

func TestMemoryPacerKeepsTheContract(t *testing.T) {
	t.Parallel()
	storetest.RunPacer(t, func(t *testing.T, pace provision.Pace) provision.Pacer {
		pacer, err := provision.NewMemoryPacer(pace, nil)
		require.NoError(t, err)
		return pacer
	})
}
