package provision

import "context"

// Wait returns when all runs that are under way now have ended, or with an error as soon as ctx ends. A program that
// stops calls it when nobody calls Ensure any more, and before it closes the store: a run that everybody has left lets
// its last write finish, records it, and gives the person's lease back, so that the next process need not wait for the
// lease to expire. It cancels nothing.
func (p *Provisioner) Wait(ctx context.Context) error {
	for _, landed := range p.flights.underWay() {
		select {
		case <-landed:
		case <-ctx.Done():
			return ended(ctx)
		}
	}
	return nil
}

// underWay are closed when the runs that are under way now have ended.
func (g *flights) underWay() (landed []<-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.running {
		landed = append(landed, f.landed)
	}
	return landed
}
