package main

import (
	"math"
	"slices"
)

// row is the result for one cell.
type row struct {
	Name   string  `json:"name"`
	Mode   mode    `json:"mode"`
	NS     int64   `json:"ns"`
	Ratio  float64 `json:"ratio"` // to four decimals
	Bytes  int64   `json:"bytes"`
	Allocs int64   `json:"allocs"`

	lowest, highest float64 // of the ratios
}

// summarise takes the median of each cell over the rounds. A ratio is taken within each round first: the machine may be
// twice as fast in one round as in another, but hardly within one.
func summarise(cells []cell, rounds []round) []row {
	rows := make([]row, 0, len(cells))
	for i, c := range cells {
		of := reference(cells, c)
		ratios := over(rounds, func(r round) float64 { return r[i].ns / r[of].ns })
		rows = append(rows, row{
			Name:    c.name,
			Mode:    c.mode,
			NS:      whole(over(rounds, func(r round) float64 { return r[i].ns })),
			Ratio:   math.Round(median(ratios)*1e4) / 1e4,
			Bytes:   whole(over(rounds, func(r round) float64 { return r[i].bytes })),
			Allocs:  whole(over(rounds, func(r round) float64 { return r[i].allocs })),
			lowest:  slices.Min(ratios),
			highest: slices.Max(ratios),
		})
	}
	return rows
}

func over(rounds []round, value func(round) float64) []float64 {
	values := make([]float64, 0, len(rounds))
	for _, r := range rounds {
		values = append(values, value(r))
	}
	return values
}

func whole(values []float64) int64 { return int64(math.Round(median(values))) }

// median of at least one value: the one in the middle, or between the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}
