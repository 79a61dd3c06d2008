package entratest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// change sends a request to Graph that is authorized for everything.
func (t *Tenant) change(tb testing.TB, method, path, body string) *httptest.ResponseRecorder {
	tb.Helper()
	req := httptest.NewRequest(method, graphVersion+"/"+path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+t.signToken(t.claimsFor(t.cfg.Apps[0])))
	w := httptest.NewRecorder()
	t.ServeHTTP(w, req)
	return w
}

var clockOrigin = time.Unix(1_800_000_000, 0)

const adaJSON = `{"accountEnabled": true, "displayName": "Ada", "mailNickname": "ada",
	"userPrincipalName": "ada@contoso.com", "onPremisesImmutableId": "Ada1",
	"passwordProfile": {"password": "Correct-Horse-1"}}`

func TestSignInServiceLearnsOfUsersLater(t *testing.T) {
	for _, rule := range []struct {
		name   string
		config Config
		after  time.Duration
	}{
		{"10 seconds by default", Config{}, 10 * time.Second},
		{"at once without lag", Config{Lag: LagNone}, 0},
		{"as configured", Config{Lag: LagNone, SignInLag: time.Minute}, time.Minute},
		{"at once if negative", Config{SignInLag: -1}, 0},
	} {
		t.Run(rule.name, func(t *testing.T) {
			clock := NewClock(clockOrigin)
			rule.config.Clock = clock
			tenant := Start(t, rule.config)
			require.Equal(t, http.StatusCreated, tenant.change(t, http.MethodPost, "users", adaJSON).Code)
			if rule.after > 0 {
				clock.Advance(rule.after - 1)
				require.Empty(t, tenant.signInUsers("Ada1"))
				_, known := tenant.signInUserByUPN("ada@contoso.com")
				require.False(t, known)
				clock.Advance(1)
			}
			users := tenant.signInUsers("Ada1")
			require.Len(t, users, 1)
			require.Equal(t, "ada@contoso.com", users[0].UPN)
			require.True(t, users[0].Enabled)
			require.Empty(t, tenant.signInUsers("ada1"), "the ImmutableID is compared with regard to case")
			user, known := tenant.signInUserByUPN("ADA@contoso.com")
			require.True(t, known, "the UPN is not")
			require.Equal(t, users[0], user)
		})
	}
}

func TestSignInServiceFollowsChanges(t *testing.T) {
	clock := NewClock(clockOrigin)
	tenant := Start(t, Config{Clock: clock, Lag: LagNone, SignInLag: 10 * time.Second, Users: []User{
		{ObjectID: "AAAAAAAA-0000-4000-8000-000000000001", UPN: "ada@contoso.com", ImmutableID: "old", Enabled: true},
	}})
	const path = "users/aaaaaaaa-0000-4000-8000-000000000001"
	require.Len(t, tenant.signInUsers("old"), 1, "a user of the configuration is known at once")

	w := tenant.change(t, http.MethodPatch, path, `{"onPremisesImmutableId": "new", "accountEnabled": false}`)
	require.Equal(t, http.StatusNoContent, w.Code, w.Body)
	require.Len(t, tenant.signInUsers("old"), 1)
	clock.Advance(10 * time.Second)
	require.Empty(t, tenant.signInUsers("old"))
	require.Len(t, tenant.signInUsers("new"), 1)
	require.False(t, tenant.signInUsers("new")[0].Enabled, "a disabled user is found as such")

	require.Equal(t, http.StatusNoContent, tenant.change(t, http.MethodDelete, path, "").Code)
	clock.Advance(10 * time.Second)
	require.Empty(t, tenant.signInUsers("new"))
}

func TestOldRevisionsAreForgotten(t *testing.T) {
	clock := NewClock(clockOrigin)
	tenant := Start(t, Config{Clock: clock})
	require.Equal(t, http.StatusCreated, tenant.change(t, http.MethodPost, "users", adaJSON).Code)
	id := tenant.Users()[0].ObjectID
	for range 100 {
		clock.Advance(time.Hour)
		require.Equal(t, http.StatusNoContent, tenant.change(t, http.MethodPatch, "users/"+id, `{"city": "Bonn"}`).Code)
	}
	require.LessOrEqual(t, len(tenant.directory.objects[id]), 2)
}

func TestRealmsOfDomains(t *testing.T) {
	federation := func(issuer string) *Federation { return &Federation{Issuer: issuer, SignInURL: "https://id.example/"} }
	tenant := &Tenant{cfg: Config{InitialDomain: "contoso.onmicrosoft.com", Domains: []Domain{
		{Name: "contoso.com", Federation: federation("urn:root")},
		{Name: "sub.contoso.com"},
		{Name: "deep.sub.contoso.com"},
		{Name: "own.contoso.com", Federation: federation("urn:own")},
		{Name: "below.own.contoso.com"},
		{Name: "managed.contoso.com", Promoted: true},
		{Name: "fabrikam.com"},
	}}, objectIDs: newDice(1, 1)}
	tenant.domains = tenant.initialDomains()

	require.Equal(t, []string{"contoso.com", "own.contoso.com"}, func() (names []string) {
		for _, r := range tenant.realms() {
			names = append(names, r.Domain)
		}
		return names
	}())
	for _, rule := range []struct{ name, subject, realm string }{
		{"a root", "contoso.com", "contoso.com"},
		{"a user of the root", "ada@contoso.com", "contoso.com"},
		{"in any case", "Ada@CONTOSO.com", "contoso.com"},
		{"a child has its root's", "ada@sub.contoso.com", "contoso.com"},
		{"at any depth", "ada@deep.sub.contoso.com", "contoso.com"},
		{"a federated child is a root", "ada@own.contoso.com", "own.contoso.com"},
		{"and has children", "ada@below.own.contoso.com", "own.contoso.com"},
		{"a promoted child inherits nothing", "ada@managed.contoso.com", ""},
		{"a managed domain", "ada@fabrikam.com", ""},
		{"a child that is not in the tenant", "ada@unknown.contoso.com", ""},
		{"a domain that merely ends alike", "ada@notcontoso.com", ""},
		{"nothing", "", ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			realm, ok := tenant.realmOf(rule.subject)
			require.Equal(t, rule.realm, realm.Domain)
			require.Equal(t, rule.realm != "", ok)
		})
	}
}
