package entratest_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

func TestCreateUserAnswersTheStandardProperties(t *testing.T) {
	g, _ := callGraph(t, federatedConfig(t))
	answer := g.post("users", userBody("ada", "onPremisesImmutableId", "0123456789abcdef0123456789abcdef",
		"givenName", "Ada", "surname", "Lovelace", "usageLocation", "DE", "@odata.type", "#microsoft.graph.user"))
	require.Equal(t, http.StatusCreated, answer.Status, "%v", answer.Body)

	id := answer.Body["id"].(string)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
	require.Equal(t, map[string]any{
		"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
		"businessPhones": []any{}, "displayName": "ada", "givenName": "Ada", "jobTitle": nil, "mail": nil,
		"mobilePhone": nil, "officeLocation": nil, "preferredLanguage": nil, "surname": "Lovelace",
		"userPrincipalName": "ada@contoso.com", "id": id,
	}, answer.Body, "onPremisesImmutableId and the like need $select")
	require.Equal(t, "https://graph.microsoft.com/v2/"+g.tenant.Config().TenantID+"/directoryObjects/"+id+
		"/Microsoft.DirectoryServices.User", answer.Header.Get("Location"))

	users := g.tenant.Users()
	require.Len(t, users, 1)
	require.Equal(t, entratest.User{
		ObjectID: id, UPN: "ada@contoso.com", ImmutableID: "0123456789abcdef0123456789abcdef", DisplayName: "ada",
		MailNickname: "ada", GivenName: "Ada", Surname: "Lovelace", UsageLocation: "DE", Enabled: true,
		CreatedAt: clockStart,
	}, users[0])
}

