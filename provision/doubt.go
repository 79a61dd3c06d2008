package provision

import "time"

// doubt is about what a replica that lags may show, too. It is over when the same was shown, without a break, for so long
// as any change takes to be known everywhere.
type doubt struct{ since time.Time }

// over is called each time that it is shown.
func (d *doubt) over(c *caller) bool {
	now := c.p.now()
	if d.since.IsZero() {
		d.since = now
	}
	return now.Sub(d.since) >= c.p.settle.least()
}
