package provision_test

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/internal/telemetry"
	"github.com/entrafed/entrafed/provision"
)

// A run's spans, as a tracing backend would show them.
func ExampleConfig_tracerProvider() {
	clock := newClock()
	directory := newTenant() // stands in for the client of package msgraph
	directory.now = clock.Now
	spans := new(telemetry.Spans) // stands in for the TracerProvider of the OpenTelemetry SDK

	people, err := provision.New(provision.Config{
		Directory:      directory,
		Rules:          provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		TracerProvider: spans,
		Now:            clock.Now, // leave out both in production
		Sleep:          clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	person := provision.Person{Connection: "linkedin", ID: "p-7", Email: "partner@example.org"}
	if _, err := people.Ensure(context.Background(), person); err != nil {
		fmt.Println(err)
		return
	}

	fmt.Print(spans.Tree(func(span *telemetry.Span) string {
		return fmt.Sprintf("%s %s %v", span.Name(), span.Attribute("entrafed.outcome"), span.Duration())
	}))
	// Output:
	// provision ensure created 15s
	//   step select done 0s
	//   step known skipped 0s
	//   step token skipped 0s
	//   step reserve done 0s
	//   step create done 0s
	//     directory FindUser  0s
	//     directory CreateUser  0s
	//   step license skipped 0s
	//   step settle done 15s
	//     directory FindUser  0s
	//     directory FindUser  0s
	//     directory FindUser  0s
}
