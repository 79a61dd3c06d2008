package userfile_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/userfile"
)

func contosoRules() userfile.Rules {
	return userfile.Rules{Domain: "contoso.com", Skip: []string{"ldap"}}
}

// contractor is an entry of the file.
func contractor() map[string]string {
	return map[string]string{
		"login": "contractor", "password": goodHash, "connection": "people", "id": "104",
		"email": "contractor@example.net", "displayName": "A Contractor",
	}
}

// with returns the contractor with some fields changed; an empty value takes the field out.
func with(changes map[string]string) map[string]string {
	person := contractor()
	for field, value := range changes {
		if person[field] = value; value == "" {
			delete(person, field)
		}
	}
	return person
}

func jsonOf(t *testing.T, value any) string {
	content, err := json.Marshal(value)
	require.NoError(t, err)
	return string(content)
}

// one is a file with the contractor, changed in one field.
func one(t *testing.T, field, value string) string {
	return jsonOf(t, []any{with(map[string]string{field: value})})
}

// two is a file with two people who differ in everything but one field.
func two(t *testing.T, field, first, second string) string {
	a, b := with(map[string]string{field: first}), with(map[string]string{"login": "partner", "id": "105"})
	b[field] = second
	return jsonOf(t, []any{a, b})
}

func TestAUserHasAllThatTheFileSays(t *testing.T) {
	t.Parallel()
	list, problems := userfile.Parse([]byte(jsonOf(t, []any{with(map[string]string{
		"login": " Contractor ", "givenName": "A", "surname": "Contractor", "usageLocation": "FR",
		"upn": "a.contractor@sub.contoso.com", "immutableId": "0f",
	})})), contosoRules())
	require.Empty(t, problems)
	require.Len(t, list, 1)
	require.Equal(t, "contractor", list[0].Login)
	require.Equal(t, "people", list[0].Person.Connection)
	require.Equal(t, "104", list[0].Person.ID)
	require.Equal(t, "contractor@example.net", list[0].Person.Email)
	require.Equal(t, "A Contractor", list[0].Person.DisplayName)
	require.Equal(t, "A", list[0].Person.GivenName)
	require.Equal(t, "Contractor", list[0].Person.Surname)
	require.Equal(t, "FR", list[0].Person.UsageLocation)
	require.Equal(t, "a.contractor@sub.contoso.com", list[0].Person.UPN)
	require.Equal(t, "0f", list[0].Person.ImmutableID)
}

func TestAUsersFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	other := with(map[string]string{"login": "partner", "id": "105"})
	for name, test := range map[string]struct{ content, says string }{
		"no JSON":                         {`people`, "not a JSON list"},
		"an object":                       {`{}`, "not a JSON list"},
		"nothing":                         {``, "not a JSON list"},
		"something after the list":        {jsonOf(t, []any{contractor()}) + `[]`, "follows after the list"},
		"nobody":                          {`[]`, "the list is empty"},
		"an entry that is no object":      {`["contractor"]`, "entry 1: it is not an object"},
		"an entry that is null":           {`[null]`, "entry 1: it is not an object"},
		"an unknown field":                {one(t, "e-mail", "x"), `"e-mail" is not a field`},
		"a field in the wrong case":       {one(t, "Email", "x"), `"Email" is not a field`},
		"a field twice":                   {`[{"login":"a","login":"b"}]`, "login is there twice"},
		"a claim twice":                   {`[{"login":"a","claims.dept":"b","claims.dept":"c"}]`, "claims.dept is there twice"},
		"a claim without a name":          {one(t, "claims.", "x"), `"claims." is not a field`},
		"a field that is a number":        {`[{"login":"a","id":104}]`, "id must be a string"},
		"a field that is null":            {`[{"login":"a","id":null}]`, "id must be a string"},
		"no login":                        {one(t, "login", ""), "login is missing"},
		"a login of spaces":               {one(t, "login", "  "), "login is missing"},
		"a login that is long":            {one(t, "login", strings.Repeat("a", 255)), "longer than 254"},
		"a login with a control":          {one(t, "login", "a\tb"), "control character"},
		"no password":                     {one(t, "password", ""), "idp -hash-password"},
		"a password in clear":             {one(t, "password", testPassword), "idp -hash-password"},
		"no connection":                   {one(t, "connection", ""), "Connection is required"},
		"no id":                           {one(t, "id", ""), "ID is required"},
		"a usage location that is none":   {one(t, "usageLocation", "UK"), "usage location"},
		"a UPN that is none":              {one(t, "upn", "contractor"), "has no @"},
		"a UPN of another domain":         {one(t, "upn", "a@example.org"), "signs people of contoso.com in"},
		"a UPN of a domain that ends so":  {one(t, "upn", "a@notcontoso.com"), "signs people of contoso.com in"},
		"an ImmutableID that is none":     {one(t, "immutableId", "a b"), "ImmutableID"},
		"a synced person without account": {one(t, "connection", "ldap"), "upn and immutableId are needed"},
		"a login twice":                   {two(t, "login", "partner", "PARTNER"), "login: entry 1 has the same"},
		"a person twice":                  {two(t, "id", "104", "104"), "connection and id: entry 1 has the same"},
		"a UPN twice":                     {two(t, "upn", "a@contoso.com", "A@contoso.com"), "upn: entry 1 has the same"},
		"an ImmutableID twice":            {two(t, "immutableId", "0f", "0f"), "immutableId: entry 1 has the same"},
		"a fault behind a good entry":     {jsonOf(t, []any{other, map[string]string{"login": "x", "y": "z"}}), `entry 2 ("x"): "y"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, problems := userfile.Parse([]byte(test.content), contosoRules())
			require.Len(t, problems, 1, "%v", problems)
			require.ErrorContains(t, problems[0], test.says)
		})
	}
}

func TestAllFaultsOfAUsersFileAreListed(t *testing.T) {
	t.Parallel()
	_, problems := userfile.Parse([]byte(`[{"a":"","b":"","login":1},{},"x"]`), contosoRules())
	text := errors.Join(problems...).Error()
	for _, says := range []string{
		`entry 1: "a" is not a field`, `entry 1: "b" is not a field`, "entry 1: login must be a string",
		"entry 2: login is missing", "entry 2: password is not a hash", "Connection is required", "ID is required",
		"entry 3: it is not an object",
	} {
		require.Contains(t, text, says)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `[]`, `[{}]`, `[{"login":"a"}]`, `[{"login":{"a":[1]}}]`, `[null]`, `[[[`, `[{"login":"a","login":"b"}]`,
		"[\"\xff\"]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		list, problems := userfile.Parse(content, contosoRules())
		if len(problems) > 0 {
			return
		}
		seen := map[string]bool{}
		for _, u := range list {
			require.NotEmpty(t, u.Login)
			require.False(t, seen[u.Login])
			require.GreaterOrEqual(t, u.Password.Iterations, userfile.MinIterations)
			require.NoError(t, u.Person.Validate())
			seen[u.Login] = true
		}
	})
}
