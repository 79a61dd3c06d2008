package provision

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// looksPerSeat is how often the account's licences are read before "no seat" is believed: the last seat may be ours,
// assigned by a call whose answer was lost, and not yet on every replica.
const looksPerSeat = 3

// license gives the account what the rules say: the seats that are given directly in one call, then what groups give.
func (r *run) license(ctx context.Context) (outcome, error) {
	if len(r.rules.Licenses) == 0 || !r.rec.LicensedAt.IsZero() && r.missing == nil {
		return skipped, nil
	}
	g := r.newGiving(User{})
	if err := g.look(ctx); err != nil {
		return done, err
	}
	if err := g.give(ctx); err != nil {
		return done, err
	}
	return done, g.licensed(ctx)
}

// licensed remembers that the account has what the rules say.
func (g *giving) licensed(ctx context.Context) error {
	at := g.timestamp()
	return g.save(ctx, func(rec *Record) error {
		if rec.LicensedAt.IsZero() {
			rec.LicensedAt = at
		}
		rec.forgetLost(g.lost)
		return nil
	})
}

// giving is the work of bringing one account's licences to what the rules say.
type giving struct {
	*run
	user    User               // the account as last read; without an object ID while it is not visible
	swap    bool               // take back what was given and the rules do not say any more
	skus    []SKU              // the tenant's subscriptions
	fresh   bool               // they were read for this work, not found in the cache
	refused map[string]refusal // alternatives that the directory refused, by their keys
	doubts  doubts             // alternatives that may be held all the same
	lost    []string           // marks of what is not held, though reads may show it
}

// refusal is an alternative that the directory refused.
type refusal struct {
	mark string
	err  error
}

func (r *run) newGiving(user User) *giving {
	return &giving{run: r, user: user, refused: make(map[string]refusal), doubts: newDoubts(r.rec, r.p.now()),
		lost: lostOf(r.rec.Licenses, r.p.now())}
}

// believed is the account as last read, without what was lost.
func (g *giving) believed() User { return g.user.without(g.lost) }

// errNextAlternative is an alternative that was refused in favour of the next one.
var errNextAlternative = errors.New("the next alternative is to be tried")

// give decides and does, again while alternatives are lost to somebody else.
func (g *giving) give(ctx context.Context) error {
	for {
		plan, err := g.sure(ctx)
		if err != nil {
			g.forgetRefused(ctx)
			return err
		}
		if err := g.intend(ctx, plan); err != nil {
			return err
		}
		err = g.carryOut(ctx, plan)
		if err == nil {
			g.regain(plan.marks())
		}
		if !errors.Is(err, errNextAlternative) {
			return err
		}
	}
}

// regain forgets that what was given anew was lost before.
func (g *giving) regain(marks []string) {
	g.lost = slices.DeleteFunc(g.lost, func(mark string) bool { return slices.Contains(marks, mark) })
}

// sure is the plan. An account that is not visible yet may hold what has no seat left otherwise, so it is looked for.
func (g *giving) sure(ctx context.Context) (licensePlan, error) {
	for look := 1; ; look++ {
		plan, err := g.plan(ctx)
		if !errors.Is(err, ErrNoLicense) || g.user.ObjectID != "" || look == looksPerSeat {
			return plan, err
		}
		if err := g.pause(ctx, look, err); err != nil {
			return plan, err
		}
		if err := g.look(ctx); err != nil {
			return plan, err
		}
	}
}

// look reads the account. One that is not visible yet holds nothing.
func (g *giving) look(ctx context.Context) error {
	user, err := g.find(ctx, UserKey{ObjectID: g.rec.ObjectID})
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	g.user = user
	return nil
}

// licensePlan is what is to be changed about an account.
type licensePlan struct {
	seats  []offer  // to be given directly
	groups []offer  // to be joined
	drop   []string // marks of what is to be taken back
}

// marks are what the plan gives, as Record.Licenses names it. A membership that is somebody else's work is not ours.
func (p licensePlan) marks() []string {
	var marks []string
	for _, o := range slices.Concat(p.seats, p.groups) {
		if !o.foreign {
			marks = append(marks, o.mark())
		}
	}
	return marks
}

// plan decides for all licences of the rules. What the cached list does not allow is looked up in a fresh one before it
// is refused.
func (g *giving) plan(ctx context.Context) (licensePlan, error) {
	var err error
	if g.skus == nil {
		if g.skus, err = g.readSKUs(ctx, skusFresh); err != nil {
			return licensePlan{}, err
		}
	}
	plan, err := g.planned(ctx)
	var refused *LicenseError
	if g.fresh || !errors.As(err, &refused) {
		return plan, err
	}
	if err := g.refresh(ctx); err != nil {
		return licensePlan{}, err
	}
	return g.planned(ctx)
}

// refresh reads the list of subscriptions anew.
func (g *giving) refresh(ctx context.Context) (err error) {
	g.skus, err = g.readSKUs(ctx, 0)
	g.fresh = true
	return err
}

