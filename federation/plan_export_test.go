package federation

import (
	"context"
	"slices"
)

// PlanRules are the rules of planRules, for the test that each has a tenant which shows it.
func PlanRules() []Rule {
	var all []Rule
	for _, r := range planRules() {
		all = append(all, r.Rule)
	}
	return all
}

// DiagnoseFindings are what the rules of planRules that a diagnosis looks at find without settings.
func DiagnoseFindings(ctx context.Context, f *Federator, domain string, idp *IdentityProvider) ([]Finding, error) {
	x := &examination{domain: domain, idp: idp}
	if err := f.examine(ctx, x); err != nil {
		return nil, err
	}
	var found []Finding
	for _, r := range planRules() {
		if slices.Contains(r.Purposes, PurposeDiagnose) {
			found = append(found, r.look(r.Rule, x)...)
		}
	}
	return found, nil
}