func TestCreateUserRefusals(t *testing.T) {
	const (
		weak = "The specified password does not comply with password complexity requirements. Please provide a " +
			"different password."
		upn   = "Property userPrincipalName is invalid."
		other = "The domain portion of the userPrincipalName property is invalid. You must use one of the verified " +
			"domain names in your organization."
	)
	invalid := func(property string) string {
		return "Invalid value specified for property '" + property + "' of resource 'User'."
	}
	missing := func(property string) string {
		return "Property " + property + " value is required but is empty or missing."
	}
	password := func(p any) map[string]any { return map[string]any{"password": p} }
	for _, rule := range []struct {
		name    string
		pairs   []any
		code    string
		message string
		target  string
	}{
		{"accountEnabled is required", []any{"accountEnabled", nil}, "Request_BadRequest", missing("accountEnabled"), ""},
		{"displayName is required", []any{"displayName", nil}, "Request_BadRequest", missing("displayName"), ""},
		{"displayName is not empty", []any{"displayName", ""}, "Request_BadRequest", missing("displayName"), ""},
		{"mailNickname is required", []any{"mailNickname", nil}, "Request_BadRequest", missing("mailNickname"), ""},
		{"passwordProfile is required", []any{"passwordProfile", nil}, "Request_BadRequest", missing("passwordProfile"), ""},
		{"a password is required", []any{"passwordProfile", map[string]any{}}, "Request_BadRequest",
			missing("passwordProfile.password"), ""},
		{"userPrincipalName is required", []any{"userPrincipalName", nil}, "Request_BadRequest",
			missing("userPrincipalName"), ""},

		{"a property that does not exist", []any{"nickName", "x"}, "Request_BadRequest",
			"Property 'nickName' does not exist as a declared property or extension property.", ""},
		{"names are compared with regard to case", []any{"DisplayName", "x"}, "Request_BadRequest",
			"Property 'DisplayName' does not exist as a declared property or extension property.", ""},
		{"an extension that does not exist", []any{"extension_1_a", "x"}, "Request_BadRequest",
			"The following extension properties are not available: extension_1_a.", ""},
		{"licences are not assigned on creation", []any{"assignedLicenses", []any{}}, "Request_BadRequest",
			"Property 'assignedLicenses' is read-only and cannot be set.", ""},
		{"the id is not chosen by the caller", []any{"id", "x"}, "Request_BadRequest",
			"Property 'id' is read-only and cannot be set.", ""},
		{"a string where a boolean belongs", []any{"accountEnabled", "true"}, "BadRequest",
			"Cannot convert a value of the request payload to the expected type 'Edm.Boolean'.", ""},
		{"a number where a string belongs", []any{"displayName", 7}, "BadRequest",
			"Cannot convert a value of the request payload to the expected type 'Edm.String'.", ""},
		{"a string where a list belongs", []any{"businessPhones", "1"}, "BadRequest",
			"Cannot convert a value of the request payload to the expected type 'Collection(Edm.String)'.", ""},

		{"a UPN without @", []any{"userPrincipalName", "ada"}, "Request_BadRequest", upn, "userPrincipalName"},
		{"a UPN with an accent", []any{"userPrincipalName", "adá@contoso.com"}, "Request_BadRequest", upn,
			"userPrincipalName"},
		{"a UPN with a space", []any{"userPrincipalName", "a da@contoso.com"}, "Request_BadRequest", upn,
			"userPrincipalName"},
		{"a UPN with a plus sign", []any{"userPrincipalName", "a+b@contoso.com"}, "Request_BadRequest", upn,
			"userPrincipalName"},
		{"a UPN with a dot before the @", []any{"userPrincipalName", "ada.@contoso.com"}, "Request_BadRequest", upn,
			"userPrincipalName"},
		{"a UPN with 65 characters before the @", []any{"userPrincipalName", strings.Repeat("a", 65) + "@contoso.com"},
			"Request_BadRequest", upn, "userPrincipalName"},
		{"a UPN with 49 characters after the @", []any{"userPrincipalName", "ada@" + strings.Repeat("a", 45) + ".com"},
			"Request_BadRequest", upn, "userPrincipalName"},
		{"a domain that is not the tenant's", []any{"userPrincipalName", "ada@fabrikam.com"}, "Request_BadRequest", other,
			"userPrincipalName"},
		{"a child domain that is not in the tenant", []any{"userPrincipalName", "ada@sub.contoso.com"},
			"Request_BadRequest", other, "userPrincipalName"},

		{"an ImmutableID with $", []any{"onPremisesImmutableId", "a$b"}, "Request_BadRequest",
			invalid("onPremisesImmutableId"), "onPremisesImmutableId"},
		{"an ImmutableID with _", []any{"onPremisesImmutableId", "a_b"}, "Request_BadRequest",
			invalid("onPremisesImmutableId"), "onPremisesImmutableId"},
		{"an empty ImmutableID", []any{"onPremisesImmutableId", ""}, "Request_BadRequest",
			invalid("onPremisesImmutableId"), "onPremisesImmutableId"},
		{"a mailNickname with @", []any{"mailNickname", "a@b"}, "Request_BadRequest", invalid("mailNickname"),
			"mailNickname"},
		{"a mailNickname with a space", []any{"mailNickname", "a b"}, "Request_BadRequest", invalid("mailNickname"),
			"mailNickname"},
		{"a mailNickname that is not ASCII", []any{"mailNickname", "adá"}, "Request_BadRequest", invalid("mailNickname"),
			"mailNickname"},
		{"a mailNickname of 65 characters", []any{"mailNickname", strings.Repeat("a", 65)}, "Request_BadRequest",
			invalid("mailNickname"), "mailNickname"},
		{"a displayName of 257 characters", []any{"displayName", strings.Repeat("é", 257)}, "Request_BadRequest",
			invalid("displayName"), "displayName"},
		{"a givenName of 65 characters", []any{"givenName", strings.Repeat("é", 65)}, "Request_BadRequest",
			invalid("givenName"), "givenName"},
		{"a usageLocation of three letters", []any{"usageLocation", "DEU"}, "Request_BadRequest",
			invalid("usageLocation"), "usageLocation"},
		{"a usageLocation of digits", []any{"usageLocation", "12"}, "Request_BadRequest", invalid("usageLocation"),
			"usageLocation"},
		{"a mail that is not an address", []any{"mail", "ada"}, "Request_BadRequest", invalid("mail"), "mail"},
		{"a userType that does not exist", []any{"userType", "Robot"}, "Request_BadRequest", invalid("userType"),
			"userType"},

		{"a list with something else in it", []any{"businessPhones", []any{1}}, "BadRequest",
			"Cannot convert a value of the request payload to the expected type 'Collection(Edm.String)'.", ""},
		{"a password profile with an unknown property", []any{"passwordProfile", map[string]any{"secret": "x"}},
			"Request_BadRequest", "Property 'secret' does not exist as a declared property or extension property.", ""},
		{"a password profile with a wrong type", []any{"passwordProfile", map[string]any{"password": "Correct-1",
			"forceChangePasswordNextSignIn": "no"}}, "BadRequest",
			"Cannot convert a value of the request payload to the expected type 'Edm.Boolean'.", ""},
		{"a password of 7 characters", []any{"passwordProfile", password("Abcde-1")}, "Request_BadRequest", weak, ""},
		{"a password of 257 characters", []any{"passwordProfile", password("A1-" + strings.Repeat("a", 254))},
			"Request_BadRequest", weak, ""},
		{"a password of two classes", []any{"passwordProfile", password("abcdefgh1")}, "Request_BadRequest", weak, ""},
		{"a password that is not ASCII", []any{"passwordProfile", password("Pässword-1")}, "Request_BadRequest", weak, ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			answer := g.post("users", userBody("ada", rule.pairs...))
			code, message := answer.Error()
			require.Equal(t, http.StatusBadRequest, answer.Status)
			require.Equal(t, rule.code, code)
			require.Equal(t, rule.message, message)
			if rule.target != "" {
				require.Equal(t, map[string]string{"InvalidValue": rule.target}, answer.Targets())
			}
			require.Empty(t, g.tenant.Users(), "nothing was created")
		})
	}
}

