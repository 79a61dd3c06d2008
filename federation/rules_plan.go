package federation

import "slices"

// planRules are the rules of what a plan looks at; a diagnosis looks at most of them too.
func planRules() []rule {
	return slices.Concat(settingsRules(), domainRules(), certificateRules(), configurationRules(), administratorsRules(),
		usersRules(), permissionsRules())
}

// one is the finding of a rule that has at most one.
func one(f Finding) []Finding { return []Finding{f} }

// as is the finding with a severity below that of its rule.
func (f Finding) as(s Severity) Finding {
	f.Severity = s
	return f
}
