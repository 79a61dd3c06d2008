package entratest_test

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation/entratest"
)

func TestZeroConfigIsAWorkingTenant(t *testing.T) {
	tenant, err := entratest.New(entratest.Config{})
	require.NoError(t, err)
	cfg := tenant.Config()
	require.Regexp(t, "^"+aGUID+"$", cfg.TenantID)
	require.Equal(t, entrafed.Global(), tenant.Cloud())
	require.Equal(t, "contoso.onmicrosoft.com", cfg.InitialDomain)
	require.Equal(t, 10*time.Second, cfg.SignInLag)
	require.Equal(t, []entratest.App{entratest.DefaultApp()}, cfg.Apps)
	require.Empty(t, tenant.Users())

	g := &graphCaller{t: t, tenant: tenant, header: http.Header{}}
	g.create(userBody("ada"))
	require.Equal(t, []string{"O365_BUSINESS_PREMIUM", "STANDARDPACK"}, g.get("subscribedSkus").Column("skuPartNumber"))
	require.Equal(t, []string{"contoso.onmicrosoft.com", "contoso.com"}, g.get("domains").Column("id"))
}

func TestConfiguredUsersAreVisibleEverywhere(t *testing.T) {
	g, _ := callGraph(t, entratest.Config{Users: []entratest.User{
		{UPN: "bob@contoso.com", ImmutableID: "bob1", Enabled: true, SKUIDs: []string{skuStandardPack}},
		{UPN: "Ada@contoso.com", DisplayName: "Ada", CreatedAt: clockStart.Add(-time.Hour)},
	}})
	require.Equal(t, map[int]int{http.StatusOK: 20}, g.statuses("users/bob@contoso.com", 20))
	users := g.tenant.Users()
	require.Equal(t, "Ada@contoso.com", users[0].UPN, "in order of the UPN")
	require.Equal(t, "Ada", users[0].MailNickname)
	require.False(t, users[0].Enabled)
	require.Equal(t, clockStart.Add(-time.Hour), users[0].CreatedAt)
	require.Equal(t, "bob", users[1].DisplayName)
	require.Equal(t, clockStart, users[1].CreatedAt)
	require.Equal(t, []string{skuStandardPack}, users[1].SKUIDs)
	require.Equal(t, 1, g.consumed(skuStandardPack))
}

func TestConfigIsCopied(t *testing.T) {
	cfg := federatedConfig(t)
	tenant := entratest.Start(t, cfg)
	cfg.Domains[0].Federation.Issuer = "changed"
	cfg.Domains[0].Name = "changed.example"
	g := &graphCaller{t: t, tenant: tenant, header: http.Header{}}
	configuration := g.get("domains/contoso.com/federationConfiguration").Values()[0]
	require.Equal(t, "https://id.contoso.com/entra", configuration["issuerUri"])
}

