package main

import (
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// drawConnections draws rules for connections in some histories: some people are refused, some skipped, some get other
// licences. Its dice are its own, so that other histories stay as they are.
func (p *plan) drawConnections(d *dice) {
	if !d.in(30) {
		return
	}
	possible := []struct {
		rule    provision.ConnectionRule
		percent int
	}{
		{provision.ConnectionRule{Name: "partners", Connection: "google", EmailDomains: []string{"Example.org"},
			Action: provision.ActionRefuse}, 40},
		{provision.ConnectionRule{Name: "directory", Connection: "ldap", Claims: map[string]string{"synced": "yes"},
			Action: provision.ActionSkip}, 50},
		{provision.ConnectionRule{Name: "contractors", Connection: "goo*", EmailDomains: []string{"example.net"},
			Action: provision.ActionProvision, Licenses: ownLicenses(d)}, 40},
		{provision.ConnectionRule{Name: "agency", Connection: "linkedin", Action: provision.ActionProvision,
			Licenses: ownLicenses(d)}, 50},
		{provision.ConnectionRule{Name: "rest", Connection: "*", Action: provision.ActionProvision}, 80},
	}
	for _, one := range possible {
		if d.in(one.percent) {
			p.rules.Connections = append(p.rules.Connections, one.rule)
		}
	}
	if len(p.rules.Connections) == 0 {
		return
	}
	for i := range p.people[1:] {
		one := &p.people[i+1]
		if one.UPN != "" && one.ImmutableID != "" {
			one.Claims = map[string]string{"synced": "yes"}
		}
		p.fate(one)
	}
}

// ownLicenses are what a rule gives in place of what everybody gets: nothing at all for some.
func ownLicenses(d *dice) []provision.License {
	return append([]provision.License{}, drawLicenses(d)...)
}

// fate decides what becomes of a person by the rules. It is told apart from the pipeline's own decision.
func (p *plan) fate(one *person) {
	for _, c := range p.rules.Connections {
		beginning, any := strings.CutSuffix(c.Connection, "*")
		fits := one.Connection == c.Connection || any && strings.HasPrefix(one.Connection, beginning)
		for _, domain := range c.EmailDomains {
			fits = fits && strings.HasSuffix(one.Email, "@"+strings.ToLower(domain))
		}
		if fits = fits && one.Claims["synced"] == c.Claims["synced"] || fits && c.Claims == nil; fits {
			one.banned, one.skipped, one.licenses = c.Action == provision.ActionRefuse, c.Action == provision.ActionSkip, c.Licenses
			return
		}
	}
	one.banned = true
}

// licensesOf are what the rules give to a person now.
func (w *world) licensesOf(who int) []provision.License {
	if own := w.plan.people[who].licenses; own != nil {
		return own
	}
	return w.plan.rules.Licenses
}

// judgePolicy: nothing is written for somebody whom the rules refuse or skip.
func (j *judge) judgePolicy(h *host, op string, who int) {
	if one := j.w.plan.people[who]; one.banned || one.skipped {
		j.violate(ruleRefused, "%s sends %s for person %d, whom the rules refuse or skip", h.name, op, who)
	}
}

// judgeFate looks at what somebody is told whom the rules refuse or skip. ok is false for everybody else.
func (j *judge) judgeFate(a answer) (ok bool) {
	one := j.w.plan.people[a.who]
	switch {
	case one.refused && !one.skipped, one.banned:
		j.violate(ruleRefused, "%s tells person %d of %s", a.h.name, a.who, a.account.UPN)
	case one.skipped && (!a.account.Skipped || a.account.UPN != one.UPN || a.account.ImmutableID != one.immutableID):
		j.violate(ruleRefused, "%s tells person %d, who is skipped, of %+v", a.h.name, a.who, a.account)
	case !one.skipped:
		return false
	}
	return true
}
