package pipeline

import (
	"encoding/json"
	"io"
	"math"
	"slices"
	"time"
)

// Result is all that is measured. Its JSON has the rates, the ratios and the times, and not what explains them.
type Result struct {
	Bulk          Bulk       `json:"bulk"`
	SignIn        SignIn     `json:"signin_during_bulk"`
	ReadyAfterLag []ReadyLag `json:"ready_after_lag"`
	Stream        Stream     `json:"stream"`
}

// WriteJSON writes the result as one object.
func (r Result) WriteJSON(w io.Writer) error { return json.NewEncoder(w).Encode(r) }

// hundredths rounds to two decimals.
func hundredths(x float64) float64 { return math.Round(x*100) / 100 }

// quantile is the smallest of the durations that is not exceeded by the share q of them. There is at least one.
func quantile(all []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[max(0, int(math.Ceil(q*float64(len(sorted))))-1)]
}