func TestCreateUserAcceptsTheLimits(t *testing.T) {
	for _, rule := range []struct {
		name  string
		pairs []any
	}{
		{"64 characters before the @", []any{"userPrincipalName", strings.Repeat("a", 64) + "@contoso.com"}},
		{"every character that a UPN may have", []any{"userPrincipalName", "aZ0'.-_!#^~x@contoso.com"}},
		{"256 characters of displayName", []any{"displayName", strings.Repeat("é", 256)}},
		{"64 characters of mailNickname", []any{"mailNickname", strings.Repeat("a", 64)}},
		{"a null where null is allowed", []any{"givenName", any(nullJSON{})}},
		{"the initial domain", []any{"userPrincipalName", "ada@contoso.onmicrosoft.com"}},
		{"an ImmutableID in base64", []any{"onPremisesImmutableId", "q1w+/Q=="}},
		{"a password of 8 characters", []any{"passwordProfile", map[string]any{"password": "Abcdef-1"}}},
		{"a mail address", []any{"mail", "ada@example.net"}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			answer := g.post("users", userBody("ada", rule.pairs...))
			require.Equal(t, http.StatusCreated, answer.Status, "%v", answer.Body)
		})
	}
}

// nullJSON is null in a body.
type nullJSON struct{}

func (nullJSON) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

func TestFederatedUsersNeedAnImmutableID(t *testing.T) {
	const text = "SourceAnchor is a required property for creation of a federated user."
	cfg := federatedConfig(t)
	cfg.Domains = append(cfg.Domains, entratest.Domain{Name: "sub.contoso.com"}, entratest.Domain{Name: "fabrikam.com"})
	g, _ := callGraph(t, cfg)
	for _, upn := range []string{"ada@contoso.com", "ada@sub.contoso.com"} {
		answer := g.post("users", userBody("ada", "userPrincipalName", upn))
		code, message := answer.Error()
		require.Equal(t, http.StatusBadRequest, answer.Status)
		require.Equal(t, "Request_BadRequest", code)
		require.Equal(t, text, message, upn)
	}
	id := g.create(userBody("ada", "userPrincipalName", "ada@fabrikam.com"))

	answer := g.call(http.MethodPatch, "users/"+id, map[string]any{"userPrincipalName": "ada@contoso.com"})
	_, message := answer.Error()
	require.Equal(t, text, message, "moving into the federated domain needs one as well")
	answer = g.call(http.MethodPatch, "users/"+id,
		map[string]any{"userPrincipalName": "ada@contoso.com", "onPremisesImmutableId": "ada1"})
	require.Equal(t, http.StatusNoContent, answer.Status)
}

func TestUniqueness(t *testing.T) {
	for _, rule := range []struct {
		name     string
		second   []any
		property string // empty: no conflict
	}{
		{"the same UPN", []any{"userPrincipalName", "ada@contoso.com"}, "userPrincipalName"},
		{"a UPN that differs in case", []any{"userPrincipalName", "ADA@contoso.com"}, "userPrincipalName"},
		{"the same ImmutableID", []any{"onPremisesImmutableId", "Ada1"}, "onPremisesImmutableId"},
		{"an ImmutableID that differs in case", []any{"onPremisesImmutableId", "ada1"}, ""},
		{"the same address", []any{"mail", "Ada@example.net"}, "proxyAddresses"},
		{"the same nickname", []any{"mailNickname", "ada"}, ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			first := g.create(userBody("ada", "onPremisesImmutableId", "Ada1", "mail", "ada@example.net"))
			answer := g.post("users", userBody("bob", rule.second...))
			if rule.property == "" {
				require.Equal(t, http.StatusCreated, answer.Status)
				return
			}
			code, message := answer.Error()
			require.Equal(t, http.StatusBadRequest, answer.Status, "not 409")
			require.Equal(t, "Request_BadRequest", code)
			require.Equal(t, "Another object with the same value for property "+rule.property+" already exists.", message)
			require.Equal(t, map[string]string{"ObjectConflict": rule.property, "ConflictingObjects": "User_" + first},
				answer.Targets())
		})
	}
}

func TestConflictsAs409(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, ConflictsAs409: true})
	g.create(userBody("ada"))
	answer := g.post("users", userBody("ada"))
	code, _ := answer.Error()
	require.Equal(t, http.StatusConflict, answer.Status)
	require.Equal(t, "Request_MultipleObjectsWithSameKeyValue", code)
	require.Equal(t, "userPrincipalName", answer.Targets()["ObjectConflict"])
}

