package msgraph_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

const (
	premium  = skuID    // SPB
	standard = otherSKU // SPE_E3
	basic    = "3b555118-da6a-4418-894f-7df1e2096870"
	frontier = "bbbbbbbb-0000-4000-8000-000000000002"
)

// subscriptions are three, of which a group gives the first, and another group the second.
func subscriptions(premiumSeats, standardSeats, basicSeats int) entratest.Config {
	return entratest.Config{
		SKUs: []entratest.SKU{
			{ID: premium, PartNumber: "SPB", Enabled: premiumSeats, Plans: []entratest.ServicePlan{
				{ID: planOn, Name: "EXCHANGE_S_STANDARD"}, {ID: planOff, Name: "YAMMER_ENTERPRISE"},
			}},
			{ID: standard, PartNumber: "SPE_E3", Enabled: standardSeats},
			{ID: basic, PartNumber: "O365_BUSINESS_ESSENTIALS", Enabled: basicSeats},
		},
		Groups: []entratest.Group{
			{ObjectID: staff, DisplayName: "Staff", UniqueName: "staff", SKUIDs: []string{premium}},
			{ObjectID: frontier, DisplayName: "Frontier", UniqueName: "frontier", SKUIDs: []string{standard}},
		},
	}
}

func licensing(licenses ...provision.License) provision.Config {
	return provision.Config{Rules: provision.Rules{Licenses: licenses}}
}

// active requires that the account has exactly these subscriptions, all of them working.
func (w *world) active(objectID string, skuIDs ...string) []provision.AssignedLicense {
	w.Helper()
	user := w.user(objectID)
	var have []string
	for _, l := range user.Licenses {
		require.Equal(w, "Active", l.State, "%+v", l)
		have = append(have, l.SKUID)
	}
	require.ElementsMatch(w, skuIDs, have)
	return user.Licenses
}

func TestPipelineAGroupGivesTheLicence(t *testing.T) {
	t.Parallel()
	inWorld(t, subscriptions(5, 5, 5), licensing(provision.License{Group: "staff"}), func(w *world) {
		account := w.ensure(contractor(1))
		require.Equal(w, "group:"+staff, w.record(contractor(1)).Licenses)
		licenses := w.active(account.ObjectID, premium)
		require.Equal(w, staff, licenses[0].GroupID)
		require.Empty(w, w.calls("POST", "assignLicense"))
		require.Equal(w, []string{account.UPN}, w.entra.Groups()[1].Members)
	})
}

// Two people see the last seat, and the group has it for one of them: the other gets the fallback, and leaves the group.
func TestPipelineTheLastSeatOfAGroup(t *testing.T) {
	t.Parallel()
	rule := provision.License{Group: staff, Fallbacks: give("O365_BUSINESS_ESSENTIALS")}
	inWorld(t, subscriptions(1, 5, 5), licensing(rule), func(w *world) {
		w.together(2, func(i int) { w.ensure(contractor(i)) })
		var given []string
		for i := range 2 {
			rec := w.record(contractor(i))
			given = append(given, rec.Licenses)
			if rec.Licenses == basic {
				require.Empty(w, w.active(rec.ObjectID, basic)[0].GroupID)
			} else {
				w.active(rec.ObjectID, premium)
			}
		}
		require.ElementsMatch(w, []string{"group:" + staff, basic}, given)
		require.Len(w, w.entra.Groups()[1].Members, 1)
	})
}

func TestPipelineNoSeatForAnybody(t *testing.T) {
	t.Parallel()
	rule := provision.License{Group: staff, Fallbacks: give("SPE_E3")}
	inWorld(t, subscriptions(0, 0, 5), licensing(rule), func(w *world) {
		_, err := w.Ensure(w.Context(), contractor(1))
		require.ErrorIs(w, err, provision.ErrNoLicense)
		require.Empty(w, w.entra.Users(), "nobody is created who cannot be licensed")
	})
}

func TestPipelineSeveralLicencesInOneCall(t *testing.T) {
	t.Parallel()
	licenses := give("spb", "SPE_E3")
	licenses[0].DisabledPlans = []string{"yammer_enterprise"}
	inWorld(t, subscriptions(5, 5, 5), licensing(licenses...), func(w *world) {
		account := w.ensure(contractor(1))
		have := w.active(account.ObjectID, premium, standard)
		i := slices.IndexFunc(have, func(l provision.AssignedLicense) bool { return l.SKUID == premium })
		require.Equal(w, []string{planOff}, have[i].DisabledPlans)
		require.Len(w, succeeded(w.calls("POST", "assignLicense")), 1)
	})
}

