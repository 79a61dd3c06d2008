package telemetry

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// Spans is a [trace.TracerProvider] that keeps all spans. Its zero value is ready, and safe for concurrent use.
type Spans struct {
	embedded.TracerProvider

	mu    sync.Mutex
	spans []*Span // in the order in which they started
}

// Span is one span.
type Span struct {
	embedded.Span
	spans   *Spans
	context trace.SpanContext
	parent  trace.SpanContext

	// What follows is guarded by the mutex of Spans until the span has ended.
	name        string
	kind        trace.SpanKind
	attributes  map[attribute.Key]attribute.Value
	events      []string
	links       []trace.Link
	status      codes.Code
	description string
	began       time.Time
	ended       time.Time
}

var (
	_ trace.TracerProvider = (*Spans)(nil)
	_ trace.Span           = (*Span)(nil)
)

// Tracer implements [trace.TracerProvider].
func (s *Spans) Tracer(string, ...trace.TracerOption) trace.Tracer { return tracer{spans: s} }

type tracer struct {
	embedded.Tracer
	spans *Spans
}

func (t tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	config := trace.NewSpanStartConfig(options...)
	span := &Span{spans: t.spans, name: name, kind: config.SpanKind(), links: config.Links(), began: config.Timestamp(),
		attributes: map[attribute.Key]attribute.Value{}}
	if !config.NewRoot() {
		span.parent = trace.SpanContextFromContext(ctx)
	}
	t.spans.add(span)
	span.SetAttributes(config.Attributes()...)
	return trace.ContextWithSpan(ctx, span), span
}

// add numbers the span and puts it into its trace, or into one of its own.
func (s *Spans) add(span *Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spans = append(s.spans, span)
	config := trace.SpanContextConfig{TraceFlags: trace.FlagsSampled, TraceID: span.parent.TraceID()}
	binary.BigEndian.PutUint64(config.SpanID[:], uint64(len(s.spans)))
	if !span.parent.IsValid() {
		copy(config.TraceID[:], config.SpanID[:])
	}
	span.context = trace.NewSpanContext(config)
}

// All are the spans so far, in the order in which they started.
func (s *Spans) All() []*Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.spans)
}

// Named are the spans with this name.
func (s *Spans) Named(name string) []*Span {
	return slices.DeleteFunc(s.All(), func(span *Span) bool { return span.Name() != name })
}

// Tree shows the spans, each below its parent, as lines that describe makes.
func (s *Spans) Tree(describe func(*Span) string) string {
	var text strings.Builder
	all := s.All()
	known := func(id trace.SpanID) bool {
		return slices.ContainsFunc(all, func(span *Span) bool { return span.context.SpanID() == id })
	}
	var show func(indent string, is func(*Span) bool)
	show = func(indent string, is func(*Span) bool) {
		for _, span := range all {
			if is(span) {
				fmt.Fprintf(&text, "%s%s\n", indent, describe(span))
				show(indent+"  ", func(child *Span) bool { return child.parent.SpanID() == span.context.SpanID() })
			}
		}
	}
	show("", func(span *Span) bool { return !known(span.parent.SpanID()) })
	return text.String()
}

// Text is everything that the spans say, one piece on each line.
func (s *Spans) Text() string {
	var text strings.Builder
	for _, span := range s.All() {
		s.mu.Lock()
		fmt.Fprintf(&text, "%s %s\n", span.name, span.description)
		for key, value := range span.attributes {
			fmt.Fprintf(&text, "%s=%s\n", key, value.String())
		}
		for _, event := range span.events {
			fmt.Fprintln(&text, event)
		}
		for _, link := range span.links {
			writeAttributes(&text, link.Attributes)
		}
		s.mu.Unlock()
	}
	return text.String()
}

func writeAttributes(text *strings.Builder, attributes []attribute.KeyValue) {
	for _, a := range attributes {
		fmt.Fprintf(text, "%s=%s\n", a.Key, a.Value.String())
	}
}

// Name is the span's name.
func (s *Span) Name() string {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	return s.name
}

// Attribute is the value of an attribute as text; empty if there is none.
func (s *Span) Attribute(key string) string {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	value, ok := s.attributes[attribute.Key(key)]
	if !ok {
		return ""
	}
	return value.String()
}

// Keys are the names of the attributes, sorted.
func (s *Span) Keys() []string {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	var keys []string
	for key := range s.attributes {
		keys = append(keys, string(key))
	}
	slices.Sort(keys)
	return keys
}

// Kind is the span's kind.
func (s *Span) Kind() trace.SpanKind { return s.kind }

// Parent is the context of the span's parent; it is not valid where there is none.
func (s *Span) Parent() trace.SpanContext { return s.parent }

// Links are the contexts of the spans that this one names.
func (s *Span) Links() []trace.SpanContext {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	var links []trace.SpanContext
	for _, link := range s.links {
		links = append(links, link.SpanContext)
	}
	return links
}

// Status is how the span ended.
func (s *Span) Status() (codes.Code, string) {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	return s.status, s.description
}

// Ended reports whether the span has ended.
func (s *Span) Ended() bool {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	return !s.ended.IsZero()
}

// Duration is how long the span was, once it has ended.
func (s *Span) Duration() time.Duration {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	return s.ended.Sub(s.began)
}

// change changes a span that has not ended.
func (s *Span) change(change func()) {
	s.spans.mu.Lock()
	defer s.spans.mu.Unlock()
	if s.ended.IsZero() {
		change()
	}
}

// End implements [trace.Span].
func (s *Span) End(options ...trace.SpanEndOption) {
	config := trace.NewSpanEndConfig(options...)
	s.change(func() {
		if s.ended = config.Timestamp(); s.ended.IsZero() {
			s.ended = time.Now()
		}
	})
}

// AddEvent implements [trace.Span].
func (s *Span) AddEvent(name string, options ...trace.EventOption) {
	var text strings.Builder
	text.WriteString(name + "\n")
	config := trace.NewEventConfig(options...)
	writeAttributes(&text, config.Attributes())
	s.change(func() { s.events = append(s.events, text.String()) })
}

// AddLink implements [trace.Span].
func (s *Span) AddLink(link trace.Link) { s.change(func() { s.links = append(s.links, link) }) }

// IsRecording implements [trace.Span].
func (s *Span) IsRecording() bool { return !s.Ended() }

// RecordError implements [trace.Span].
func (s *Span) RecordError(err error, options ...trace.EventOption) {
	if err != nil {
		s.AddEvent(err.Error(), options...)
	}
}

// SpanContext implements [trace.Span].
func (s *Span) SpanContext() trace.SpanContext { return s.context }

// SetStatus implements [trace.Span].
func (s *Span) SetStatus(code codes.Code, description string) {
	s.change(func() { s.status, s.description = code, description })
}

// SetName implements [trace.Span].
func (s *Span) SetName(name string) { s.change(func() { s.name = name }) }

// SetAttributes implements [trace.Span].
func (s *Span) SetAttributes(attributes ...attribute.KeyValue) {
	s.change(func() {
		for _, a := range attributes {
			s.attributes[a.Key] = a.Value
		}
	})
}

// TracerProvider implements [trace.Span].
func (s *Span) TracerProvider() trace.TracerProvider { return s.spans }