func TestOneOfManyConcurrentCreationsWins(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{})
	header := g.headers()
	var created, refused atomic.Int32
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			body := fmt.Sprintf(`{"accountEnabled": true, "displayName": "Ada", "mailNickname": "ada",
				"userPrincipalName": "ada%d@contoso.com", "onPremisesImmutableId": "one",
				"passwordProfile": {"password": "Correct-Horse-1"}}`, i)
			answer, err := g.send(http.MethodPost, "users", strings.NewReader(body), header.Clone())
			switch {
			case err == nil && answer.Status == http.StatusCreated:
				created.Add(1)
			case err == nil && answer.Targets()["ObjectConflict"] == "onPremisesImmutableId":
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, created.Load())
	require.EqualValues(t, 39, refused.Load())
	require.Len(t, g.tenant.Users(), 1)
}

func TestReadUserByKey(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	id := g.create(userBody("ada", "userPrincipalName", "o'brien#1@contoso.com"))
	for _, path := range []string{
		"users/" + id,
		"users/" + strings.ToUpper(id),
		"Users/" + id,
		"users/o'brien%231@contoso.com",
		"users/O'Brien%231@CONTOSO.com",
		"users('" + id + "')",
		"users(userPrincipalName='o''brien%231@contoso.com')",
		"users/" + id + "/",
	} {
		answer := g.get(path)
		require.Equal(t, http.StatusOK, answer.Status, path)
		require.Equal(t, id, answer.Body["id"], path)
	}
	for path, name := range map[string]string{
		"users/nobody@contoso.com":                   "nobody@contoso.com",
		"users/11111111-1111-4111-8111-111111111111": "11111111-1111-4111-8111-111111111111",
		"users/nobody":                               "nobody",
	} {
		answer := g.get(path)
		code, message := answer.Error()
		require.Equal(t, http.StatusNotFound, answer.Status, path)
		require.Equal(t, "Request_ResourceNotFound", code)
		require.Equal(t, "Resource '"+name+"' does not exist or one of its queried reference-property objects are not "+
			"present.", message)
	}
}

func TestSelect(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	id := g.create(userBody("ada", "onPremisesImmutableId", "ada1", "usageLocation", "DE", "mail", "ada@example.net"))
	for _, rule := range []struct {
		name, query string
		properties  []string
	}{
		{"one property", "onPremisesImmutableId", []string{"onPremisesImmutableId"}},
		{"several, with spaces", "id, accountEnabled ,usageLocation", []string{"id", "accountEnabled", "usageLocation"}},
		{"in any case, once", "ID,id", []string{"id"}},
		{"computed ones", "assignedLicenses,licenseAssignmentStates,proxyAddresses,identities,createdDateTime",
			[]string{"assignedLicenses", "licenseAssignmentStates", "proxyAddresses", "identities", "createdDateTime"}},
		{"what is never shown", "passwordProfile", []string{"passwordProfile"}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			answer := g.get("users/" + id + "?$select=" + url.QueryEscape(rule.query))
			require.Equal(t, http.StatusOK, answer.Status)
			delete(answer.Body, "@odata.context")
			require.ElementsMatch(t, rule.properties, slices.Collect(maps.Keys(answer.Body)))
		})
	}
	answer := g.get("users/" + id + "?$select=passwordProfile,proxyAddresses,accountEnabled,onPremisesImmutableId")
	require.Nil(t, answer.Body["passwordProfile"])
	require.Equal(t, []any{"SMTP:ada@example.net"}, answer.Body["proxyAddresses"])
	require.Equal(t, true, answer.Body["accountEnabled"])
	require.Equal(t, "ada1", answer.Body["onPremisesImmutableId"])
	require.Equal(t, "https://graph.microsoft.com/v1.0/$metadata#users(passwordProfile,proxyAddresses,accountEnabled,"+
		"onPremisesImmutableId)/$entity", answer.Body["@odata.context"])

	everything := []string{
		"ageGroup", "assignedPlans", "businessPhones", "city", "companyName", "consentProvidedForMinor", "country",
		"creationType", "deletedDateTime", "department", "employeeId", "employeeType", "externalUserState", "faxNumber",
		"isResourceAccount", "mailNickname", "onPremisesDistinguishedName", "onPremisesLastSyncDateTime",
		"onPremisesSyncEnabled", "otherMails", "passwordPolicies", "signInSessionsValidFromDateTime", "userType",
	}
	answer = g.get("users/" + id + "?$select=" + strings.Join(everything, ","))
	require.Len(t, answer.Body, len(everything)+1)
	require.Nil(t, answer.Body["deletedDateTime"])
	require.Equal(t, "Member", answer.Body["userType"])

	answer = g.get("users/" + id + "?$select=nickName")
	code, message := answer.Error()
	require.Equal(t, http.StatusBadRequest, answer.Status)
	require.Equal(t, "BadRequest", code)
	require.Equal(t, "Parsing OData Select and Expand failed: Could not find a property named 'nickName' on type "+
		"'microsoft.graph.user'.", message)
}

