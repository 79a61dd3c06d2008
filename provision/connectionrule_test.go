package provision_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// ruled is a configuration with rules for connections.
func ruled(dir provision.Directory, store provision.Store, rules ...provision.ConnectionRule) provision.Config {
	c := config(dir, store)
	c.Rules.Connections = rules
	return c
}

func rule(name, connection string, action provision.Action) provision.ConnectionRule {
	return provision.ConnectionRule{Name: name, Connection: connection, Action: action}
}

// byDomain is a rule that looks at the address.
func byDomain(r provision.ConnectionRule, domains ...string) provision.ConnectionRule {
	r.EmailDomains = domains
	return r
}

// byClaim is a rule that looks at a claim.
func byClaim(r provision.ConnectionRule, name, value string) provision.ConnectionRule {
	r.Claims = map[string]string{name: value}
	return r
}

func TestTheFirstRuleThatMatchesDecides(t *testing.T) {
	t.Parallel()
	list := func(rules ...provision.ConnectionRule) []provision.ConnectionRule { return rules }
	const google = "google"
	in, out := provision.ActionProvision, provision.ActionRefuse
	ofContoso := byDomain(rule("a", "*", in), "contoso.com")
	ofSales := byClaim(rule("a", "*", in), "dept", "sales")
	sent := func(email string) provision.Person { return provision.Person{Connection: google, Email: email} }
	inDept := func(dept string) provision.Person {
		return provision.Person{Connection: google, Claims: map[string]string{"dept": dept}}
	}
	for name, tc := range map[string]struct {
		rules  []provision.ConnectionRule
		person provision.Person
		want   string // the rule; empty: none, so the person is refused
	}{
		"the connection":             {list(rule("a", google, in)), provision.Person{Connection: google}, "a"},
		"another connection":         {list(rule("a", google, in)), provision.Person{Connection: "ldap"}, ""},
		"the connection's case":      {list(rule("a", google, in)), provision.Person{Connection: "Google"}, ""},
		"a longer connection":        {list(rule("a", google, in)), provision.Person{Connection: "google2"}, ""},
		"a beginning":                {list(rule("a", "ldap-*", in)), provision.Person{Connection: "ldap-7"}, "a"},
		"the bare beginning":         {list(rule("a", "ldap-*", in)), provision.Person{Connection: "ldap"}, ""},
		"every connection":           {list(rule("a", "*", in)), provision.Person{Connection: "ldap"}, "a"},
		"the second":                 {list(rule("a", "ldap", in), rule("b", "*", out)), provision.Person{Connection: google}, "b"},
		"the first of two":           {list(rule("a", google, out), rule("b", "*", in)), provision.Person{Connection: google}, "a"},
		"the domain in any case":     {list(ofContoso), sent(" x@CONTOSO.com "), "a"},
		"one of the domains":         {list(byDomain(rule("a", "*", in), "a.example", "contoso.com")), sent("x@contoso.com"), "a"},
		"a domain below":             {list(ofContoso), sent("x@mail.contoso.com"), ""},
		"a domain that ends so":      {list(ofContoso), sent("x@notcontoso.com"), ""},
		"a letter that folds to one": {list(byDomain(rule("a", "*", in), "k.example")), sent("x@\u212a.example"), ""},
		"two signs":                  {list(ofContoso), sent("x@y@contoso.com"), ""},
		"nothing before the sign":    {list(ofContoso), sent("@contoso.com"), ""},
		"no address":                 {list(ofContoso), provision.Person{Connection: google}, ""},
		"the claim":                  {list(ofSales), inDept("sales"), "a"},
		"the claim's case":           {list(ofSales), inDept("Sales"), ""},
		"no such claim":              {list(ofSales), provision.Person{Connection: google}, ""},
		"domain, but not claim": {list(byClaim(ofContoso, "dept", "sales")),
			sent("x@contoso.com"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tc.person.ID = "1"
				dir := newTenant()
				p := newProvisioner(t, ruled(dir, nil, tc.rules...))
				e, err := p.Explain(t.Context(), tc.person)
				require.NoError(t, err)
				require.Equal(t, tc.want, e.Rule)
				dir.calls = nil
				_, err = p.Ensure(t.Context(), tc.person)
				if e.Action == in {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, provision.ErrRefused)
				var refused *provision.RefusedError
				require.ErrorAs(t, err, &refused)
				require.Equal(t, tc.want, refused.Rule)
				requireOneSentinel(t, err)
				requireStep(t, err, provision.StepSelect)
				require.Empty(t, dir.calls, "nothing is asked for somebody who is refused")
			})
		})
	}
}

