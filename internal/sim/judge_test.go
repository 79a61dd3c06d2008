package main

import (
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
	}
}
