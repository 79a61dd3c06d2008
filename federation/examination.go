package federation

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// examination is everything that the rules look at. It is read once, before the first rule looks; what could not be read
// is in failed, and the rules that need it say nothing then.
type examination struct {
	at     time.Time
	domain string // lower case

	// What is asked: a plan has settings, a diagnosis has an identity provider, a way back has what it leads to.
	settings    *Settings
	idp         *IdentityProvider
	immutableID func(User) string
	user        string    // the UPN of somebody in particular; empty: nobody
	reversal    *reversal // of a way back
	partner     *partner  // of a plan about a partner's guests; settings has then what the two have in common

	// What the tenant says. domains has been read in any case.
	domains       []Domain
	configuration *Configuration // of the domain itself
	inherited     *Configuration // of the root above it
	record        Record
	people        census // of the domain itself
	caller        *Caller
	admins        []User
	policy        *TokenValidationPolicy
	realm         *Realm
	clockOffset   *time.Duration    // the tenant's time less ours
	issuers       map[string]string // of the other domains: issuer to domain

	// writes are what the plan would write; permissions are looked at for them.
	writes []Write

	// failed has what could not be read: the name of the fact, and why. ErrUnsupported where the Directory cannot.
	failed map[fact]error
}

// fact names what is read of the tenant.
type fact string

// The facts that an examination may lack.
const (
	factConfiguration  fact = "the domain's federation"
	factConfigurations fact = "the federations of the other domains"
	factGuests         fact = "the federations for guests"
	factUsers          fact = "the users of the domain"
	factCaller         fact = "whose credential this is"
	factAdministrators fact = "the Global Administrators"
	factPolicy         fact = "the federated token validation policy"
	factRealm          fact = "what realm discovery says"
	factClock          fact = "the tenant's clock"
)

// rule is a Rule and how to look at it. A rule that does not apply finds nothing.
type rule struct {
	Rule
	look func(r Rule, x *examination) []Finding
}

// finding starts a finding of the rule, with its own severity and code.
func (r Rule) finding(summary, remedy, command string, details ...string) Finding {
	return Finding{
		Rule: r.Name, Severity: r.Severity, Summary: summary, Remedy: remedy, Command: command, AADSTS: r.AADSTS,
		Details: details[:min(len(details), MaxDetails)],
	}
}

// examine reads what the rules look at. The error is for a tenant whose domains cannot be read: nothing can be said then.
func (f *Federator) examine(ctx context.Context, x *examination) error {
	x.at = f.now()
	x.domain = strings.ToLower(x.domain)
	x.failed = map[fact]error{}
	var err error
	if x.domains, err = read(ctx, f, f.dir.Domains); err != nil {
		return err
	}
	if !isDomainName(x.domain) {
		return nil // there is nothing more to ask, and a rule says so
	}
	if x.record, _, err = f.record(ctx, x.domain); err != nil {
		return err
	}
	f.examineConfigurations(ctx, x)
	f.examinePeople(ctx, x)
	if x.settings == nil { // no rule of a plan asks how people sign in now
		f.examineSignIn(ctx, x)
	}
	return ctx.Err()
}

func (f *Federator) examineConfigurations(ctx context.Context, x *examination) {
	x.issuers = map[string]string{}
	for _, d := range x.domains {
		if d.AuthenticationType != Federated && d.Name != x.domain {
			continue
		}
		c, err := read(ctx, f, func(ctx context.Context) (*Configuration, error) {
			return f.dir.Configuration(ctx, d.Name)
		})
		if errors.Is(err, ErrNotFound) {
			c, err = nil, nil
		}
		switch {
		case d.Name == x.domain:
			x.configuration = c
			x.lacks(factConfiguration, err)
		case err != nil:
			x.lacks(factConfigurations, err)
		case c != nil:
			x.issuers[c.IssuerURI] = d.Name
			if root := x.root(); root != nil && root.Name == d.Name {
				x.inherited = c
			}
		}
	}
}

func (f *Federator) examinePeople(ctx context.Context, x *examination) {
	var err error
	if people, can := f.dir.(Users); can {
		x.people = newCensus(x.immutableID, x.user)
		x.lacks(factUsers, f.everybody(ctx, people, x.domain, x.people.see))
	} else {
		x.lacks(factUsers, ErrUnsupported)
	}
	f.examineCaller(ctx, x)
	administrators, can := f.dir.(Administrators)
	if !can {
		x.lacks(factAdministrators, ErrUnsupported)
		return
	}
	x.admins, err = read(ctx, f, administrators.GlobalAdministrators)
	x.lacks(factAdministrators, err)
}

func (f *Federator) examineCaller(ctx context.Context, x *examination) {
	administrators, can := f.dir.(Administrators)
	if !can {
		x.lacks(factCaller, ErrUnsupported)
		return
	}
	if caller, err := read(ctx, f, administrators.Caller); err != nil {
		x.lacks(factCaller, err)
	} else {
		x.caller = &caller
	}
}

func (f *Federator) examineSignIn(ctx context.Context, x *examination) {
	if realm, err := f.realm(ctx, x.domain); err != nil {
		x.lacks(factRealm, err)
	} else {
		x.realm = &realm
	}
	if policies, can := f.dir.(TokenPolicies); !can {
		x.lacks(factPolicy, ErrUnsupported)
	} else if policy, err := read(ctx, f, policies.TokenValidationPolicy); err != nil {
		x.lacks(factPolicy, err)
	} else {
		x.policy = &policy
	}
	if clock, can := f.dir.(Clock); !can {
		x.lacks(factClock, ErrUnsupported)
	} else if now, err := read(ctx, f, clock.ServerTime); err != nil {
		x.lacks(factClock, err)
	} else {
		offset := now.Sub(f.now())
		x.clockOffset = &offset
	}
}

// everybody shows each user of a domain, page by page: a domain may have hundreds of thousands.
func (f *Federator) everybody(ctx context.Context, people Users, domain string, see func(User)) error {
	for cursor := ""; ; {
		page, err := read(ctx, f, func(ctx context.Context) (UserPage, error) {
			return people.Users(ctx, domain, cursor)
		})
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			see(u)
		}
		if page.Next == "" {
			return nil
		}
		cursor = page.Next
	}
}

func (x *examination) lacks(what fact, why error) {
	if why != nil && !errors.Is(x.failed[what], ErrForbidden) {
		x.failed[what] = why
	}
}

// has reports whether all these were read.
func (x *examination) has(facts ...fact) bool {
	return !slices.ContainsFunc(facts, func(what fact) bool { return x.failed[what] != nil })
}

// own is the domain itself, or nil if the tenant does not have it.
func (x *examination) own() *Domain { return domainNamed(x.domains, x.domain) }

// root is the root domain that the domain signs in as: itself or one above it, or nil.
func (x *examination) root() *Domain { return rootOf(x.domains, x.domain) }

func domainNamed(domains []Domain, name string) *Domain {
	i := slices.IndexFunc(domains, func(d Domain) bool { return strings.EqualFold(d.Name, name) })
	if i < 0 {
		return nil
	}
	return &domains[i]
}

func rootOf(domains []Domain, name string) *Domain {
	for name != "" {
		if d := domainNamed(domains, name); d != nil && d.IsRoot {
			return d
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return nil
}
