package provision_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestAPersonIsRefusedBeforeAnyCallForOneReason(t *testing.T) {
	t.Parallel()
	type someone = provision.Person
	x := func(n int) string { return strings.Repeat("x", n) }
	for name, tc := range map[string]struct {
		change func(*provision.Person)
		want   string
	}{
		"no connection":                 {func(p *someone) { p.Connection = "" }, "Connection is required"},
		"no ID":                         {func(p *someone) { p.ID = "" }, "ID is required"},
		"connection of 129":             {func(p *someone) { p.Connection = x(129) }, "128 are allowed"},
		"ID of 513":                     {func(p *someone) { p.ID = x(513) }, "512 are allowed"},
		"ID with NUL":                   {func(p *someone) { p.ID = "a\x00b" }, "ID has a control character"},
		"ID that is not UTF-8":          {func(p *someone) { p.ID = "a\xff" }, "ID is not valid UTF-8"},
		"e-mail of 255":                 {func(p *someone) { p.Email = x(255) }, "254 are allowed"},
		"e-mail with a line break":      {func(p *someone) { p.Email = "a\nb@example.net" }, "Email has a control character"},
		"display name of 257":           {func(p *someone) { p.DisplayName = strings.Repeat("ü", 257) }, "256 are allowed"},
		"display name of 129 emoji":     {func(p *someone) { p.DisplayName = strings.Repeat("😀", 129) }, "258 characters"},
		"given name of 65":              {func(p *someone) { p.GivenName = x(65) }, "GivenName has 65"},
		"surname of 65":                 {func(p *someone) { p.Surname = x(65) }, "Surname has 65"},
		"country of three letters":      {func(p *someone) { p.UsageLocation = "DEU" }, "usage location"},
		"country with a digit":          {func(p *someone) { p.UsageLocation = "D1" }, "usage location"},
		"UK":                            {func(p *someone) { p.UsageLocation = "uk" }, `"GB"`},
		"UPN without @":                 {func(p *someone) { p.UPN = "staff" }, "has no @"},
		"UPN with two @":                {func(p *someone) { p.UPN = "a@b@contoso.com" }, "bad domain"},
		"UPN with nothing before @":     {func(p *someone) { p.UPN = "@contoso.com" }, "nothing before the @"},
		"UPN with 65 before @":          {func(p *someone) { p.UPN = x(65) + "@contoso.com" }, "64 are allowed"},
		"UPN with a domain of 49":       {func(p *someone) { p.UPN = "a@" + domainOf(49) }, "a UPN allows 48"},
		"UPN with an accent":            {func(p *someone) { p.UPN = "zoé@contoso.com" }, "not one of A-Z"},
		"UPN with a plus":               {func(p *someone) { p.UPN = "a+b@contoso.com" }, "not one of A-Z"},
		"UPN with a dot before @":       {func(p *someone) { p.UPN = "a.@contoso.com" }, "directly before the @"},
		"ImmutableID of 65":             {func(p *someone) { p.ImmutableID = x(65) }, "64 are allowed"},
		"ImmutableID with $":            {func(p *someone) { p.ImmutableID = "a$b" }, `"$" or a "_"`},
		"ImmutableID with _":            {func(p *someone) { p.ImmutableID = "a_b" }, `"$" or a "_"`},
		"ImmutableID with a space":      {func(p *someone) { p.ImmutableID = "a b" }, "white space"},
		"ImmutableID not in UTF-8":      {func(p *someone) { p.ImmutableID = "a\xff" }, "not valid UTF-8"},
		"ImmutableID with a zero-width": {func(p *someone) { p.ImmutableID = "a\u200bb" }, "control character"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, person := newTenant(), contractor()
			tc.change(&person)
			_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), person)
			require.ErrorIs(t, err, provision.ErrInvalidPerson)
			requireOneSentinel(t, err)
			requireStep(t, err, "validate")
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "nothing else is wrong")
			require.Empty(t, dir.calls)
		})
	}
}

func TestAllThatIsWrongWithAPersonIsListed(t *testing.T) {
	t.Parallel()
	err := provision.Person{UsageLocation: "D", UPN: "ü.@x", ImmutableID: "a_ b"}.Validate()
	for _, want := range []string{"Connection is required", "ID is required", "usage location", "not one of A-Z",
		"directly before the @", "domain", `"$" or a "_"`, "white space"} {
		require.ErrorContains(t, err, want)
	}
}

func TestAPersonAtTheLimitsIsAccepted(t *testing.T) {
	t.Parallel()
	require.NoError(t, provision.Person{
		Connection: strings.Repeat("x", 128), ID: strings.Repeat("x", 512),
		Email: strings.Repeat("x", 242) + "@example.net", DisplayName: strings.Repeat("😀", 128),
		GivenName: strings.Repeat("ü", 64), Surname: strings.Repeat("x", 64), UsageLocation: " gb ",
		UPN: strings.Repeat("x", 64) + "@" + domainOf(48), ImmutableID: strings.Repeat("x", 64),
	}.Validate())
	require.NoError(t, provision.Person{Connection: "c", ID: "i"}.Validate())
	require.NoError(t, provision.Person{Connection: "c", ID: "i", UPN: "A'.-_!#^~9@contoso.com"}.Validate())
}

func FuzzPersonValidate(f *testing.F) {
	f.Add("google", "104", "contractor@example.net", "Con Tractor", "Con", "Tractor", "DE", "c@contoso.com", "abc")
	f.Add("", "\x00", "@", "\xff", strings.Repeat("😀", 40), "", "UK", "a.@b", "$_ ")
	f.Fuzz(func(t *testing.T, connection, id, email, display, given, surname, country, upn, immutableID string) {
		person := provision.Person{Connection: connection, ID: id, Email: email, DisplayName: display, GivenName: given,
			Surname: surname, UsageLocation: country, UPN: upn, ImmutableID: immutableID}
		if err := person.Validate(); err != nil {
			require.ErrorIs(t, err, provision.ErrInvalidPerson)
			requireOneSentinel(t, err)
			return
		}
		require.NotEmpty(t, connection)
		require.NotEmpty(t, id)
		if upn = strings.TrimSpace(upn); upn == "" {
			upn, _ = provision.UPNFromEmail("contoso.com")(person, 0)
		}
		require.NoError(t, provision.ValidateUPN(upn))
		require.NoError(t, refuse(provision.NewUser{UserPrincipalName: upn, ImmutableID: "1", DisplayName: "x",
			MailNickname: upn[:strings.Index(upn, "@")], UsageLocation: "DE", Password: "aA1-aA1-aA1-aA1-"}))
	})
}
