package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{7}, 7},
		{[]float64{3, 1}, 2},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 100, 2}, 3},
	} {
		require.Equal(t, c.want, median(c.values), "%v", c.values)
	}
	values := []float64{3, 1, 2}
	median(values)
	require.Equal(t, []float64{3, 1, 2}, values, "the rounds stay in order")
}

// The machine becomes ten times slower from round to round. The path costs twice the floor in two of three rounds, so
// that is its ratio; the quotient of the two medians would be 5.
func TestARatioIsTakenWithinItsRound(t *testing.T) {
	t.Parallel()
	cells := []cell{{nameFloor, serial, nil}, {nameOurs, serial, nil}}
	rows := summarise(cells, []round{
		{{ns: 1}, {ns: 2}},
		{{ns: 10}, {ns: 50}},
		{{ns: 100}, {ns: 200}},
	})
	require.Equal(t, []row{
		{Name: nameFloor, Mode: serial, NS: 10, Ratio: 1, lowest: 1, highest: 1},
		{Name: nameOurs, Mode: serial, NS: 50, Ratio: 2, lowest: 2, highest: 5},
	}, rows)
}

func TestWhatEachModeIsComparedWith(t *testing.T) {
	t.Parallel()
	cells := []cell{
		{nameFloor, serial, nil}, {nameOurs, serial, nil},
		{nameFloor, parallel, nil}, {nameOurs, parallel, nil},
		{nameOurs, free, nil}, {nameCrewjam, free, nil},
		{nameRead, serial, nil},
	}
	rows := summarise(cells, []round{{{ns: 100}, {ns: 110}, {ns: 50}, {ns: 60}, {ns: 8}, {ns: 32}, {ns: 25}}})
	ratios := map[string]float64{}
	for _, r := range rows {
		ratios[r.Name+" "+string(r.Mode)] = r.Ratio
	}
	require.Equal(t, map[string]float64{
		"floor serial": 1, "ours serial": 1.1,
		"floor parallel": 1, "ours parallel": 1.2,
		"ours free": 0.25, "crewjam free": 1,
		"read serial": 0.25,
	}, ratios)
}

func TestBytesAndAllocationsAreMediansToo(t *testing.T) {
	t.Parallel()
	rows := summarise([]cell{{nameFloor, serial, nil}}, []round{
		{{ns: 1, bytes: 10.4, allocs: 1}}, {{ns: 1, bytes: 11.6, allocs: 3}}, {{ns: 1, bytes: 99, allocs: 2}},
	})
	require.Equal(t, int64(12), rows[0].Bytes)
	require.Equal(t, int64(2), rows[0].Allocs)
}
