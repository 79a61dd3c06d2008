package pipeline_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/bench/pipeline"
	"github.com/entrafed/entrafed/provision"
)

// The heap is the process's, so this test runs alone.
func TestALeakyStreamIsToldApart(t *testing.T) {
	sound, err := pipeline.MeasureStream(t.Context(), small(100))
	require.NoError(t, err)
	require.Equal(t, 10_000, sound.People)
	require.Less(t, sound.Heap-sound.Before, 24.0)

	kept := make([][]byte, 0, 10_000)
	leaky, err := pipeline.MeasureStreamTelling(t.Context(), small(100), func(provision.BulkEvent) {
		kept = append(kept, make([]byte, 4<<10))
	})
	require.NoError(t, err)
	require.Len(t, kept, 10_000)
	require.Greater(t, leaky.Heap-leaky.Before, 36.0, "4 KiB of everybody are kept")
}

func TestAStreamInWhichSomebodyFailsIsAnError(t *testing.T) {
	_, err := pipeline.MeasureStreamWith(t.Context(), small(2), broken{provision.NewMemoryStore()})
	require.ErrorContains(t, err, "of 200 people 199 were created")
}

// broken is a store that cannot save one person's record.
type broken struct{ *provision.MemoryStore }

func (b broken) Save(ctx context.Context, rec provision.Record) (provision.Record, error) {
	if rec.Key.ID == "p0000007" {
		return provision.Record{}, errors.New("disk full")
	}
	return b.MemoryStore.Save(ctx, rec)
}
