package provision_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func mapped(c provision.Config, attributes map[string]string) provision.Config {
	c.Rules.Attributes = attributes
	return c
}

func TestClaimsBecomeTheProperties(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, person := newTenant(), contractor()
		var logged bytes.Buffer
		c := mapped(config(dir, nil), map[string]string{
			"department": "dept", "city": "town", "jobTitle": "title", "employeeId": "nobody has it",
		})
		c.Logger = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
		person.Claims = map[string]string{"dept": " Sales ", "town": "", "title": "Ingénieur", "salary": "secret\x00"}
		p := newProvisioner(t, c)
		c.Rules.Attributes["state"] = "dept" // the rules were copied
		account, err := p.Ensure(t.Context(), person)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"department": "Sales", "jobTitle": "Ingénieur"},
			oneAccount(t, dir, account).created.Attributes)
		require.NotContains(t, logged.String(), "secret", "what nobody maps is not used")
	})
}

func TestTheClaimsOfACallerAreCopied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, person := newTenant(), contractor()
		person.Claims = map[string]string{"dept": "Sales"}
		p := newProvisioner(t, mapped(config(dir, nil), map[string]string{"department": "dept"}))
		ran := make(chan error)
		dir.next("FindUser", fault{err: status(503)})
		go func() {
			_, err := p.Ensure(t.Context(), person)
			ran <- err
		}()
		synctest.Wait()
		person.Claims["dept"] = "Marketing"
		require.NoError(t, <-ran)
		require.Equal(t, "Sales", dir.mine()[0].created.Attributes["department"])
	})
}

// limits are the longest values, as the specification has them.
var limits = map[string]int{
	"businessPhones": 64, "city": 128, "companyName": 64, "country": 128, "department": 64, "employeeId": 16,
	"employeeType": 256, "faxNumber": 64, "jobTitle": 128, "mobilePhone": 64, "officeLocation": 128,
	"postalCode": 40, "state": 128, "streetAddress": 1024,
}

// formed are the properties whose values have a form: good ones and bad ones.
var formed = map[string][2][]string{
	"ageGroup":                {{"Minor", "notAdult", "ADULT"}, {"Child", "", "12"}},
	"consentProvidedForMinor": {{"Granted", "denied", "NotRequired"}, {"Yes"}},
	"otherMails": {
		{"a@example.net", "first.last+tag@sub.example.org", strings.Repeat("a", 238) + "@example.org"},
		{"a", "@example.net", "a@", "a@net", "a@b@example.net", "zoé@example.net", "a@example.net, b@example.net",
			"A <a@example.net>", strings.Repeat("a", 239) + "@example.org"},
	},
	"preferredLanguage": {
		{"de", "en-US", "es-419", "sr-Latn-RS", "zh-Hant", "gsw-CH", "EN-us"},
		{"d", "german", "en_US", "en-", "en-USA", "en-US-x", "en-41", "en--US", "1e", "en-US-posix", "e1-US"},
	},
}

func TestEveryPropertyHasItsLimit(t *testing.T) {
	t.Parallel()
	for _, name := range provision.AttributeNames() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit, limited := limits[name]
			forms, hasForm := formed[name]
			require.NotEqual(t, limited, hasForm, "the tests know it")
			p := newProvisioner(t, mapped(config(newTenant(), nil), map[string]string{name: "claim"}))
			check := func(value string) error {
				person := contractor()
				person.Claims = map[string]string{"claim": value}
				return provision.Check(p, person)
			}
			if limited {
				require.NoError(t, check(strings.Repeat("x", limit)))
				require.NoError(t, check(strings.Repeat("😀", limit/2)), "counted in UTF-16")
				require.Error(t, check(strings.Repeat("x", limit+1)))
				require.Error(t, check(strings.Repeat("😀", limit/2+1)))
			}
			for _, good := range forms[0] {
				require.NoError(t, check(good), good)
			}
			for _, bad := range forms[1] {
				if bad == "" {
					continue
				}
				err := check(bad)
				require.ErrorIs(t, err, provision.ErrInvalidPerson, bad)
				require.ErrorContains(t, err, `the claim "claim" for `+name)
			}
			for _, bad := range []string{"a\x00b", "a\nb", "a\xff"} {
				require.ErrorIs(t, check(bad), provision.ErrInvalidPerson)
			}
		})
	}
}

