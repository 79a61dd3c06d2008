package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// Bulk is how many new people a second become ready.
type Bulk struct {
	Ours    float64 `json:"ours"`
	Naive   float64 `json:"naive"`
	Ceiling float64 `json:"ceiling"`

	All, NaiveAll float64 `json:"-"` // with the beginning and the end
	Wasted        int     `json:"-"` // requests to write of ours beyond one for each person and one for each twenty
}

// MeasureBulk compares EnsureAll with the naive loop.
func MeasureBulk(ctx context.Context, o Options) (Bulk, error) {
	ours, err := measureOurs(ctx, o, ownPace())
	if err != nil {
		return Bulk{}, err
	}
	naive, err := measureLoop(ctx, o, "bulk, naive loop", politely)
	if err != nil {
		return Bulk{}, err
	}
	return Bulk{
		Ours: hundredths(ours.sustained()), Naive: hundredths(naive.sustained()), Ceiling: hundredths(ceiling),
		All: hundredths(ours.all()), NaiveAll: hundredths(naive.all()),
		Wasted: ours.wasted(),
	}, nil
}

// finish is when the people of a bulk were ready, since its beginning, and how many writes that took.
type finish struct {
	ready  []time.Duration // in their order
	writes int
}

// sustained is the rate from when a tenth is ready until nine tenths are.
func (f finish) sustained() float64 {
	low, high := len(f.ready)/10, len(f.ready)*9/10
	return float64(high-low) / (f.ready[high] - f.ready[low]).Seconds()
}

// all is the rate from the beginning to the last one.
func (f finish) all() float64 { return float64(len(f.ready)) / f.ready[len(f.ready)-1].Seconds() }

// wasted is how many requests to write there were beyond one for each person and one for each twenty.
func (f finish) wasted() int {
	people := len(f.ready)
	return f.writes - people - (people+provision.MaxMembers-1)/provision.MaxMembers
}

// measureOurs has EnsureAll provision everybody at a pace.
func measureOurs(ctx context.Context, o Options, pace provision.Pace) (f finish, err error) {
	defer collectLess()()
	err = inBubble(ctx, o, "bulk, ours", o.People, func(ctx context.Context, m *meter) error {
		t, err := newTenant(1, entratest.LagNormal, o.People)
		if err != nil {
			return err
		}
		p, err := t.drained(ctx, pace, allowedWrites)
		if err != nil {
			return err
		}
		f.ready, err = ensureAll(ctx, p, o.People, m)
		f.writes = t.graph.writes()
		return errors.Join(err, t.licensed(o.People))
	})
	return f, err
}

// ownPace is that of a program that has the application in a large tenant to itself.
func ownPace() provision.Pace { return provision.Pace{Share: 1, Size: provision.TenantLarge} }

// ensureAll returns when each of the people was ready. Somebody who is not is an error.
func ensureAll(ctx context.Context, p *provision.Provisioner, people int, m *meter) ([]time.Duration, error) {
	var ready []time.Duration
	var failed error
	_, err := p.EnsureAll(ctx, crowd(people), provision.Bulk{Progress: func(e provision.BulkEvent) {
		if e.Outcome == provision.BulkCreated {
			ready = append(ready, e.Account.ReadyAt.Sub(m.began))
		} else {
			failed = fmt.Errorf("person %d was not created but %s: %w", e.Index, e.Outcome, e.Err)
		}
		m.tick()
	}})
	slices.Sort(ready)
	return ready, errors.Join(err, failed)
}