func TestFilter(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	ada := g.create(userBody("ada", "onPremisesImmutableId", "Ada1", "mail", "ada@example.net"))
	g.create(userBody("bob", "onPremisesImmutableId", "bob1", "accountEnabled", false, "department", "R&D"))
	g.create(userBody("o'neil", "userPrincipalName", "o'neil@contoso.com", "mailNickname", "oneil"))
	for _, rule := range []struct {
		name, filter string
		found        []string
	}{
		{"id", "id eq '" + ada + "'", []string{"ada"}},
		{"id in upper case", "id eq '" + strings.ToUpper(ada) + "'", []string{"ada"}},
		{"UPN", "userPrincipalName eq 'ADA@contoso.com'", []string{"ada"}},
		{"mail", "mail eq 'Ada@Example.net'", []string{"ada"}},
		{"ImmutableID", "onPremisesImmutableId eq 'Ada1'", []string{"ada"}},
		{"ImmutableID in another case", "onPremisesImmutableId eq 'ada1'", nil},
		{"a boolean", "accountEnabled eq false", []string{"bob"}},
		{"null", "mail eq null", []string{"bob", "o'neil"}},
		{"a doubled quote", "userPrincipalName eq 'o''neil@contoso.com'", []string{"o'neil"}},
		{"a property in another case", "AccountEnabled eq false", []string{"bob"}},
		{"and", "accountEnabled eq true and mail eq 'ada@example.net'", []string{"ada"}},
		{"and, nothing left", "userPrincipalName eq 'bob@contoso.com' and accountEnabled eq true", nil},
		{"or", "mail eq 'ada@example.net' or accountEnabled eq false", []string{"ada", "bob"}},
		{"and binds closer than or", "mail eq 'ada@example.net' or accountEnabled eq false and mail eq 'x'",
			[]string{"ada"}},
		{"parentheses", "(mail eq 'ada@example.net' or accountEnabled eq false) and accountEnabled eq false",
			[]string{"bob"}},
		{"in", "userPrincipalName in ('ada@contoso.com','bob@contoso.com')", []string{"ada", "bob"}},
		{"startswith", "startswith(displayName,'A')", []string{"ada"}},
		{"startsWith", "startsWith(userPrincipalName, 'o''n')", []string{"o'neil"}},
		{"ge and le", "displayName ge 'B' and displayName le 'c'", []string{"bob"}},
		{"an ampersand", "department eq 'R&D'", []string{"bob"}},
	} {
		t.Run(rule.name, func(t *testing.T) {
			answer := g.filter(rule.filter)
			require.Equal(t, http.StatusOK, answer.Status, "%v", answer.Body)
			require.ElementsMatch(t, rule.found, answer.Column("displayName"))
		})
	}
}

func TestFilterRefusals(t *testing.T) {
	const advanced = "Operator '%s' is not supported because the required parameters might be missing. Try adding " +
		"$count=true query parameter and ConsistencyLevel:eventual header. Refer to " +
		"https://aka.ms/graph-docs/advanced-queries for more information"
	unfit := func(property string) string {
		return "Unsupported or invalid query filter clause specified for property '" + property + "' of resource 'User'."
	}
	for _, rule := range []struct{ name, filter, code, message string }{
		{"ne needs the advanced index", "accountEnabled ne true", "Request_UnsupportedQuery", fmt.Sprintf(advanced, "ne")},
		{"not needs the advanced index", "not (accountEnabled eq true)", "Request_UnsupportedQuery",
			fmt.Sprintf(advanced, "not")},
		{"endswith needs the advanced index", "endswith(mail,'x')", "Request_UnsupportedQuery",
			fmt.Sprintf(advanced, "endsWith")},
		{"no startswith on the ImmutableID", "startswith(onPremisesImmutableId,'x')", "Request_UnsupportedQuery",
			unfit("onPremisesImmutableId")},
		{"no filter on every property", "streetAddress eq 'x' and assignedPlans eq 'y'", "Request_UnsupportedQuery",
			unfit("assignedPlans")},
		{"no filter on collections", "assignedLicenses/any(l:l/skuId eq 'x')", "Request_UnsupportedQuery",
			"Complex query on property assignedLicenses is not supported."},
		{"at most 15 alternatives", "id in ('" + strings.Repeat("a','", 15) + "b')", "Request_UnsupportedQuery",
			"Too many child clauses specified in search filter expression containing 'OR' operators: 16. Max allowed: 15."},
		{"an unknown property", "nickName eq 'x'", "BadRequest",
			"Invalid filter clause: Could not find a property named 'nickName' on type 'microsoft.graph.user'."},
		{"a boolean in quotes", "accountEnabled eq 'true'", "BadRequest", ""},
		{"a string without quotes", "mail eq x", "BadRequest", ""},
		{"an open quote", "mail eq 'x", "BadRequest", ""},
		{"an open parenthesis", "(mail eq 'x'", "BadRequest", ""},
		{"no literal", "mail eq", "BadRequest", ""},
		{"no operator", "mail 'x'", "BadRequest", ""},
		{"an unknown operator", "mail like 'x'", "BadRequest", ""},
		{"something left over", "mail eq 'x' mail", "BadRequest", ""},
		{"an empty list", "mail in ()", "BadRequest", ""},
		{"an unfinished list", "mail in ('x',", "BadRequest", ""},
		{"nothing", "", "BadRequest", ""},
		{"null out of order", "mail ge null", "BadRequest", ""},
		{"a function of two names", "startswith(mail,mail)", "BadRequest", ""},
		{"a function of a boolean", "startswith(accountEnabled,true)", "Request_UnsupportedQuery", unfit("accountEnabled")},
		{"too deep", strings.Repeat("(", 40) + "mail eq 'x'" + strings.Repeat(")", 40), "BadRequest", ""},
		{"too long", "mail eq '" + strings.Repeat("x", 9000) + "'", "BadRequest", ""},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			answer := g.filter(rule.filter)
			code, message := answer.Error()
			require.Equal(t, http.StatusBadRequest, answer.Status)
			require.Equal(t, rule.code, code)
			if rule.message != "" {
				require.Equal(t, rule.message, message)
			} else {
				require.Contains(t, message, "Invalid filter clause: ")
			}
		})
	}
}

