package provision

import (
	"fmt"
	"strings"
)

// Explanation is what [Provisioner.Ensure] would do for a person now, and why. Its JSON is stable: fields are added and
// never renamed. It holds no secret, and of the person's claims only those that become properties of the account.
type Explanation struct {
	Connection string `json:"connection"`
	ID         string `json:"id"`

	Action Action       `json:"action"`          // what becomes of the person by the rules
	Rule   string       `json:"rule,omitzero"`   // the ConnectionRule that decided; empty: none did
	Why    string       `json:"why"`             // why that is so
	Passed []PassedRule `json:"passed,omitzero"` // the rules before, which did not match

	Outcome     Outcome          `json:"outcome"`
	ImmutableID string           `json:"immutableId,omitzero"` // recorded, or that would be chosen
	UPN         string           `json:"upn,omitzero"`         // recorded, found, or that would be chosen
	TakenUPNs   []string         `json:"takenUpns,omitzero"`   // that would have come before it
	Account     *ExplainedUser   `json:"account,omitzero"`     // that is there, or is in the way
	Conflict    ConflictKind     `json:"conflict,omitzero"`    // what is in the way
	Licenses    []ExplainedSeat  `json:"licenses,omitzero"`
	Groups      []ExplainedGroup `json:"groups,omitzero"`

	UsageLocation string            `json:"usageLocation,omitzero"` // of an account that would be created
	Attributes    map[string]string `json:"attributes,omitzero"`    // likewise

	// Obstacles are what would stop the person, for the operator, in the order of the steps; the first one counts. Reason is
	// that one's.
	Obstacles []string `json:"obstacles,omitzero"`
	Reason    Reason   `json:"reason,omitzero"`
}

// Outcome is what would become of a person.
type Outcome string

// The outcomes of an [Explanation].
const (
	OutcomeKnown    Outcome = "known"     // the person is ready; nothing is asked of the directory
	OutcomeContinue Outcome = "continue"  // the account is there, and a run that was stopped goes on
	OutcomeCreate   Outcome = "create"    // an account is created
	OutcomeAdopt    Outcome = "adopt"     // an account that is there has the ImmutableID, and is the person's
	OutcomeRestore  Outcome = "restore"   // a deleted account is brought back: [Adopt].Deleted
	OutcomeTakeOver Outcome = "take-over" // an account gets the ImmutableID: [Adopt].InsecureByUPN
	OutcomeSkip     Outcome = "skip"      // a directory sync owns the person
	OutcomeStop     Outcome = "stop"      // something is in the way: see Obstacles
)

// PassedRule is a rule that did not match.
type PassedRule struct {
	Rule string `json:"rule"`
	Why  string `json:"why"`
}

// ExplainedUser is an account of the tenant.
type ExplainedUser struct {
	ObjectID        string `json:"objectId"`
	UPN             string `json:"upn"`
	ImmutableID     string `json:"immutableId,omitzero"`
	Enabled         bool   `json:"enabled"`
	Deleted         bool   `json:"deleted,omitzero"`
	DirectorySynced bool   `json:"directorySynced,omitzero"`

	SKUIDs []string `json:"skuIds,omitzero"` // of the seats that it has, from wherever
}

// ExplainedSeat is one [License] that the person would get.
type ExplainedSeat struct {
	License      string                 `json:"license"`        // as the rules name it
	Given        string                 `json:"given,omitzero"` // the alternative that would be given or is held; empty: none
	Held         bool                   `json:"held,omitzero"`  // the account has it
	Alternatives []ExplainedAlternative `json:"alternatives"`   // the licence itself and its fallbacks
}

// ExplainedAlternative is one alternative of a licence.
type ExplainedAlternative struct {
	License string `json:"license"`
	Free    int    `json:"free"`             // seats left, at most 10 seconds ago; of a group, of what it has least of
	Problem string `json:"problem,omitzero"` // why it cannot be given
}

// ExplainedGroup is a group that the person would become a member of.
type ExplainedGroup struct {
	Group    string `json:"group"` // as the rules name it
	ObjectID string `json:"objectId,omitzero"`
	Problem  string `json:"problem,omitzero"` // why it is not found
}

// String is the explanation for people, in several lines.
func (e Explanation) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("person %q of connection %q: %s", e.ID, e.Connection, e.Outcome)
	for _, passed := range e.Passed {
		line("  rule %q does not match: %s", passed.Rule, passed.Why)
	}
	line("  %s: %s", e.Action, e.Why)
	if e.ImmutableID != "" {
		line("  ImmutableID %s", e.ImmutableID)
	}
	if e.UPN != "" {
		taken := ""
		if len(e.TakenUPNs) > 0 {
			taken = " (taken: " + strings.Join(e.TakenUPNs, ", ") + ")"
		}
		line("  UPN %s%s", e.UPN, taken)
	}
	if e.Account != nil {
		line("  account %s", e.Account)
	}
	for _, seat := range e.Licenses {
		line("  licence %s", seat)
	}
	for _, group := range e.Groups {
		if group.Problem != "" {
			line("  group %s: %s", group.Group, group.Problem)
			continue
		}
		line("  group %s (%s)", group.Group, group.ObjectID)
	}
	if e.UsageLocation != "" {
		line("  usage location %s", e.UsageLocation)
	}
	for _, property := range AttributeNames() {
		if value, ok := e.Attributes[property]; ok {
			line("  %s %q", property, value)
		}
	}
	for _, obstacle := range e.Obstacles {
		line("  stopped: %s", obstacle)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// String is one line for people.
func (u ExplainedUser) String() string {
	text := fmt.Sprintf("%s, UPN %s, ImmutableID %q", u.ObjectID, u.UPN, u.ImmutableID)
	if !u.Enabled {
		text += ", blocked"
	}
	if u.Deleted {
		text += ", deleted"
	}
	if u.DirectorySynced {
		text += ", owned by a directory sync"
	}
	return text
}

// String is one line for people.
func (s ExplainedSeat) String() string {
	var tried []string
	for _, a := range s.Alternatives {
		text := fmt.Sprintf("%s %d free", a.License, a.Free)
		if a.Problem != "" {
			text = fmt.Sprintf("%s %s", a.License, a.Problem)
		}
		tried = append(tried, text)
	}
	switch {
	case s.Given == "":
		return fmt.Sprintf("%s: none (%s)", s.License, strings.Join(tried, "; "))
	case s.Held:
		return fmt.Sprintf("%s: has %s", s.License, s.Given)
	}
	return fmt.Sprintf("%s: gets %s (%s)", s.License, s.Given, strings.Join(tried, "; "))
}
