package endtoend_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// company is everything joined: a simulated tenant with its lag, Graph through the SDK, the pipeline, the Bridge. Time
// is the tenant's: nobody waits.
type company struct {
	t        *testing.T
	clock    *entratest.Clock
	tenant   *entratest.Tenant
	bridge   *adapters.Bridge
	pipeline *provision.Provisioner
	person   adapters.SignedIn
}

const document = "https://contoso.sharepoint.com/sites/welcome"

func newCompany(t *testing.T, change ...func(*entratest.Config, *provision.Config)) *company {
	t.Helper()
	c := &company{t: t, clock: entratest.NewClock(testTime)}
	c.person = adapters.SignedIn{Person: provision.Person{
		Connection: "google", ID: "104", Email: "contractor@example.net", GivenName: "A", Surname: "Contractor",
	}}
	tenantConfig := entratest.Config{
		Clock: c.clock, Seed: 1,
		Domains: federated(),
	}
	pipelineConfig := provision.Config{
		Now: c.clock.Now, Sleep: c.clock.Sleep,
		Rules: provision.Rules{Domain: "contoso.com", UsageLocation: "US", Licenses: []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}},
			SkipConnections: []string{"directory"}},
	}
	for _, ch := range change {
		ch(&tenantConfig, &pipelineConfig)
	}
	c.tenant = entratest.Start(t, tenantConfig)

	directory, err := msgraph.New(msgraph.Config{
		Credential: c.tenant.Credential(), Transport: c.tenant.Transport(), Now: c.clock.Now,
	})
	require.NoError(t, err)
	pipelineConfig.Directory = directory
	people, err := provision.New(pipelineConfig)
	require.NoError(t, err)
	c.pipeline = people
	c.bridge, err = adapters.New(adapters.Config{
		BaseURL: base, IdentityProvider: newIdentityProvider(t, c.clock.Now), People: people, Domain: "contoso.com", Home: document,
		Secret: bytes.Repeat([]byte{7}, 32), Now: c.clock.Now, Patience: 10 * time.Second,
		Authenticator: adapters.AuthenticatorFunc(func(http.ResponseWriter, *http.Request, adapters.Ask) (*adapters.SignedIn, error) {
			person := c.person
			person.At = c.clock.Now()
			return &person, nil
		}),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.bridge.Close(context.Background())) })
	c.tenant.Mount("id.contoso.com", c.bridge)
	return c
}

func (c *company) open(address string) entratest.Page {
	c.t.Helper()
	browser := entratest.NewBrowser(c.tenant.Transport())
	browser.Sleep = c.clock.Sleep
	page, err := browser.Open(context.Background(), address)
	require.NoError(c.t, err)
	return page
}

// accounts are the users that were made, which is everybody in the tenant who was not there at the start.
func (c *company) accounts() []entratest.User {
	var made []entratest.User
	for _, user := range c.tenant.Users() {
		if !user.CreatedAt.Equal(testTime) || strings.Contains(user.UPN, "contractor") {
			made = append(made, user)
		}
	}
	return made
}

var upnOnPage = regexp.MustCompile(`<dd id="upn">([^<]+)</dd>`)

func (c *company) requireSignedIn(page entratest.Page, upn string) {
	c.t.Helper()
	require.Equal(c.t, http.StatusOK, page.Status, page.Body)
	require.Equal(c.t, document, page.URL)
	named := upnOnPage.FindStringSubmatch(page.Body)
	require.NotNil(c.t, named, page.Body)
	require.Equal(c.t, upn, html.UnescapeString(named[1]))
}

func TestAStrangerIsProvisionedLicensedAndSignedIn(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	page := c.open(base + "/go")
	c.requireSignedIn(page, "contractor@contoso.com")

	made := c.accounts()
	require.Len(t, made, 1)
	require.Equal(t, "contractor@contoso.com", made[0].UPN)
	require.Equal(t, provision.ImmutableIDFromSubject("google", "104"), made[0].ImmutableID)
	require.Equal(t, "US", made[0].UsageLocation)
	require.Len(t, made[0].SKUIDs, 1)
	require.GreaterOrEqual(t, c.clock.Now().Sub(testTime), 15*time.Second, "not before the sign-in service can know")

	before := len(c.tenant.GraphCalls())
	c.requireSignedIn(c.open(base+"/go"), "contractor@contoso.com")
	require.Len(t, c.tenant.GraphCalls(), before, "already provisioned means continue")
}

