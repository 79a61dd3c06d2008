// Package telemetry records the spans and metrics of a test in memory. It is what the OpenTelemetry SDK is in a program,
// without being a dependency. Nothing that is not a test imports it.
package telemetry