// planned decides for all licences of the rules by what is known now.
func (g *giving) planned(ctx context.Context) (licensePlan, error) {
	var plan licensePlan
	var offered [][]offer
	for _, l := range g.rules.Licenses {
		offers, err := g.offers(ctx, l)
		if err != nil {
			return plan, err
		}
		offered = append(offered, offers)
	}
	plan.drop = g.outdated(offered)
	user := g.believed().without(plan.drop)
	for i, l := range g.rules.Licenses {
		o, held, err := g.decide(l, offered[i], user)
		if err != nil {
			return plan, err
		}
		if !held {
			plan.add(o, g.isForeign(o))
		}
	}
	return plan, nil
}

// add plans to give an offer, unless another licence of the rules came to the same.
func (p *licensePlan) add(o offer, foreign bool) {
	list := &p.seats
	if o.byGroup() {
		list = &p.groups
	}
	if !slices.ContainsFunc(*list, func(other offer) bool { return other.mark() == o.mark() }) {
		o.foreign = foreign
		*list = append(*list, o)
	}
}

// isForeign reports whether the account is in the offer's group by somebody else's doing.
func (g *giving) isForeign(o offer) bool {
	return o.memberOf(g.believed()) && !slices.Contains(marksOf(g.rec.Licenses), o.mark())
}

// carryOut makes the changes. Seats that are given and seats that are taken change in one call; what only a group
// replaces is taken once the group has given it, so where anything is taken groups come first.
func (g *giving) carryOut(ctx context.Context, plan licensePlan) error {
	take := markedSeats(plan.drop) // whether they are seen or not: a replica may not know yet what was given
	if len(take) == 0 || len(plan.groups) == 0 {
		if err := g.changeSeats(ctx, plan.seats, take); err != nil {
			return err
		}
		plan.seats, take = nil, nil
	}
	for _, o := range plan.groups {
		err := g.giveByGroup(ctx, o)
		if isInTheWay(err) && len(plan.drop) > 0 {
			if err := g.takeBack(ctx, take, plan.drop); err != nil {
				return err
			}
			take, plan.drop = nil, nil
			err = g.rejoin(ctx, o)
		}
		if err != nil {
			return g.refuseGroup(ctx, o, err)
		}
	}
	if len(plan.seats) > 0 {
		if err := g.changeSeats(ctx, plan.seats, take); err != nil {
			return err
		}
		take = nil
	}
	return g.takeBack(ctx, take, plan.drop)
}

// changeSeats gives and takes seats in one call. When no seat is left it looks whether the account has them all the same.
func (g *giving) changeSeats(ctx context.Context, add []offer, take []string) error {
	if len(add) == 0 {
		return g.takeSeats(ctx, take)
	}
	change := LicenseChange{Remove: take}
	ids, names := make([]string, len(add)), make([]string, len(add))
	for i, o := range add {
		ids[i], names[i] = o.sku.ID, o.license.name()
		change.Add = append(change.Add, LicenseGrant{SKUID: o.sku.ID, DisabledPlans: o.off})
	}
	began := g.p.now()
	err := g.changeLicenses(ctx, change, g.user, func(err error) { g.doubts.lost(add, err, g.p.now()) })
	switch {
	case err == nil:
		g.log.InfoContext(ctx, "licences assigned", "object", g.rec.ObjectID, "skus", ids, "removed", take)
		g.p.skus.spend(ids, began)
		return nil
	case isUnheld(err) && len(take) > 0: // one of them is gone already
		if err := g.changeSeats(ctx, add, nil); err != nil {
			return err
		}
		return g.takeSeats(ctx, take)
	}
	var answer *DirectoryError
	if errors.Is(err, ErrNoLicense) && errors.As(err, &answer) {
		return g.refuseSeats(ctx, add, answer)
	}
	return planRefusal(err, strings.Join(names, ", "))
}

// changeLicenses makes the call, again and again while the account or its usage location is not on every replica yet.
// heard is told every answer that is not a success.
func (r *run) changeLicenses(ctx context.Context, change LicenseChange, user User, heard func(error)) error {
	// An account that was there before and has no usage location will not get one by waiting.
	hopeless := r.rec.Adopted && user.ObjectID != "" && user.UsageLocation == ""
	again := func(err error) bool {
		heard(err)
		var answer *DirectoryError
		if hopeless && errors.As(err, &answer) && answer.invalidUsageLocation() {
			return false
		}
		return temporaryOrMissing(err)
	}
	return r.retry(ctx, opChangeLicenses, writing, again, func(ctx context.Context) error {
		return r.p.directory.ChangeLicenses(ctx, r.rec.ObjectID, change)
	})
}

