package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// The rules that no history may break.
const (
	ruleOneAccount = "one-account"  // no person has two accounts
	ruleOrphan     = "orphan"       // no account that was created lacks its person
	ruleSeats      = "seats"        // no seat is used that was not bought, and nobody has two where one is enough
	ruleIdentity   = "identity"     // ImmutableID, UPN and object never change once recorded or told
	ruleReserved   = "reserved"     // nothing is created before its identity is in the store
	ruleReady      = "ready"        // who is told to sign in has the account, the seats, the groups, and has waited
	ruleRefused    = "refused"      // who is refused or skipped never gets an account, and never in as anybody else
	ruleArrives    = "arrives"      // everybody else does, once the storm is over
	ruleRetired    = "retired"      // who was retired has no enabled account and is not provisioned, until restored
	ruleEnds       = "ends"         // nothing and nobody waits for ever
	ruleLease      = "lease"        // no two hosts write for one person at once, while leases say who may
	ruleForeign    = "foreign"      // nobody writes to an account that they did not create or adopt
	rulePace       = "pace"         // a shared pace is kept, and so is the directory's wish for silence
	ruleReconciled = "reconciled"   // what is repaired is what the policy names, and all of that in the end
	ruleSwapped    = "swapped"      // who is moved to other licences has those, and none of the old ones
	rulePassword   = "password"     // no password is sent twice, none is weak
	ruleError      = "typed-errors" // every failure is one of those that are documented
)

// violation is a rule that was broken.
type violation struct {
	rule string
	at   time.Duration
	text string
}

// judge watches a history. Its methods are called with the world locked unless they say otherwise.
type judge struct {
	w          *world
	violations []violation // the first one of each rule
	told       [5]provision.Account
	writing    [5][]*host // who has a write under way, of each person
	passwords  map[string]bool
	departures [5]departure
	meddled    [5]bool // something befell the account that no host could know of
	unlicensed [5]bool // likewise, something that was given
	astray     [5]bool // something was given by a write that arrived when nobody waited for it any more
	forgotten  [5]bool // a repair made a record forget the account, and with it what was given
}

func newJudge(w *world) *judge { return &judge{w: w, passwords: make(map[string]bool)} }

func (j *judge) violate(rule, format string, args ...any) {
	for _, v := range j.violations {
		if v.rule == rule {
			return
		}
	}
	v := violation{rule, j.w.now(), fmt.Sprintf(format, args...)}
	j.violations = append(j.violations, v)
	j.w.note(nil, 0, "VIOLATION of %s: %s", v.rule, v.text)
}

// beginWrite and endWrite enclose a write about some people. They lock the world.
func (j *judge) beginWrite(h *host, r request) {
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	if h.dead {
		return
	}
	j.judgeOwnership(h, r)
	for _, who := range r.about {
		j.judgePolicy(h, r.op, who)
		switch {
		case who == 0:
			j.violate(ruleForeign, "%s sends %s about an account that is nobody's", h.name, r.op)
		case len(r.about) == 1: // a write for several people goes on for the others when the lease of one has ended
			j.judgeLease(h, r.op, who)
			j.writing[who] = append(j.writing[who], h)
		}
	}
}

// judgeOwnership: an account is written to when the store has recorded that it was created or adopted. One that is brought
// back is adopted afterwards.
func (j *judge) judgeOwnership(h *host, r request) {
	if r.op == opRestoreUser {
		return
	}
	for _, id := range r.objects {
		o := j.w.tenant.byID(id)
		if who := j.w.owner(o); o != nil && who != 0 && !slices.Contains(h.store.objects[who], id) {
			j.violate(ruleForeign, "%s sends %s about %s of person %d, which it has neither created nor adopted", h.name, r.op,
				o.UserPrincipalName, who)
		}
	}
}

func (j *judge) endWrite(h *host, about []int) {
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	for _, who := range about {
		if i := slices.Index(j.writing[who], h); i >= 0 {
			j.writing[who] = slices.Delete(j.writing[who], i, i+1)
		}
	}
}

// judgeLease: while a store has leases, its hosts write for one person one after the other.
func (j *judge) judgeLease(h *host, op string, who int) {
	if !h.store.plan.leases {
		return
	}
	if holder := h.store.holder(who, j.w.now()); holder != nil && holder != h {
		j.violate(ruleLease, "%s sends %s for person %d while %s has the lease", h.name, op, who, holder.name)
	}
	for _, other := range j.writing[who] {
		if other != h && !other.dead && other.store == h.store {
			j.violate(ruleLease, "%s sends %s for person %d while %s is writing for that person", h.name, op, who, other.name)
		}
	}
}

