package entratest

import "testing"

// FuzzMembershipRule: no rule makes the parser panic or hang, and one that it accepts says yes or no of a user.
func FuzzMembershipRule(f *testing.F) {
	for _, seed := range []string{
		`user.department -eq "Sales"`, `(user.mail -ne null) -and -not (user.city -in ["a","b"])`, "(((", `"`, "not not",
		`user.displayName -match "^D.*"`, "user.surname -eq \"`\"\"", "[,]", "user. -eq null", "\xff",
	} {
		f.Add(seed)
	}
	tenant := Start(f, Config{Clock: NewClock(clockOrigin), Users: []User{{UPN: "ada@contoso.com", Enabled: true}}})
	user := tenant.directory.primary(tenant.directory.order[0])
	f.Fuzz(func(t *testing.T, text string) {
		rule, ok := parseRule(text)
		if !ok {
			return
		}
		if len(text) > maxRuleLength {
			t.Fatal("a rule that is too long is accepted")
		}
		denied, ok := parseRule("-not (" + text + ")")
		if ok && denied(user) == rule(user) {
			t.Fatal("a rule and its contrary agree")
		}
	})
}