func succeeded(calls []entratest.GraphCall) []entratest.GraphCall {
	return slices.DeleteFunc(calls, func(c entratest.GraphCall) bool { return c.Status < 200 || c.Status > 299 })
}

func TestPipelineSwapsLicences(t *testing.T) {
	t.Parallel()
	direct := func(sku string) provision.Config { return licensing(give(sku)...) }
	byGroup := func(group string) provision.Config { return licensing(provision.License{Group: group}) }
	for name, test := range map[string]struct {
		from, to provision.Config
		had, has string
	}{
		"a seat for a seat":     {direct("SPB"), direct("SPE_E3"), premium, standard},
		"a seat for a group":    {direct("SPB"), byGroup(frontier), premium, standard},
		"a group for a seat":    {byGroup("staff"), direct("SPE_E3"), premium, standard},
		"a group for a group":   {byGroup("staff"), byGroup("frontier"), premium, standard},
		"the same from a group": {direct("SPB"), byGroup("staff"), premium, premium},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, subscriptions(5, 5, 5), test.from, func(w *world) {
				account := w.ensure(contractor(1))
				w.active(account.ObjectID, test.had)
				next := w.pipeline(test.to)
				for range 2 {
					require.NoError(w, next.SwapLicenses(w.Context(), contractor(1).Key()))
					w.active(account.ObjectID, test.has)
				}
				calls := len(w.calls("", ""))
				require.NoError(w, next.SwapLicenses(w.Context(), contractor(1).Key()))
				require.LessOrEqual(w, len(w.calls("", ""))-calls, 3, "nothing but looks")
				_, err := next.Ensure(w.Context(), contractor(1))
				require.NoError(w, err)
			})
		})
	}
}

func TestPipelineTakesLicencesBack(t *testing.T) {
	t.Parallel()
	from := licensing(provision.License{Group: "frontier"}, provision.License{SKU: "SPB"})
	inWorld(t, subscriptions(5, 5, 5), from, func(w *world) {
		account := w.ensure(contractor(1))
		w.active(account.ObjectID, premium, standard)
		gift := provision.LicenseChange{Add: []provision.LicenseGrant{{SKUID: basic}}}
		require.NoError(w, w.admin.ChangeLicenses(w.Context(), account.ObjectID, gift))
		w.calm()
		require.NoError(w, w.pipeline(provision.Config{}).SwapLicenses(w.Context(), contractor(1).Key()))
		w.active(account.ObjectID, basic)
		require.ElementsMatch(w, []string{"lost:group:" + frontier, "lost:" + premium}, w.marks(contractor(1)))
		require.Empty(w, w.entra.Groups()[0].Members)
	})
}

// Services that exclude each other: the group's licence is given once the direct one has gone. In a slow tenant that takes
// more than one budget.
func TestPipelineSwapsWhatExcludesEachOther(t *testing.T) {
	t.Parallel()
	cfg := subscriptions(5, 5, 5)
	cfg.SKUs[1].Plans = []entratest.ServicePlan{{
		ID: "cccccccc-0000-4000-8000-000000000003", Name: "EXCHANGE_S_ENTERPRISE", Excludes: []string{planOn},
	}}
	inWorld(t, cfg, licensing(give("SPB")...), func(w *world) {
		account := w.ensure(contractor(1))
		next := w.pipeline(licensing(provision.License{Group: "frontier"}))
		w.calm()
		err := next.SwapLicenses(w.Context(), contractor(1).Key())
		if errors.Is(err, provision.ErrNotReady) {
			err = next.SwapLicenses(w.Context(), contractor(1).Key())
		}
		require.NoError(w, err)
		w.active(account.ObjectID, standard)
		require.ElementsMatch(w, []string{"group:" + frontier, "lost:" + premium}, w.marks(contractor(1)))
	})
}

var lostAt = regexp.MustCompile(`lost:\w+:`)

// marks are those of the record's licences, without the times when something was lost.
func (w *world) marks(p provision.Person) []string {
	return strings.Fields(lostAt.ReplaceAllString(w.record(p).Licenses, "lost:"))
}
