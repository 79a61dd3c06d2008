package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// offer is one alternative of a licence as the tenant has it.
type offer struct {
	license License
	err     error // why the tenant does not have it; a *LicenseError

	sku  SKU      // of a licence whose seat is given directly
	off  []string // the IDs of its services that stay off
	give []SKU    // every subscription that it gives: that one, or those of the group

	group   Group // of a licence that a group gives
	foreign bool  // the account is in the group by somebody else's doing
}

// byGroup reports whether a group gives the licence.
func (o offer) byGroup() bool { return o.license.Group != "" }

// mark is the offer as Record.Licenses names it.
func (o offer) mark() string {
	if o.byGroup() {
		return groupMark + o.group.ObjectID
	}
	return o.sku.ID
}

// offers looks up the alternatives of a licence. The error is the directory's failure; what is wrong with an alternative
// is kept in it.
func (g *giving) offers(ctx context.Context, l License) ([]offer, error) {
	var all []offer
	for _, alternative := range l.alternatives() {
		o, err := g.offer(ctx, alternative)
		var refusal *LicenseError
		if err != nil && !errors.As(err, &refusal) {
			return nil, err
		}
		o.err = err
		all = append(all, o)
	}
	return all, nil
}

func (g *giving) offer(ctx context.Context, l License) (offer, error) {
	if l.Group != "" {
		return g.groupOffer(ctx, l)
	}
	o := offer{license: l}
	var err error
	if o.sku, err = FindSKU(l.SKU, g.skus); err != nil {
		return o, err
	}
	o.give = []SKU{o.sku}
	if o.off, err = o.sku.planIDs(l.DisabledPlans); err != nil {
		return o, &LicenseError{License: l.name(), Problem: err.Error(), Remedy: "correct the rule", Unsuitable: true}
	}
	return o, nil
}

func (g *giving) groupOffer(ctx context.Context, l License) (offer, error) {
	o := offer{license: l}
	refused := func(problem, remedy string) (offer, error) {
		return o, &LicenseError{License: l.name(), Problem: problem, Remedy: remedy, Tenant: g.skus}
	}
	var err error
	o.group, err = g.readLicenseGroup(ctx, l.Group)
	switch {
	case errors.Is(err, ErrNotFound):
		return refused("the tenant has no such group", "create it, or name it by its object ID or uniqueName")
	case err != nil:
		return o, err
	case len(o.group.SKUIDs) == 0:
		return o, &LicenseError{License: l.name(), Problem: "the group gives no licence at all", Unsuitable: true,
			Remedy: "assign licences to the group in the Microsoft 365 admin center"}
	}
	for _, id := range o.group.SKUIDs {
		sku, err := FindSKU(id, g.skus)
		if err != nil {
			var refusal *LicenseError
			errors.As(err, &refusal)
			return refused(fmt.Sprintf("the group gives %s: %s", id, refusal.Problem), refusal.Remedy)
		}
		o.give = append(o.give, sku)
	}
	return o, nil
}

// heldBy reports whether the user has what is offered, from whomever: an error beside a seat that is held is not worse
// than the next alternative.
func (o offer) heldBy(user User) bool {
	if o.err != nil {
		return false
	}
	if !o.byGroup() {
		return containsFold(user.SKUIDs, o.sku.ID)
	}
	return !slices.ContainsFunc(o.give, func(s SKU) bool {
		l, ok := user.inherited(o.group, s)
		return !ok || l.State != stateActive && l.State != stateActiveWithError
	})
}

// memberOf reports whether the directory has given, or tried to give, the user what the group gives.
func (o offer) memberOf(user User) bool {
	return o.byGroup() && slices.ContainsFunc(user.Licenses, func(l AssignedLicense) bool {
		return strings.EqualFold(l.GroupID, o.group.ObjectID)
	})
}

// seatless says which subscription has no seat left for the user; nil: there is one of each.
func (o offer) seatless(user User, tenant []SKU) error {
	for _, s := range o.give {
		if s.Free() > 0 || containsFold(user.SKUIDs, s.ID) {
			continue
		}
		problem := "no seat is left"
		if o.byGroup() {
			problem = fmt.Sprintf("no seat of %s is left, which the group gives", s.PartNumber)
		}
		return &LicenseError{License: o.license.name(), Problem: problem, Tenant: tenant}
	}
	return nil
}

// decide says which alternative of a licence the account has, or is to get. user is the account without what is to be
// taken back; for the seats it still counts, because it is taken back last.
func (g *giving) decide(l License, offers []offer, user User) (o offer, held bool, err error) {
	for _, o := range offers {
		if o.heldBy(user) {
			return o, true, nil
		}
	}
	given := marksOf(g.rec.Licenses)
	for _, o := range offers { // chosen before: it may be given, and only not be seen yet
		if o.err == nil && g.refused[o.license.key()].err == nil && slices.Contains(given, o.mark()) {
			return o, false, nil
		}
	}
	o, err = g.firstFree(l, offers)
	return o, false, err
}

// firstFree is the first alternative with a free seat that the directory has not refused.
func (g *giving) firstFree(l License, offers []offer) (offer, error) {
	var problems []*LicenseError
	for _, o := range offers {
		err := g.refused[o.license.key()].err
		if err == nil {
			err = o.err
		}
		if err == nil {
			err = o.seatless(g.user, g.skus) // what was lost, and is shown, the directory is asked for
		}
		if err == nil {
			return o, nil
		}
		var problem *LicenseError
		if !errors.As(err, &problem) || problem.Unsuitable {
			return offer{}, err
		}
		problems = append(problems, problem)
	}
	return offer{}, noneLeft(l, problems)
}

// noneLeft is the error of a licence all of whose alternatives came to nothing.
func noneLeft(l License, problems []*LicenseError) error {
	if len(problems) == 1 {
		return problems[0]
	}
	all := &LicenseError{License: l.name(), Remedy: "buy or free seats"}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = fmt.Sprintf("%s: %s", p.License, p.Problem)
		if all.Err == nil {
			all.Err = p.Err
		}
		if p.Tenant != nil {
			all.Tenant = p.Tenant
		}
	}
	all.Problem = "no alternative is left: " + strings.Join(texts, "; ")
	return all
}