func TestEveryWayInEndsAtTheDocument(t *testing.T) {
	t.Parallel()
	for way, address := range map[string]string{
		"the smart link":      base + "/go?to=" + url.QueryEscape(document),
		"the start link":      base + "/start?to=" + url.QueryEscape(document),
		"the document itself": document,
	} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			if way == "the document itself" {
				address += "?whr=contoso.com"
			}
			page := c.open(address)
			require.Equal(t, http.StatusOK, page.Status, page.Body)
			require.True(t, strings.HasPrefix(page.URL, document), page.URL)
			require.Regexp(t, upnOnPage, page.Body)
		})
	}
}

func TestAFaultOfGraphNeverMakesASecondAccount(t *testing.T) {
	t.Parallel()
	const create, license = "/v1.0/users", "/v1.0/users/*/assignLicense"
	for fault, test := range map[string]struct {
		faults  []entratest.Fault
		failure string // title of the page, or empty if the sign-in succeeds all the same
	}{
		"401 at create":                     {[]entratest.Fault{{Method: "POST", Path: create, Status: 401, Times: -1}}, "Your account could not be set up"},
		"403 at create":                     {[]entratest.Fault{{Method: "POST", Path: create, Status: 403, Times: -1}}, "Your account could not be set up"},
		"429 with Retry-After":              {[]entratest.Fault{{Method: "POST", Path: create, Status: 429, RetryAfter: "7", Times: 2}}, ""},
		"429 without Retry-After":           {[]entratest.Fault{{Method: "POST", Path: create, Status: 429, Times: 3}}, ""},
		"429 that asks for an hour":         {[]entratest.Fault{{Method: "POST", Path: create, Status: 429, RetryAfter: "3600", Times: -1}}, "This takes longer than usual"},
		"500 before the commit":             {[]entratest.Fault{{Method: "POST", Path: create, Status: 500, Times: 2}}, ""},
		"500 for ever":                      {[]entratest.Fault{{Method: "POST", Path: create, Status: 500, Times: -1}}, "This takes longer than usual"},
		"504 after the commit":              {[]entratest.Fault{{Method: "POST", Path: create, Status: 504, AfterCommit: true}}, ""},
		"dropped before the commit":         {[]entratest.Fault{{Method: "POST", Path: create, Drop: true, Times: 2}}, ""},
		"dropped after the commit":          {[]entratest.Fault{{Method: "POST", Path: create, Drop: true, AfterCommit: true}}, ""},
		"dropped after the licence":         {[]entratest.Fault{{Method: "POST", Path: license, Drop: true, AfterCommit: true}}, ""},
		"403 at the licence":                {[]entratest.Fault{{Method: "POST", Path: license, Status: 403, Times: -1}}, "Your account could not be set up"},
		"503 at the token":                  {[]entratest.Fault{{Path: "/*/oauth2/v2.0/token", Status: 503, Times: 2}}, ""},
		"reads that fail after the commit":  {[]entratest.Fault{{Method: "POST", Path: create, Drop: true, AfterCommit: true}, {Method: "GET", Path: create, Status: 500, Times: 3}}, ""},
		"everything dropped now and then":   {[]entratest.Fault{{Path: "/v1.0/*", Drop: true, Skip: 1, Times: 3}}, ""},
		"a read that is refused for a time": {[]entratest.Fault{{Method: "GET", Path: create, Status: 429, RetryAfter: "5", Times: 2}}, ""},
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			c := newCompany(t)
			var remove []func()
			for _, f := range test.faults {
				remove = append(remove, c.tenant.Inject(f))
			}
			page := c.open(base + "/go")
			if test.failure == "" {
				c.requireSignedIn(page, "contractor@contoso.com")
				require.Len(t, c.accounts(), 1)
				return
			}
			require.Equal(t, test.failure, page.Title)
			require.Contains(t, page.Body, `id="quote"`)
			require.LessOrEqual(t, len(c.accounts()), 1)

			for _, r := range remove {
				r()
			}
			c.clock.Advance(time.Hour)
			c.requireSignedIn(c.open(base+"/go"), "contractor@contoso.com")
			require.Len(t, c.accounts(), 1, "what was begun is finished, not repeated")
		})
	}
}

