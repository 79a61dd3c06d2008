package adapters_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/internal/telemetry"
	"github.com/entrafed/entrafed/provision"
)

// The run goes on after the request that began it, in that request's trace.
func TestTheTraceOfARequestGoesOnInTheRunThatItBegins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *adapters.Config) { c.Patience = time.Nanosecond })
	release, seen := make(chan struct{}), make(chan trace.SpanContext, 1)
	w.people = func(ctx context.Context, _ provision.Person, _ func(provision.Event)) (provision.Account, error) {
		<-release
		seen <- trace.SpanContextFromContext(ctx)
		return account, ctx.Err()
	}
	b := w.browser()
	address := b.request("", "state", testTime)
	ctx, span := new(telemetry.Spans).Tracer("host").Start(t.Context(), "GET /sso")
	ctx, cancel := context.WithCancel(ctx)
	b.do(httptest.NewRequestWithContext(ctx, http.MethodGet, address, nil))
	cancel() // as net/http does when the answer is written
	close(release)
	require.Equal(t, span.SpanContext(), <-seen)
	require.Eventually(t, func() bool { return strings.Contains(b.get(address).Body.String(), "SAMLResponse") },
		10*time.Second, time.Millisecond)
}
