package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// round has one sample per cell, in the order of the cells.
type round []sample

// measureRounds goes through all cells, again and again. If it is interrupted, it returns the rounds that are complete.
func measureRounds(ctx context.Context, cells []cell, opts options, progress io.Writer) ([]round, error) {
	perRound := time.Duration(len(cells)) * opts.time
	fmt.Fprintf(progress, "measuring %d cells in %d rounds, about %s\n",
		len(cells), opts.rounds, roughly(time.Duration(opts.rounds)*perRound))
	var rounds []round
	for len(rounds) < opts.rounds {
		r, err := measureRound(ctx, cells, opts.time)
		if ctx.Err() != nil {
			return rounds, nil
		}
		if err != nil {
			return nil, err
		}
		rounds = append(rounds, r)
		fmt.Fprintf(progress, "round %d of %d, about %s to go\n",
			len(rounds), opts.rounds, roughly(time.Duration(opts.rounds-len(rounds))*perRound))
	}
	return rounds, nil
}

func measureRound(ctx context.Context, cells []cell, d time.Duration) (round, error) {
	r := make(round, 0, len(cells))
	for _, c := range cells {
		s, err := measure(ctx, c.work, c.mode.workers(), d)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", c.name, c.mode, err)
		}
		r = append(r, s)
	}
	return r, nil
}

func roughly(d time.Duration) time.Duration { return d.Round(time.Second) }
