package provision_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestNewListsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := provision.New(provision.Config{
		Rules: provision.Rules{Licenses: []provision.License{{SKU: "SPB"}, {SKU: " "}}, SkipConnections: []string{""}},
		Extra: []provision.Step{
			nil, ownStep{name: ""}, ownStep{name: "create"}, ownStep{name: "crm"}, ownStep{name: "crm"},
		},
		Settle: provision.Settle{Budget: -1, Reads: -1, Interval: -1},
		Pace:   provision.Pace{WritesPerSecond: -1},
	})
	for _, want := range []string{
		"Directory is required", "Rules.Domain", "Rules.UsageLocation", "Rules.Licenses[1] is empty",
		"Rules.SkipConnections[0] is empty", "Extra[0] is nil", "Extra[1] has no name", `Extra[2]: the name "create"`,
		`Extra[4]: the name "crm"`, "Settle.Budget", "Settle.Reads", "Settle.Interval", "Pace",
	} {
		require.ErrorContains(t, err, want)
	}
}

func TestNewRefusesOneThingAtATime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*provision.Config)
		want   string
	}{
		"no directory":               {func(c *provision.Config) { c.Directory = nil }, "Directory is required"},
		"no domain":                  {func(c *provision.Config) { c.Rules.Domain = "" }, "Rules.Domain"},
		"a domain without a dot":     {func(c *provision.Config) { c.Rules.Domain = "contoso" }, "Rules.Domain"},
		"a domain with an @":         {func(c *provision.Config) { c.Rules.Domain = "a@contoso.com" }, "Rules.Domain"},
		"a domain with an accent":    {func(c *provision.Config) { c.Rules.Domain = "contöso.com" }, "Rules.Domain"},
		"a domain of 49":             {func(c *provision.Config) { c.Rules.Domain = domainOf(49) }, "a UPN allows 48"},
		"no country":                 {func(c *provision.Config) { c.Rules.UsageLocation = "" }, "Rules.UsageLocation"},
		"a country of three letters": {func(c *provision.Config) { c.Rules.UsageLocation = "DEU" }, "Rules.UsageLocation"},
		"UK":                         {func(c *provision.Config) { c.Rules.UsageLocation = "UK" }, `"GB"`},
		"a dwell beyond the budget":  {func(c *provision.Config) { c.Settle.Dwell = 2 * time.Minute }, "nobody would ever be ready"},
		"reads beyond the budget":    {func(c *provision.Config) { c.Settle.Reads = 500 }, "nobody would ever be ready"},
		"a negative burst":           {func(c *provision.Config) { c.Pace.WriteBurst = -1 }, "Pace.WriteBurst"},
		"a pacer and a pace":         {bothPacerAndPace, "Config.Pace is for Provisioners without a Pacer"},
		"an unknown priority":        {func(c *provision.Config) { c.Priority = 7 }, "Config.Priority 7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(newTenant(), nil)
			tc.change(&c)
			_, err := provision.New(c)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "nothing else is wrong")
		})
	}
}

func bothPacerAndPace(c *provision.Config) {
	c.Pacer, c.Pace.Share = &provision.MemoryPacer{}, 1
}

func TestNewAcceptsWhatIsAtTheLimit(t *testing.T) {
	t.Parallel()
	c := config(newTenant(), nil)
	c.Rules.Domain, c.Rules.UsageLocation = domainOf(48), "de"
	c.Settle = provision.Settle{Budget: 15*time.Second + 1}
	_, err := provision.New(c)
	require.NoError(t, err)
}

// domainOf is a domain name of n characters.
func domainOf(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a'
	}
	copy(b[n-4:], ".com")
	return string(b)
}

func TestTheConfigurationIsCopied(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	c := config(dir, nil)
	c.Rules.SkipConnections = []string{"ldap"}
	p := newProvisioner(t, c)
	c.Rules.SkipConnections[0] = "google"
	person := provision.Person{Connection: "ldap", ID: "1", UPN: "a@contoso.com", ImmutableID: "1"}
	account, err := p.Ensure(t.Context(), person)
	require.NoError(t, err)
	require.True(t, account.Skipped)
}

func TestARuleThatFailsIsAnInvalidPerson(t *testing.T) {
	t.Parallel()
	broken := errors.New("no department")
	for name, change := range map[string]func(*provision.Rules){
		"ImmutableID fails": func(r *provision.Rules) {
			r.ImmutableID = func(provision.Person) (string, error) { return "", broken }
		},
		"ImmutableID is bad": func(r *provision.Rules) {
			r.ImmutableID = func(provision.Person) (string, error) { return "a_b", nil }
		},
		"UPN fails": func(r *provision.Rules) {
			r.UPN = func(provision.Person, int) (string, error) { return "", broken }
		},
		"UPN is bad": func(r *provision.Rules) {
			r.UPN = func(provision.Person, int) (string, error) { return "a.@contoso.com", nil }
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, store := newTenant(), provision.NewMemoryStore()
			c := config(dir, store)
			change(&c.Rules)
			_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrInvalidPerson)
			requireStep(t, err, provision.StepReserve)
			require.Empty(t, dir.mine())
			_, err = store.Load(t.Context(), contractor().Key())
			require.ErrorIs(t, err, provision.ErrNoRecord)
		})
	}
}

func TestAnIdentityThatSomebodyElseReservedIsAConflict(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change   func(*provision.Person)
		property string
	}{
		"the ImmutableID": {func(p *provision.Person) { p.ImmutableID = "id-1" }, "onPremisesImmutableId"},
		"the given UPN":   {func(p *provision.Person) { p.UPN = "One@Contoso.com" }, "userPrincipalName"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, store := newTenant(), provision.NewMemoryStore()
			reserve(t, store, record("1", "id-1", "one@contoso.com"))
			person := contractor()
			tc.change(&person)
			_, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), person)
			require.ErrorIs(t, err, provision.ErrConflict)
			var clash *provision.ConflictError
			require.ErrorAs(t, err, &clash)
			require.Equal(t, tc.property, clash.Property)
			require.Empty(t, clash.Owner.ObjectID)
			require.Empty(t, dir.calls)
		})
	}
}
