package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// Each rule can be broken: these are the facts that the judge must object to, one by one.
func TestTheJudgeObjects(t *testing.T) {
	t.Parallel()
	for _, c := range judgements() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(c.plan(), true)
			w.began = time.Now()
			h := &host{w: w, name: "host 1.1", store: w.stores[0]}
			c.facts(w, h)
			if c.rule == "" {
				require.Empty(t, w.violations)
				return
			}
			require.Len(t, w.violations, 1, fmt.Sprint(w.violations))
			require.Equal(t, c.rule, w.violations[0].rule, w.violations[0].text)
		})
	}
}

// judgement is something that happens in a world of one host and two people, and the one rule that it breaks.
type judgement struct {
	name  string
	rule  string
	facts func(w *world, h *host)
}

func (judgement) plan() plan {
	p := plan{
		stores: []storePlan{{leases: true}},
		hosts:  []hostPlan{{}},
		people: make([]person, 3),
		settle: provision.Settle{Budget: time.Minute, Dwell: -1},
		skus:   []provision.SKU{{ID: primarySKU, Enabled: 1}, {ID: spareSKU, Enabled: 1}},
	}
	for i := range p.people[1:] {
		one := &p.people[i+1]
		one.Person = provision.Person{Connection: "ldap", ID: string(rune('1' + i)), DisplayName: displayName(i + 1)}
		one.immutableID = provision.ImmutableIDFromSubject("ldap", one.ID)
	}
	return p
}

// account gives person 1 an account.
func (w *world) account(h *host, immutableID string) provision.User {
	d := newDice(1, 1)
	user, err := w.tenant.create(&d, h, provision.NewUser{UserPrincipalName: immutableID[:5] + "@contoso.com",
		ImmutableID: immutableID, DisplayName: displayName(1), UsageLocation: "DE"})
	if err != nil {
		panic(err)
	}
	return user
}

func told(user provision.User) provision.Account {
	return provision.Account{ImmutableID: user.ImmutableID, UPN: user.UserPrincipalName, ObjectID: user.ObjectID}
}

// tells answers person 1 at once.
func (w *world) tells(h *host, account provision.Account, err error) {
	at := w.now()
	w.judgeAnswer(answer{h: h, who: 1, began: at, ended: at, patience: time.Hour, account: account, err: err})
}

