package main

import (
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// processing is when the directory works out what a group gives to one user. It does so in its own time, after the user
// joined or left the group, and after a seat became free.
type processing struct {
	at       time.Duration
	group    *group
	objectID string
}

// process has what a group gives worked out for a user, some time from now.
func (t *tenant) process(g *group, objectID string) {
	if len(g.SKUIDs) == 0 {
		return
	}
	wait := t.engine.between(200*time.Millisecond, 6*time.Second)
	if t.engine.in(10) {
		wait = t.engine.between(time.Second, time.Minute)
	}
	t.processAt(processing{t.now() + wait, g, objectID})
}

// processAt keeps what is due in the order of time.
func (t *tenant) processAt(p processing) {
	i := len(t.due)
	for i > 0 && t.due[i-1].at > p.at {
		i--
	}
	t.due = slices.Insert(t.due, i, p)
}

// catchUp does what was due until now. Nobody has looked since, so that it does not matter that it is done late.
func (t *tenant) catchUp() {
	for len(t.due) > 0 && t.due[0].at <= t.now() {
		p := t.due[0]
		t.due = t.due[1:]
		if o := t.byID(p.objectID); o.state == active {
			t.license(o, p.group, p.at)
		}
	}
}

// license works out what a group gives to a user. If it cannot give all of it, it gives nothing.
func (t *tenant) license(o *object, g *group, at time.Duration) {
	before := o.inherited
	o.inherited = slices.DeleteFunc(slices.Clone(before), func(l provision.AssignedLicense) bool {
		return l.GroupID == g.ObjectID
	})
	if slices.Contains(g.members, o.ObjectID) {
		o.inherited = append(o.inherited, t.given(o, g)...)
	}
	if slices.EqualFunc(before, o.inherited, sameLicense) {
		return
	}
	t.count(o, at)
	t.wroteThen(o, &t.engine, "the licensing of groups", at)
}

// given is what a group gives to a member, or why it does not.
func (t *tenant) given(o *object, g *group) []provision.AssignedLicense {
	var all []provision.AssignedLicense
	refused := false
	for _, id := range g.SKUIDs {
		l := provision.AssignedLicense{SKUID: id, GroupID: g.ObjectID, State: licenseActive}
		if t.sku(id).Free() == 0 && !slices.Contains(o.SKUIDs, id) {
			l.State, l.Error, refused = licenseError, "CountViolation", true
		}
		all = append(all, l)
	}
	for i := range all {
		if refused && all[i].State == licenseActive {
			all[i].State, all[i].Error = licenseError, "Other"
		}
	}
	return all
}

// The states of a licence that is assigned.
const (
	licenseActive = "Active"
	licenseError  = "Error"
)

func sameLicense(a, b provision.AssignedLicense) bool {
	return a.SKUID == b.SKUID && a.GroupID == b.GroupID && a.State == b.State && a.Error == b.Error
}

// seat replaces the seats that were given to a user directly.
func (t *tenant) seat(o *object, seats []string) {
	o.direct = seats
	t.count(o, t.now())
}

// count works out which seats a user has, and how many of them are used: one of each subscription, wherever it comes from.
func (t *tenant) count(o *object, at time.Duration) {
	before := o.SKUIDs
	o.SKUIDs, o.Licenses = slices.Clone(o.direct), nil
	for _, id := range o.direct {
		o.Licenses = append(o.Licenses, provision.AssignedLicense{SKUID: id, State: licenseActive})
	}
	for _, l := range o.inherited {
		o.Licenses = append(o.Licenses, l)
		if l.State == licenseActive && !slices.Contains(o.SKUIDs, l.SKUID) {
			o.SKUIDs = append(o.SKUIDs, l.SKUID)
		}
	}
	for _, id := range o.SKUIDs {
		if !slices.Contains(before, id) {
			t.sku(id).Consumed++
		}
	}
	for _, id := range before {
		if !slices.Contains(o.SKUIDs, id) {
			t.sku(id).Consumed--
			t.freed(id, at)
		}
	}
}

// freed has the groups tried again that lacked a seat.
func (t *tenant) freed(skuID string, at time.Duration) {
	for _, o := range t.objects {
		for _, l := range o.inherited {
			if l.State == licenseError && l.SKUID == skuID {
				g, _ := t.findGroup(provision.GroupKey{ObjectID: l.GroupID})
				t.processAt(processing{at + t.engine.between(time.Second, 30*time.Second), g, o.ObjectID})
			}
		}
	}
}

// isMember reports whether a user is a member of a group, whatever the replicas say.
func (t *tenant) isMember(name, objectID string) bool {
	return slices.ContainsFunc(t.groups, func(g *group) bool {
		return strings.EqualFold(g.UniqueName, name) && slices.Contains(g.members, objectID)
	})
}

// gives is what a group gives.
func (t *tenant) gives(name string) []string {
	for _, g := range t.groups {
		if g.UniqueName == name {
			return g.SKUIDs
		}
	}
	return nil
}

// inherits reports whether a user is a member of a group and has from it all that it gives.
func (t *tenant) inherits(o *object, name string) bool {
	have := 0
	for _, l := range o.inherited {
		g, _ := t.findGroup(provision.GroupKey{ObjectID: l.GroupID})
		if g.UniqueName == name && l.State == licenseActive {
			have++
		}
	}
	return have > 0 && have == len(t.gives(name)) && t.isMember(name, o.ObjectID)
}
