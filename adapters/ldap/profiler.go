package ldap

import (
	"context"
	"errors"

	goldap "github.com/go-ldap/ldap/v3"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/provision"
)

// Profiler is an [adapters.Profiler] for hosts that sign people in by other means, and whose people stand in a
// directory. Put it beside the host's Authenticator:
//
//	type host struct {
//		adapters.Authenticator
//		adapters.Profiler
//	}
//
// Make one with [NewProfiler]. It is safe for concurrent use.
type Profiler struct {
	cfg     Config
	key     func(provision.Person) string
	servers *servers
}

var _ adapters.Profiler = (*Profiler)(nil)

// NewProfiler returns a Profiler, or one error that lists everything that is missing or wrong. BindDN is required.
//
// key says by which name Config.UserFilter finds a person: their Email, for example, if the host has proved that it is
// theirs. nil: Person.ID is objectGUID or entryUUID as text, and UserFilter is not used.
func NewProfiler(cfg Config, key func(provision.Person) string) (*Profiler, error) {
	cfg = cfg.withDefaults()
	err := cfg.check()
	if cfg.BindDN == "" {
		err = errors.Join(err, errors.New("ldap: a Profiler needs BindDN: people's passwords are not there"))
	}
	if err != nil {
		return nil, err
	}
	return &Profiler{cfg: cfg, key: key, servers: newServers(cfg)}, nil
}

// Profile implements [adapters.Profiler]. Connection and ID stay those of the host; an empty Email, name, or Claims,
// UPN and ImmutableID are the directory's, the latter two for people of a directory sync only. The connection of
// Config.Synced has no effect here, so a person of the sync must come from it already.
//
// The error is an [*Error]: for somebody who is not in the directory it matches [ErrWrong], for an account that is
// disabled, locked or expired, and for one outside of Groups.Required, [adapters.ErrDenied].
func (p *Profiler) Profile(ctx context.Context, signedIn adapters.SignedIn) (provision.Person, error) {
	filter, err := p.filter(signedIn.Person)
	if err != nil {
		return provision.Person{}, err
	}
	var entry *goldap.Entry
	var found provision.Person
	err = p.servers.use(ctx, func(conn *goldap.Conn) (err error) {
		if err := p.cfg.bindSearcher(conn); err != nil {
			return err
		}
		entry, err = p.cfg.find(conn, filter)
		return err
	}, func(conn *goldap.Conn) (err error) {
		if err := p.cfg.usable(entry, false); err != nil {
			return err
		}
		found, err = p.cfg.person(conn, entry)
		return err
	})
	if err != nil {
		return provision.Person{}, about(entry, err)
	}
	return merged(signedIn.Person, found), nil
}

// filter finds the person, whom the host has signed in.
func (p *Profiler) filter(person provision.Person) (string, error) {
	if p.key != nil {
		name := p.key(person)
		if !plausibleName(name) {
			return "", problem("search", ErrWrong, "the person has no name that the directory can be asked about")
		}
		return filled(p.cfg.UserFilter, "name", name), nil
	}
	raw, err := guidBytes(person.ID)
	if err != nil {
		return "", problem("search", ErrWrong, "Person.ID is not what the directory knows people by: %v", err)
	}
	if p.cfg.Kind == ActiveDirectory {
		return "(" + attrObjectGUID + "=" + goldap.EscapeFilter(string(raw)) + ")", nil
	}
	return "(" + p.cfg.Attributes.ID + "=" + goldap.EscapeFilter(person.ID) + ")", nil
}

// merged is the person with what the directory says where the host says nothing.
func merged(person, found provision.Person) provision.Person {
	fill(&person.Email, found.Email)
	fill(&person.DisplayName, found.DisplayName)
	fill(&person.GivenName, found.GivenName)
	fill(&person.Surname, found.Surname)
	if found.UPN != "" { // of a sync
		fill(&person.UPN, found.UPN)
		fill(&person.ImmutableID, found.ImmutableID)
	}
	claims := found.Claims
	for name, value := range person.Claims {
		claims[name] = value
	}
	person.Claims = claims
	return person
}
