package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/entrafed/entrafed/provision"
)

// seating is how many seats of a licence people need, and how many there are.
type seating struct {
	License string `json:"license"`
	Needed  int    `json:"needed"`
	Free    int    `json:"free"`
	Problem string `json:"problem,omitempty"` // why there are none

	id string // the SKU's
}

func (s seating) short() bool { return s.Needed > s.Free }

func (s seating) text() string {
	switch {
	case s.Problem != "":
		return s.Problem
	case s.short():
		return fmt.Sprintf("%d are free, %d are missing", s.Free, s.Needed-s.Free)
	}
	return fmt.Sprintf("%d are free", s.Free)
}

// countSeats reads how many seats there are.
func (r *rehearsal) countSeats(ctx context.Context) error {
	if err := r.ask(ctx, func() error { return r.tenant.Authorize(ctx) }); err != nil {
		return err
	}
	if len(r.rules.Licenses) == 0 {
		return nil
	}
	var skus []provision.SKU
	err := r.ask(ctx, func() (err error) {
		skus, err = r.tenant.SKUs(ctx)
		return err
	})
	for _, license := range r.rules.Licenses {
		r.seats = append(r.seats, newSeating(license.SKU, skus))
	}
	return err
}

func newSeating(license string, skus []provision.SKU) seating {
	s := seating{License: license}
	i := slices.IndexFunc(skus, func(sku provision.SKU) bool {
		return strings.EqualFold(sku.ID, license) || strings.EqualFold(sku.PartNumber, license)
	})
	switch {
	case i < 0:
		s.Problem = "the tenant has no subscription with this part number or SKU ID"
	case !strings.EqualFold(skus[i].AppliesTo, "User"):
		s.Problem = "it is for the company, not for users"
	case !strings.EqualFold(skus[i].Status, "Enabled") && !strings.EqualFold(skus[i].Status, "Warning"):
		s.Problem = fmt.Sprintf("the subscription is %q", skus[i].Status)
	default:
		s.Free, s.id = skus[i].Free(), skus[i].ID
	}
	return s
}

// seat counts the seats that a person would need beside those that their account has.
func (r *rehearsal) seat(outcome string, user provision.User) {
	if outcome != wouldCreate && outcome != wouldAdopt {
		return
	}
	for i := range r.seats {
		held := func(id string) bool { return strings.EqualFold(id, r.seats[i].id) }
		if !slices.ContainsFunc(user.SKUIDs, held) {
			r.seats[i].Needed++
		}
	}
}