func TestAdvancedQueries(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	g.create(userBody("ada"))
	g.create(userBody("bob", "accountEnabled", false))
	g.header.Set("ConsistencyLevel", "eventual")
	for filter, found := range map[string][]string{
		"accountEnabled ne true":                          {"bob"},
		"not startswith(displayName,'a')":                 {"bob"},
		"endswith(userPrincipalName,'a@CONTOSO.com')":     {"ada"},
		"not (displayName eq 'ada' or mail eq 'x') ":      {"bob"},
		"mail ne null or endswith(userPrincipalName,'z')": {},
	} {
		answer := g.get("users?$count=true&$filter=" + url.QueryEscape(filter))
		require.Equal(t, http.StatusOK, answer.Status, filter)
		require.Equal(t, found, answer.Column("displayName"), filter)
		require.EqualValues(t, len(found), answer.Body["@odata.count"], filter)
	}
	answer := g.filter("accountEnabled ne true")
	code, _ := answer.Error()
	require.Equal(t, "Request_UnsupportedQuery", code, "$count=true is needed as well")
}

func TestListOptionsRefused(t *testing.T) {
	for _, rule := range []struct{ name, query, code, message string }{
		{"$count alone", "$count=true", "Request_UnsupportedQuery", "$count is not currently supported."},
		{"$count of nonsense", "$count=maybe", "BadRequest", "Invalid value 'maybe' for $count query option found."},
		{"$search alone", "$search=%22displayName:ada%22", "Request_UnsupportedQuery",
			"Request with $search query parameter only works through MSGraph with a special request header: " +
				"'ConsistencyLevel: eventual'"},
		{"$orderby", "$orderby=displayName", "Request_UnsupportedQuery", "Sorting not supported for current query."},
		{"$top of nothing", "$top=0", "Request_UnsupportedQuery",
			"Invalid page size specified: '0'. Must be between 1 and 999 inclusive."},
		{"$top of too many", "$top=1000", "Request_UnsupportedQuery",
			"Invalid page size specified: '1000'. Must be between 1 and 999 inclusive."},
		{"a page token that is none", "$skiptoken=x", "Directory_ExpiredPageToken",
			"Specified page token value has expired and can no longer be included in your request."},
		{"$skip", "$skip=1", "BadRequest", "The query parameter '$skip' is not supported."},
		{"an option given twice", "$top=1&$top=2", "BadRequest",
			"Query option '$top' was specified more than once, but it must be specified at most once."},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			answer := g.get("users?" + rule.query)
			code, message := answer.Error()
			require.Equal(t, http.StatusBadRequest, answer.Status)
			require.Equal(t, rule.code, code)
			require.Equal(t, rule.message, message)
		})
	}
}

func TestPaging(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	var want []string
	for i := range 103 {
		name := fmt.Sprintf("person%03d", i)
		g.create(userBody(name, "accountEnabled", i != 50))
		want = append(want, name)
	}
	page := g.get("users")
	require.Len(t, page.Values(), 100, "a page has 100 users unless $top says otherwise")

	var seen []string
	pages := 0
	for path := "users?$top=25&$select=displayName"; ; pages++ {
		page := g.get(path)
		require.Equal(t, http.StatusOK, page.Status)
		seen = append(seen, page.Column("displayName")...)
		next, more := page.Body["@odata.nextLink"].(string)
		if !more {
			break
		}
		path = strings.TrimPrefix(next, "https://graph.microsoft.com/v1.0/")
		require.Contains(t, path, "skiptoken=")
	}
	require.Equal(t, want, seen)
	require.Equal(t, 4, pages)

	answer := g.get("users?$top=999&$filter=" + url.QueryEscape("accountEnabled eq true"))
	require.Len(t, answer.Values(), 102)
	require.NotContains(t, answer.Body, "@odata.nextLink")
	require.Empty(t, g.filter("mail eq 'nobody@example.net'").Values(), "nobody is an empty list, not 404")
	stale := base64.RawURLEncoding.EncodeToString([]byte("11111111-1111-4111-8111-111111111111"))
	code, _ := g.get("users?$skiptoken=" + stale).Error()
	require.Equal(t, "Directory_ExpiredPageToken", code)
}

