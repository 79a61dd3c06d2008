package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// plan is all that a seed decides before anything happens. What happens then follows from the plan and from dice that
// are made of the same seed.
type plan struct {
	seed    uint64
	stores  []storePlan
	hosts   []hostPlan
	people  []person // the first one is number 1: number 0 is nobody
	foreign []provision.User
	rules   provision.Rules
	settle  provision.Settle
	skus    []provision.SKU
	weather weather
	actions []action
	leaving bool // people are retired and restored, and administrators delete accounts
	bulk    bool // people are provisioned in bulk

	pace        *provision.Pace // of a pacer that all hosts share; nil: each has its own
	deployment  deployment
	reconcilers []reconcilerPlan
}

// deployment is a change of the rules: all hosts start again with other licences. Its time is 0 where there is none.
type deployment struct {
	at       time.Duration
	licenses []provision.License
}

// relicenses reports whether what was given to people who stay may be taken back: for want of a seat in a group, by other
// rules, or by an administrator.
func (p *plan) relicenses() bool {
	given := slices.Clone(p.rules.Licenses)
	for _, one := range p.people {
		given = append(given, one.licenses...)
	}
	byGroup := slices.ContainsFunc(given, func(l provision.License) bool {
		return slices.ContainsFunc(alternatives(l), func(l provision.License) bool { return l.Group != "" })
	})
	return byGroup || p.deployment.at > 0 || len(p.reconcilers) > 0
}

// storePlan is the memory of one host, or of several.
type storePlan struct {
	leases bool
	fails  int // percent of its calls, while the storm lasts
}

// hostPlan is one host.
type hostPlan struct {
	store   int
	crashes []crash // one for each of its first lives; the lives after those do not crash by themselves
}

// crash ends a life of a host at one of its calls.
type crash struct {
	call  int           // of all of this life, from 1 on
	after bool          // the call took effect
	down  time.Duration // until the host is started again
}

// person is somebody who signs in.
type person struct {
	provision.Person
	immutableID string
	refused     bool // because of an account that is there, however often they try

	// What the rules for connections say.
	banned   bool // they refuse the person
	skipped  bool
	licenses []provision.License // what the person gets; nil: what everybody gets
}

// The purposes of dice.
const (
	forPlan = iota
	forCalls
	forPasswords
	forSignIns
	forLicensing
	forRules
)

const (
	domain      = "contoso.com"
	primarySKU  = "f245ecc8-75af-4f8e-b61f-27d8114de5f3"
	secondSKU   = "efccb6f7-5641-4e0e-bd10-b4976e1bf68e"
	spareSKU    = "18181a46-0d4e-45cd-891e-60aabd171b4e"
	everyone    = "everyone"
	contractors = "contractors"
	standard    = "standard" // gives the first subscription
	suite       = "suite"    // gives the first and the second
	spare       = "spare"
)

// tenantGroups are the groups of the tenant.
func tenantGroups() []provision.Group {
	return []provision.Group{
		{UniqueName: everyone},
		{UniqueName: contractors},
		{UniqueName: standard, SKUIDs: []string{primarySKU}},
		{UniqueName: suite, SKUIDs: []string{primarySKU, secondSKU}},
		{UniqueName: spare, SKUIDs: []string{spareSKU}},
	}
}

func drawPlan(seed uint64) plan {
	d := newDice(seed, forPlan)
	p := plan{seed: seed}
	p.weather = drawWeather(&d)
	p.drawHosts(&d)
	p.leaving = len(p.stores) == 1 && p.stores[0].leases && d.in(60)
	p.drawPeople(&d)
	p.drawRules(&d)
	p.drawSeats(&d)
	p.drawWork(&d)
	p.drawActions(&d)
	rules := newDice(seed, forRules)
	p.drawConnections(&rules)
	return p
}

func (p *plan) drawHosts(d *dice) {
	p.stores = make([]storePlan, 1+d.below(2))
	for i := range p.stores {
		p.stores[i].leases = d.in(75)
		if d.in(25) {
			p.stores[i].fails = 1 + d.below(5)
		}
	}
	p.hosts = make([]hostPlan, 2+d.below(2))
	for i := range p.hosts {
		p.hosts[i].store = i % len(p.stores)
		for d.in(40) && len(p.hosts[i].crashes) < 2 {
			p.hosts[i].crashes = append(p.hosts[i].crashes, crash{
				call:  1 + d.below(40),
				after: d.in(50),
				down:  d.between(time.Second, time.Minute),
			})
		}
	}
}

// drawPeople makes people whose names collide with each other's and with accounts that are there.
func (p *plan) drawPeople(d *dice) {
	candidates := []provision.Person{
		{Connection: "google", ID: "1", Email: "sam@example.net"},
		{Connection: "google", ID: "2", Email: "sam@example.org"},
		{Connection: "linkedin", ID: "1", Email: "Sam+work@example.com"},
		{Connection: "ldap", ID: "1", Email: "admin@example.net"},
		{Connection: "ldap", ID: "2"},
		{Connection: "ldap", ID: "3", UPN: "staff@" + domain, ImmutableID: "MyIRAFVEd2aImaq7zN3u/w=="},
		{Connection: "ldap", ID: "4", UPN: "other.staff@" + domain},
	}
	p.people = make([]person, 1, 5)
	for n := 2 + d.below(3); len(p.people) <= n; {
		i := d.below(len(candidates))
		one := person{Person: candidates[i], immutableID: candidates[i].ImmutableID}
		candidates = append(candidates[:i], candidates[i+1:]...)
		if one.immutableID == "" {
			one.immutableID = provision.ImmutableIDFromSubject(one.Connection, one.ID)
		}
		one.DisplayName = displayName(len(p.people))
		p.drawForeign(d, &one)
		p.people = append(p.people, one)
	}
	if d.in(30) {
		p.hasForeign(provision.User{UserPrincipalName: "sam2@" + domain, ImmutableID: "bystander"})
	}
}

