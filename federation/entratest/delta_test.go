package entratest_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// below is a link of Graph as the path that get takes.
func below(link any) string {
	return strings.TrimPrefix(link.(string), "https://graph.microsoft.com/v1.0/")
}

// round reads a whole round of a delta query: its items, and the path of the next round.
func (g *graphCaller) round(path string) (items []map[string]any, next string) {
	g.t.Helper()
	for {
		answer := g.get(path).must(g.t, 200)
		items = append(items, answer.Values()...)
		if link, more := answer.Body["@odata.nextLink"]; more {
			require.NotContains(g.t, answer.Body, "@odata.deltaLink")
			path = below(link)
			continue
		}
		return items, below(answer.Body["@odata.deltaLink"])
	}
}

func TestDeltaTellsOfChanges(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{
		{UPN: "old@contoso.com", DisplayName: "Old", ObjectID: "aaaaaaaa-0000-4000-8000-000000000001"},
	}})
	ada := g.create(userBody("ada", "department", "R&D"))
	g.createGroup(groupBody("staff"))
	items, next := g.round("users/delta")
	require.Equal(t, []map[string]any{
		{"displayName": "Old", "userPrincipalName": "old@contoso.com", "id": "aaaaaaaa-0000-4000-8000-000000000001"},
		{"displayName": "ada", "userPrincipalName": "ada@contoso.com", "id": ada},
	}, items, "the properties that are returned by default and ever had a value")
	require.True(t, strings.HasPrefix(next, "users/delta?$deltatoken="), next)

	items, next = g.round(next)
	require.Empty(t, items, "nothing has changed")
	clock.Advance(time.Hour)
	g.patch("users/"+ada, map[string]any{"jobTitle": "Engineer"}).must(t, 204)
	bob := g.create(userBody("bob"))
	items, next = g.round(next)
	require.Equal(t, []map[string]any{
		{"displayName": "ada", "jobTitle": "Engineer", "userPrincipalName": "ada@contoso.com", "id": ada},
		{"displayName": "bob", "userPrincipalName": "bob@contoso.com", "id": bob},
	}, items)

	g.patch("users/"+ada, map[string]any{"jobTitle": nil, "accountEnabled": false}).must(t, 204)
	items, next = g.round(next)
	require.Equal(t, []map[string]any{{"displayName": "ada", "jobTitle": nil, "userPrincipalName": "ada@contoso.com",
		"accountEnabled": false, "id": ada}}, items, "with what changed, null included")

	g.post("users/"+ada+"/assignLicense", assigning()).must(t, 200)
	items, next = g.round(next)
	require.Empty(t, items, "a change that changes nothing")

	g.delete("users/"+ada).must(t, 204)
	items, next = g.round(next)
	require.Equal(t, []map[string]any{{"id": ada, "@removed": map[string]any{"reason": "changed"}}}, items)
	g.post("directory/deletedItems/"+ada+"/restore", nil).must(t, 200)
	items, next = g.round(next)
	require.Len(t, items, 1)
	require.Equal(t, "ada", items[0]["displayName"], "who was restored is there as if new")

	g.delete("users/"+ada).must(t, 204)
	g.delete("directory/deletedItems/"+ada).must(t, 204)
	eve := g.create(userBody("eve"))
	g.delete("users/"+eve).must(t, 204)
	items, next = g.round(next)
	require.Equal(t, []map[string]any{{"id": ada, "@removed": map[string]any{"reason": "deleted"}},
		{"id": eve, "@removed": map[string]any{"reason": "changed"}}}, items)

	for range 5 {
		clock.Advance(6 * day)
		items, next = g.round(next)
	}
	require.Equal(t, []map[string]any{{"id": eve, "@removed": map[string]any{"reason": "deleted"}}}, items,
		"30 days later, with no request at all")
	items, _ = g.round(next)
	require.Empty(t, items)
	items, _ = g.round("users/delta")
	require.Len(t, items, 2, "a first round lists whoever is there")
}