// judgeCreation looks at a creation before it is sent. It locks the world.
func (j *judge) judgeCreation(h *host, n provision.NewUser) {
	j.w.mu.Lock()
	defer j.w.mu.Unlock()
	if h.dead {
		return
	}
	if j.passwords[n.Password] || len(n.Password) < 16 {
		j.violate(rulePassword, "%s sends a password that is weak or was sent before", h.name)
	}
	j.passwords[n.Password] = true
	who := j.w.numbered(n.DisplayName)
	if who == 0 {
		return
	}
	j.judgePolicy(h, opCreateUser, who)
	// Without leases another host may have moved the reservation to the next UPN meanwhile.
	j.judgeLate(h, opCreateUser, who)
	rec, upns := h.store.records[who], h.store.upns[who]
	if rec.ImmutableID != n.ImmutableID || !slices.Contains(upns, n.UserPrincipalName) {
		j.violate(ruleReserved, "%s creates %s with ImmutableID %s for person %d; the store has ImmutableID %q and had %q",
			h.name, n.UserPrincipalName, n.ImmutableID, who, rec.ImmutableID, upns)
	}
}

// judgeAccounts counts everybody's accounts.
func (j *judge) judgeAccounts() {
	var first [5]*object
	for _, o := range j.w.tenant.objects {
		who := j.w.owner(o)
		if who == 0 || o.state == purged {
			continue
		}
		if first[who] != nil {
			j.violate(ruleOneAccount, "person %d has %s (ImmutableID %s) and %s (ImmutableID %s)", who,
				first[who].UserPrincipalName, first[who].ImmutableID, o.UserPrincipalName, o.ImmutableID)
		}
		first[who] = o
	}
}

// judgeRecord compares what a store now remembers with what it remembered before.
func (j *judge) judgeRecord(h *host, rec provision.Record, repaired bool) {
	m, who := h.store, j.w.keyed(rec.Key)
	before := m.records[who]
	j.judgeDeparture(who, before, rec)
	m.records[who] = rec
	if !slices.Contains(m.upns[who], rec.UPN) {
		m.upns[who] = append(m.upns[who], rec.UPN)
	}
	if rec.ObjectID != "" && !slices.Contains(m.objects[who], rec.ObjectID) {
		m.objects[who] = append(m.objects[who], rec.ObjectID)
		j.judgeForgotten(h, rec, who)
	}
	switch {
	case before.Version == 0:
	case rec.ImmutableID != before.ImmutableID:
		j.violate(ruleIdentity, "%s changes the ImmutableID of person %d from %s to %s", h.name, who, before.ImmutableID,
			rec.ImmutableID)
	case before.CreatedAt.IsZero(), !before.PurgedAt.IsZero() && rec.CreatedAt.IsZero():
	case repaired && rec.CreatedAt.IsZero() && j.repairs(h, provision.DriftMissing):
		m.forgot[who], j.forgotten[who] = before.ObjectID, true
	case accountUPN(rec) != accountUPN(before), rec.ObjectID != before.ObjectID, !rec.CreatedAt.Equal(before.CreatedAt):
		j.violate(ruleIdentity, "%s changes the account of person %d from %s (%s, %v) to %s (%s, %v)", h.name, who,
			accountUPN(before), before.ObjectID, before.CreatedAt, accountUPN(rec), rec.ObjectID, rec.CreatedAt)
	}
}

// repairs reports whether a host reconciles and repairs a kind of drift.
func (j *judge) repairs(h *host, kind provision.DriftKind) bool {
	return slices.ContainsFunc(j.w.plan.reconcilers, func(r reconcilerPlan) bool {
		return r.host == h.number && r.repairsKind(kind)
	})
}

// judgeForgotten: an account that was forgotten because it was missing is found again if it was not.
func (j *judge) judgeForgotten(h *host, rec provision.Record, who int) {
	if o := j.w.tenant.byID(h.store.forgot[who]); o != nil && o.state != purged && o.ObjectID != rec.ObjectID {
		j.violate(ruleIdentity, "%s makes %s the account of person %d, who has %s", h.name, rec.ObjectID, who, o.ObjectID)
	}
}

func accountUPN(rec provision.Record) string {
	if rec.DirectoryUPN != "" {
		return rec.DirectoryUPN
	}
	return rec.UPN
}

// answer is what one caller was told.
type answer struct {
	h            *host
	who          int
	began, ended time.Duration
	patience     time.Duration
	left         bool // the caller's context had ended
	stays        bool // the caller is not let go before the last write has ended
	account      provision.Account
	err          error
}

func (j *judge) judgeAnswer(a answer) {
	j.judgeTime(a)
	j.judgeResult(a)
}

// judgeResult looks at what was told, whenever that was.
func (j *judge) judgeResult(a answer) {
	j.judgeRetired(a)
	if a.err != nil {
		j.judgeError(a)
		return
	}
	if j.judgeFate(a) {
		return
	}
	first := j.told[a.who]
	if first.ImmutableID == "" {
		j.told[a.who], first = a.account, a.account
	}
	if first.ImmutableID != a.account.ImmutableID || first.UPN != a.account.UPN || first.ObjectID != a.account.ObjectID {
		j.violate(ruleIdentity, "%s tells person %d of %s (%s, ImmutableID %s), first told of %s (%s, ImmutableID %s)",
			a.h.name, a.who, a.account.UPN, a.account.ObjectID, a.account.ImmutableID, first.UPN, first.ObjectID,
			first.ImmutableID)
	}
	if lacks := j.lacks(a); lacks != "" && !j.unsettled(a) {
		j.violate(ruleReady, "%s tells person %d to sign in as %s: %s", a.h.name, a.who, a.account.UPN, lacks)
	}
}

// judgeTime: a caller who leaves is let go at once, and nobody is kept for longer than two runs after each other take.
func (j *judge) judgeTime(a answer) {
	budget := j.w.plan.settle.Budget + 20*time.Second // saving may take another 10 seconds, and releasing the lease, too
	end := a.began + min(a.patience, 2*budget)
	switch {
	case a.stays:
		end = a.began + 2*budget
	case a.h.dead:
		end = min(end, max(a.h.diedAt, a.began))
	}
	if a.ended > end {
		j.violate(ruleEnds, "person %d waited at %s from %v to %v; at most until %v was right", a.who, a.h.name, a.began,
			a.ended, end)
	}
}

// judgeError: each failure is an *Error that matches one sentinel at most, and none is an internal one, unless the store
// failed or the host crashed.
func (j *judge) judgeError(a answer) {
	var failure *provision.Error
	if !errors.As(a.err, &failure) {
		j.violate(ruleError, "%s answers person %d with %T: %v", a.h.name, a.who, a.err, a.err)
		return
	}
	var matched []error
	for _, sentinel := range []error{
		provision.ErrInvalidPerson, provision.ErrUnauthorized, provision.ErrForbidden, provision.ErrNotFound,
		provision.ErrConflict, provision.ErrNoLicense, provision.ErrThrottled, provision.ErrUnavailable,
		provision.ErrRetired, provision.ErrNotReady, provision.ErrNotOwned, provision.ErrNoRecord,
		provision.ErrRefused,
	} {
		if errors.Is(a.err, sentinel) {
			matched = append(matched, sentinel)
		}
	}
	internal := failure.Reason() == provision.ReasonInternal && !a.h.dead && !a.h.storeFail
	if len(matched) > 1 || internal || failure.Reason() == provision.ReasonInvalidPerson {
		j.violate(ruleError, "%s answers person %d with reason %q, which matches %v: %v", a.h.name, a.who,
			failure.Reason(), matched, a.err)
	}
}

// lacks says what somebody who is told to sign in does not have, or "".
func (j *judge) lacks(a answer) string {
	o := j.w.tenant.byID(a.account.ObjectID)
	switch {
	case o == nil || o.state != active:
		return "there is no such account"
	case o.ImmutableID != a.account.ImmutableID || !strings.EqualFold(o.UserPrincipalName, a.account.UPN):
		return fmt.Sprintf("the account has UPN %q and ImmutableID %q", o.UserPrincipalName, o.ImmutableID)
	case j.w.owner(o) != a.who:
		return "the account is somebody else's"
	case !j.unlicensed[a.who] && !j.licensed(o):
		return fmt.Sprintf("it has the seats %v", o.SKUIDs)
	case o.store == a.h.store && a.ended-o.madeAt+time.Microsecond < j.dwell(): // records keep microseconds
		return fmt.Sprintf("it was created only %v before", a.ended-o.madeAt)
	}
	for _, name := range j.w.plan.rules.Groups {
		if !j.w.tenant.isMember(name, o.ObjectID) {
			return fmt.Sprintf("it is no member of %s", name)
		}
	}
	return ""
}

func (j *judge) dwell() time.Duration {
	if d := j.w.plan.settle.Dwell; d != 0 {
		return d
	}
	return 15 * time.Second
}

// licensed reports whether an account has what the rules say. Once they have changed, what they said before is as good,
// and what is being replaced by a group may be there beside it for some time.
func (j *judge) licensed(o *object) bool {
	if !j.w.deployed || j.w.plan.people[j.w.owner(o)].licenses != nil {
		return j.seated(o)
	}
	lacks := func(l provision.License) bool { return j.held(o, l) == 0 }
	return !slices.ContainsFunc(j.w.plan.rules.Licenses, lacks) || !slices.ContainsFunc(j.w.before, lacks)
}

