package provision

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Explain says what [Provisioner.Ensure] would do for the person now, and why: which rule decides, what identity the person
// has or would get, what would become of an account that is there, which licences and groups, and what would stop it. It
// reads the store and the directory and writes nothing.
//
// What would stop the person is no error: it is in the explanation. The error is an *[Error] of a store or a directory that
// could not be read; the explanation then holds what was found before.
//
// It is a forecast. What happens until Ensure is called it cannot know, nor what only a write shows: a UPN that another
// person's reservation or a group's address holds, and a permission that is missing. The host's own steps are not asked.
// [Settle].Budget bounds it; what is read is paced as bulk work is.
func (p *Provisioner) Explain(ctx context.Context, person Person) (Explanation, error) {
	invalid := p.validate(person)
	person = person.normalised()
	r, ctx, end := p.background(ctx, StepSelect)
	defer end()
	r.about(person.Key())
	r.person = person
	r.choose()
	e := &explainer{run: r, Explanation: Explanation{Connection: person.Connection, ID: person.ID}}
	e.decided(p.rules)
	err := e.explain(ctx, invalid)
	if err != nil {
		err = &Error{Step: r.step, Person: person.Key(), Err: err}
	}
	return e.Explanation, err
}

// explainer is the work on one Explanation.
type explainer struct {
	*run
	Explanation
	user  User  // the account that is, or would become, the person's; zero if there is none
	first error // what would stop the person first
}

// decided says which rule decides, and why those before it do not.
func (e *explainer) decided(rules Rules) {
	d := e.decision
	e.Action = d.action
	switch {
	case d.rule != nil:
		e.Rule, e.Why = d.rule.Name, fmt.Sprintf("the rule %q matches", d.rule.Name)
	case d.action == ActionSkip:
		e.Why = fmt.Sprintf("the connection %q is in Rules.SkipConnections", e.Connection)
		return
	case d.action == ActionRefuse:
		e.Why = "no rule matches"
	default:
		e.Why = "there are no rules for connections"
	}
	for i := range rules.Connections {
		c := &rules.Connections[i]
		if c == d.rule {
			break
		}
		e.Passed = append(e.Passed, PassedRule{c.Name, c.mismatch(e.person)})
	}
}

// stop takes down what would stop the person.
func (e *explainer) stop(err error) {
	e.Obstacles = append(e.Obstacles, err.Error())
	e.Outcome = OutcomeStop
	if e.first == nil {
		e.first, e.Reason = err, reasonOf(err)
	}
	var clash *ConflictError
	if errors.As(err, &clash) && e.Conflict == "" {
		e.Conflict = clash.Kind
		if clash.Owner.ObjectID != "" {
			e.saw(clash.Owner, clash.Deleted)
		}
	}
}

// saw takes down an account.
func (e *explainer) saw(user User, deleted bool) {
	e.Account = &ExplainedUser{
		ObjectID: user.ObjectID, UPN: user.UserPrincipalName, ImmutableID: user.ImmutableID, Enabled: user.AccountEnabled,
		Deleted: deleted, DirectorySynced: user.DirectorySynced, SKUIDs: user.SKUIDs,
	}
}

func (e *explainer) explain(ctx context.Context, invalid error) error {
	if invalid != nil {
		e.stop(invalid)
		return nil
	}
	result, err := e.selectPerson(ctx)
	switch {
	case err != nil:
		e.stop(err)
		return nil
	case result == complete:
		e.Outcome, e.ImmutableID, e.UPN = OutcomeSkip, e.account.ImmutableID, e.account.UPN
		return nil
	}
	e.step = StepKnown
	if over, err := e.recorded(ctx); over || err != nil {
		return err
	}
	e.step = StepCreate
	if err := e.identity(ctx); err != nil {
		return err
	}
	if e.UPN == "" {
		e.UPN = e.rec.accountUPN()
	}
	if e.user.DirectorySynced || e.ImmutableID == "" {
		return nil // it is never written to; or nothing more can be known
	}
	e.step = StepGroups
	if err := e.joins(ctx); err != nil {
		return err
	}
	e.step = StepLicense
	return e.seats(ctx)
}

// recorded looks into the store. over says that there is nothing more to say.
func (e *explainer) recorded(ctx context.Context) (over bool, err error) {
	rec, err := e.p.store.Load(ctx, e.person.Key())
	switch {
	case errors.Is(err, ErrNoRecord):
		return false, nil
	case err != nil:
		return true, e.storeError(ctx, "loading the record", err)
	}
	e.remember(rec)
	e.ImmutableID, e.UPN = rec.ImmutableID, rec.accountUPN()
	err = e.refuseLeaver(rec)
	if err == nil {
		err = e.person.agreesWith(rec.ImmutableID, rec.accountUPN())
	}
	if err != nil {
		e.stop(err)
		return true, nil
	}
	if !rec.ReadyAt.IsZero() {
		e.Outcome = OutcomeKnown
		return true, nil
	}
	return false, nil
}

// identity says which account would be the person's.
func (e *explainer) identity(ctx context.Context) error {
	if e.rec.Version == 0 {
		id, err := e.rules.immutableID(e.person)
		if err != nil {
			e.stop(err)
			return nil
		}
		e.rec.ImmutableID, e.ImmutableID = id, id
		if e.rec.UPN, err = e.rules.upn(e.person, 0); err != nil {
			e.stop(err)
			return nil
		}
	}
	found, err := e.lookThere(ctx)
	if found || err != nil {
		return err
	}
	found, err = e.lookDeleted(ctx)
	if found || err != nil {
		return err
	}
	return e.freeUPN(ctx)
}