// refuseSeats follows a directory that does not give seats although its list had them. The list is read again, so that
// the next person is not sent the same way.
func (g *giving) refuseSeats(ctx context.Context, add []offer, answer *DirectoryError) error {
	if err := g.refresh(ctx); err != nil {
		return err
	}
	blamed := g.blamed(add, answer)
	for looks, attempt := 0, 1; ; attempt++ {
		if err := g.look(ctx); err != nil {
			return err
		}
		blamed = slices.DeleteFunc(blamed, func(o offer) bool { return o.heldBy(g.believed()) })
		if len(blamed) == 0 {
			return errNextAlternative // which is the one that the account has
		}
		if g.user.ObjectID != "" {
			looks++
		}
		doubted := g.p.now().Before(g.doubts.until(blamed, g.p.settle.seatDoubt()))
		if looks >= looksPerSeat && !doubted {
			break
		}
		if err := g.pauseForSeat(ctx, attempt, doubted, answer); err != nil {
			return err
		}
	}
	for _, o := range g.unheld(blamed) {
		g.refused[o.license.key()] = refusal{o.mark(), &LicenseError{License: o.license.name(),
			Problem: "the directory refused it", Tenant: g.skus, Err: answer}}
	}
	return errNextAlternative
}

// unheld are the offers that the account does not hold at the end of the doubt. What was lost and may have been given
// since is held if it is still shown then.
func (g *giving) unheld(doubted []offer) []offer {
	return slices.DeleteFunc(doubted, func(o offer) bool {
		if _, given := g.doubts[o.mark()]; !given || !o.heldBy(g.user) {
			return false
		}
		g.regain([]string{o.mark()})
		return true
	})
}

// pauseForSeat waits before the next look for a seat that may be ours. While that is in doubt, a budget that does not
// last is no verdict on the seat.
func (g *giving) pauseForSeat(ctx context.Context, attempt int, doubted bool, answer error) error {
	if doubted {
		return g.wait(ctx, seatDoubtLook, attempt, answer)
	}
	return g.pause(ctx, attempt, answer)
}

// blamed are the offers that an answer is about: the one whose SKU ID it quotes, else those without a seat, else all.
func (g *giving) blamed(add []offer, answer *DirectoryError) []offer {
	quoted := slices.DeleteFunc(slices.Clone(add), func(o offer) bool { return !answer.says(o.sku.ID) })
	if len(quoted) > 0 {
		return quoted
	}
	empty := slices.DeleteFunc(slices.Clone(add), func(o offer) bool {
		sku, err := FindSKU(o.sku.ID, g.skus)
		return err == nil && sku.Free() > 0
	})
	if len(empty) > 0 {
		return empty
	}
	return slices.Clone(add)
}

// refuseGroup follows a group that could not give its licences. Where seats are what is missing the account leaves it
// again, if it was we who joined it; any other error is left to be seen and mended where it is.
func (g *giving) refuseGroup(ctx context.Context, o offer, err error) error {
	if !errors.Is(err, ErrNoLicense) {
		return err
	}
	if !o.foreign {
		if err := g.leaveGroup(ctx, o.group.ObjectID); err != nil {
			return err
		}
		g.user = g.user.without([]string{o.mark()})
	}
	g.refused[o.license.key()] = refusal{o.mark(), err}
	if err := g.refresh(ctx); err != nil {
		return err
	}
	return errNextAlternative
}

// takeBack takes back what was given and is not wanted any more.
func (g *giving) takeBack(ctx context.Context, seats, drop []string) error {
	if len(drop) == 0 {
		return nil
	}
	if err := g.takeSeats(ctx, seats); err != nil {
		return err
	}
	for _, group := range markedGroups(drop) {
		if err := g.leaveGroup(ctx, group); err != nil {
			return err
		}
	}
	at := g.timestamp()
	g.lost = append(g.lost, drop...)
	return g.save(ctx, func(rec *Record) error {
		rec.Licenses = editedMarks(rec.Licenses, nil, drop)
		rec.lose(drop, at)
		return nil
	})
}

// intend stores what is about to be given and taken, before it is: after a crash it is still known whose work it was, that
// no other alternative must be given on top of it, and that what reads show may be gone.
func (g *giving) intend(ctx context.Context, plan licensePlan) error {
	give, refused := plan.marks(), g.refusedMarks(plan.marks())
	again := len(plan.groups) > 0 && !g.rec.LicensedAt.IsZero()
	if !again && len(plan.drop) == 0 && editedMarks(g.rec.Licenses, give, refused) == g.rec.Licenses {
		return nil
	}
	at := g.timestamp()
	return g.save(ctx, func(rec *Record) error {
		rec.Licenses = editedMarks(rec.Licenses, give, refused)
		rec.lose(plan.drop, at)
		if again && !rec.LicensedAt.IsZero() {
			rec.LicensedAt = at // a group that is joined now may not be known everywhere when it is left
		}
		return nil
	})
}

// refusedMarks are the marks of what the directory refused, but for those that are to be tried again.
func (g *giving) refusedMarks(again []string) []string {
	var refused []string
	for _, r := range g.refused {
		if !slices.Contains(again, r.mark) {
			refused = append(refused, r.mark)
		}
	}
	return refused
}

// forgetRefused stores that what the directory refused was not given. If that fails, the next run finds it out itself.
func (g *giving) forgetRefused(ctx context.Context) {
	if len(g.refused) == 0 || g.missing != nil {
		return
	}
	if err := g.intend(ctx, licensePlan{}); err != nil {
		g.log.WarnContext(ctx, "a licence that was not given is still remembered", "error", err)
	}
}
