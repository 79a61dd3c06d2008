package provision

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// creationLinger is how long a creation that nobody waits for waits for others to go with.
const creationLinger = 500 * time.Millisecond

// creation is one user whom a run creates together with others.
type creation struct {
	by   *caller
	user NewUser
}

func (c creation) from() *caller { return c.by }

// creations are the users to create. There is one queue.
type creations = coalescer[struct{}, creation, User]

// newCreations returns the Provisioner's creations, or nil if its directory creates users one by one only.
func newCreations(p *Provisioner) *creations {
	directory, ok := p.directory.(UserBatches)
	if !ok {
		return nil
	}
	return newCoalescer(p, MaxBatch, creationLinger,
		func(ctx context.Context, _ struct{}, b *batch[creation, User]) error {
			return createUsers(ctx, directory, b)
		})
}

// createUser sends a creation once: together with those of other runs if nobody waits for it.
func (r *run) createUser(ctx context.Context, user NewUser) (created User, err error) {
	if r.heed(); r.priority == PriorityLow && r.p.creations != nil {
		created, err = share(ctx, r.p.creations, struct{}{}, creation{by: &r.caller, user: user})
		if err != errHurried {
			return created, err
		}
	}
	err = r.ask(ctx, opCreateUser, writing, func(ctx context.Context) (err error) {
		defer hidePasswords(user)
		created, err = r.p.directory.CreateUser(ctx, user)
		return withoutPasswords(err, user)
	})
	return created, err
}

// createUsers creates the users of a batch in one round trip. Each gets the result that is its own. An error of the
// round trip is everybody's: whether the users were created is not known then, and each run finds out for itself.
func createUsers(ctx context.Context, directory UserBatches, b *batch[creation, User]) error {
	c, ctx, cancel := callerFor(ctx, b)
	defer cancel()
	if c == nil {
		return ctx.Err()
	}
	var sent []*ticket[creation, User]
	var results []Created
	err := c.ask(ctx, opCreateUsers, writes(len(b.tickets)), func(ctx context.Context) (err error) {
		if sent = b.take(); len(sent) == 0 {
			return ctx.Err()
		}
		if results, err = sendCreations(ctx, directory, sent); err != nil {
			return err
		}
		return throttledOf(results) // holds everybody back, as any 429 does
	})
	if len(results) == 0 {
		return err
	}
	for i, t := range sent {
		b.settle(t, results[i].User, results[i].Err)
	}
	return nil
}

func sendCreations(ctx context.Context, directory UserBatches, sent []*ticket[creation, User]) ([]Created, error) {
	users := make([]NewUser, len(sent))
	for i, t := range sent {
		users[i] = t.want.user
	}
	defer hidePasswords(users...)
	results, err := directory.CreateUsers(ctx, users)
	if err == nil && len(results) != len(users) {
		err = &DirectoryError{
			Operation: "creating users in a batch",
			Err:       fmt.Errorf("%d users got %d answers", len(users), len(results)),
		}
	}
	if err != nil {
		return nil, withoutPasswords(err, users...)
	}
	for i := range results {
		results[i].Err = withoutPasswords(results[i].Err, users...)
	}
	return results, nil
}

// throttledOf is the 429 among the results that asks for the longest delay, or nil.
func throttledOf(results []Created) (longest error) {
	for _, result := range results {
		if errors.Is(result.Err, ErrThrottled) && (longest == nil || askedDelay(result.Err) > askedDelay(longest)) {
			longest = result.Err
		}
	}
	return longest
}
