package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
)

// printJSON writes the one object that the package's documentation describes.
func printJSON(w io.Writer, rows []row) error {
	return json.NewEncoder(w).Encode(struct {
		Rows []row `json:"rows"`
	}{rows})
}

// printTable writes the rows for people, one group per mode.
func printTable(w io.Writer, rows []row, rounds int, opts options) error {
	var t strings.Builder
	fmt.Fprintf(&t, "One response, RSA-2048 with SHA-256. %s on %s/%s, %s; medians of %s of %s per cell.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, counted(runtime.GOMAXPROCS(0), "core"), counted(rounds, "round"),
		opts.time)
	for _, m := range []mode{serial, parallel, free} {
		printIssuing(&t, m, rows)
	}
	printReading(&t, rows)
	_, err := io.WriteString(w, t.String())
	return err
}

// title says what a mode is and what its ratios are to.
func (m mode) title() string {
	switch m {
	case parallel:
		return "parallel: on all cores at once; ratio to the floor"
	case free:
		return "free: serial, with a key that signs at no cost; ratio to crewjam"
	}
	return "serial: one after the other; ratio to the floor"
}

func printIssuing(t *strings.Builder, m mode, rows []row) {
	fmt.Fprintf(t, "\n%s\n", m.title())
	fmt.Fprintf(t, "  %-10s %10s %8s %17s %9s %7s", "path", "ns/op", "ratio", "lowest-highest", "B/op", "allocs")
	if m == parallel {
		fmt.Fprintf(t, " %9s %9s", "op/s", "of floor")
	}
	fmt.Fprintln(t)
	for _, r := range rows {
		if r.Mode != m || r.Name == nameRead {
			continue
		}
		fmt.Fprintf(t, "  %-10s %10d %8.3f %17s %9d %7d", r.Name, r.NS, r.Ratio,
			fmt.Sprintf("%.3f-%.3f", r.lowest, r.highest), r.Bytes, r.Allocs)
		if m == parallel {
			fmt.Fprintf(t, " %9.0f %8.1f%%", 1e9/float64(r.NS), 100/r.Ratio)
		}
		fmt.Fprintln(t)
	}
}

func printReading(t *strings.Builder, rows []row) {
	fmt.Fprintf(t, "\nread: an unsigned AuthnRequest parsed and checked, serial\n")
	fmt.Fprintf(t, "  %-10s %10s %9s %7s\n", "path", "ns/op", "B/op", "allocs")
	for _, r := range rows {
		if r.Name == nameRead {
			fmt.Fprintf(t, "  %-10s %10d %9d %7d\n", r.Name, r.NS, r.Bytes, r.Allocs)
		}
	}
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