func TestDeltaOfSelectedProperties(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada, boss := g.create(userBody("ada", "department", "R&D")), g.create(userBody("boss"))
	items, next := g.round("users/microsoft.graph.delta()?$select=department,manager,assignedLicenses")
	require.Equal(t, []map[string]any{{"department": "R&D", "id": ada}, {"id": boss}}, items)

	g.patch("users/"+ada, map[string]any{"jobTitle": "Engineer", "usageLocation": "DE"}).must(t, 204)
	items, next = g.round(next)
	require.Empty(t, items, "a property that is not selected is not tracked")

	g.patch("users/"+ada, map[string]any{"department": "Sales"}).must(t, 204)
	g.put("users/"+ada+"/manager/$ref", reference(boss)).must(t, 204)
	g.header.Set("Prefer", "return=minimal")
	minimal, _ := g.round(next)
	g.header.Del("Prefer")
	items, next = g.round(next)
	require.Equal(t, []map[string]any{{"department": "Sales", "id": ada,
		"manager@delta": []any{map[string]any{"@odata.type": "#microsoft.graph.user", "id": boss}}}}, items)
	require.Equal(t, items, minimal)

	g.post("users/"+ada+"/assignLicense", assigning(skuStandardPack)).must(t, 200)
	g.delete("users/"+ada+"/manager/$ref").must(t, 204)
	licenses := []any{map[string]any{"skuId": skuStandardPack, "disabledPlans": []any{}}}
	g.header.Set("Prefer", "return=minimal")
	minimal, _ = g.round(next)
	require.Equal(t, []map[string]any{{"assignedLicenses": licenses, "id": ada, "manager@delta": []any{}}}, minimal)
	g.header.Del("Prefer")
	items, next = g.round(next)
	require.Equal(t, []map[string]any{{"department": "Sales", "assignedLicenses": licenses, "id": ada,
		"manager@delta": []any{}}}, items, "without the header, what did not change is there as well")

	g.delete("users/"+ada).must(t, 204)
	items, next = g.round(next)
	require.Equal(t, map[string]any{"reason": "changed"}, items[0]["@removed"])
	g.post("directory/deletedItems/"+ada+"/restore", nil).must(t, 200)
	items, next = g.round(next)
	require.Len(t, items, 1, "coming back is a change, whatever is selected")
	require.Equal(t, "Sales", items[0]["department"])

	g.patch("users/"+ada, map[string]any{"city": "Bonn"}).must(t, 204)
	items, _ = g.round(next + "&$select=city")
	require.Equal(t, []map[string]any{{"city": "Bonn", "id": ada}}, items, "the selection can be changed between rounds")
}

func TestDeltaFromNow(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.create(userBody("ada"))
	items, next := g.round("users/delta?$deltaToken=latest")
	require.Empty(t, items)
	bob := g.create(userBody("bob"))
	items, _ = g.round(next)
	require.Len(t, items, 1)
	require.Equal(t, bob, items[0]["id"])
}

func TestDeltaOfSomeUsers(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada, bob := g.create(userBody("ada")), g.create(userBody("bob"))
	g.create(userBody("eve"))
	filter := "id eq '" + ada + "' or id eq '" + bob + "'"
	items, next := g.round("users/delta?$filter=" + escape(filter))
	require.Len(t, items, 2)
	g.patch("users/eve@contoso.com", map[string]any{"city": "Bonn"}).must(t, 204)
	items, next = g.round(next)
	require.Empty(t, items)
	g.patch("users/"+bob, map[string]any{"city": "Bonn"}).must(t, 204)
	items, _ = g.round(next)
	require.Len(t, items, 1)

	many := strings.Repeat("id eq '"+ada+"' or ", 49) + "id eq '" + bob + "'"
	items, _ = g.round("users/delta?$filter=" + escape(many))
	require.Len(t, items, 2, "up to 50 objects")
	g.get("users/delta?$filter="+escape(many+" or id eq 'x'")).mustRefuse(t, 400, "Request_UnsupportedQuery", "")
}

func TestDeltaPages(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	var want []string
	for i := range 205 {
		want = append(want, g.create(userBody(fmt.Sprintf("person%03d", i))))
	}
	first := g.get("users/delta?$select=displayName").must(t, 200)
	require.Len(t, first.Values(), 100)
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#users(displayName)", first.Body["@odata.context"])
	link := below(first.Body["@odata.nextLink"])
	require.True(t, strings.HasPrefix(link, "users/delta?$skiptoken="), link)

	g.patch("users/"+want[0], map[string]any{"displayName": "changed"}).must(t, 204)
	g.delete("users/"+want[204]).must(t, 204)
	items, next := g.round(link)
	seen := first.Column("id")
	for _, item := range items {
		seen = append(seen, item["id"].(string))
	}
	require.Equal(t, want[:204], seen, "who is gone before the page comes is not on it")
	items, _ = g.round(next)
	require.Len(t, items, 2, "what changed while the pages were read comes in the next round")
	require.Equal(t, "changed", items[0]["displayName"])
	require.Equal(t, map[string]any{"reason": "changed"}, items[1]["@removed"])
}

