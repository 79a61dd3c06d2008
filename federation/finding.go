package federation

import "slices"

// Finding is one thing that somebody should know before, or mend after.
type Finding struct {
	// Rule names the rule, for programs: see [Rules].
	Rule string `json:"rule"`

	Severity Severity `json:"severity"`

	// Summary says what is so, with names, in a sentence.
	Summary string `json:"summary"`

	// Remedy says what to do about it. Empty where nothing has to be done.
	Remedy string `json:"remedy,omitempty"`

	// Command is the sub-command of the federate command that mends it, with its arguments, for example
	// "domain verify contoso.com". Empty where none does.
	Command string `json:"command,omitempty"`

	// AADSTS is the error that somebody who signs in would see, for example "AADSTS50107". Empty where they would see none.
	AADSTS string `json:"aadsts,omitempty"`

	// Details are what the summary counts: users, a certificate's or a configuration's properties. At most
	// [MaxDetails] of them.
	Details []string `json:"details,omitempty"`
}

// MaxDetails is how many details a finding has at most. Its summary has the whole number.
const MaxDetails = 20

// Severity says what a finding means.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // the plan cannot be applied, or sign-in cannot work
	SeverityWarning Severity = "warning" // somebody will have trouble, now or at a time to come
	SeverityNotice  Severity = "notice"  // worth knowing
)

// Rule is a rule that a plan or [Federator.Diagnose] looks at.
type Rule struct {
	Name     string
	Severity Severity  // the highest that it has
	AADSTS   string    // what somebody who signs in would see; empty where nothing
	Purposes []Purpose // of the plans that look at it, and PurposeDiagnose of a diagnosis
	Meaning  string    // one sentence
}

// Rules lists all rules, in the order in which they are looked at.
func Rules() []Rule {
	var all []Rule
	for _, r := range rules() {
		all = append(all, r.Rule)
	}
	return all
}

// rules are all rules, in the order in which they are looked at. Each list is in a file of its own.
func rules() []rule {
	return slices.Concat(planRules(), diagnoseRules(), domainChangeRules(), revertRules(), guestRules())
}

// findings looks at the rules that are for a purpose, and returns what they found, the worst first.
func (x *examination) findings(purpose Purpose) []Finding {
	var found []Finding
	for _, r := range rules() {
		if slices.Contains(r.Purposes, purpose) {
			found = append(found, r.look(r.Rule, x)...)
		}
	}
	weight := map[Severity]int{SeverityError: 0, SeverityWarning: 1, SeverityNotice: 2}
	slices.SortStableFunc(found, func(a, b Finding) int { return weight[a.Severity] - weight[b.Severity] })
	return found
}