func TestConfigRules(t *testing.T) {
	federation := func(change func(f *entratest.Federation)) []entratest.Domain {
		f := *someFederation(t)
		change(&f)
		return []entratest.Domain{{Name: "contoso.com", Federation: &f}}
	}
	sku := func(change func(s *entratest.SKU)) []entratest.SKU {
		s := entratest.SKU{ID: skuStandardPack, PartNumber: "STANDARDPACK"}
		change(&s)
		return []entratest.SKU{s}
	}
	app := func(change func(a *entratest.App)) []entratest.App {
		a := entratest.DefaultApp()
		change(&a)
		return []entratest.App{a}
	}
	same := *someFederation(t)
	for _, rule := range []struct {
		name string
		cfg  entratest.Config
		want string
	}{
		{"the tenant ID is a GUID", entratest.Config{TenantID: "contoso"}, "TenantID"},
		{"the cloud is complete", entratest.Config{Cloud: entrafed.USGovernmentHigh()}, "Cloud.Audience"},
		{"plain http is for this machine", entratest.Config{BaseURL: "http://tenant.example"}, "https://"},
		{"the base URL is an origin", entratest.Config{BaseURL: "https://tenant.example/x"}, "BaseURL"},
		{"the lag is one of the profiles", entratest.Config{Lag: "some"}, "Lag"},
		{"the initial domain is a domain", entratest.Config{InitialDomain: "x y"}, "InitialDomain"},
		{"a domain is a domain", entratest.Config{Domains: []entratest.Domain{{Name: "contoso"}}}, "Domains[0].Name"},
		{"a domain appears once", entratest.Config{Domains: []entratest.Domain{{Name: "a.example"}, {Name: "A.example"}}},
			"appears twice"},
		{"the initial domain is not repeated",
			entratest.Config{Domains: []entratest.Domain{{Name: "contoso.onmicrosoft.com"}}}, "appears twice"},
		{"one default domain", entratest.Config{Domains: []entratest.Domain{
			{Name: "a.example", Default: true}, {Name: "b.example", Default: true}}}, "only one domain"},
		{"the default domain is managed", entratest.Config{Domains: []entratest.Domain{
			{Name: "a.example", Default: true, Federation: &same}}}, "cannot be federated"},
		{"an unverified domain is managed", entratest.Config{Domains: []entratest.Domain{
			{Name: "a.example", Unverified: true, Federation: &same}}}, "only a verified domain can be federated"},
		{"an unverified domain is not the default", entratest.Config{Domains: []entratest.Domain{
			{Name: "a.example", Unverified: true, Default: true}}}, "only a verified domain can be the default"},
		{"a child of a verified domain is verified", entratest.Config{Domains: []entratest.Domain{
			{Name: "a.example"}, {Name: "b.a.example", Unverified: true}}}, "below a verified domain"},
		{"an unverified domain has no users", entratest.Config{
			Domains: []entratest.Domain{{Name: "a.example", Unverified: true}},
			Users:   []entratest.User{{UPN: "x@a.example"}}}, "not a name in one of the tenant's domains"},
		{"a share is not negative", entratest.Config{CreateRefusals: -0.1}, "CreateRefusals"},
		{"a share is not more than all", entratest.Config{CreateRefusals: 1.1}, "CreateRefusals"},
		{"a share is a number", entratest.Config{CreateRefusals: math.NaN()}, "CreateRefusals"},
		{"an issuer belongs to one domain", entratest.Config{Domains: []entratest.Domain{
			{Name: "a.example", Federation: &same}, {Name: "b.example", Federation: &same}}}, "already the issuer"},
		{"an issuer is a URI", entratest.Config{Domains: federation(func(f *entratest.Federation) { f.Issuer = "x" })},
			"Issuer"},
		{"a sign-in URL is absolute",
			entratest.Config{Domains: federation(func(f *entratest.Federation) { f.SignInURL = "/sso" })}, "SignInURL"},
		{"a federation has a certificate",
			entratest.Config{Domains: federation(func(f *entratest.Federation) { f.Certificates = nil })}, "Certificates"},
		{"a certificate is not nil", entratest.Config{Domains: federation(func(f *entratest.Federation) {
			f.Certificates = []*x509.Certificate{nil}
		})}, "Certificates"},
		{"a protocol is known",
			entratest.Config{Domains: federation(func(f *entratest.Federation) { f.Protocol = "oidc" })}, "Protocol"},
		{"an MFA behaviour is known",
			entratest.Config{Domains: federation(func(f *entratest.Federation) { f.MFABehavior = "x" })}, "MFABehavior"},
		{"a prompt behaviour is known",
			entratest.Config{Domains: federation(func(f *entratest.Federation) { f.PromptLoginBehavior = "x" })}, "Prompt"},
		{"a SKU has a GUID", entratest.Config{SKUs: sku(func(s *entratest.SKU) { s.ID = "x" })}, "SKUs[0]"},
		{"a SKU has a part number", entratest.Config{SKUs: sku(func(s *entratest.SKU) { s.PartNumber = "" })}, "SKUs[0]"},
		{"a SKU appears once", entratest.Config{SKUs: append(sku(func(*entratest.SKU) {}), sku(func(*entratest.SKU) {})...)},
			"appears twice"},
		{"a SKU applies to somebody", entratest.Config{SKUs: sku(func(s *entratest.SKU) { s.AppliesTo = "x" })},
			"AppliesTo"},
		{"a status is known", entratest.Config{SKUs: sku(func(s *entratest.SKU) { s.Status = "x" })}, "Status"},
		{"seats are not negative", entratest.Config{SKUs: sku(func(s *entratest.SKU) { s.Enabled = -1 })}, "negative"},
		{"a plan has a GUID", entratest.Config{SKUs: sku(func(s *entratest.SKU) {
			s.Plans = []entratest.ServicePlan{{ID: "x", Name: "x"}}
		})}, "Plans[0]"},
		{"a client ID is a GUID", entratest.Config{Apps: app(func(a *entratest.App) { a.ClientID = "x" })}, "ClientID"},
		{"an application appears once",
			entratest.Config{Apps: append(app(func(*entratest.App) {}), entratest.DefaultApp())}, "appears twice"},
		{"a permission is known",
			entratest.Config{Apps: app(func(a *entratest.App) { a.Permissions = []string{"Users.All"} })}, "Permissions"},
		{"an application's certificate is not nil",
			entratest.Config{Apps: app(func(a *entratest.App) { a.Certificates = []*x509.Certificate{nil} })}, "nil"},
		{"a user has a UPN", entratest.Config{Users: []entratest.User{{}}}, "Users[0].UPN"},
		{"a UPN is in a domain of the tenant", entratest.Config{Users: []entratest.User{{UPN: "a@example.net"}}},
			"Users[0].UPN"},
		{"UPNs are unique", entratest.Config{Users: []entratest.User{{UPN: "a@contoso.com"}, {UPN: "A@contoso.com"}}},
			"another user's"},
		{"ImmutableIDs are unique", entratest.Config{Users: []entratest.User{
			{UPN: "a@contoso.com", ImmutableID: "x"}, {UPN: "b@contoso.com", ImmutableID: "x"}}}, "another user's"},
		{"an object ID is a GUID", entratest.Config{Users: []entratest.User{{UPN: "a@contoso.com", ObjectID: "x"}}},
			"ObjectID"},
		{"an address is one", entratest.Config{Users: []entratest.User{{UPN: "a@contoso.com",
			ProxyAddresses: []string{"a@contoso.com"}}}}, "ProxyAddresses"},
		{"a group has a name", entratest.Config{Groups: []entratest.Group{{}}}, "Groups[0].DisplayName"},
		{"a group's object ID is a GUID", entratest.Config{Groups: []entratest.Group{{DisplayName: "x", ObjectID: "x"}}},
			"ObjectID"},
		{"an object ID belongs to one object", entratest.Config{
			Users:  []entratest.User{{UPN: "a@contoso.com", ObjectID: "aaaaaaaa-0000-4000-8000-000000000001"}},
			Groups: []entratest.Group{{DisplayName: "x", ObjectID: "AAAAAAAA-0000-4000-8000-000000000001"}},
		}, "another object's"},
		{"a unique name is unique", entratest.Config{Groups: []entratest.Group{
			{DisplayName: "x", UniqueName: "x"}, {DisplayName: "y", UniqueName: "X"}}}, "another object's"},
		{"a member is a user", entratest.Config{Groups: []entratest.Group{
			{DisplayName: "x", Members: []string{"a@contoso.com"}}}}, "Members"},
		{"a group gives SKUs of the tenant", entratest.Config{Groups: []entratest.Group{
			{DisplayName: "x", SKUIDs: []string{skuSuspended}}}}, "SKUIDs"},
		{"a country has two letters", entratest.Config{Country: "USA"}, "Country"},
		{"so has one in which a SKU is prohibited", entratest.Config{SKUs: sku(func(s *entratest.SKU) {
			s.ProhibitedIn = []string{"North"}
		})}, "ProhibitedIn"},
		{"a plan excludes plans", entratest.Config{SKUs: sku(func(s *entratest.SKU) {
			s.Plans = []entratest.ServicePlan{{ID: planExchange, Name: "x", Excludes: []string{"y"}}}
		})}, "Excludes"},
		{"a plan requires plans", entratest.Config{SKUs: sku(func(s *entratest.SKU) {
			s.Plans = []entratest.ServicePlan{{ID: planExchange, Name: "x", Requires: []string{"y"}}}
		})}, "Requires"},
		{"limits are not negative", entratest.Config{Throttle: entratest.Throttle{Scale: -1}}, "Throttle.Scale"},
		{"limits are numbers", entratest.Config{Throttle: entratest.Throttle{Scale: math.NaN()}}, "Throttle.Scale"},
		{"a size is one of three", entratest.Config{Throttle: entratest.Throttle{Size: "XL"}}, "Throttle.Size"},
		{"a user holds SKUs of the tenant",
			entratest.Config{Users: []entratest.User{{UPN: "a@contoso.com", SKUIDs: []string{skuSuspended}}}}, "SKUIDs"},
	} {
		t.Run(rule.name, func(t *testing.T) {
			tenant, err := entratest.New(rule.cfg)
			require.ErrorContains(t, err, rule.want)
			require.Nil(t, tenant)
		})
	}
}

