package provision

import (
	"fmt"
	"slices"
	"strings"
)

// FindSKU finds the subscription that a licence names among those of a tenant: by its SKU ID, its part number, or its
// product name as Microsoft's portals show it, all without regard to case; "M365", "O365" and "EMS" stand for
// "Microsoft 365", "Office 365" and "Enterprise Mobility + Security". Of the product names it knows those of the plans
// that most tenants have; any other subscription is named by its part number.
//
// The error is a *[LicenseError] that lists near matches and what the tenant has: nothing has the name, the subscription
// cannot be given to people at present, or the name fits several.
//
// Source: https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference.
func FindSKU(name string, skus []SKU) (SKU, error) {
	name = strings.TrimSpace(name)
	named := skusNamed(name, skus)
	usable := slices.DeleteFunc(slices.Clone(named), func(s SKU) bool { return s.unusable() != "" })
	refusal := &LicenseError{License: name, Tenant: skus}
	switch {
	case len(usable) == 1:
		usable[0].ID = strings.ToLower(usable[0].ID)
		return usable[0], nil
	case len(usable) > 1:
		refusal.Unsuitable = true
		refusal.Problem = "the tenant has several subscriptions of that name: " + strings.Join(numbersOf(usable), ", ")
		refusal.Remedy = "name one of them by its part number or SKU ID"
	case len(named) > 0:
		refusal.Problem = named[0].unusable()
		refusal.Remedy = "renew it in the Microsoft 365 admin center, or name another one"
	default:
		refusal.Problem = "the tenant has no such subscription" + hint(name, skus)
		refusal.Remedy = "correct the name, or buy the subscription"
	}
	return SKU{}, refusal
}

// skusNamed lists the subscriptions that a name fits: exactly, else as the name of their product.
func skusNamed(name string, skus []SKU) []SKU {
	var exact, byProduct []SKU
	for _, s := range skus {
		if strings.EqualFold(s.ID, name) || strings.EqualFold(s.PartNumber, name) {
			exact = append(exact, s)
		}
	}
	if len(exact) > 0 {
		return exact
	}
	words := productWords(name)
	for _, s := range skus {
		if product := s.product(); product != "" && slices.Equal(productWords(product), words) {
			byProduct = append(byProduct, s)
		}
	}
	return byProduct
}

// unusable says why no seat of the subscription can be given to people; empty: it can.
func (s SKU) unusable() string {
	switch {
	case !strings.EqualFold(s.AppliesTo, "User"):
		return "the subscription is for the company, not for users"
	case !strings.EqualFold(s.Status, "Enabled") && !strings.EqualFold(s.Status, "Warning"):
		return fmt.Sprintf("the subscription is %q", s.Status)
	}
	return ""
}

func numbersOf(skus []SKU) []string {
	numbers := make([]string, len(skus))
	for i, s := range skus {
		numbers[i] = fmt.Sprintf("%s (%s)", s.PartNumber, s.ID)
	}
	return numbers
}

// describe is a subscription as errors list it.
func (s SKU) describe() string {
	facts := []string{s.Status, fmt.Sprintf("%d free", s.Free()), "for " + s.AppliesTo}
	if product := s.product(); product != "" {
		facts = slices.Insert(facts, 0, product)
	}
	return fmt.Sprintf("%s (%s)", s.PartNumber, strings.Join(facts, ", "))
}

// planIDs finds the services that are to stay off, by name or ID.
func (s SKU) planIDs(names []string) ([]string, error) {
	var ids []string
	for _, name := range names {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(s.Plans, func(p ServicePlan) bool {
			return strings.EqualFold(p.Name, name) || strings.EqualFold(p.ID, name)
		})
		switch {
		case i < 0:
			return nil, fmt.Errorf("DisabledPlans names %q, but the service plans of %s are: %s", name, s.PartNumber,
				strings.Join(s.planNames(), ", "))
		case strings.EqualFold(s.Plans[i].AppliesTo, "Company"):
			return nil, fmt.Errorf("DisabledPlans names %q, which is for the whole company and cannot be off for one user",
				name)
		}
		if id := strings.ToLower(s.Plans[i].ID); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// planNames lists the services that can be off for one user.
func (s SKU) planNames() []string {
	var names []string
	for _, p := range s.Plans {
		if !strings.EqualFold(p.AppliesTo, "Company") {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return []string{"none at all"}
	}
	return names
}
