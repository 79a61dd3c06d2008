package entratest

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	historySKU   = "18181a46-0d4e-45cd-891e-60aabd171b4e"
	historyAddOn = "b05e124f-c7cc-45a0-a6aa-8cf78c946968"
	historyPlan  = "9aaf7827-d63c-4b61-89c3-182f06f82e5c"
)

// randomHistory is a tenant and a random conversation with it.
type randomHistory struct {
	t      *testing.T
	tenant *Tenant
	clock  *Clock
	rng    *rand.Rand
	done   map[string]int // requests that succeeded, by kind
}

func newHistory(t *testing.T, lag Lag, free bool, seed uint64) *randomHistory {
	clock := NewClock(clockOrigin)
	tenant := Start(t, Config{
		Clock: clock, Seed: seed, Lag: lag, DeletedFreeImmutableID: free, Throttle: Throttle{Off: true},
		SKUs: []SKU{
			{ID: historySKU, PartNumber: "STANDARDPACK", Enabled: 3, Plans: []ServicePlan{{ID: historyPlan, Name: "MAIL"}}},
			{ID: historyAddOn, PartNumber: "ADDON", Enabled: 2, Plans: []ServicePlan{
				{ID: "aaaaaaaa-0000-4000-8000-00000000000a", Name: "ADDON", Requires: []string{historyPlan}}}},
		},
		Groups: []Group{{DisplayName: "one"}, {DisplayName: "two", SKUIDs: []string{historySKU}}},
	})
	return &randomHistory{t: t, tenant: tenant, clock: clock, rng: rand.New(rand.NewPCG(seed, 1)), done: map[string]int{}}
}

func (h *randomHistory) pick(choices ...string) string { return choices[h.rng.IntN(len(choices))] }

// objects lists the object IDs of a class, deleted ones included.
func (h *randomHistory) objects(c class) []string {
	var out []string
	for _, id := range h.tenant.directory.order {
		if h.tenant.directory.primary(id).class == c {
			out = append(out, id)
		}
	}
	if len(out) == 0 {
		return []string{"11111111-1111-4111-8111-111111111111"}
	}
	return out
}

// step sends one random request.
func (h *randomHistory) step() {
	user, other := h.pick(h.objects(userClass)...), h.pick(h.objects(userClass)...)
	group := h.pick(h.objects(groupClass)...)
	upn := h.pick("a", "b", "c", "d", "e", "f") + "@contoso.com"
	person := fmt.Sprintf(`"userPrincipalName": %q, "onPremisesImmutableId": %q, "mail": %q`, upn,
		h.pick("1", "2", "3", "4", "5", "6"), h.pick("x", "y", "z")+"@example.net")
	licenses := fmt.Sprintf(`{"addLicenses": [%s], "removeLicenses": [%s]}`, h.pick("", `{"skuId": "`+historySKU+`"}`,
		`{"skuId": "`+historyAddOn+`"}`, `{"skuId": "`+historySKU+`"}, {"skuId": "`+historyAddOn+`"}`),
		h.pick("", "", `"`+historySKU+`"`, `"`+historyAddOn+`"`))
	member := `{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/` + user + `"}`
	kind := h.pick("create", "create", "patch", "delete", "restore", "rename", "purge", "assign", "assign", "join", "join",
		"leave", "group", "reprocess")
	var method, path, body string
	switch kind {
	case "create":
		method, path = http.MethodPost, "users"
		body = `{"accountEnabled": true, "displayName": "x", "mailNickname": "x", "usageLocation": "DE",
			"passwordProfile": {"password": "Correct-1"}, ` + person + `}`
	case "patch":
		method, path, body = http.MethodPatch, "users/"+user, "{"+person+"}"
	case "delete":
		method, path = http.MethodDelete, "users/"+user
	case "restore":
		method, path = http.MethodPost, "directory/deletedItems/"+user+"/restore"
		body = `{"autoReconcileProxyConflict": ` + h.pick("true", "false") + `}`
	case "rename":
		method, path = http.MethodPost, "directory/deletedItems/"+user+"/restore"
		body = `{"newUserPrincipalName": "` + upn + `", "autoReconcileProxyConflict": true}`
	case "purge":
		method, path = http.MethodDelete, "directory/deletedItems/"+user
	case "assign":
		method, path, body = http.MethodPost, "users/"+user+"/assignLicense", licenses
	case "join":
		method, path, body = http.MethodPost, "groups/"+group+"/members/$ref", member
	case "leave":
		method, path = http.MethodDelete, "groups/"+group+"/members/"+other+"/$ref"
	case "group":
		method, path, body = http.MethodPost, "groups/"+group+"/assignLicense", licenses
	case "reprocess":
		method, path, body = http.MethodPost, "users/"+user+"/reprocessLicenseAssignment", "{}"
	}
	w := h.tenant.change(h.t, method, path, body)
	require.Less(h.t, w.Code, 500, "%s %s %s: %s", method, path, body, w.Body)
	require.NotEqual(h.t, http.StatusConflict, w.Code, "nothing overlaps")
	if w.Code < 300 {
		h.done[kind]++
	}
}

