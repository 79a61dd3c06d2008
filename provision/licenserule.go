package provision

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// License is one subscription that people get. Exactly one of SKU and Group is set. It comes back equal from
// encoding/json.
type License struct {
	// SKU names a subscription whose seats are given to people directly: its part number ("O365_BUSINESS_PREMIUM", in
	// any case), its SKU ID (a GUID), or its product name ("Microsoft 365 Business Standard", see [FindSKU]). Beware of
	// part numbers: O365_BUSINESS_PREMIUM is Business Standard.
	SKU string `json:"sku,omitzero"`

	// DisabledPlans are services of the SKU that stay off, by name ("YAMMER_ENTERPRISE") or service plan ID. A seat that
	// somebody has already stays as it is.
	DisabledPlans []string `json:"disabledPlans,omitzero"`

	// Group names a group that gives licences to its members, by object ID (a GUID) or uniqueName. People join it, and
	// the step ends when the directory has given them what the group gives, or says why not. It must not be one of
	// [Rules.Groups] as well.
	Group string `json:"group,omitzero"`

	// Fallbacks are tried in their order while no seat of this one is left, or the tenant does not have it. They cannot
	// have Fallbacks of their own. Somebody who holds any of them, or this one, has the licence.
	Fallbacks []License `json:"fallbacks,omitzero"`
}

// alternatives are the licence itself and its fallbacks, in their order.
func (l License) alternatives() []License { return append([]License{l}, l.Fallbacks...) }

// name is what the rules call it.
func (l License) name() string {
	if l.Group != "" {
		return l.Group
	}
	return l.SKU
}

// key is the name as it is compared.
func (l License) key() string {
	if l.Group != "" {
		return groupMark + strings.ToLower(l.Group)
	}
	return strings.ToLower(l.SKU)
}

// cloneLicenses returns a copy that shares nothing with the caller, without white space around the names.
func cloneLicenses(licenses []License) []License {
	licenses = slices.Clone(licenses)
	for i, l := range licenses {
		licenses[i] = License{
			SKU: strings.TrimSpace(l.SKU), Group: strings.TrimSpace(l.Group),
			DisabledPlans: slices.Clone(l.DisabledPlans), Fallbacks: cloneLicenses(l.Fallbacks),
		}
	}
	return licenses
}

// validateLicenses lists all that is wrong with the licences of the rules.
func (r Rules) validateLicenses(rules string) error {
	var problems []error
	seen := make(map[string]bool)
	for i, l := range r.Licenses {
		where := fmt.Sprintf("%s.Licenses[%d]", rules, i)
		problems = append(problems, l.validate(where, seen, r.Groups))
		for k, fallback := range l.Fallbacks {
			where := fmt.Sprintf("%s.Fallbacks[%d]", where, k)
			if len(fallback.Fallbacks) > 0 {
				problems = append(problems, fmt.Errorf("%s has Fallbacks of its own", where))
			}
			problems = append(problems, fallback.validate(where, seen, r.Groups))
		}
	}
	return errors.Join(problems...)
}

// validate lists what is wrong with one alternative. seen are the keys of those before it.
func (l License) validate(where string, seen map[string]bool, joined []string) error {
	var problems []error
	report := func(format string, args ...any) {
		problems = append(problems, fmt.Errorf(where+format, args...))
	}
	switch {
	case l.SKU == "" && l.Group == "":
		report(" is empty: set SKU or Group")
	case l.SKU != "" && l.Group != "":
		report(" has both SKU and Group; a licence has one of them")
	case seen[l.key()]:
		report(": %q is there twice", l.name())
	case l.Group != "" && containsFold(joined, l.Group):
		report(": the group %q is one of Rules.Groups too: whoever gets the licence joins it anyway", l.Group)
	}
	seen[l.key()] = true
	if l.Group != "" && len(l.DisabledPlans) > 0 {
		report(" has DisabledPlans and a Group: which services a group gives is set at the group")
	}
	for i, plan := range l.DisabledPlans {
		if strings.TrimSpace(plan) == "" {
			report(".DisabledPlans[%d] is empty", i)
		}
	}
	return errors.Join(problems...)
}

// licensesByGroup reports whether any alternative of a licence is given by a group.
func (r Rules) licensesByGroup() bool {
	return slices.ContainsFunc(r.Licenses, func(l License) bool {
		return slices.ContainsFunc(l.alternatives(), func(a License) bool { return a.Group != "" })
	})
}
