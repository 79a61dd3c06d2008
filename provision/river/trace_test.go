package river_test

import (
	"context"
	"testing"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/telemetry"
	"github.com/entrafed/entrafed/provision"
	jobs "github.com/entrafed/entrafed/provision/river"
)

// A middleware of River's begins the trace, as otelriver does; what the job does is in it.
func TestAJobsTraceGoesOnInItsRun(t *testing.T) {
	t.Parallel()
	spans := new(telemetry.Spans)
	c := newCompany(t, quick())
	w := start(t, c, rules(), func(config *provision.Config, queue *river.Config) {
		config.TracerProvider, config.Priority = spans, provision.PriorityHigh // which creates one by one
		queue.Middleware = []rivertype.Middleware{river.WorkerMiddlewareFunc(
			func(ctx context.Context, job *rivertype.JobRow, work func(context.Context) error) error {
				ctx, span := spans.Tracer("queue").Start(ctx, "job")
				defer span.End()
				return work(ctx)
			})}
	})
	inserted, err := w.client.Insert(t.Context(), jobs.Ensure(contractor()), nil)
	require.NoError(t, err)
	row := finish(t, w, inserted.Job.ID)
	require.Equal(t, rivertype.JobStateCompleted, row.State, "%v", row.Errors)

	job, run := spans.Named("job"), spans.Named("provision ensure")
	require.Len(t, job, 1)
	require.Len(t, run, 1)
	require.Equal(t, job[0].SpanContext(), run[0].Parent())
	call := spans.Named("directory CreateUser")
	require.Len(t, call, 1)
	require.Equal(t, "201", call[0].Attribute("http.response.status_code"), "msgraph says what Graph answered")
	require.NotEmpty(t, call[0].Attribute("azure.service.request.id"))
}