// lookThere looks for the account with the person's ImmutableID, or that the record names.
func (e *explainer) lookThere(ctx context.Context) (found bool, err error) {
	key := UserKey{ImmutableID: e.rec.ImmutableID}
	if !e.rec.CreatedAt.IsZero() && e.rec.ObjectID != "" {
		key = UserKey{ObjectID: e.rec.ObjectID}
	}
	user, err := e.find(ctx, key)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case user.ImmutableID != e.rec.ImmutableID:
		kind := ConflictImmutableID
		if key.ObjectID != "" {
			kind = ConflictChanged
		}
		e.stop(e.conflict(kind, propertyImmutableID, user, nil))
		return true, nil
	}
	e.saw(user, false)
	e.user, e.UPN, e.Outcome = user, user.UserPrincipalName, OutcomeAdopt
	if key.ObjectID != "" {
		e.Outcome = OutcomeContinue
	} else if err := e.person.agreesWith(user.ImmutableID, user.UserPrincipalName); err != nil {
		e.stop(err)
	}
	return true, nil
}

// lookDeleted looks for a deleted account with the person's ImmutableID.
func (e *explainer) lookDeleted(ctx context.Context) (found bool, err error) {
	user, err := e.findDeleted(ctx, UserKey{ImmutableID: e.rec.ImmutableID})
	switch {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case user.ImmutableID != e.rec.ImmutableID:
		return false, nil
	}
	e.saw(user, true)
	if err := e.mayReadmit(user); err != nil {
		e.stop(err)
		return true, nil
	}
	e.Outcome = OutcomeRestore
	e.UPN = e.rec.accountUPN()
	return true, nil
}

// freeUPN says which UPN a new account would get: the first that no user has.
func (e *explainer) freeUPN(ctx context.Context) error {
	e.Outcome = OutcomeCreate
	e.UsageLocation, e.Attributes = e.usageLocation(), e.rules.attributes(e.person)
	for attempt := e.rec.UPNAttempt; ; attempt++ {
		owner, err := e.find(ctx, UserKey{UserPrincipalName: e.rec.UPN})
		switch {
		case errors.Is(err, ErrNotFound):
			e.UPN = e.rec.UPN
			return nil
		case err != nil:
			return err
		case e.mayTakeOver(owner) && owner.AccountEnabled:
			e.saw(owner, false)
			e.user, e.UPN, e.Outcome = owner, owner.UserPrincipalName, OutcomeTakeOver
			e.UsageLocation, e.Attributes = "", nil
			return nil
		}
		clash := e.upnConflict(owner, nil)
		if e.mayTakeOver(owner) {
			clash.Kind = ConflictBlocked
		}
		next := e.rec.UPN
		if e.person.UPN == "" && attempt+1 < maxUPNAttempts {
			if next, err = e.rules.upn(e.person, attempt+1); err != nil {
				e.stop(err)
				return nil
			}
		}
		if strings.EqualFold(next, e.rec.UPN) {
			e.stop(clash)
			return nil
		}
		e.TakenUPNs, e.rec.UPN = append(e.TakenUPNs, e.rec.UPN), next
	}
}

// joins looks for the groups.
func (e *explainer) joins(ctx context.Context) error {
	if !e.rec.JoinedAt.IsZero() {
		return nil
	}
	for _, name := range e.rules.Groups {
		one := ExplainedGroup{Group: name}
		group, err := e.findGroup(ctx, name)
		var problem *GroupError
		switch {
		case err == nil:
			one.ObjectID = group.ObjectID
		case errors.As(err, &problem):
			one.Problem = problem.Problem
			e.stop(err)
		default:
			return err
		}
		e.Groups = append(e.Groups, one)
	}
	return nil
}

// explainFresh is how old the numbers of seats may be, so that explaining many people does not read them for each.
const explainFresh = 10 * time.Second

// seats says which licences the person would get.
func (e *explainer) seats(ctx context.Context) error {
	if len(e.rules.Licenses) == 0 || !e.rec.LicensedAt.IsZero() {
		return nil
	}
	g := e.newGiving(e.user)
	var err error
	if g.skus, err = g.readSKUs(ctx, explainFresh); err != nil { // not some minutes old
		return err
	}
	g.fresh = true
	for _, l := range e.rules.Licenses {
		offers, err := g.offers(ctx, l)
		if err != nil {
			return err
		}
		one := ExplainedSeat{License: l.name(), Alternatives: g.alternatives(offers)}
		chosen, held, err := g.decide(l, offers, g.believed())
		if err == nil {
			one.Given, one.Held = chosen.license.name(), held
		} else {
			e.stop(err)
		}
		e.Licenses = append(e.Licenses, one)
	}
	return nil
}

// alternatives says of each offer whether it can be given.
func (g *giving) alternatives(offers []offer) []ExplainedAlternative {
	var all []ExplainedAlternative
	for _, o := range offers {
		one := ExplainedAlternative{License: o.license.name()}
		err := o.err
		if err == nil {
			one.Free = slices.MinFunc(o.give, func(a, b SKU) int { return a.Free() - b.Free() }).Free()
			err = o.seatless(g.user, g.skus)
		}
		var refusal *LicenseError
		if errors.As(err, &refusal) {
			one.Problem = refusal.Problem
		}
		all = append(all, one)
	}
	return all
}
