package provision

import "context"

// maintain does one thing about a person who is known, in a run of its own: no other call shares it, runs of the same
// person wait for it and it for them, in this process and in others that share the store's leases. It is bulk work. When
// ctx ends, what has begun is let finish first. The error is an *[Error] of the step.
func (p *Provisioner) maintain(
	ctx context.Context, key PersonKey, kind errandKind, work func(r *run, ctx context.Context) error,
) error {
	return p.maintainPerson(ctx, Person{Connection: key.Connection, ID: key.ID}, errand{kind: kind}, work)
}

func (p *Provisioner) maintainPerson(
	ctx context.Context, person Person, e errand, work func(r *run, ctx context.Context) error,
) error {
	key := person.Key()
	err := key.Validate()
	if err == nil && ctx.Err() != nil {
		err = ended(ctx)
	}
	if err != nil {
		return &Error{Step: e.first(), Person: key, Err: err}
	}
	how := plan{errand: e, work: work, priority: PriorityLow, budget: p.settle.Budget, brief: true}
	f, _, err := p.flights.join(ctx, key, how, p.flyer(person))
	if err != nil {
		return &Error{Step: e.first(), Person: key, Err: err}
	}
	select {
	case <-f.landed:
	case <-ctx.Done():
	}
	p.flights.leave(f)
	<-f.landed
	_, err = f.result()
	return err
}

// stepOfUpkeep is the one step of a run that maintains.
func (r *run) stepOfUpkeep() []step {
	return []step{{r.errand.first(), func(ctx context.Context) (outcome, error) {
		known := func(ctx context.Context) (outcome, error) { return done, r.loadRecord(ctx) }
		if _, err := r.withLease(ctx, known); err != nil {
			return done, err
		}
		return done, r.work(r, ctx)
	}}}
}