func TestDeltaRefusals(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	other, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Seed: 9})
	_, next := g.round("users/delta")
	_, foreign := other.round("users/delta")
	for i := range 101 {
		g.create(userBody(fmt.Sprintf("person%03d", i)))
	}
	skip := below(g.get("users/delta").Body["@odata.nextLink"])
	token := strings.TrimPrefix(next, "users/delta?$deltatoken=")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	require.NoError(t, err)
	raw[len(raw)-1] ^= 1
	for _, rule := range []struct{ name, path, code, message string }{
		{"a token that is none", "users/delta?$deltatoken=x", "Request_BadRequest", "Badly formed token."},
		{"a page token that is none", "users/delta?$skiptoken=eA", "Request_BadRequest", "Badly formed token."},
		{"a token that was changed", "users/delta?$deltatoken=" + base64.RawURLEncoding.EncodeToString(raw),
			"Request_BadRequest", "Badly formed token."},
		{"a token of another tenant", foreign, "Request_BadRequest", "Badly formed token."},
		{"a token of a round as one of a page", "users/delta?$skiptoken=" + token, "Request_BadRequest",
			"Badly formed token."},
		{"$top", "users/delta?$top=5", "BadRequest", "The query parameter '$top' is not supported."},
		{"$expand", "users/delta?$expand=manager", "BadRequest", "The query parameter '$expand' is not supported."},
		{"$orderby", "users/delta?$orderby=id", "BadRequest", "The query parameter '$orderby' is not supported."},
		{"$select within a round", skip + "&$select=id", "Request_UnsupportedQuery", ""},
		{"$filter between rounds", next + "&$filter=" + escape("id eq 'x'"), "Request_UnsupportedQuery", ""},
		{"a filter by something else", "users/delta?$filter=" + escape("mail eq 'x'"), "Request_UnsupportedQuery", ""},
		{"a filter by exclusion", "users/delta?$filter=" + escape("id ne 'x'"), "Request_UnsupportedQuery", ""},
		{"a filter that is none", "users/delta?$filter=x", "BadRequest", ""},
		{"a property that does not exist", "users/delta?$select=nickName", "BadRequest", ""},
	} {
		t.Run(rule.name, func(t *testing.T) { g.get(rule.path).mustRefuse(t, 400, rule.code, rule.message) })
	}
}

func TestDeltaTokensExpire(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	for i := range 101 {
		g.create(userBody(fmt.Sprintf("person%03d", i)))
	}
	skip := below(g.get("users/delta").Body["@odata.nextLink"])
	_, next := g.round("users/delta")
	clock.Advance(7 * day)
	_, fresh := g.round(next)
	g.get(skip).must(t, 200)
	clock.Advance(time.Second)
	for _, path := range []string{next, skip} {
		gone := g.get(path).mustRefuse(t, 410, "syncStateNotFound", "")
		again := gone.Header.Get("Location")
		require.Equal(t, "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=", again)
		items, _ := g.round(below(again))
		require.Len(t, items, 101, "an empty token begins anew")
	}
	g.get(fresh).must(t, 200) // each round brings a token of its own
}

// What a client that follows the links knows is what the tenant has, whatever the lag, the repetitions and the empty pages
// on the way.
func TestDeltaMissesNothing(t *testing.T) {
	for _, lag := range []entratest.Lag{entratest.LagNone, entratest.LagNormal, entratest.LagBad} {
		t.Run(string("lag "+lag), func(t *testing.T) {
			repeated, empty := 0, 0
			for seed := range uint64(6) {
				r, e := followDelta(t, lag, seed)
				repeated, empty = repeated+r, empty+e
			}
			require.Equal(t, lag != entratest.LagNone, repeated > 0, "rounds repeat themselves only in a tenant that lags")
			require.Equal(t, lag != entratest.LagNone, empty > 0, "and so do empty pages with more behind them")
		})
	}
}

func followDelta(t *testing.T, lag entratest.Lag, seed uint64) (repeated, empty int) {
	g, clock := callGraph(t, entratest.Config{Lag: lag, Seed: seed})
	known := map[string]string{} // object ID to department
	path := "users/delta?$select=department"
	read := func() {
		for {
			answer := g.get(path).must(t, 200)
			for _, item := range answer.Values() {
				id := item["id"].(string)
				department, _ := item["department"].(string)
				if _, removed := item["@removed"]; removed {
					delete(known, id)
					continue
				}
				if known[id] == department && department != "" {
					repeated++
				}
				known[id] = department
			}
			if link, more := answer.Body["@odata.nextLink"]; more {
				if len(answer.Values()) == 0 {
					empty++
				}
				path = below(link)
				continue
			}
			path = below(answer.Body["@odata.deltaLink"])
			return
		}
	}
	for i := range 30 {
		id := g.create(userBody(fmt.Sprintf("person%d", i), "department", fmt.Sprint(i)))
		clock.Advance(3 * time.Minute)
		switch i % 3 {
		case 0:
			g.patch("users/"+id, map[string]any{"department": "changed"}).must(t, 204)
		case 1:
			g.delete("users/"+id).must(t, 204)
		}
		clock.Advance(time.Duration(i) * time.Second)
		read()
	}
	clock.Advance(time.Hour)
	read()
	want := map[string]string{}
	for i, user := range g.tenant.Users() {
		answer := g.get("users/"+user.ObjectID+"?$select=department").must(t, 200)
		want[user.ObjectID] = answer.Body["department"].(string)
		require.Equal(t, 20, len(g.tenant.Users()), i)
	}
	require.Equal(t, want, known)
	return repeated, empty
}
