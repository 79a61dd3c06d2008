package provision

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// decision is what the rules say of a person.
type decision struct {
	action Action
	rule   *ConnectionRule // that decided; nil: none did
	rules  Rules           // what the person gets
	err    error           // why it is not known what that is
}

// decide says what becomes of a person.
func (r Rules) decide(p Person) decision {
	if slices.Contains(r.SkipConnections, p.Connection) {
		return decision{action: ActionSkip, rules: r}
	}
	for i := range r.Connections {
		if c := &r.Connections[i]; c.mismatch(p) == "" {
			return decision{action: c.Action, rule: c, rules: r.under(*c)}
		}
	}
	if len(r.Connections) > 0 {
		return decision{action: ActionRefuse, rules: r}
	}
	return decision{action: ActionProvision, rules: r}
}

// refusal is the error of a person who is refused, or nil.
func (d decision) refusal() error {
	switch {
	case d.action != ActionRefuse:
		return nil
	case d.rule == nil:
		return &RefusedError{}
	}
	return &RefusedError{Rule: d.rule.Name, Reason: d.rule.Reason, Message: d.rule.Message}
}

// candidates are the rules that may be those of a person of whom only the connection is known, up to the first that looks
// at nothing else.
func (r Rules) candidates(connection string) []*ConnectionRule {
	var all []*ConnectionRule
	for i := range r.Connections {
		c := &r.Connections[i]
		if !c.of(connection) {
			continue
		}
		if all = append(all, c); !c.looksCloser() {
			break
		}
	}
	return all
}

// decideByConnection says what becomes of somebody who was provisioned before and of whom only the key is known now. Rules
// that refuse or skip are passed over where another one provisions: it was one of those that let the person in. Where
// several do that give different licences, it is not known which.
func (r Rules) decideByConnection(connection string) decision {
	candidates := r.candidates(connection)
	if len(r.Connections) == 0 || slices.Contains(r.SkipConnections, connection) {
		return r.decide(Person{Connection: connection})
	}
	var give []*ConnectionRule
	for _, c := range candidates {
		if c.Action == ActionProvision {
			give = append(give, c)
		}
	}
	if len(give) == 0 {
		if len(candidates) == 0 {
			return decision{action: ActionRefuse, rules: r}
		}
		return decision{action: candidates[0].Action, rule: candidates[0], rules: r.under(*candidates[0])}
	}
	d := decision{action: ActionProvision, rule: give[0], rules: r.under(*give[0])}
	for _, c := range give[1:] {
		if !sameLicenses(r.under(*c).Licenses, d.rules.Licenses) {
			d.err = unsure(connection, give)
		}
	}
	return d
}

// sameLicenses reports whether two rules give the same, where nil and the empty list are both nothing.
func sameLicenses(a, b []License) bool { return len(a)+len(b) == 0 || reflect.DeepEqual(a, b) }

// unsure is the error of rules that look at more than is known.
func unsure(connection string, rules []*ConnectionRule) error {
	names := make([]string, len(rules))
	for i, c := range rules {
		names[i] = fmt.Sprintf("%q", c.Name)
	}
	return fmt.Errorf("%w: the rules %s give the people of connection %q different licences, by more than the connection: "+
		"call SwapLicensesOf with the person, or set Reconciliation.Person", errRulesUnsure, strings.Join(names, ", "), connection)
}

var errRulesUnsure = errors.New("it is not known which rule is the person's")

// leavingGroups are the groups of everybody of a connection, whichever rule was theirs.
func (r Rules) leavingGroups(connection string) []string {
	groups := slices.Clone(r.Groups)
	for _, c := range r.Connections {
		if !c.of(connection) {
			continue
		}
		for _, name := range c.Groups {
			if !containsFold(groups, name) {
				groups = append(groups, name)
			}
		}
	}
	return groups
}

// choose decides by which rules the run goes.
func (r *run) choose() {
	all := r.p.rules
	switch {
	case r.errand.kind == ensuring || r.errand.known:
		r.decision = all.decide(r.person)
	case r.errand.kind == retiring:
		all.Groups = all.leavingGroups(r.person.Connection)
		r.decision = decision{action: ActionProvision, rules: all}
	case r.errand.kind == restoring:
		if r.decision = all.decide(r.person); r.decision.action != ActionProvision {
			r.decision = decision{action: ActionProvision, rules: all}
		}
	default:
		r.decision = all.decideByConnection(r.person.Connection)
	}
	r.rules = r.decision.rules
}

// mayLicense says why the person's licences are not changed outside of a sign-in; nil: they are.
func (d decision) mayLicense() error {
	switch {
	case d.err != nil:
		return d.err
	case d.action == ActionSkip:
		return errSkipped
	}
	return d.refusal()
}

var errSkipped = errors.New("a directory sync owns the person, as the rules say")

// RefusedError says that the rules refuse a person. It matches [ErrRefused].
type RefusedError struct {
	Rule    string // the name of the [ConnectionRule]; empty: none matched
	Reason  string // what the rule says of it to the operator; may be empty
	Message string // the key of what the rule shows to the person; may be empty
}

func (e *RefusedError) Error() string {
	switch {
	case e.Rule == "":
		return "no rule of Rules.Connections matches the person"
	case e.Reason == "":
		return fmt.Sprintf("the rule %q refuses the person", e.Rule)
	}
	return fmt.Sprintf("the rule %q refuses the person: %s", e.Rule, e.Reason)
}

// Is reports whether target is [ErrRefused].
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }
