package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// manners is how long a loop waits before it repeats a request that Graph refused with 429.
type manners func(err error) time.Duration

// politely waits as long as Graph asks.
func politely(err error) time.Duration {
	var answer *provision.DirectoryError
	if errors.As(err, &answer) {
		return answer.RetryAfter
	}
	return 0
}

// measureLoop has a plain loop provision everybody, one by one: three writes each.
func measureLoop(ctx context.Context, o Options, what string, wait manners) (f finish, err error) {
	defer collectLess()()
	err = inBubble(ctx, o, what, o.People, func(ctx context.Context, m *meter) error {
		t, err := newTenant(1, entratest.LagNone, o.People)
		if err != nil {
			return err
		}
		if err := t.drain(ctx, allowedWrites); err != nil {
			return err
		}
		for i := range o.People {
			heeding := func(err error) time.Duration { m.heed(); return wait(err) }
			if err := t.provisionPlainly(ctx, member(i), heeding); err != nil {
				return err
			}
			f.ready = append(f.ready, time.Since(m.began))
			m.tick()
		}
		f.writes = t.graph.writes()
		return t.licensed(o.People)
	})
	return f, err
}

// provisionPlainly does for one person what guides publish.
func (t *tenant) provisionPlainly(ctx context.Context, person provision.Person, wait manners) error {
	var user provision.User
	for _, write := range []func() error{
		func() (err error) {
			user, err = t.graph.CreateUser(ctx, provision.NewUser{
				UserPrincipalName: person.ID + "@" + domain, ImmutableID: person.ID, DisplayName: person.Email,
				MailNickname: person.ID, UsageLocation: "DE", Password: "Never-Used-By-Anybody-1",
			})
			return err
		},
		func() error {
			return t.graph.ChangeLicenses(ctx, user.ObjectID, provision.LicenseChange{
				Add: []provision.LicenseGrant{{SKUID: business}},
			})
		},
		func() error { return t.graph.AddMembers(ctx, partners, []string{user.ObjectID}) },
	} {
		err := write()
		for errors.Is(err, provision.ErrThrottled) {
			select {
			case <-time.After(wait(err)):
			case <-ctx.Done():
				return ctx.Err()
			}
			err = write()
		}
		if err != nil {
			return err
		}
	}
	return nil
}