func TestConfigErrorListsEverything(t *testing.T) {
	_, err := entratest.New(entratest.Config{TenantID: "x", Lag: "y", Users: []entratest.User{{UPN: "z"}}})
	for _, part := range []string{"TenantID", "Lag", "Users[0].UPN"} {
		require.ErrorContains(t, err, part)
	}
}

// fatalTB is a test that fails.
type fatalTB struct{ message string }

func (f *fatalTB) Helper() {}

func (f *fatalTB) Fatalf(format string, args ...any) {
	f.message = fmt.Sprintf(format, args...)
}

func TestStartFailsTheTest(t *testing.T) {
	var f fatalTB
	require.Nil(t, entratest.Start(&f, entratest.Config{TenantID: "x"}))
	require.Contains(t, f.message, "TenantID")
}

func TestLoggerLearnsOfRefusals(t *testing.T) {
	var log bytes.Buffer
	g, _ := callGraph(t, entratest.Config{
		Lag: entratest.LagNone, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	g.get("users")
	require.Empty(t, log.String())
	answer := g.get("users/nobody@contoso.com")
	require.Contains(t, log.String(), "Request_ResourceNotFound")
	require.Contains(t, log.String(), answer.Header.Get("request-id"))
	askToken(t, g.tenant, "contoso.com", goodForm("client_secret", "wrong"))
	require.Contains(t, log.String(), "7000215")
}

// TestEverythingAtOnce is for the race detector; what it asserts is that nothing fails that should not.
func TestEverythingAtOnce(t *testing.T) {
	g, clock := callGraph(t, entratest.Config{Lag: entratest.LagFast})
	header := g.headers()
	federation := *someFederation(t)
	var wg sync.WaitGroup
	var failures atomic.Int32
	call := func(method, path, body string, expected ...int) {
		answer, err := g.send(method, path, strings.NewReader(body), header.Clone())
		if err != nil || !slices.Contains(expected, answer.Status) {
			failures.Add(1)
		}
	}
	for i := range 8 {
		wg.Go(func() {
			for j := range 10 {
				name := fmt.Sprintf("p%dx%d", i, j)
				upn := name + "@contoso.onmicrosoft.com"
				call("POST", "users", `{"accountEnabled": true, "displayName": "x", "mailNickname": "`+name+`",
					"usageLocation": "DE", "userPrincipalName": "`+upn+`", "onPremisesImmutableId": "`+name+`",
					"passwordProfile": {"password": "Correct-Horse-1"}}`, 201)
				clock.Advance(2 * time.Second)
				call("GET", "users/"+upn, "", 200)
				call("PATCH", "users/"+upn, `{"city": "Bonn"}`, 204)
				call("GET", "users?$filter=accountEnabled+eq+true&$top=3", "", 200)
				call("POST", "users/"+upn+"/assignLicense",
					`{"addLicenses":[{"skuId":"`+skuStandardPack+`"}],"removeLicenses":[]}`, 200, 400)
				call("GET", "subscribedSkus", "", 200)
				call("GET", "domains", "", 200)
				if j%2 == 0 {
					call("DELETE", "users/"+upn, "", 204)
				}
				_ = g.tenant.Federate("contoso.com", federation)
				g.tenant.Inject(entratest.Fault{Path: "/v1.0/never", Status: 503})()
				g.tenant.Users()
				g.tenant.GraphCalls()
			}
		})
	}
	wg.Wait()
	require.Zero(t, failures.Load())
	require.Len(t, g.tenant.Users(), 40)
	require.LessOrEqual(t, g.consumed(skuStandardPack), 25)
}