func TestARuleSkipsWhomASyncOwns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, ruled(dir, nil, rule("directory", "ldap-*", provision.ActionSkip)))
		account, err := p.Ensure(t.Context(), provision.Person{
			Connection: "ldap-7", ID: "1", UPN: "staff@contoso.com", ImmutableID: "abc"})
		require.NoError(t, err)
		require.True(t, account.Skipped)
		_, err = p.Ensure(t.Context(), provision.Person{Connection: "ldap-7", ID: "2"})
		require.ErrorIs(t, err, provision.ErrInvalidPerson)
		require.Empty(t, dir.calls)
	})
}

func TestSomebodyWhoWasReadyIsRefusedOnceARuleSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		_, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		p := newProvisioner(t, ruled(dir, store, rule("no more", "google", provision.ActionRefuse)))
		_, err = p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrRefused)
	})
}

func TestWhoIsRefusedDoesNotJoinARunThatOthersBegan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newProvisioner(t, ruled(newTenant(), nil, byClaim(rule("sales", "google", provision.ActionProvision), "dept", "sales")))
		seller := contractor()
		seller.Claims = map[string]string{"dept": "sales"}
		first := make(chan error, 1)
		go func() {
			_, err := p.Ensure(t.Context(), seller)
			first <- err
		}()
		synctest.Wait()
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrRefused)
		require.NoError(t, <-first)
	})
}

func TestARulesPeopleGetWhatItSays(t *testing.T) {
	t.Parallel()
	type cr = provision.ConnectionRule
	general := func(c *provision.Config) {
		c.Rules.Licenses = []provision.License{seat("O365_BUSINESS_PREMIUM")}
		c.Rules.Attributes = map[string]string{"department": "dept"}
	}
	for name, tc := range map[string]struct {
		change             func(*cr)
		upn, country, dept string
		skus               []string
	}{
		"nothing of its own": {func(*cr) {}, "contractor@contoso.com", "DE", "sales", []string{standardSKU}},
		"its own licence": {func(r *cr) { r.Licenses = []provision.License{seat("O365_BUSINESS_ESSENTIALS")} },
			"contractor@contoso.com", "DE", "sales", []string{basicSKU}},
		"no licence":    {func(r *cr) { r.Licenses = []provision.License{} }, "contractor@contoso.com", "DE", "sales", nil},
		"no attribute":  {func(r *cr) { r.Attributes = map[string]string{} }, "contractor@contoso.com", "DE", "", []string{standardSKU}},
		"its own place": {func(r *cr) { r.UsageLocation = "fr" }, "contractor@contoso.com", "FR", "sales", []string{standardSKU}},
		"its own domain": {func(r *cr) { r.Domain = "Ext.contoso.com" }, "contractor@ext.contoso.com", "DE",
			"sales", []string{standardSKU}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				own := rule("outside", "google", provision.ActionProvision)
				tc.change(&own)
				c := ruled(dir, nil, own)
				general(&c)
				person := contractor()
				person.Claims = map[string]string{"dept": "sales"}
				account, err := newProvisioner(t, c).Ensure(t.Context(), person)
				require.NoError(t, err)
				require.Equal(t, tc.upn, account.UPN)
				user := oneAccount(t, dir, account)
				require.Equal(t, tc.country, user.created.UsageLocation)
				require.Equal(t, tc.dept, user.created.Attributes["department"])
				require.Equal(t, tc.skus, user.SKUIDs)
			})
		})
	}
}

