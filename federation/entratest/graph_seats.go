package entratest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// license is a seat of a SKU that a user holds, or would hold if nothing stood in its way. At a group it is what the
// members are to have.
type license struct {
	skuID         string
	disabledPlans []string
	assigned      time.Time
	group         string // the group that it is inherited from; empty: it was assigned directly
	problem       string // what is wrong with an inherited licence, or empty
	held          bool   // the seat is held in spite of the problem
}

func (l license) active() bool { return l.problem == "" || l.held }

func (l license) equal(other license) bool {
	return l.skuID == other.skuID && slices.Equal(l.disabledPlans, other.disabledPlans) &&
		l.assigned.Equal(other.assigned) && l.group == other.group && l.problem == other.problem && l.held == other.held
}

// state is the state of licenseAssignmentState: https://learn.microsoft.com/graph/api/resources/licenseassignmentstate.
func (l license) state() string {
	switch {
	case l.problem == "":
		return "Active"
	case l.held:
		return "ActiveWithError"
	}
	return "Error"
}

// seats lists the SKU IDs of which the user holds a seat, each once: a SKU that is assigned directly and through groups
// takes one seat.
func (e *entity) seats() []string {
	var out []string
	for _, l := range e.licenses {
		if l.active() && !slices.Contains(out, l.skuID) {
			out = append(out, l.skuID)
		}
	}
	return out
}

func (e *entity) holds(skuID string) bool { return slices.Contains(e.seats(), skuID) }

// disabledPlans lists the plans of a SKU that each of the user's licences of it disables.
func (e *entity) disabledPlans(skuID string) []string {
	var out []string
	first := true
	for _, l := range e.licenses {
		switch {
		case l.skuID != skuID || !l.active():
		case first:
			out, first = slices.Clone(l.disabledPlans), false
		default:
			out = slices.DeleteFunc(out, func(plan string) bool { return !slices.Contains(l.disabledPlans, plan) })
		}
	}
	return out
}

// checkPlans finds service plans of the object that exclude one another or lack what they require. The text of the first
// problem is assumed; that of the second has been reported.
func (t *Tenant) checkPlans(e *entity) (problem string, obstacle *graphError) {
	enabled := map[string]bool{}
	var plans []ServicePlan
	for _, skuID := range e.seats() {
		sku, _ := t.sku(skuID)
		disabled := e.disabledPlans(skuID)
		for _, p := range sku.Plans {
			if !slices.Contains(disabled, p.ID) {
				enabled[p.ID] = true
				plans = append(plans, p)
			}
		}
	}
	has := func(id string) bool { return enabled[id] }
	for _, p := range plans {
		if i := slices.IndexFunc(p.Excludes, has); i >= 0 {
			return problemExclusive, requestError(fmt.Sprintf("License assignment failed because the assignment contains "+
				"mutually exclusive service plans %s and %s.", p.ID, p.Excludes[i]))
		}
	}
	for _, p := range plans {
		if len(p.Requires) > 0 && !slices.ContainsFunc(p.Requires, has) {
			return problemDependency, requestError(fmt.Sprintf("License assignment failed because service plan %s depends "+
				"on the service plan(s) %s", p.ID, strings.Join(p.Requires, ", ")))
		}
	}
	return "", nil
}

func assignedLicenses(e *entity) []object {
	out := []object{}
	for _, skuID := range e.seats() {
		out = append(out, object{{"disabledPlans", notNil(e.disabledPlans(skuID))}, {"skuId", skuID}})
	}
	return out
}

func assignedPlans(t *Tenant, e *entity) []object {
	out := []object{}
	for _, skuID := range e.seats() {
		sku, _ := t.sku(skuID)
		i := slices.IndexFunc(e.licenses, func(l license) bool { return l.skuID == skuID && l.active() })
		for _, p := range sku.Plans {
			status := "Enabled"
			if slices.Contains(e.disabledPlans(skuID), p.ID) {
				status = "Deleted"
			}
			out = append(out, object{
				{"assignedDateTime", date(e.licenses[i].assigned)},
				{"capabilityStatus", status},
				{"service", p.Name},
				{"servicePlanId", p.ID},
			})
		}
	}
	return out
}

func licenseAssignmentStates(e *entity) []object {
	out := []object{}
	for _, l := range e.licenses {
		out = append(out, object{
			{"skuId", l.skuID},
			{"disabledPlans", notNil(l.disabledPlans)},
			{"assignedByGroup", orNull(l.group)},
			{"state", l.state()},
			{"error", orElse(l.problem, "None")},
			{"lastUpdatedDateTime", date(l.assigned)},
		})
	}
	return out
}
