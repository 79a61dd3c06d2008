package telemetry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/embedded"
	"go.opentelemetry.io/otel/metric/noop"
)

// Metrics is a [metric.MeterProvider] that keeps what is measured. Its zero value is ready, and safe for concurrent use.
// Instruments of kinds that are not kept do nothing.
type Metrics struct {
	embedded.MeterProvider

	mu        sync.Mutex
	points    map[string]Point // by instrument and attributes, as String shows them
	names     map[string]bool
	callbacks []metric.Callback
}

// Point is what one instrument measured for one set of attributes.
type Point struct {
	Instrument string
	Attributes attribute.Set
	Count      int     // how many measurements
	Sum        float64 // of all of them; of a gauge, the last one
}

var _ metric.MeterProvider = (*Metrics)(nil)

// Meter implements [metric.MeterProvider].
func (m *Metrics) Meter(string, ...metric.MeterOption) metric.Meter { return meter{metrics: m} }

type meter struct {
	noop.Meter
	metrics *Metrics
}

func (m meter) instrument(name string) *instrument {
	m.metrics.mu.Lock()
	defer m.metrics.mu.Unlock()
	if m.metrics.names == nil {
		m.metrics.names = map[string]bool{}
	}
	m.metrics.names[name] = true
	return &instrument{name: name, metrics: m.metrics}
}

// instrument is what all instruments share.
type instrument struct {
	name    string
	metrics *Metrics
}

func (i *instrument) measure(value float64, set attribute.Set, last bool) {
	i.metrics.mu.Lock()
	defer i.metrics.mu.Unlock()
	if i.metrics.points == nil {
		i.metrics.points = map[string]Point{}
	}
	key := name(i.name, set)
	p := i.metrics.points[key]
	p.Instrument, p.Attributes = i.name, set
	p.Count++
	if last {
		p.Sum = 0
	}
	p.Sum += value
	i.metrics.points[key] = p
}

func (m meter) Float64Histogram(name string, _ ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return histogram{instrument: m.instrument(name)}, nil
}

type histogram struct {
	embedded.Float64Histogram
	*instrument
}

func (h histogram) Enabled(context.Context) bool { return true }

func (h histogram) Record(_ context.Context, value float64, options ...metric.RecordOption) {
	h.measure(value, metric.NewRecordConfig(options).Attributes(), false)
}

func (m meter) Int64Counter(name string, _ ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return counter{instrument: m.instrument(name)}, nil
}

type counter struct {
	embedded.Int64Counter
	*instrument
}

func (c counter) Enabled(context.Context) bool { return true }

func (c counter) Add(_ context.Context, n int64, options ...metric.AddOption) {
	c.measure(float64(n), metric.NewAddConfig(options).Attributes(), false)
}

func (m meter) Int64UpDownCounter(name string, _ ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	return upDownCounter{instrument: m.instrument(name)}, nil
}

type upDownCounter struct {
	embedded.Int64UpDownCounter
	*instrument
}

func (c upDownCounter) Enabled(context.Context) bool { return true }

func (c upDownCounter) Add(_ context.Context, n int64, options ...metric.AddOption) {
	c.measure(float64(n), metric.NewAddConfig(options).Attributes(), false)
}

func (m meter) Int64ObservableGauge(
	name string, _ ...metric.Int64ObservableGaugeOption,
) (metric.Int64ObservableGauge, error) {
	return int64Gauge{instrument: m.instrument(name)}, nil
}

type int64Gauge struct {
	noop.Int64ObservableGauge
	*instrument
}

func (m meter) Float64ObservableGauge(
	name string, _ ...metric.Float64ObservableGaugeOption,
) (metric.Float64ObservableGauge, error) {
	return float64Gauge{instrument: m.instrument(name)}, nil
}

type float64Gauge struct {
	noop.Float64ObservableGauge
	*instrument
}

func (m meter) RegisterCallback(f metric.Callback, _ ...metric.Observable) (metric.Registration, error) {
	m.metrics.mu.Lock()
	defer m.metrics.mu.Unlock()
	m.metrics.callbacks = append(m.metrics.callbacks, f)
	return noop.Registration{}, nil
}

type observer struct{ embedded.Observer }

func (observer) ObserveInt64(to metric.Int64Observable, value int64, options ...metric.ObserveOption) {
	if gauge, ok := to.(int64Gauge); ok {
		gauge.measure(float64(value), metric.NewObserveConfig(options).Attributes(), true)
	}
}

func (observer) ObserveFloat64(to metric.Float64Observable, value float64, options ...metric.ObserveOption) {
	if gauge, ok := to.(float64Gauge); ok {
		gauge.measure(value, metric.NewObserveConfig(options).Attributes(), true)
	}
}

// Collect asks the gauges.
func (m *Metrics) Collect(ctx context.Context) error {
	m.mu.Lock()
	callbacks := slices.Clone(m.callbacks)
	m.mu.Unlock()
	for _, f := range callbacks {
		if err := f(ctx, observer{}); err != nil {
			return err
		}
	}
	return nil
}

// Points are all measurements by instrument and attributes: `runs{errand=ensure}`.
func (m *Metrics) Points() map[string]Point {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.points)
}

// Instruments are the names of all instruments that were made, sorted.
func (m *Metrics) Instruments() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.names))
}

// Text is everything that the metrics say, one set of attributes on each line.
func (m *Metrics) Text() string { return strings.Join(slices.Sorted(maps.Keys(m.Points())), "\n") }

// name is how an instrument with attributes is written.
func name(instrument string, set attribute.Set) string {
	var list []string
	for _, a := range set.ToSlice() {
		list = append(list, fmt.Sprintf("%s=%s", a.Key, a.Value.String()))
	}
	return instrument + "{" + strings.Join(list, " ") + "}"
}
