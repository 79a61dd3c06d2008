package pipeline

import (
	"context"
	"fmt"
	"runtime"
	"testing/synctest"

	"github.com/entrafed/entrafed/provision"
)

// Stream is how much memory it takes to go through so many people.
type Stream struct {
	People int     `json:"people"`
	Heap   float64 `json:"heap_mib"` // alive after a garbage collection, at its highest

	Before float64 `json:"-"` // the heap before, in MiB
	Ours   float64 `json:"-"` // how much of it the directory and the store of this package are, in MiB
	Stacks float64 `json:"-"` // of all goroutines, at their highest; not in the heap
}

// looks is how often the heap is measured.
const looks = 20

// MeasureStream has EnsureAll provision a great many people.
func MeasureStream(ctx context.Context, o Options) (Stream, error) {
	return measureStream(ctx, o, newBriefStore(o.stream()), func(provision.BulkEvent) {})
}

// measureStream does so with a store, and somebody who is told of each person.
func measureStream(
	ctx context.Context, o Options, store provision.Store, told func(provision.BulkEvent),
) (s Stream, err error) {
	people := o.stream()
	s = Stream{People: people, Ours: mebibytes(uint64(2 * people))}
	s.Before, _ = heap()
	err = inBubble(ctx, o, "stream", people, func(ctx context.Context, m *meter) error {
		d := newFlatDirectory(people)
		p, err := provision.New(provision.Config{
			Directory: d, Store: store, Pace: unhurried(),
			Rules: provision.Rules{Domain: domain, UsageLocation: "DE", ImmutableID: immutableIDFromID},
		})
		if err != nil {
			return err
		}
		report, err := p.EnsureAll(ctx, crowd(people), provision.Bulk{Progress: func(e provision.BulkEvent) {
			told(e)
			if e.Index%max(1, people/looks) == people/looks/2 {
				s.look()
			}
			m.tick()
		}})
		if err != nil {
			return err
		}
		s.look()
		if created := report.Outcomes[provision.BulkCreated]; created != people {
			return fmt.Errorf("of %d people %d were created: %v", people, created, report.Reasons)
		}
		return d.everybodyOnce()
	})
	return s, err
}

// unhurried is a pace that holds nobody back.
func unhurried() provision.Pace {
	return provision.Pace{WritesPerSecond: 1e6, WriteBurst: 1e6, UnitsPerSecond: 1e6, UnitBurst: 1e6}
}

// look measures the memory once, in a bubble: when nobody else is at work, and makes garbage.
func (s *Stream) look() {
	synctest.Wait()
	heap, stacks := heap()
	s.Heap, s.Stacks = max(s.Heap, heap), max(s.Stacks, stacks)
}

// heap is what is alive, and the stacks, in MiB.
func heap() (alive, stacks float64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return mebibytes(m.HeapAlloc), mebibytes(m.StackInuse)
}

func mebibytes(n uint64) float64 { return hundredths(float64(n) / (1 << 20)) }
