package pipeline

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// The targets.
const (
	targetOfCeiling = 0.95
	targetSignIn    = 1.5
	targetExtra     = 2.0 // seconds
	targetHeap      = 64  // MiB
	fixedWait       = 15.0
)

// WriteTable writes the result for people.
func (r Result) WriteTable(w io.Writer) error {
	var t strings.Builder
	r.Bulk.write(&t)
	r.SignIn.write(&t)
	writeReadyAfterLag(&t, r.ReadyAfterLag)
	r.Stream.write(&t)
	_, err := io.WriteString(w, t.String())
	return err
}

// verdict says whether a target is reached.
func verdict(reached bool) string {
	if reached {
		return "reached"
	}
	return "MISSED"
}

func (b Bulk) write(t *strings.Builder) {
	fmt.Fprintf(t, "bulk: new people a second, with a licence from a group, in virtual time\n")
	fmt.Fprintf(t, "  %-10s %8s %11s %16s\n", "", "steady", "of ceiling", "from first to last")
	row := func(name string, rate, all float64) {
		fmt.Fprintf(t, "  %-10s %8.2f %10.1f%% %18.2f\n", name, rate, 100*rate/b.Ceiling, all)
	}
	row("ours", b.Ours, b.All)
	row("naive", b.Naive, b.NaiveAll)
	fmt.Fprintf(t, "  %-10s %8.2f\n", "ceiling", b.Ceiling)
	fmt.Fprintf(t, "  writes of ours beyond one a person and one for twenty: %d\n", b.Wasted)
	fmt.Fprintf(t, "  target: ours at least %.0f%% of the ceiling: %s\n", 100*targetOfCeiling,
		verdict(b.Ours >= targetOfCeiling*b.Ceiling))
}

func (s SignIn) write(t *strings.Builder) {
	fmt.Fprintf(t, "\nsign-in during bulk: how long a first sign-in takes\n")
	fmt.Fprintf(t, "  %-10s %10s %10s %8s\n", "", "with bulk", "without", "ratio")
	row := func(name string, busy, idle time.Duration, ratio float64) {
		fmt.Fprintf(t, "  %-10s %9.1fs %9.1fs %8.2f\n", name, busy.Seconds(), idle.Seconds(), ratio)
	}
	row("median", s.Busy.median, s.Idle.median, s.MedianRatio)
	row("p99", s.Busy.p99, s.Idle.p99, s.P99Ratio)
	fmt.Fprintf(t, "  target: at most %.1f: %s\n", targetSignIn,
		verdict(s.MedianRatio <= targetSignIn && s.P99Ratio <= targetSignIn))
}

func writeReadyAfterLag(t *strings.Builder, rows []ReadyLag) {
	fmt.Fprintf(t, "\nready after lag: seconds from when the tenant is ready until Ensure returns, medians\n")
	fmt.Fprintf(t, "  %6s %10s %10s %16s\n", "lag", "no dwell", "default", "a fixed 15 s")
	reached := true
	for _, r := range rows {
		fixed := fmt.Sprintf("%.0f", fixedWait-r.Lag)
		if r.Lag > fixedWait {
			fixed = "too early"
		}
		fmt.Fprintf(t, "  %5.0fs %10.2f %10.2f %16s\n", r.Lag, r.Extra, r.Default, fixed)
		reached = reached && r.Extra <= targetExtra
	}
	fmt.Fprintf(t, "  target: at most %.0f, by a host that measures (first column): %s\n", targetExtra, verdict(reached))
}

func (s Stream) write(t *strings.Builder) {
	fmt.Fprintf(t, "\nstream: %d people through EnsureAll\n", s.People)
	fmt.Fprintf(t, "  heap at its highest %.1f MiB; of it the bench's directory and store %.1f, and %.1f were there before\n",
		s.Heap, s.Ours, s.Before)
	fmt.Fprintf(t, "  beside it the stacks of the goroutines: %.1f MiB\n", s.Stacks)
	fmt.Fprintf(t, "  target: less than %d MiB: %s\n", targetHeap, verdict(s.Heap < targetHeap))
}