// seated reports whether an account has each licence of the rules, and none of them twice.
func (j *judge) seated(o *object) bool {
	for _, license := range j.w.licensesOf(j.w.owner(o)) {
		if held := j.held(o, license); held == 0 || held > j.mostSeats() && !j.astray[j.w.owner(o)] {
			return false
		}
	}
	return true
}

// mostSeats is how many alternatives of one licence an account may have. Hosts that do not know of each other may each
// give another one, while the replica that one of them asks does not know yet what the other one has given.
func (j *judge) mostSeats() int {
	if len(j.w.stores) == 1 && j.w.plan.stores[0].leases {
		return 1
	}
	return len(j.w.tenant.skus)
}

// alternatives are the licences of which one is enough.
func alternatives(l provision.License) []provision.License {
	return append([]provision.License{l}, l.Fallbacks...)
}

// skusOf are what an alternative gives.
func (j *judge) skusOf(l provision.License) []string {
	if l.Group != "" {
		return j.w.tenant.gives(l.Group)
	}
	for _, sku := range j.w.tenant.skus {
		if strings.EqualFold(sku.ID, l.SKU) || strings.EqualFold(sku.PartNumber, l.SKU) {
			return []string{sku.ID}
		}
	}
	return nil
}

// held is how many of a licence's alternatives an account has.
func (j *judge) held(o *object, license provision.License) int {
	n := 0
	for _, l := range alternatives(license) {
		if l.Group != "" && j.w.tenant.inherits(o, l.Group) || l.Group == "" && containsAll(o.SKUIDs, j.skusOf(l)) {
			n++
		}
	}
	return n
}

// containsAll reports whether all values are in the list, and that there are some.
func containsAll(list, values []string) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(list, v) })
}

// seatFor reports whether a person has, or could have, all licences of the rules.
func (j *judge) seatFor(who int) bool {
	var seats []string
	for _, o := range j.w.tenant.objects {
		if j.w.owner(o) == who {
			seats = append(seats, o.SKUIDs...)
		}
	}
	for _, sku := range j.w.tenant.skus {
		if sku.Free() > 0 {
			seats = append(seats, sku.ID)
		}
	}
	return !slices.ContainsFunc(j.w.licensesOf(who), func(license provision.License) bool {
		return !slices.ContainsFunc(alternatives(license), func(l provision.License) bool {
			return containsAll(seats, j.skusOf(l))
		})
	})
}

// owners are the people whose accounts some objects are; 0 stands for an account that is nobody's. It locks the world.
func (w *world) owners(objectIDs ...string) []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []int
	for _, id := range objectIDs {
		if o := w.tenant.byID(id); o != nil {
			all = append(all, w.owner(o))
		}
	}
	return all
}

// audit looks at what a history has left.
func (j *judge) audit() {
	j.judgeAccounts()
	used := make(map[string]int)
	for _, o := range j.w.tenant.objects {
		who := j.w.owner(o)
		for _, id := range o.SKUIDs {
			used[id]++
		}
		switch {
		case who == 0 && len(o.versions) > 1:
			j.violate(ruleForeign, "%s was written to", o.UserPrincipalName)
		case who == 0, o.state == purged:
			continue
		case o.ImmutableID != j.w.plan.people[who].immutableID:
			j.violate(ruleOrphan, "%s was created for person %d with ImmutableID %q, whose own is %q", o.UserPrincipalName,
				who, o.ImmutableID, j.w.plan.people[who].immutableID)
		case j.told[who].ObjectID != "" && j.told[who].ObjectID != o.ObjectID:
			j.violate(ruleOrphan, "%s was created for person %d, who signs in as %s", o.UserPrincipalName, who,
				j.told[who].UPN)
		}
		for _, license := range j.w.licensesOf(who) {
			if n := j.held(o, license); n > j.mostSeats() && !j.astray[who] {
				j.violate(ruleSeats, "%s has %d seats where one is enough", o.UserPrincipalName, n)
			}
		}
	}
	for _, sku := range j.w.tenant.skus {
		if sku.Consumed != used[sku.ID] || sku.Consumed > sku.Enabled {
			j.violate(ruleSeats, "%s has %d seats, %d are counted and %d used", sku.PartNumber, sku.Enabled, sku.Consumed,
				used[sku.ID])
		}
	}
	for who, hosts := range j.writing {
		if len(hosts) > 0 {
			j.violate(ruleEnds, "a write of %s for person %d is still under way", hosts[0].name, who)
		}
	}
}
