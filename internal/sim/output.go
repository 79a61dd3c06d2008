package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
)

// printJSON writes the one object that -h describes.
func printJSON(w io.Writer, r result) {
	var first *uint64
	if len(r.bad) > 0 {
		first = &r.bad[0].seed
	}
	_ = json.NewEncoder(w).Encode(struct {
		Histories    int     `json:"histories"`
		Violations   int     `json:"violations"`
		FirstBadSeed *uint64 `json:"first_bad_seed"`
	}{r.histories, r.violations(), first})
}

// printSummary says the same for people.
func printSummary(w io.Writer, r result) {
	if r.histories < r.asked {
		fmt.Fprintf(w, "Interrupted after %d of %d histories.\n", r.histories, r.asked)
	}
	if len(r.bad) == 0 {
		fmt.Fprintf(w, "%d histories, and every rule held in each of them.\n", r.histories)
		return
	}
	fmt.Fprintf(w, "%d histories, of which %d broke a rule:\n", r.histories, len(r.bad))
	broken := make(map[string]int)
	for _, h := range r.bad {
		for _, v := range h.violations {
			broken[v.rule]++
		}
	}
	rules := make([]string, 0, len(broken))
	for rule := range broken {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	for _, rule := range rules {
		fmt.Fprintf(w, "  %-13s %d\n", rule, broken[rule])
	}
}

// maxExplained is how many bad histories are listed.
const maxExplained = 10

// explain lists what was broken, and the events of the first history in which something was.
func explain(w io.Writer, r result) {
	for _, h := range r.bad[:min(len(r.bad), maxExplained)] {
		h.explain(w)
	}
	if more := len(r.bad) - maxExplained; more > 0 {
		fmt.Fprintf(w, "… and %d more.\n", more)
	}
	first := r.bad[0]
	fmt.Fprintf(w, "\nThe events of seed %d; to see them again: go run ./internal/sim -seed %d -n 1 -v\n", first.seed,
		first.seed)
	again := simulate(first.seed, true)
	again.log.write(w)
	if !slices.Equal(first.violations, again.violations) {
		fmt.Fprintf(w, "\nThe second run of seed %d was not like the first one: the simulation is not deterministic.\n",
			first.seed)
	}
}

func (h history) explain(w io.Writer) {
	for _, v := range h.violations {
		fmt.Fprintf(w, "seed %d breaks %s at %v: %s\n", h.seed, v.rule, v.at, v.text)
	}
}

// print writes one history with all its events.
func (h history) print(w io.Writer) {
	fmt.Fprintf(w, "seed %d\n", h.seed)
	h.log.write(w)
	h.explain(w)
	if len(h.violations) == 0 {
		fmt.Fprintf(w, "seed %d breaks no rule\n", h.seed)
	}
}
