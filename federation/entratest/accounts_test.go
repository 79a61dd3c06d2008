package entratest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestAccountList(t *testing.T) {
	t.Parallel()
	l := entratest.AccountList{
		Users: []entratest.User{
			{UPN: "employee@contoso.com", ImmutableID: "employee0001"}, {UPN: "manager@hr.contoso.com", ImmutableID: "Employee0001"},
			{UPN: "guest@contoso.com"},
		},
		Realms: []entratest.Realm{{Domain: "contoso.com"}, {Domain: "shop.contoso.com"}, {}},
	}
	require.Len(t, l.UsersByImmutableID("employee0001"), 1, "case counts")
	require.Empty(t, l.UsersByImmutableID(""), "nothing names nobody")
	user, ok := l.UserByUPN("Manager@HR.contoso.com")
	require.True(t, ok)
	require.Equal(t, "Employee0001", user.ImmutableID)
	_, ok = l.UserByUPN("nobody@contoso.com")
	require.False(t, ok)
	for upn, want := range map[string]string{
		"a@contoso.com": "contoso.com", "a@HR.contoso.com": "contoso.com", "a@shop.contoso.com": "shop.contoso.com",
		"a@eu.shop.contoso.com": "shop.contoso.com", "a@xcontoso.com": "", "a@example.org": "", "": "",
	} {
		realm, ok := l.RealmOf(upn)
		require.Equal(t, want != "", ok, upn)
		require.Equal(t, want, realm.Domain, upn)
	}
}

func TestRule12WantsTheDomain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	samlResponse, _ := w.draft(t).post(t)
	x := offline()
	x.Realms[0].Domain = ""
	x.Accounts = entratest.AccountList{Users: []entratest.User{
		{UPN: "employee@contoso.com", ImmutableID: "employee0001", Enabled: true},
	}}
	v := x.Check(samlResponse, "")
	require.Equal(t, entratest.NotChecked, findingOf(t, v, 12).Outcome)
	require.False(t, v.Refused())
	require.True(t, v.Accepted, "rule 21 found the user")
	require.Equal(t, "employee@contoso.com", v.User.UPN)
}
