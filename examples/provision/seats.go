package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/examples/internal/entitlement"
	"github.com/entrafed/entrafed/provision"
)

// seating is one alternative of a licence: how many people would get it, and for how many there are seats.
type seating struct {
	License string `json:"license"`           // as the rules name it
	Group   string `json:"group,omitempty"`   // the group that gives it; License is empty then
	Instead string `json:"instead,omitempty"` // the licence whose fallback it is
	SKU     string `json:"sku,omitempty"`     // part numbers of what it gives
	Needed  int    `json:"needed"`
	Free    int    `json:"free"` // before the run
	Problem string `json:"problem,omitempty"`

	gives      []provision.SKU
	unsuitable bool // no fallback is tried
}

func (s seating) short() bool { return s.Needed > s.Free }

func (s seating) text() string {
	name := s.License
	if s.Group != "" {
		name = "group " + s.Group
	}
	if s.Instead != "" {
		name += ", instead of " + s.Instead
	}
	switch {
	case s.Problem != "":
		return name + ": " + s.Problem
	case s.short():
		return fmt.Sprintf("%s: %d are free, %d are missing", name, s.Free, s.Needed-s.Free)
	}
	return fmt.Sprintf("%s: %d are free", name, s.Free)
}

// heldBy reports whether somebody has all of it.
func (s seating) heldBy(user provision.ExplainedUser) bool {
	return len(s.gives) > 0 && !slices.ContainsFunc(s.gives, func(sku provision.SKU) bool { return !holds(user, sku) })
}

func holds(user provision.ExplainedUser, sku provision.SKU) bool {
	return slices.ContainsFunc(user.SKUIDs, func(id string) bool { return strings.EqualFold(id, sku.ID) })
}

// plannedLicense is one licence of the rules, with its alternatives in their order. Those of several rules share what they
// have in common.
type plannedLicense []*seating

// countSeats reads how many seats there are.
func (r *rehearsal) countSeats(ctx context.Context) error {
	if err := r.ask(ctx, func() error { return r.tenant.Authorize(ctx) }); err != nil {
		return err
	}
	byRule := licenseShares(r.rules)
	if !slices.ContainsFunc(byRule, func(l entitlement.Share[provision.License]) bool { return len(l.Gets) > 0 }) {
		return nil
	}
	err := r.ask(ctx, func() (err error) {
		r.skus, err = r.tenant.SKUs(ctx)
		return err
	})
	if err != nil {
		return err
	}
	r.left = map[string]int{}
	for _, sku := range r.skus {
		r.left[strings.ToLower(sku.ID)] = sku.Free()
	}
	for _, of := range byRule {
		for _, license := range of.Gets {
			planned, err := r.plan(ctx, license)
			if err != nil {
				return err
			}
			r.licenses[of.Rule] = append(r.licenses[of.Rule], planned)
		}
	}
	return nil
}

func licenseShares(rules provision.Rules) []entitlement.Share[provision.License] {
	return entitlement.Shares(rules.Connections, rules.Licenses, entitlement.Licenses)
}

// plan looks a licence and its fallbacks up.
func (r *rehearsal) plan(ctx context.Context, license provision.License) (planned plannedLicense, err error) {
	for i, alternative := range append([]provision.License{license}, license.Fallbacks...) {
		instead := ""
		if i > 0 {
			instead = license.SKU + license.Group
		}
		s, err := r.seatingOf(ctx, alternative, instead)
		if err != nil {
			return nil, err
		}
		planned = append(planned, s)
	}
	return planned, nil
}

// seatingOf looks one alternative up, unless another rule has it too.
func (r *rehearsal) seatingOf(ctx context.Context, license provision.License, instead string) (*seating, error) {
	for _, s := range r.seatings {
		if s.License == license.SKU && s.Group == license.Group && s.Instead == instead {
			return s, nil
		}
	}
	s, err := r.newSeating(ctx, license)
	if err != nil {
		return nil, err
	}
	s.Instead = instead
	r.seatings = append(r.seatings, s)
	return s, nil
}

// newSeating looks one alternative up. The error is the directory's failure.
func (r *rehearsal) newSeating(ctx context.Context, license provision.License) (*seating, error) {
	s := &seating{License: license.SKU, Group: license.Group}
	names := []string{license.SKU}
	if license.Group != "" {
		group, found, err := r.findGroup(ctx, license.Group)
		switch {
		case err != nil:
			return nil, err
		case !found:
			s.Problem = noSuchGroup
			return s, nil
		case len(group.SKUIDs) == 0:
			s.Problem, s.unsuitable = "the group gives no licence at all", true
			return s, nil
		}
		names = group.SKUIDs
	}
	s.find(names, r.skus)
	return s, nil
}

// find finds the subscriptions.
func (s *seating) find(names []string, skus []provision.SKU) {
	var numbers []string
	for i, name := range names {
		sku, err := provision.FindSKU(name, skus)
		var refusal *provision.LicenseError
		if errors.As(err, &refusal) {
			s.Problem, s.unsuitable, s.Free, s.gives = refusal.Problem, refusal.Unsuitable, 0, nil
			return
		}
		s.gives, numbers = append(s.gives, sku), append(numbers, sku.PartNumber)
		if free := sku.Free(); i == 0 || free < s.Free {
			s.Free = free
		}
	}
	s.SKU = strings.Join(numbers, ", ")
}

// seat counts the seats that a person would need beside those that their account has.
func (r *rehearsal) seat(outcome string, e provision.Explanation) {
	var user provision.ExplainedUser
	if outcome == wouldAdopt {
		user = *e.Account
	}
	if outcome != wouldCreate && outcome != wouldAdopt || user.DirectorySynced {
		return
	}
	for _, license := range r.licenses[e.Rule] {
		if slices.ContainsFunc(license, func(s *seating) bool { return s.heldBy(user) }) {
			continue
		}
		s := r.firstFree(license, user)
		s.Needed++
		for _, sku := range s.gives {
			if !holds(user, sku) {
				r.left[strings.ToLower(sku.ID)]--
			}
		}
	}
}

// firstFree is the alternative that the person would get; the licence itself, if all of them are used up.
func (r *rehearsal) firstFree(license plannedLicense, user provision.ExplainedUser) *seating {
	for _, s := range license {
		switch {
		case s.unsuitable:
			return s
		case s.Problem == "" && !slices.ContainsFunc(s.gives, func(sku provision.SKU) bool {
			return !holds(user, sku) && r.left[strings.ToLower(sku.ID)] <= 0
		}):
			return s
		}
	}
	return license[0]
}

// overbookings says of which subscriptions too many seats are needed: two licences may take the same ones.
func (r *rehearsal) overbookings() (all []string) {
	for _, sku := range r.skus {
		if left := r.left[strings.ToLower(sku.ID)]; left < 0 {
			all = append(all, fmt.Sprintf("%d seats of %s are missing in all", -left, sku.PartNumber))
		}
	}
	return all
}

// seats are all alternatives, in their order.
func (r *rehearsal) seats() (all []seating) {
	for _, s := range r.seatings {
		all = append(all, *s)
	}
	return all
}