func TestNewRefusesARuleThatIsWrong(t *testing.T) {
	t.Parallel()
	type cr = provision.ConnectionRule
	in, out := provision.ActionProvision, provision.ActionRefuse
	good := rule("good", "google", in)
	with := func(change func(*cr)) []cr {
		r := good
		change(&r)
		return []cr{r}
	}
	for name, tc := range map[string]struct {
		rules []cr
		want  string
	}{
		"no name":              {with(func(r *cr) { r.Name = "" }), "has no Name"},
		"a name twice":         {[]cr{good, rule("good", "ldap", in)}, "another rule of this name"},
		"no connection":        {with(func(r *cr) { r.Connection = "" }), "Connection is empty"},
		"a star in the middle": {with(func(r *cr) { r.Connection = "a*b" }), "before its end"},
		"a connection nobody has": {with(func(r *cr) { r.Connection = strings.Repeat("a", 129) + "*" }),
			"Connection has 129 characters"},
		"no rule at all":        {[]cr{}, "Rules.Connections is an empty list"},
		"a domain twice":        {with(func(r *cr) { r.EmailDomains = []string{"a.example", "A.example"} }), "EmailDomains[1]"},
		"no action":             {with(func(r *cr) { r.Action = "" }), "Action is empty"},
		"an unknown action":     {with(func(r *cr) { r.Action = "allow" }), `"allow"`},
		"no domain at all":      {with(func(r *cr) { r.EmailDomains = []string{} }), "EmailDomains is an empty list"},
		"a domain with a sign":  {with(func(r *cr) { r.EmailDomains = []string{"@contoso.com"} }), "EmailDomains[0]"},
		"no claim at all":       {with(func(r *cr) { r.Claims = map[string]string{} }), "Claims is an empty map"},
		"an empty value":        {with(func(r *cr) { r.Claims = map[string]string{"dept": ""} }), `Claims["dept"]`},
		"a reason to provision": {with(func(r *cr) { r.Reason = "why" }), "Reason or a Message"},
		"a refusal that gives":  {with(func(r *cr) { r.Action, r.Groups = out, []string{} }), "gives something"},
		"a message in words":    {with(func(r *cr) { r.Action, r.Message = out, "Go away" }), "is not a key"},
		"a bad domain":          {with(func(r *cr) { r.Domain = "contoso" }), "Domain"},
		"a bad country":         {with(func(r *cr) { r.UsageLocation = "UK" }), `"GB"`},
		"a bad licence":         {with(func(r *cr) { r.Licenses = []provision.License{{}} }), `("good").Licenses[0] is empty`},
		"a bad attribute":       {with(func(r *cr) { r.Attributes = map[string]string{"shoe": "x"} }), `"shoe"`},
		"groups nobody knows":   {with(func(r *cr) { r.Groups = []string{"staff"} }), "does not implement Groups"},
		"after the same":        {[]cr{good, rule("b", "google", out)}, `Rules.Connections[0] ("good") matches all`},
		"after a beginning":     {[]cr{rule("a", "g*", in), byDomain(rule("b", "goo*", in), "a.example")}, "never reached"},
		"after fewer domains": {[]cr{byDomain(rule("a", "*", in), "a.example", "b.example"),
			byDomain(rule("b", "google", out), "B.example")}, "never reached"},
		"after SkipConnections": {[]cr{rule("a", "directory", in)}, "is in Rules.SkipConnections"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := ruled(newTenant(), nil, tc.rules...)
			c.Rules.SkipConnections = []string{"directory"}
			_, err := provision.New(c)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "nothing else is wrong")
		})
	}
	t.Run("a beginning in SkipConnections", func(t *testing.T) {
		t.Parallel()
		c := ruled(newTenant(), nil)
		c.Rules.SkipConnections = []string{"ldap-*"}
		_, err := provision.New(c)
		require.ErrorContains(t, err, `Rules.SkipConnections[0], "ldap-*", is compared as a whole`)
	})
	t.Run("a domain beside the host's own UPNs", func(t *testing.T) {
		t.Parallel()
		c := ruled(newTenant(), nil, with(func(r *cr) { r.Domain = "ext.contoso.com" })...)
		c.Rules.UPN = provision.UPNFromEmail("contoso.com")
		_, err := provision.New(c)
		require.ErrorContains(t, err, "Rules.UPN chooses all UPNs")
	})
}

func TestARuleThatCanBeReachedIsAllowed(t *testing.T) {
	t.Parallel()
	in := provision.ActionProvision
	_, err := provision.New(ruled(newTenant(), nil,
		byClaim(rule("a", "google", in), "dept", "sales"), byClaim(rule("b", "google", in), "dept", "it"),
		byDomain(rule("c", "google", in), "a.example"), rule("d", "goo*", in), rule("e", "g*", in), rule("f", "*", in)))
	require.NoError(t, err)
}

func TestRulesComeBackEqualFromJSON(t *testing.T) {
	t.Parallel()
	rules := []provision.ConnectionRule{
		{Name: "staff", Connection: "google", EmailDomains: []string{"contoso.com"}, Claims: map[string]string{"a": "b"},
			Action: provision.ActionProvision, Domain: "contoso.com", UsageLocation: "DE", Groups: []string{"staff"},
			Licenses:   []provision.License{{SKU: "SPB", DisabledPlans: []string{"YAMMER"}, Fallbacks: []provision.License{{Group: "g"}}}},
			Attributes: map[string]string{"department": "dept"}},
		{Name: "outside", Connection: "*", Action: provision.ActionProvision, Licenses: []provision.License{}, Groups: []string{},
			Attributes: map[string]string{}},
		{Name: "rest", Connection: "x", Action: provision.ActionRefuse, Reason: "why", Message: "rest"},
	}
	text, err := json.Marshal(rules)
	require.NoError(t, err)
	require.Contains(t, string(text), `"licenses":[],"groups":[],"attributes":{}`, "nothing is not the same as what all get")
	back, err := provision.ReadConnectionRules(strings.NewReader(string(text)))
	require.NoError(t, err)
	require.Equal(t, rules, back)
}

func TestAReaderRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an unknown field": `[{"name": "a", "emailDomain": ["contoso.com"]}]`, "null": "null", "no list": "{}", "nothing": "",
		"no rule":                  "[]",
		"a field twice":            `[{"name": "a", "action": "refuse", "action": "provision"}]`,
		"a field twice, in a case": `[{"name": "a", "action": "refuse", "Action": "provision"}]`,
		"a field twice, folded":    `[{"name": "a", "groups": ["a"], "group\u017f": []}]`,
		"a claim twice":            `[{"name": "a", "claims": {"dept": "it", "dept": "sales"}}]`,
		"a licence's field twice":  `[{"name": "a", "licenses": [{"fallbacks": [{"sku": "A", "sku": "B"}]}]}]`,
		"null for a condition":     `[{"name": "a", "connection": "*", "emailDomains": null, "action": "provision"}]`,
		"null for nothing":         `[{"name": "a", "connection": "*", "action": "provision", "licenses": null}]`,
		"null for a rule":          `[null]`,
		"what is not valid UTF-8":  "[{\"name\": \"\xff\"}]",
		"something after it":       `[] []`, "a broken list": `[{`, "too much": "[" + strings.Repeat(" ", 1<<20) + "]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := provision.ReadConnectionRules(strings.NewReader(text))
			require.ErrorContains(t, err, "provision: ")
		})
	}
}

func TestAReaderTakesClaimsInBothCases(t *testing.T) {
	t.Parallel()
	rules, err := provision.ReadConnectionRules(strings.NewReader(`[{"name": "a", "claims": {"dept": "it", "Dept": "sales"}}]`))
	require.NoError(t, err)
	require.Equal(t, map[string]string{"dept": "it", "Dept": "sales"}, rules[0].Claims)
}

func FuzzReadConnectionRules(f *testing.F) {
	f.Add(`[{"name":"a","connection":"*","action":"provision","licenses":[]}]`)
	f.Add(`[{"claims":{"a":null},"emailDomains":[""]}]`)
	f.Fuzz(func(t *testing.T, text string) {
		rules, err := provision.ReadConnectionRules(strings.NewReader(text))
		if err != nil {
			return
		}
		_, _ = provision.New(ruled(newTenant(), nil, rules...)) // must not panic, whatever they say
		again, err := json.Marshal(rules)
		require.NoError(t, err)
		back, err := provision.ReadConnectionRules(strings.NewReader(string(again)))
		require.NoError(t, err)
		require.Equal(t, rules, back)
	})
}

func TestSwappingByTheKeyGoesByTheConnection(t *testing.T) {
	t.Parallel()
	type cr = provision.ConnectionRule
	in := provision.ActionProvision
	basic := func(r cr) cr {
		r.Licenses = []provision.License{seat(basicSKU)}
		return r
	}
	for name, tc := range map[string]struct {
		rules []cr
		want  string // the SKU after it
		err   string
	}{
		"one rule":               {[]cr{basic(rule("a", "google", in))}, basicSKU, ""},
		"refusals before it":     {[]cr{byClaim(rule("a", "*", provision.ActionRefuse), "out", "1"), basic(rule("b", "*", in))}, basicSKU, ""},
		"two that give the same": {[]cr{byClaim(basic(rule("a", "*", in)), "x", "1"), basic(rule("b", "*", in))}, basicSKU, ""},
		"two that do not":        {[]cr{byClaim(basic(rule("a", "*", in)), "x", "1"), rule("b", "*", in)}, standardSKU, "SwapLicensesOf"},
		"a refusal":              {[]cr{rule("a", "*", provision.ActionRefuse)}, standardSKU, "refuses"},
		"a sync":                 {[]cr{rule("a", "*", provision.ActionSkip)}, standardSKU, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newLicenseTenant(), provision.NewMemoryStore()
				account, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
				require.NoError(t, err)
				c := ruled(dir, store, tc.rules...)
				c.Rules.Licenses = []provision.License{seat(standardSKU)}
				err = newProvisioner(t, c).SwapLicenses(t.Context(), contractor().Key())
				if tc.err != "" {
					require.ErrorContains(t, err, tc.err)
				} else {
					require.NoError(t, err)
				}
				require.Equal(t, []string{tc.want}, oneAccount(t, dir.tenant, account).SKUIDs)
			})
		})
	}
}

