package federation

import (
	"context"
	"errors"
)

// state reads what a plan for the domain depends on.
func (f *Federator) state(ctx context.Context, domain string) (State, error) {
	domains, err := read(ctx, f, f.dir.Domains)
	if err != nil {
		return State{}, err
	}
	s := stateOf(domains, domain)
	if s.Domain == nil {
		return s, nil
	}
	s.Configuration, err = read(ctx, f, func(ctx context.Context) (*Configuration, error) {
		return f.dir.Configuration(ctx, domain)
	})
	if errors.Is(err, ErrNotFound) {
		return s, nil
	}
	return s, err
}

// stateOf is the state as far as the domains tell it.
func stateOf(domains []Domain, domain string) State {
	s := State{}
	if d := domainNamed(domains, domain); d != nil {
		read := *d
		s.Domain = &read
	}
	for _, d := range domains {
		if d.IsDefault {
			s.DefaultDomain = d.Name
		}
	}
	return s
}

// state is what was read, as a plan keeps it.
func (x *examination) state() State {
	s := stateOf(x.domains, x.domain)
	s.Configuration = x.configuration
	return s
}