func TestUpdateUser(t *testing.T) {
	g, _ := callGraph(t, federatedConfig(t))
	id := g.create(userBody("ada", "onPremisesImmutableId", "ada1", "usageLocation", "DE"))
	g.create(userBody("bob", "onPremisesImmutableId", "bob1"))
	patch := func(body map[string]any) graphAnswer { return g.call(http.MethodPatch, "users/"+id, body) }

	answer := patch(map[string]any{"accountEnabled": false, "department": "R&D", "onPremisesImmutableId": "ada2"})
	require.Equal(t, http.StatusNoContent, answer.Status)
	require.Empty(t, answer.Body)
	require.Empty(t, answer.Header.Get("Content-Type"))
	user := g.tenant.Users()[0]
	require.Equal(t, "ada2", user.ImmutableID)
	require.False(t, user.Enabled)
	require.Equal(t, http.StatusNoContent, patch(map[string]any{"department": nil}).Status)
	require.Nil(t, g.get("users/" + id + "?$select=department").Body["department"])

	for _, rule := range []struct {
		name    string
		body    map[string]any
		message string
	}{
		{"displayName cannot be cleared", map[string]any{"displayName": nil},
			"Property displayName value is required but is empty or missing."},
		{"usageLocation cannot be cleared", map[string]any{"usageLocation": nil},
			"Invalid value specified for property 'usageLocation' of resource 'User'."},
		{"a federated user keeps an ImmutableID", map[string]any{"onPremisesImmutableId": nil},
			"SourceAnchor is a required property for creation of a federated user."},
		{"names stay unique", map[string]any{"userPrincipalName": "bob@contoso.com"},
			"Another object with the same value for property userPrincipalName already exists."},
		{"ImmutableIDs stay unique", map[string]any{"onPremisesImmutableId": "bob1"},
			"Another object with the same value for property onPremisesImmutableId already exists."},
		{"licences have their own call", map[string]any{"assignedLicenses": []any{}},
			"Property 'assignedLicenses' is read-only and cannot be set."},
		{"a password is checked", map[string]any{"passwordProfile": map[string]any{"password": "short"}},
			"The specified password does not comply with password complexity requirements. Please provide a different " +
				"password."},
	} {
		t.Run(rule.name, func(t *testing.T) {
			answer := g.call(http.MethodPatch, "users/"+id, rule.body)
			_, message := answer.Error()
			require.Equal(t, http.StatusBadRequest, answer.Status)
			require.Equal(t, rule.message, message)
		})
	}
	require.Equal(t, http.StatusNotFound, g.call(http.MethodPatch, "users/x@contoso.com", map[string]any{}).Status)
	good := map[string]any{"passwordProfile": map[string]any{"password": "Another-Horse-2"}}
	require.Equal(t, http.StatusNoContent, patch(good).Status)
}

func TestFrozenImmutableID(t *testing.T) {
	cfg := federatedConfig(t)
	cfg.FreezeImmutableID = true
	g, _ := callGraph(t, cfg)
	id := g.create(userBody("ada", "onPremisesImmutableId", "ada1"))
	patch := func(body map[string]any) int { return g.call(http.MethodPatch, "users/"+id, body).Status }
	require.Equal(t, http.StatusBadRequest, patch(map[string]any{"onPremisesImmutableId": "ada2"}))
	require.Equal(t, http.StatusNoContent, patch(map[string]any{"onPremisesImmutableId": "ada1"}), "no change")
	require.Equal(t, http.StatusNoContent, patch(map[string]any{"userPrincipalName": "ada@contoso.onmicrosoft.com"}))
	require.Equal(t, http.StatusNoContent, patch(map[string]any{"onPremisesImmutableId": "ada2"}), "outside the domain")
	require.Equal(t, http.StatusNoContent, patch(map[string]any{"userPrincipalName": "ada@contoso.com"}))
}