func TestAConflictWithSomebodyElseGetsAnotherName(t *testing.T) {
	t.Parallel()
	c := newCompany(t, func(cfg *entratest.Config, _ *provision.Config) {
		cfg.Users = []entratest.User{{UPN: "contractor@contoso.com", ImmutableID: "somebodyelse", Enabled: true}}
	})
	c.requireSignedIn(c.open(base+"/go"), "contractor2@contoso.com")
}

func TestNobodyIsSentToSignInTooEarly(t *testing.T) {
	t.Parallel()
	hasty := newCompany(t, func(cfg *entratest.Config, p *provision.Config) {
		cfg.Lag = entratest.LagFast
		cfg.SignInLag = 30 * time.Second
		p.Settle = provision.Settle{Dwell: -1, Reads: 1}
	})
	page := hasty.open(base + "/go")
	require.Contains(t, page.Body, "AADSTS51004", "without the waiting, Entra does not know the person yet")
	hasty.clock.Advance(time.Minute)
	hasty.requireSignedIn(hasty.open(base+"/go"), "contractor@contoso.com")
}

func TestSomebodyWhomEntraDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.person.Person = provision.Person{Connection: "directory", ID: "1", UPN: "nobody@contoso.com", ImmutableID: "unknown"}
	page := c.open(base + "/go")
	require.Contains(t, page.Body, "AADSTS51004")
	require.Empty(t, c.accounts(), "a person whom a sync owns is never created")
}

func TestAnImmutableIDThatIsTooLongStopsBeforeAnythingIsWritten(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.person.Person.ImmutableID = strings.Repeat("a", 65)
	page := c.open(base + "/go")
	require.Equal(t, "Your account could not be set up", page.Title)
	require.Empty(t, c.tenant.GraphCalls())
}

func TestWithoutAFreeLicence(t *testing.T) {
	t.Parallel()
	c := newCompany(t, func(cfg *entratest.Config, _ *provision.Config) {
		cfg.SKUs = []entratest.SKU{{ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 0}}
	})
	page := c.open(base + "/go")
	require.Equal(t, "Your account could not be set up", page.Title)
	require.Contains(t, page.Body, "no free place")
}

func TestAnOutsideTargetIsRefusedEverywhere(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	outside := url.QueryEscape("https://evil.example.net/")
	for _, address := range []string{
		base + "/go?to=" + outside, base + "/start?to=" + outside,
		"https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=" + outside,
	} {
		page := c.open(address)
		require.False(t, strings.HasPrefix(page.URL, "https://evil.example.net"), page.URL)
		require.GreaterOrEqual(t, page.Status, 400, address)
	}
}

func TestManyFirstSignInsOfOnePersonMakeOneAccount(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	var group sync.WaitGroup
	failures := make(chan error, 30)
	for range 30 {
		group.Go(func() {
			browser := entratest.NewBrowser(c.tenant.Transport())
			browser.Sleep = c.clock.Sleep
			page, err := browser.Open(context.Background(), base+"/go")
			if err == nil && !upnOnPage.MatchString(page.Body) {
				err = fmt.Errorf("%d %s %s", page.Status, page.Title, page.URL)
			}
			if err != nil {
				failures <- err
			}
		})
	}
	group.Wait()
	close(failures)
	for err := range failures {
		require.NoError(t, err)
	}
	require.Len(t, c.accounts(), 1)
}