func TestAllBadClaimsAreListedBeforeAnyCall(t *testing.T) {
	t.Parallel()
	dir, person := newTenant(), contractor()
	person.Claims = map[string]string{
		"no": strings.Repeat("9", 17), "dept": "a\nb", "lang": "German!", "unmapped": "\xff",
	}
	person.Surname = strings.Repeat("x", 65)
	_, err := newProvisioner(t, mapped(config(dir, nil), map[string]string{
		"employeeId": "no", "department": "dept", "preferredLanguage": "lang",
	})).Ensure(t.Context(), person)
	require.ErrorIs(t, err, provision.ErrInvalidPerson)
	requireStep(t, err, "validate")
	for _, want := range []string{
		`the claim "no" for employeeId has 17 characters; 16 are allowed`,
		`the claim "dept" for department has a control character`,
		`the claim "lang" for preferredLanguage is not a language tag`,
		"Surname has 65",
	} {
		require.ErrorContains(t, err, want)
	}
	require.NotContains(t, err.Error(), "German!", "values are not repeated")
	require.NotContains(t, err.Error(), "unmapped")
	require.Empty(t, dir.calls)
}

func TestPropertiesThatCannotBeSetAreRefusedWithNearMatches(t *testing.T) {
	t.Parallel()
	for property, want := range map[string]string{
		"Department":     `did you mean "department"?`,
		"jobtitel":       `did you mean "jobTitle"?`,
		"employeeID":     `"employeeId"`,
		"mobile":         `did you mean "mobilePhone"?`,
		"salary":         "these can: ageGroup",
		"userType":       "cannot be set",
		"accountEnabled": "cannot be set",
		"":               "cannot be set",
	} {
		t.Run(property, func(t *testing.T) {
			t.Parallel()
			_, err := provision.New(mapped(config(newTenant(), nil), map[string]string{property: "claim"}))
			require.ErrorContains(t, err, want)
		})
	}
	_, err := provision.New(mapped(config(newTenant(), nil), map[string]string{"city": ""}))
	require.ErrorContains(t, err, `Rules.Attributes["city"] names no claim`)
}

func TestAttributeNamesAreInOrderAndACopy(t *testing.T) {
	t.Parallel()
	names := provision.AttributeNames()
	require.True(t, slices.IsSorted(names))
	require.Len(t, slices.Compact(names), len(limits)+len(formed))
	names[0] = "changed"
	require.NotEqual(t, names[0], provision.AttributeNames()[0])
}

// Whatever the claim is, what is accepted is within the limit and has no control characters.
func FuzzAttributes(f *testing.F) {
	f.Add("department", "Sales")
	f.Add("otherMails", "a@example.net")
	f.Add("preferredLanguage", "en-US")
	f.Add("employeeId", "\x00\xff😀")
	p, err := provision.New(mapped(config(newTenant(), nil), all()))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, property, value string) {
		if !slices.Contains(provision.AttributeNames(), property) {
			return
		}
		person := contractor()
		person.Claims = map[string]string{property: value}
		if err := provision.Check(p, person); err != nil {
			require.ErrorIs(t, err, provision.ErrInvalidPerson)
			return
		}
		require.LessOrEqual(t, len(utf16.Encode([]rune(strings.TrimSpace(value)))), 1024)
		require.NotContains(t, strings.TrimSpace(value), "\n")
	})
}

// all maps every property to a claim of its name.
func all() map[string]string {
	attributes := make(map[string]string)
	for _, name := range provision.AttributeNames() {
		attributes[name] = name
	}
	return attributes
}
