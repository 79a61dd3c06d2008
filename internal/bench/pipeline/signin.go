package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// SignIn compares how long people wait at their first sign-in while a bulk is at work with how long they wait without.
type SignIn struct {
	MedianRatio float64 `json:"median_ratio"`
	P99Ratio    float64 `json:"p99_ratio"`

	Busy, Idle waits `json:"-"`
}

// waits are quantiles of how long people wait.
type waits struct{ median, p99 time.Duration }

// When the people sign in, four in three seconds: the bulk is well under way by then, and still is when the last of them
// is ready.
const (
	firstSignIn = 10 * time.Second
	perSignIn   = 750 * time.Millisecond
	endlessBulk = 1_000_000
)

// idleRounds is how often the people sign in without a bulk. It is cheap, and makes the quantiles steadier.
const idleRounds = 3

// MeasureSignIn has the same people sign in with and without a bulk beside them.
func MeasureSignIn(ctx context.Context, o Options) (SignIn, error) {
	busy, err := measureSignIns(ctx, o, "sign-in during bulk", 1, beside)
	if err != nil {
		return SignIn{}, err
	}
	var idle []time.Duration
	for round := range idleRounds {
		waited, err := measureSignIns(ctx, o, "sign-in without bulk", uint64(1+round), alone)
		if err != nil {
			return SignIn{}, err
		}
		idle = append(idle, waited...)
	}
	return compare(busy, idle), nil
}

func compare(busy, idle []time.Duration) SignIn {
	b := waits{quantile(busy, 0.5), quantile(busy, 0.99)}
	i := waits{quantile(idle, 0.5), quantile(idle, 0.99)}
	return SignIn{
		MedianRatio: hundredths(b.median.Seconds() / i.median.Seconds()),
		P99Ratio:    hundredths(b.p99.Seconds() / i.p99.Seconds()),
		Busy:        b, Idle: i,
	}
}

// neighbour works in the tenant while others sign in, until ctx ends.
type neighbour func(ctx context.Context, t *tenant, p *provision.Provisioner) error

// alone is nobody.
func alone(context.Context, *tenant, *provision.Provisioner) error { return nil }

// beside is a bulk that goes on for longer than anybody signs in.
func beside(ctx context.Context, _ *tenant, p *provision.Provisioner) error {
	_, err := p.EnsureAll(ctx, crowd(endlessBulk), provision.Bulk{})
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return fmt.Errorf("the bulk was over before everybody had signed in: %w", err)
}

// measureSignIns returns how long everybody waited who signed in. The application has made before what writes a bulk may
// make at once: it comes upon the bulk at its steady pace.
func measureSignIns(
	ctx context.Context, o Options, what string, seed uint64, neighbour neighbour,
) (waited []time.Duration, err error) {
	defer collectLess()()
	err = inBubble(ctx, o, what, o.signIns(), func(ctx context.Context, m *meter) error {
		t, err := newTenant(seed, entratest.LagNormal, endlessBulk)
		if err != nil {
			return err
		}
		p, err := t.drained(ctx, ownPace(), allowedWrites*3/4)
		if err != nil {
			return err
		}
		working, stop := context.WithCancel(ctx)
		defer stop()
		ended := make(chan error, 1)
		go func() { ended <- neighbour(working, t, p) }()
		waited, err = signIns(ctx, p, o.signIns(), m)
		stop()
		return errors.Join(err, <-ended)
	})
	return waited, err
}

// signIns has people sign in at random moments.
func signIns(ctx context.Context, p *provision.Provisioner, people int, m *meter) ([]time.Duration, error) {
	moments := rand.New(rand.NewPCG(3, 0))
	waited := make([]time.Duration, people)
	failed := make([]error, people)
	var all sync.WaitGroup
	for i := range people {
		moment := firstSignIn + time.Duration(moments.Int64N(int64(people)*int64(perSignIn)))
		all.Go(func() {
			time.Sleep(moment)
			waited[i], failed[i] = signIn(ctx, p, visitor(i))
			m.tick()
		})
	}
	all.Wait()
	return waited, errors.Join(failed...)
}

// visitor is somebody who signs in, and is not among the people of a bulk.
func visitor(i int) provision.Person {
	id := fmt.Sprintf("v%07d", i)
	return provision.Person{Connection: connection, ID: id, Email: id + "@example.net"}
}

// signIn returns how long a person waits, who tries again when the time is over that a sign-in may take.
func signIn(ctx context.Context, p *provision.Provisioner, person provision.Person) (time.Duration, error) {
	began := time.Now()
	for {
		_, err := p.Ensure(ctx, person)
		var failure *provision.Error
		if errors.As(err, &failure) {
			if after, again := failure.RetryAfter(); again && ctx.Err() == nil {
				time.Sleep(after)
				continue
			}
		}
		return time.Since(began), err
	}
}
