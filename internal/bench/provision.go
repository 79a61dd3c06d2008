package main

import (
	"context"
	"io"

	"github.com/entrafed/entrafed/internal/bench/pipeline"
)

// measurePipeline measures the provisioning pipeline and prints the result.
func measurePipeline(ctx context.Context, opts options, stdout, stderr io.Writer) error {
	result, err := pipeline.Measure(ctx, pipeline.Options{People: opts.people, Progress: stderr})
	if err != nil {
		return err
	}
	if opts.json {
		return result.WriteJSON(stdout)
	}
	return result.WriteTable(stdout)
}
