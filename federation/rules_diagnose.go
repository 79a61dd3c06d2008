package federation

import "slices"

// diagnoseRules are the rules that only a diagnosis looks at.
func diagnoseRules() []rule {
	return slices.Concat(realmRules(), issuerRules(), keyRules(), agreementRules(), personRules(), notLookedAtRules())
}

// federated is a look at what is so only where the domain's people sign in by a federation.
func federated(look func(r Rule, x *examination, c *Configuration) []Finding) func(Rule, *examination) []Finding {
	return func(r Rule, x *examination) []Finding {
		if c := x.federation(); c != nil {
			return look(r, x, c)
		}
		return nil
	}
}