// check compares what the tenant keeps with what follows from its objects.
func (h *randomHistory) check() {
	t, tenant := h.t, h.tenant
	now := tenant.now()
	held, users, addresses := map[string]int{}, 0, map[string]string{}
	upns, immutableIDs := map[string]string{}, map[string]string{}
	once := func(owners map[string]string, value, owner string) {
		if value == "" {
			return
		}
		require.Contains(t, []string{"", owner}, owners[value], "%q belongs to two users", value)
		owners[value] = owner
	}
	for _, id := range tenant.directory.order {
		e := tenant.directory.primary(id)
		if e.class != userClass {
			continue
		}
		if e.active() || !tenant.cfg.DeletedFreeImmutableID && !e.gone(now) {
			once(immutableIDs, e.text("onPremisesImmutableId"), id)
		}
		if !e.active() {
			require.Empty(t, e.licenses, "a deleted user holds nothing")
			continue
		}
		users++
		once(upns, strings.ToLower(e.text("userPrincipalName")), id)
		for _, address := range e.addresses() {
			once(addresses, strings.ToLower(address), id)
		}
		for _, skuID := range e.seats() {
			held[skuID]++
		}
	}
	require.Equal(t, users, tenant.directory.users)
	for _, sku := range tenant.cfg.SKUs {
		require.Equal(t, held[sku.ID], tenant.directory.seats[sku.ID], "the seats of %s", sku.PartNumber)
		require.LessOrEqual(t, held[sku.ID], sku.places())
	}
}

// checkLicenses: once nothing is pending, users have licences from exactly their groups, or say why not.
func (h *randomHistory) checkLicenses() {
	d := h.tenant.directory
	for _, id := range h.objects(userClass) {
		e := d.primary(id)
		if e == nil || !e.active() {
			continue
		}
		var want []string
		for _, group := range d.groupsOf(id) {
			for _, l := range d.primary(group).licenses {
				want = append(want, group+"/"+l.skuID)
			}
		}
		var have []string
		for _, l := range e.licenses {
			if l.group != "" && !(l.held && l.problem == problemDependency) {
				have = append(have, l.group+"/"+l.skuID)
			}
		}
		slices.Sort(want)
		slices.Sort(have)
		require.Equal(h.t, want, have)
	}
}

// checkConverged: every view shows what the primary has.
func (h *randomHistory) checkConverged() {
	d, now := h.tenant.directory, h.tenant.now()
	for id, revisions := range d.objects {
		for view := range views {
			require.Same(h.t, revisions.last(), d.shown(id, view, now), "view %d of %s", view, id)
		}
	}
	for l, revisions := range d.links {
		for view := range views {
			require.Equal(h.t, revisions.last(), revisions.seen(view, now), "view %d of %v", view, l)
		}
	}
}

func TestRandomHistories(t *testing.T) {
	for _, lag := range []Lag{LagNone, LagFast, LagNormal, LagBad} {
		for _, free := range []bool{false, true} {
			t.Run(fmt.Sprintf("lag %s free %v", lag, free), func(t *testing.T) {
				t.Parallel()
				done := map[string]int{}
				for seed := range uint64(5) {
					h := newHistory(t, lag, free, seed)
					for range 250 {
						h.step()
						h.check()
						h.clock.Advance(time.Duration(h.rng.IntN(60)) * time.Second)
						if h.rng.IntN(50) == 0 {
							h.clock.Advance(deletedFor)
						}
					}
					h.clock.Advance(4 * lag.at(1)) // the index is three times as late; processing comes before
					h.tenant.Users()
					h.clock.Advance(4 * lag.at(1))
					h.checkConverged()
					h.check()
					h.checkLicenses()
					for kind, n := range h.done {
						done[kind] += n
					}
				}
				for _, kind := range []string{"create", "patch", "delete", "restore", "rename", "purge", "assign", "join",
					"leave", "group", "reprocess"} {
					require.Positive(t, done[kind], "%s never succeeded: the histories are too tame", kind)
				}
			})
		}
	}
}

// conversation is a history in its answers and its end.
func conversation(t *testing.T, seed uint64) []string {
	h := newHistory(t, LagBad, false, seed)
	var seen []string
	for range 150 {
		h.step()
		h.clock.Advance(20 * time.Second)
		for _, path := range []string{"users/delta", "groups", "subscribedSkus", deletedUsersPath} {
			seen = append(seen, h.tenant.change(t, http.MethodGet, path, "").Body.String())
		}
	}
	return seen
}

const deletedUsersPath = "directory/deletedItems/microsoft.graph.user"

func TestHistoriesReplay(t *testing.T) {
	require.Equal(t, conversation(t, 3), conversation(t, 3), "the same seed and the same requests give the same answers")
	require.NotEqual(t, conversation(t, 3), conversation(t, 4))
}

func TestViewsNeverGoBack(t *testing.T) {
	var states history[int]
	for i := range 100 {
		now := clockOrigin.Add(time.Duration(i) * time.Second)
		rev := revision[int]{state: i + 1}
		for view := range views {
			rev.visible[view] = now.Add(time.Duration((i*37+view*11)%90) * time.Second)
		}
		states = states.add(states.following(rev), now)
	}
	for view := range views {
		shown := 0
		for second := 100; second < 300; second++ {
			state := states.seen(view, clockOrigin.Add(time.Duration(second)*time.Second))
			require.GreaterOrEqual(t, state, shown)
			shown = state
		}
		require.Equal(t, 100, shown)
	}
}
