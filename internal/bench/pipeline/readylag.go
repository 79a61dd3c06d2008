package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// ReadyLag is how much later than the tenant Ensure is ready, in seconds: the median.
type ReadyLag struct {
	Lag   float64 `json:"lag_s"`
	Extra float64 `json:"extra_median_s"`

	Default float64 `json:"-"` // under the default settings
}

// lags are those of which the directory is made to have one after the other.
func lags() []time.Duration {
	seconds := []time.Duration{1, 2, 5, 10, 15, 20, 30}
	for i := range seconds {
		seconds[i] *= time.Second
	}
	return seconds
}

// measuringHost is what a host sets that knows by measuring that the sign-in service never trails behind the replicas.
func measuringHost() provision.Settle {
	return provision.Settle{Dwell: -1}
}

// MeasureReadyAfterLag measures each lag under each of the settings.
func MeasureReadyAfterLag(ctx context.Context, o Options) ([]ReadyLag, error) {
	var rows []ReadyLag
	quiet := o
	quiet.Progress = io.Discard
	for _, lag := range lags() {
		fmt.Fprintf(o.Progress, "ready after a lag of %v: %d people, twice\n", lag, o.arrivals())
		row := ReadyLag{Lag: lag.Seconds()}
		for _, c := range []struct {
			settle provision.Settle
			to     *float64
		}{
			{measuringHost(), &row.Extra},
			{provision.Settle{}, &row.Default},
		} {
			extra, err := measureLag(ctx, quiet, newLagging(lag, 0), c.settle)
			if err != nil {
				return nil, err
			}
			*c.to = hundredths(quantile(extra, 0.5).Seconds())
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// errTooEarly is somebody who was sent to sign in before the tenant was ready.
var errTooEarly = errors.New("somebody was ready before the tenant was")

// measureLag returns how much later than the tenant Ensure was ready, for each of the people. They come one after the
// other, so that the pacer does not hold them back.
func measureLag(
	ctx context.Context, o Options, d *lagging, settle provision.Settle,
) (extra []time.Duration, err error) {
	err = inBubble(ctx, o, "ready after lag", o.arrivals(), func(ctx context.Context, m *meter) error {
		p, err := provision.New(provision.Config{
			Directory: d, Rules: provision.Rules{Domain: domain, UsageLocation: "DE"}, Settle: settle,
		})
		if err != nil {
			return err
		}
		for i := range o.arrivals() {
			account, err := p.Ensure(ctx, member(i))
			if err != nil {
				return err
			}
			extra = append(extra, time.Since(d.readyAt(account.ImmutableID)))
			if extra[i] < 0 {
				return fmt.Errorf("%w: by %v", errTooEarly, -extra[i])
			}
			m.tick()
		}
		return nil
	})
	return extra, err
}