func TestSyncedUsersBelongToTheSync(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone, Users: []entratest.User{
		{UPN: "ada@contoso.com", Enabled: true, DirectorySynced: true},
	}})
	require.Equal(t, true, g.get("users/ada@contoso.com?$select=onPremisesSyncEnabled").Body["onPremisesSyncEnabled"])
	answer := g.call(http.MethodPatch, "users/ada@contoso.com", map[string]any{"onPremisesImmutableId": "x"})
	_, message := answer.Error()
	require.Equal(t, http.StatusBadRequest, answer.Status)
	require.Equal(t, "Unable to update the specified properties for objects that have originated within an external "+
		"service.", message)
}

func TestDeleteUser(t *testing.T) {
	g, clock := callGraph(t, federatedConfig(t))
	id := g.create(userBody("ada", "onPremisesImmutableId", "ada1", "usageLocation", "DE"))
	require.Equal(t, http.StatusOK, g.post("users/"+id+"/assignLicense", assigning(skuStandardPack)).Status)
	require.Equal(t, 1, g.consumed(skuStandardPack))

	require.Equal(t, http.StatusNoContent, g.call(http.MethodDelete, "users/"+id, nil).Status)
	require.Equal(t, http.StatusNotFound, g.get("users/"+id).Status)
	require.Equal(t, http.StatusNotFound, g.call(http.MethodDelete, "users/"+id, nil).Status)
	require.Empty(t, g.tenant.Users())
	require.Zero(t, g.consumed(skuStandardPack), "the licence is free again")

	answer := g.post("users", userBody("ada", "onPremisesImmutableId", "ada1"))
	require.Equal(t, "onPremisesImmutableId", answer.Targets()["ObjectConflict"], "reserved for a restore")
	require.Equal(t, "User_"+id, answer.Targets()["ConflictingObjects"])
	g.create(userBody("ada", "onPremisesImmutableId", "ada2")) // the UPN is free
	clock.Advance(30 * 24 * time.Hour)
	g.create(userBody("bob", "onPremisesImmutableId", "ada1"))
}

func TestRevokeSignInSessions(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagNone})
	id := g.create(userBody("ada"))
	clock.Advance(time.Minute)
	answer := g.post("users/"+id+"/revokeSignInSessions", nil)
	require.Equal(t, http.StatusOK, answer.Status)
	require.Equal(t, map[string]any{
		"@odata.context": "https://graph.microsoft.com/v1.0/$metadata#Edm.Boolean", "value": true,
	}, answer.Body)
	from := g.get("users/" + id + "?$select=signInSessionsValidFromDateTime").Body["signInSessionsValidFromDateTime"]
	require.Equal(t, "2026-03-02T09:01:00Z", from)
	require.Equal(t, http.StatusNotFound, g.post("users/x@contoso.com/revokeSignInSessions", nil).Status)
}

func TestRequestBodies(t *testing.T) {
	zipped := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(s))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return b.String()
	}
	const unreadable = "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of " +
		"valid JSON format."
	for _, rule := range []struct {
		name, contentType, encoding, body string
		status                            int
		message                           string
	}{
		{"no content type", "", "", "{}", 400,
			"Write requests (excluding DELETE) must contain the Content-Type header declaration."},
		{"not JSON by type", "text/plain", "", "{}", 415, "The media type 'text/plain' is not supported."},
		{"empty", "application/json", "", "", 400, "Empty Payload. JSON content expected."},
		{"not JSON", "application/json", "", "{", 400, unreadable},
		{"not an object", "application/json", "", "[]", 400, unreadable},
		{"null", "application/json", "", "null", 400, unreadable},
		{"more than one value", "application/json", "", "{}{}", 400, unreadable},
		{"an object", "application/json; charset=utf-8", "", "{}", 400,
			"Property displayName value is required but is empty or missing."},
		{"gzip", "application/json", "gzip", zipped("{}"), 400,
			"Property displayName value is required but is empty or missing."},
		{"not gzip", "application/json", "gzip", "{}", 400, "The request body is not valid gzip."},
		{"another encoding", "application/json", "br", "{}", 415, "The content encoding 'br' is not supported."},
		{"too large", "application/json", "", `{"a":"` + strings.Repeat("a", 4<<20) + `"}`, 413,
			"The request body is larger than 4 MB."},
		{"too large inside", "application/json", "gzip", zipped(`{"a":"` + strings.Repeat("a", 4<<20) + `"}`), 413,
			"The request body is larger than 4 MB."},
	} {
		t.Run(rule.name, func(t *testing.T) {
			g, _ := callGraph(t, entratest.Config{Lag: entratest.LagNone})
			header := http.Header{"Authorization": {"Bearer " + g.token()}}
			if rule.contentType != "" {
				header.Set("Content-Type", rule.contentType)
			}
			if rule.encoding != "" {
				header.Set("Content-Encoding", rule.encoding)
			}
			answer, err := g.send(http.MethodPost, "users", strings.NewReader(rule.body), header)
			require.NoError(t, err)
			_, message := answer.Error()
			require.Equal(t, rule.status, answer.Status)
			require.Equal(t, rule.message, message)
		})
	}
}
