package pipeline

import (
	"context"
	"io"
)

// DefaultPeople is how many people the bulk has.
const DefaultPeople = 10_000

// LeastPeople is the fewest with whom the numbers mean anything.
const LeastPeople = 200

// Options say how much is measured.
type Options struct {
	// People is how many the bulk has, at least LeastPeople; everything else follows from it: one in 25 of them, but no
	// fewer than 20, sign in during a bulk, and half as many for each lag; a hundred times as many are in the stream.
	People int

	// Progress gets a line every now and then.
	Progress io.Writer
}

func (o Options) signIns() int { return max(20, o.People/25) }

func (o Options) arrivals() int { return max(20, o.People/50) }

func (o Options) stream() int { return 100 * o.People }

// Measure makes all measurements. When ctx ends it stops soon, with an error.
func Measure(ctx context.Context, o Options) (Result, error) {
	var r Result
	for _, part := range []func() error{
		func() (err error) { r.Bulk, err = MeasureBulk(ctx, o); return err },
		func() (err error) { r.SignIn, err = MeasureSignIn(ctx, o); return err },
		func() (err error) { r.ReadyAfterLag, err = MeasureReadyAfterLag(ctx, o); return err },
		func() (err error) { r.Stream, err = MeasureStream(ctx, o); return err },
	} {
		if err := part(); err != nil {
			return Result{}, err
		}
	}
	return r, nil
}