// displayName is how an account tells whose it is, whatever its ImmutableID and UPN.
func displayName(number int) string { return fmt.Sprintf("Person %d", number) }

// drawForeign puts an account into one's way, for some.
func (p *plan) drawForeign(d *dice, one *person) {
	first := one.UPN
	if first == "" {
		first, _ = provision.UPNFromEmail(domain)(one.Person, 0)
	}
	switch d.below(10) {
	case 0, 1: // somebody has the UPN
		p.hasForeign(provision.User{UserPrincipalName: first, ImmutableID: []string{"", "bystander"}[d.below(2)]})
		one.refused = one.UPN != ""
	case 2, 3: // the account is there already
		if one.UPN == "" {
			first = fmt.Sprintf("legacy%d@%s", d.below(100), domain)
		}
		p.hasForeign(provision.User{UserPrincipalName: first, ImmutableID: one.immutableID})
	case 4: // somebody has nearly the same ImmutableID
		if upper := strings.ToUpper(one.immutableID); upper != one.immutableID {
			upn := fmt.Sprintf("nearly%d@%s", len(p.people), domain)
			p.hasForeign(provision.User{UserPrincipalName: upn, ImmutableID: upper})
			one.refused = p.weather.foldsIDs // otherwise nobody finds it
		}
	}
}

// hasForeign adds an account that was there before, unless its UPN or ImmutableID is in use.
func (p *plan) hasForeign(user provision.User) {
	for _, other := range p.foreign {
		if strings.EqualFold(other.UserPrincipalName, user.UserPrincipalName) {
			return
		}
		if user.ImmutableID != "" && strings.EqualFold(other.ImmutableID, user.ImmutableID) {
			user.ImmutableID = ""
		}
	}
	user.UsageLocation, user.AccountEnabled, user.DisplayName = "DE", true, "Somebody else"
	user.CreatedAt = epoch.AddDate(-1, 0, 0)
	p.foreign = append(p.foreign, user)
}

func (p *plan) drawRules(d *dice) {
	p.rules = provision.Rules{Domain: domain, UsageLocation: "DE"}
	p.rules.Adopt.Deleted = p.leaving && d.in(40)
	p.settle = provision.Settle{Budget: []time.Duration{40 * time.Second, time.Minute, 2 * time.Minute}[d.below(3)]}
	if d.in(20) {
		p.settle.Dwell = d.between(time.Second, 20*time.Second)
	}
	p.rules.Licenses = drawLicenses(d)
	if d.in(40) {
		p.rules.Groups = append(p.rules.Groups, everyone)
		if d.in(30) {
			p.rules.Groups = append(p.rules.Groups, contractors)
		}
	}
}

// drawLicenses draws what everybody gets: seats that are given directly, or by groups, with alternatives or without.
func drawLicenses(d *dice) (licenses []provision.License) {
	if d.in(80) {
		licenses = append(licenses, provision.License{SKU: primarySKU})
		first := &licenses[0]
		if d.in(50) {
			first.Fallbacks = []provision.License{{SKU: spareSKU}}
		}
		if d.in(30) {
			first.SKU, first.Group = "", []string{standard, suite}[d.below(2)]
		}
		if len(first.Fallbacks) > 0 && d.in(30) {
			first.Fallbacks[0] = provision.License{Group: spare}
		}
	}
	if d.in(20) {
		licenses = append(licenses, provision.License{SKU: "EMS"})
	}
	return licenses
}

// drawWork decides which hosts do more than to let people sign in.
func (p *plan) drawWork(d *dice) {
	if d.in(20) {
		p.pace = drawPace(d)
	}
	p.bulk = d.in(15)
	if d.in(15) {
		p.reconcilers = append(p.reconcilers, drawReconciler(d, 0))
		if d.in(20) {
			p.reconcilers = append(p.reconcilers, drawReconciler(d, 1))
		}
	}
	if len(p.stores) == 1 && p.stores[0].leases && d.in(20) {
		p.deployment = deployment{d.between(10*time.Second, 4*time.Minute), drawLicenses(d)}
	}
}

// drawSeats makes seats scarce for some.
func (p *plan) drawSeats(d *dice) {
	p.skus = []provision.SKU{
		{ID: primarySKU, PartNumber: "O365_BUSINESS_PREMIUM"},
		{ID: secondSKU, PartNumber: "EMS"},
		{ID: spareSKU, PartNumber: "STANDARDPACK"},
	}
	for i := range p.skus {
		p.skus[i].AppliesTo, p.skus[i].Status = "User", "Enabled"
		p.skus[i].Enabled = 100
		if d.in(25) {
			p.skus[i].Enabled = 1 + d.below(len(p.people)-1)
		}
	}
}

// drawActions decides what happens and when: much of it at once, some of it much later.
func (p *plan) drawActions(d *dice) {
	kinds := p.kinds()
	for number := 1; number < len(p.people); number++ {
		for range 1 + d.below(3) {
			p.actions = append(p.actions, drawAction(d, p, kinds, number))
		}
	}
}