func TestRulesThatGiveNothingAgreeHoweverTheySayIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		account, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		nothing := byClaim(rule("a", "*", provision.ActionProvision), "x", "1")
		nothing.Licenses = []provision.License{}
		p := newProvisioner(t, ruled(dir, store, nothing, rule("b", "*", provision.ActionProvision)))
		require.NoError(t, p.SwapLicenses(t.Context(), contractor().Key()))
		require.Empty(t, oneAccount(t, dir.tenant, account).SKUIDs)
	})
}

func TestSwappingOfAPersonGoesByTheirRule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newLicenseTenant(), provision.NewMemoryStore()
		account, err := newProvisioner(t, licensedBy(dir, store, seat(standardSKU))).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		basic := byClaim(rule("a", "*", provision.ActionProvision), "x", "1")
		basic.Licenses = []provision.License{seat(basicSKU)}
		c := ruled(dir, store, basic, rule("b", "*", provision.ActionProvision))
		c.Rules.Licenses = []provision.License{seat(standardSKU)}
		person := contractor()
		person.Claims = map[string]string{"x": "1"}
		require.NoError(t, newProvisioner(t, c).SwapLicensesOf(t.Context(), person))
		require.Equal(t, []string{basicSKU}, oneAccount(t, dir.tenant, account).SKUIDs)
		require.ErrorIs(t, newProvisioner(t, c).SwapLicensesOf(t.Context(), provision.Person{}), provision.ErrInvalidPerson)
	})
}

func TestRetireTakesTheAccountOutOfTheGroupsOfAllRulesForTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newAccountTenant(), provision.NewMemoryStore()
		for _, group := range []string{"all", "sales", "others"} {
			dir.members[group] = nil
		}
		sales := byClaim(rule("sales", "google", provision.ActionProvision), "dept", "sales")
		sales.Groups = []string{"sales"}
		others := rule("others", "ldap", provision.ActionProvision)
		others.Groups = []string{"others"}
		c := ruled(dir, store, sales, others, rule("rest", "*", provision.ActionRefuse))
		c.Rules.Groups = []string{"all"}
		p := newProvisioner(t, c)
		person := contractor()
		person.Claims = map[string]string{"dept": "sales"}
		account, err := p.Ensure(t.Context(), person)
		require.NoError(t, err)
		dir.members["others"] = []string{account.ObjectID} // by somebody else's doing
		require.Len(t, dir.members["sales"], 1)
		require.Empty(t, dir.members["all"], "its own groups come in place of the general ones")
		require.NoError(t, p.Retire(t.Context(), person.Key(), provision.Leaving{}))
		require.Empty(t, dir.members["sales"])
		require.Len(t, dir.members["others"], 1, "a rule for another connection")
	})
}

func TestReconcileRepairsALicenceByTheRulesForTheConnection(t *testing.T) {
	t.Parallel()
	in := provision.ActionProvision
	basic := byClaim(rule("basic", "google", in), "x", "1")
	basic.Licenses = []provision.License{seat(basicSKU)}
	for name, tc := range map[string]struct {
		rules []provision.ConnectionRule
		err   string
	}{
		"that agree":         {[]provision.ConnectionRule{rule("all", "google", in)}, ""},
		"that do not":        {[]provision.ConnectionRule{basic, rule("rest", "*", in)}, "SwapLicensesOf"},
		"that refuse people": {[]provision.ConnectionRule{rule("nobody", "*", provision.ActionRefuse)}, "refuses"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, _, rec := provisioned(t)
				dir.edit(rec.ObjectID, func(u *provision.User) { u.SKUIDs = nil })
				c := licensed(ruled(dir, store, tc.rules...), standardSKU)
				found, _ := reconcile(t, newProvisioner(t, c), provision.Reconciliation{Full: true, Repair: always})
				require.Len(t, found, 1)
				require.Equal(t, provision.DriftLicense, found[0].Kind)
				require.Equal(t, tc.err == "", found[0].Repaired)
				if tc.err != "" {
					require.ErrorContains(t, found[0].Err, tc.err)
					require.Zero(t, dir.count("UpdateUser"))
				}
			})
		})
	}
}
