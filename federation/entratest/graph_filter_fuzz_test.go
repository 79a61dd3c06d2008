package entratest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzFilter: no filter makes the parser panic, hang or answer anything but a filter or a refusal of status 400.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		"id eq 'x'", "accountEnabled eq true and not (mail eq null)", "startswith(displayName,'a''b')",
		"userPrincipalName in ('a','b')", "((((", "'", "a/b eq 1", "displayName ge 'a' or displayName le 'b'", "",
		"not not not", "in in in", "id eq", strings.Repeat("(", 100), "é eq '\xff'",
	} {
		f.Add(seed)
	}
	tenant := Start(f, Config{Clock: NewClock(clockOrigin), Users: []User{{UPN: "ada@contoso.com", Enabled: true}}})
	user := tenant.directory.primary(tenant.directory.order[0])
	f.Fuzz(func(t *testing.T, text string) {
		filter, refusal := parseFilter(tenant, userClass, text, maxFilterAlternatives)
		switch {
		case refusal != nil && refusal.status != http.StatusBadRequest:
			t.Fatalf("refused with %d", refusal.status)
		case refusal == nil && filter.matches == nil:
			t.Fatal("neither a filter nor a refusal")
		case refusal == nil:
			filter.matches(user)
		}
	})
}

// FuzzCreateUser: no body makes the tenant panic; what it answers is 201 or a client error, and only what it accepted
// is a user.
func FuzzCreateUser(f *testing.F) {
	for _, seed := range []string{
		adaJSON, `{}`, `[]`, `null`, `{"a":`, `{"accountEnabled": "true"}`, `{"passwordProfile": {"password": 1}}`,
		`{"businessPhones": [1]}`, `{"userPrincipalName": "@"}`, `{"onPremisesImmutableId": ""}`, "\x00", `{"a@odata.b":1}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		tenant := Start(t, Config{Clock: NewClock(clockOrigin), Lag: LagNone})
		w := tenant.change(t, http.MethodPost, "users", body)
		created := len(tenant.Users())
		switch {
		case w.Code == http.StatusCreated && created == 1:
		case w.Code >= 400 && w.Code < 500 && created == 0:
		default:
			t.Fatalf("status %d, %d users", w.Code, created)
		}
	})
}

// FuzzPath: no path makes the tenant panic or fail.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{
		"/v1.0", "/v1.0/", "/v1.0/users", "/v1.0/users('a')", "/v1.0/users(userPrincipalName='a''b')/licenseDetails",
		"/v1.0/%zz", "/v1%2E0/users", "/beta/users", "/v1.0/me", "/common/UserRealm/", "/GetUserRealm.srf", "/v1.0//",
	} {
		f.Add(seed)
	}
	tenant := Start(f, Config{Clock: NewClock(clockOrigin), Throttle: Throttle{Off: true}})
	f.Fuzz(func(t *testing.T, path string) {
		if !strings.HasPrefix(strings.ToLower(path), "/v1.0") {
			return
		}
		req, err := http.NewRequest(http.MethodGet, path, nil)
		if err != nil || req.URL.Host != "" {
			return
		}
		req.Header.Set("Authorization", "Bearer "+tenant.signToken(tenant.claimsFor(tenant.cfg.Apps[0])))
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, req)
		if w.Code >= 500 {
			t.Fatalf("status %d", w.Code)
		}
	})
}