// judgements are in the order of the rules. One that names no rule is about what is right.
func judgements() []judgement {
	mine := provision.ImmutableIDFromSubject("ldap", "1")
	return []judgement{
		{"the account, the seat and the group", "", func(w *world, h *host) {
			w.plan.rules.Licenses = []provision.License{{SKU: primarySKU, Fallbacks: []provision.License{{SKU: spareSKU}}}}
			w.plan.rules.Groups = []string{everyone}
			user := w.account(h, mine)
			w.tenant.seat(w.tenant.byID(user.ObjectID), []string{spareSKU})
			w.tenant.groups[0].members = []string{user.ObjectID}
			w.tells(h, told(user), nil)
			w.tells(h, told(user), nil)
			w.tells(h, provision.Account{}, &provision.Error{Err: provision.ErrThrottled})
			w.audit()
		}},
		{"a second account", ruleOneAccount, func(w *world, h *host) {
			w.account(h, mine)
			w.account(h, "fresh-identity")
			w.judgeAccounts()
		}},
		{"an account with a strange identity", ruleOrphan, func(w *world, h *host) {
			w.account(h, "fresh-identity")
			w.audit()
		}},
		{"two seats where one is enough", ruleSeats, func(w *world, h *host) {
			w.plan.rules.Licenses = []provision.License{{SKU: primarySKU, Fallbacks: []provision.License{{SKU: spareSKU}}}}
			w.tenant.seat(w.tenant.byID(w.account(h, mine).ObjectID), []string{primarySKU, spareSKU})
			w.audit()
		}},
		{"a seat that was not bought", ruleSeats, func(w *world, h *host) {
			w.tenant.sku(primarySKU).Enabled = 0
			w.tenant.seat(w.tenant.byID(w.account(h, mine).ObjectID), []string{primarySKU})
			w.audit()
		}},
		{"another ImmutableID in the store", ruleIdentity, func(w *world, h *host) {
			w.judgeRecord(h, provision.Record{Key: w.plan.people[1].Key(), Version: 1, ImmutableID: mine}, false)
			w.judgeRecord(h, provision.Record{Key: w.plan.people[1].Key(), Version: 2, ImmutableID: "another"}, false)
		}},
		{"another UPN after the creation", ruleIdentity, func(w *world, h *host) {
			w.judgeRecord(h, provision.Record{Key: w.plan.people[1].Key(), Version: 1, UPN: "a", CreatedAt: epoch}, false)
			w.judgeRecord(h, provision.Record{Key: w.plan.people[1].Key(), Version: 2, UPN: "b", CreatedAt: epoch}, false)
		}},
		{"another UPN than was told before", ruleIdentity, func(w *world, h *host) {
			w.told[1] = provision.Account{ImmutableID: mine, UPN: "before@contoso.com"}
			w.tells(h, told(w.account(h, mine)), nil)
		}},
		{"a creation before the reservation", ruleReserved, func(w *world, h *host) {
			w.judgeCreation(h, provision.NewUser{DisplayName: displayName(1), ImmutableID: mine,
				UserPrincipalName: "a@contoso.com", Password: "long-enough-and-new"})
		}},
		{"a password that was sent before", rulePassword, func(w *world, h *host) {
			w.judgeCreation(h, provision.NewUser{Password: "long-enough-and-new"})
			w.judgeCreation(h, provision.NewUser{Password: "long-enough-and-new"})
		}},
		{"an account that is not there", ruleReady, func(w *world, h *host) {
			w.tells(h, provision.Account{ImmutableID: mine}, nil)
		}},
		{"no seat", ruleReady, func(w *world, h *host) {
			w.plan.rules.Licenses = []provision.License{{SKU: primarySKU}}
			w.tells(h, told(w.account(h, mine)), nil)
		}},
		{"no group", ruleReady, func(w *world, h *host) {
			w.plan.rules.Groups = []string{everyone}
			w.tells(h, told(w.account(h, mine)), nil)
		}},
		{"too early", ruleReady, func(w *world, h *host) {
			w.plan.settle.Dwell = time.Second
			w.tells(h, told(w.account(h, mine)), nil)
		}},
		{"somebody whom the rules refuse", ruleRefused, func(w *world, h *host) {
			w.plan.people[1].banned = true
			w.tells(h, provision.Account{ImmutableID: mine}, nil)
		}},
		{"a write for somebody whom the rules refuse", ruleRefused, func(w *world, h *host) {
			w.plan.people[1].banned = true
			w.beginWrite(h, request{op: opCreateUser, about: []int{1}})
		}},
		{"a write for somebody who is skipped", ruleRefused, func(w *world, h *host) {
			w.plan.people[1].skipped = true
			w.beginWrite(h, request{op: opUpdateUser, about: []int{1}})
		}},
		{"somebody who is skipped, as the sync says", "", func(w *world, h *host) {
			w.plan.people[1].skipped, w.plan.people[1].UPN = true, "a@contoso.com"
			w.tells(h, provision.Account{ImmutableID: mine, UPN: "a@contoso.com", Skipped: true}, nil)
		}},
		{"somebody who is skipped, as another one", ruleRefused, func(w *world, h *host) {
			w.plan.people[1].skipped, w.plan.people[1].UPN = true, "a@contoso.com"
			w.tells(h, provision.Account{ImmutableID: mine, UPN: "b@contoso.com", Skipped: true}, nil)
		}},
		{"the licence of a rule", ruleReady, func(w *world, h *host) {
			w.plan.people[1].licenses = []provision.License{{SKU: primarySKU}}
			w.tells(h, told(w.account(h, mine)), nil)
		}},
		{"somebody who is refused", ruleRefused, func(w *world, h *host) {
			w.plan.people[1].refused = true
			w.tells(h, told(w.account(h, mine)), nil)
		}},
		{"an enabled account after a finished Retire", ruleRetired, func(w *world, h *host) {
			user := w.account(h, mine)
			h.store.records[1] = provision.Record{ObjectID: user.ObjectID, CreatedAt: epoch}
			w.judgeRetire(answer{h: h, who: 1})
		}},
		{"a sign-in of somebody who has left", ruleRetired, func(w *world, h *host) {
			w.departures[1] = departure{retired: true}
			w.judgeRetired(answer{h: h, who: 1, began: time.Hour, err: &provision.Error{Err: provision.ErrNotReady}})
		}},
		{"a creation for somebody who has left", ruleRetired, func(w *world, h *host) {
			w.departures[1] = departure{retired: true, changed: -time.Hour}
			w.judgeLate(h, opCreateUser, 1)
		}},
		{"a changed ImmutableID", ruleIdentity, func(w *world, h *host) {
			w.judgeChange("a", provision.UserChange{ImmutableID: new(string)})
		}},
		{"a caller who left and was kept", ruleEnds, func(w *world, h *host) {
			w.judgeAnswer(answer{h: h, who: 1, patience: time.Second, ended: 2 * time.Second, err: &provision.Error{
				Err: provision.ErrNotReady}})
		}},
		{"a run that takes longer than its budget", ruleEnds, func(w *world, h *host) {
			w.judgeAnswer(answer{h: h, who: 1, patience: time.Hour, ended: 10 * time.Minute, err: &provision.Error{
				Err: provision.ErrNotReady}})
		}},
		{"an error without a type", ruleError, func(w *world, h *host) {
			w.tells(h, provision.Account{}, errors.New("no"))
		}},
		{"an error of two kinds", ruleError, func(w *world, h *host) {
			w.tells(h, provision.Account{}, &provision.Error{
				Err: errors.Join(provision.ErrThrottled, provision.ErrNotFound)})
		}},
		{"an internal error without a cause", ruleError, func(w *world, h *host) {
			w.tells(h, provision.Account{}, &provision.Error{Err: errors.New("no")})
		}},
		{"a write while another host has the lease", ruleLease, func(w *world, h *host) {
			h.store.leases[1] = leaseOf{holder: &host{w: w, name: "host 2.1", store: h.store}, until: time.Hour}
			w.beginWrite(h, request{op: opCreateUser, about: []int{1}})
		}},
		{"two writes at once", ruleLease, func(w *world, h *host) {
			w.beginWrite(&host{w: w, name: "host 2.1", store: h.store}, request{op: opCreateUser, about: []int{1}})
			w.beginWrite(h, request{op: opCreateUser, about: []int{1}})
		}},
		{"a write about nobody", ruleForeign, func(w *world, h *host) {
			w.beginWrite(h, request{op: opChangeLicenses, about: []int{0}})
		}},
		{"a write to an account that was neither created nor adopted", ruleForeign, func(w *world, h *host) {
			user := w.account(h, mine)
			w.beginWrite(h, w.to(opChangeLicenses, user.ObjectID))
		}},
		{"a write to an account that is in the store", "", func(w *world, h *host) {
			user := w.account(h, mine)
			h.store.objects[1] = []string{user.ObjectID}
			w.beginWrite(h, w.to(opChangeLicenses, user.ObjectID))
			w.endWrite(h, []int{1})
		}},
		{"a reconciliation that reads a stranger", ruleForeign, func(w *world, h *host) {
			w.judgeLook(context.Background(), h, provision.UserKey{ObjectID: w.account(h, mine).ObjectID})
		}},
		{"the licence of a group", "", func(w *world, h *host) {
			w.plan.rules.Licenses = []provision.License{{Group: standard}}
			w.tells(h, told(w.licensedAccount(h, mine, true)), nil)
			w.audit()
		}},
		{"the licence of a group, and no membership", ruleReady, func(w *world, h *host) {
			w.plan.rules.Licenses = []provision.License{{Group: standard}}
			w.tells(h, told(w.licensedAccount(h, mine, false)), nil)
		}},
		{"the licence of the rules that were changed", "", func(w *world, h *host) {
			w.deployed, w.before = true, []provision.License{{Group: standard}}
			w.plan.rules.Licenses = []provision.License{{SKU: spareSKU}}
			w.tells(h, told(w.licensedAccount(h, mine, true)), nil)
		}},
		{"the licence of no rules", ruleReady, func(w *world, h *host) {
			w.deployed, w.before = true, []provision.License{{SKU: secondSKU}}
			w.plan.rules.Licenses = []provision.License{{SKU: spareSKU}}
			w.tells(h, told(w.licensedAccount(h, mine, true)), nil)
		}},
		{"more writes than the shared pacer allows", rulePace, func(w *world, h *host) {
			h.pace = newPace(provision.Pace{WritesPerSecond: 1, WriteBurst: 2})
			w.judgePace(h, 2)
			w.judgePace(h, 1)
		}},
		{"a call while the directory wants silence", rulePace, func(w *world, h *host) {
			h.pace = new(pace)
			w.heedSilence(h, throttled(opFindUser, time.Hour))
			w.judgePace(h, 0)
		}},
		{"as many writes as the shared pacer allows", "", func(w *world, h *host) {
			h.pace = newPace(provision.Pace{WritesPerSecond: 1, WriteBurst: 2})
			w.heedSilence(h, throttled(opFindUser, 0))
			w.judgePace(h, 1)
			w.judgePace(h, 1)
			w.judgePace(h, 0)
		}},
		{"a repair that is not the policy", ruleReconciled, func(w *world, h *host) {
			w.judgeReconciliation(reconcilerPlan{repairs: []provision.DriftKind{provision.DriftLicense}},
				reconciliation{answer: answer{h: h}, drifts: []provision.Drift{{Kind: provision.DriftDisabled, Repaired: true}}})
		}},
		{"a reconciliation that does not end", ruleEnds, func(w *world, h *host) {
			w.judgeReconciliation(reconcilerPlan{}, reconciliation{answer: answer{h: h, ended: time.Hour}})
		}},
		{"bulk work that does not end", ruleEnds, func(w *world, h *host) {
			w.judgeBulk(answer{h: h, who: 1, ended: time.Hour, err: &provision.Error{Err: provision.ErrNotReady}})
		}},
		{"a blocked account that was not repaired", ruleReconciled, func(w *world, h *host) {
			w.tenant.byID(w.ready(h, mine, "").ObjectID).AccountEnabled = false
			w.reconciled(h, provision.DriftDisabled)
		}},
		{"a blocked account that is not repaired", "", func(w *world, h *host) {
			w.tenant.byID(w.ready(h, mine, "").ObjectID).AccountEnabled = false
			w.reconciled(h, provision.DriftLicense)
		}},
		{"a seat that was not given again", ruleReconciled, func(w *world, h *host) {
			w.plan.rules.Licenses = []provision.License{{SKU: primarySKU}}
			w.ready(h, mine, primarySKU)
			w.reconciled(h, provision.DriftLicense)
		}},
		{"a deleted account that was not brought back", ruleReconciled, func(w *world, h *host) {
			w.tenant.byID(w.ready(h, mine, "").ObjectID).state = deleted
			w.reconciled(h, provision.DriftDeleted)
		}},
		{"an old licence that is still remembered", ruleSwapped, func(w *world, h *host) {
			w.ready(h, mine, primarySKU)
			w.judgeSwap(h.store.records[1])
		}},
		{"an old seat", ruleSwapped, func(w *world, h *host) {
			w.tenant.seat(w.tenant.byID(w.ready(h, mine, "").ObjectID), []string{primarySKU})
			w.judgeSwap(h.store.records[1])
		}},
		{"an old group", ruleSwapped, func(w *world, h *host) {
			w.tenant.groups[2].members = []string{w.ready(h, mine, "").ObjectID}
			w.judgeSwap(h.store.records[1])
		}},
		{"no new licence", ruleSwapped, func(w *world, h *host) {
			w.plan.rules.Licenses = []provision.License{{SKU: primarySKU}}
			w.ready(h, mine, primarySKU)
			w.judgeSwap(h.store.records[1])
		}},
		{"a person whose account was forgotten gets another one", ruleIdentity, func(w *world, h *host) {
			h.store.forgot[1] = w.account(h, mine).ObjectID
			w.judgeRecord(h, provision.Record{Key: w.plan.people[1].Key(), Version: 1, ObjectID: "another"}, false)
		}},
		{"an account is forgotten by whoever does not repair that", ruleIdentity, func(w *world, h *host) {
			w.ready(h, mine, "")
			w.judgeRecord(h, provision.Record{Key: w.plan.people[1].Key(), Version: 2, ImmutableID: mine}, true)
		}},
	}
}

// licensedAccount gives person 1 an account with the licence of a group.
func (w *world) licensedAccount(h *host, immutableID string, isMember bool) provision.User {
	user := w.account(h, immutableID)
	o, g := w.tenant.byID(user.ObjectID), w.tenant.groups[2]
	g.members = []string{o.ObjectID}
	w.tenant.license(o, g, 0)
	if !isMember {
		g.members = nil
	}
	return user
}

// ready gives person 1 an account, and a record that says that it is ready.
func (w *world) ready(h *host, immutableID, licenses string) provision.User {
	user := w.account(h, immutableID)
	h.store.records[1] = provision.Record{Key: w.plan.people[1].Key(), Version: 1, ImmutableID: immutableID,
		ObjectID: user.ObjectID, Licenses: licenses, CreatedAt: epoch, ReadyAt: epoch}
	return user
}

// reconciled judges person 1 after a reconciliation that repairs one kind of drift.
func (w *world) reconciled(h *host, kind provision.DriftKind) {
	w.judgeReconciled(reconcilerPlan{repairs: []provision.DriftKind{kind}}, reconciliation{answer: answer{h: h}}, 1)
}
