package msgraph_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
)

// operation is a request of Graph v1.0, as its reference has it.
type operation struct {
	method string
	path   string                    // below /v1.0; {domain}, {id} and {template} stand for what they say
	query  map[string]*regexp.Regexp // the parameters that may be there, and what they may be
	must   []string                  // those that must be
	body   map[string]jsonType       // the properties that may be there; nil: there is no body
	needs  []string                  // those that must be
	status []int                     // with which it may be answered, where nothing went wrong
}

// jsonType says what a property may be, or nil.
type jsonType func(value any) error

func aString(value any) error {
	if text, ok := value.(string); !ok || text == "" {
		return fmt.Errorf("%v is not a text", value)
	}
	return nil
}

func aBoolean(value any) error {
	if _, ok := value.(bool); !ok {
		return fmt.Errorf("%v is not true or false", value)
	}
	return nil
}

// orNull is a property that can be cleared.
func orNull(t jsonType) jsonType {
	return func(value any) error {
		if value == nil {
			return nil
		}
		return t(value)
	}
}

// oneOf is a property of an enumeration, or an annotation.
func oneOf(values ...string) jsonType {
	return func(value any) error {
		if text, _ := value.(string); !slices.Contains(values, text) {
			return fmt.Errorf("%v is not one of %q", value, values)
		}
		return nil
	}
}

// aCertificate is base64 of DER, in one line.
func aCertificate(value any) error {
	text, _ := value.(string)
	if !regexp.MustCompile(`^MII[A-Za-z0-9+/]+={0,2}$`).MatchString(text) {
		return fmt.Errorf("%v is not a certificate in one line of base64", value)
	}
	return nil
}

// federationBody is https://learn.microsoft.com/graph/api/resources/internaldomainfederation#properties.
func federationBody() map[string]jsonType {
	return map[string]jsonType{
		"@odata.type":     oneOf("#microsoft.graph.internalDomainFederation"),
		"activeSignInUri": orNull(aString),
		"displayName":     orNull(aString),
		"federatedIdpMfaBehavior": oneOf("acceptIfMfaDoneByFederatedIdp", "enforceMfaByFederatedIdp",
			"rejectMfaByFederatedIdp"),
		"isSignedAuthenticationRequestRequired": aBoolean,
		"issuerUri":                             aString,
		"metadataExchangeUri":                   orNull(aString),
		"nextSigningCertificate":                orNull(aCertificate),
		"passiveSignInUri":                      aString,
		"passwordResetUri":                      orNull(aString),
		"preferredAuthenticationProtocol":       oneOf("saml", "wsFed"),
		"promptLoginBehavior": orNull(oneOf("translateToFreshPasswordAuthentication", "nativeSupport",
			"disabled")),
		"signOutUri":         orNull(aString),
		"signingCertificate": aCertificate,
	}
}

// guestBody is https://learn.microsoft.com/graph/api/resources/samlorwsfedexternaldomainfederation#properties.
func guestBody() map[string]jsonType {
	return map[string]jsonType{
		"@odata.type":                     oneOf("#microsoft.graph.samlOrWsFedExternalDomainFederation"),
		"displayName":                     orNull(aString),
		"domains":                         externalDomains,
		"issuerUri":                       aString,
		"metadataExchangeUri":             orNull(aString),
		"passiveSignInUri":                aString,
		"preferredAuthenticationProtocol": oneOf("saml", "wsFed"),
		"signingCertificate":              aCertificate,
	}
}

// externalDomains is https://learn.microsoft.com/graph/api/resources/externaldomainname#properties.
func externalDomains(value any) error {
	all, _ := value.([]any)
	if len(all) == 0 {
		return fmt.Errorf("%v is no list of domains", value)
	}
	for _, one := range all {
		domain, _ := one.(map[string]any)
		if len(domain) != 2 || domain["@odata.type"] != "microsoft.graph.externalDomainName" || aString(domain["id"]) != nil {
			return fmt.Errorf("%v is no domain", one)
		}
	}
	return nil
}

// operations are those that package federation may use, from https://learn.microsoft.com/graph/api/.
func operations() map[string]operation {
	const one, all = "/domains/{domain}/federationConfiguration/{id}", "/domains/{domain}/federationConfiguration"
	const partners = "/directory/federationConfigurations"
	ofUser := map[string]*regexp.Regexp{"$select": regexp.MustCompile(
		`^(id|userPrincipalName|onPremisesImmutableId|mail|employeeId|accountEnabled|onPremisesSyncEnabled|,)+$`)}
	users := maps.Clone(ofUser)
	users["$filter"] = regexp.MustCompile(`^endsWith\(userPrincipalName,'@[a-z0-9.-]+'\)$`)
	users["$top"], users["$count"] = regexp.MustCompile(`^[1-9][0-9]{0,2}$`), regexp.MustCompile(`^true$`)
	return map[string]operation{
		"domain-list": {method: "GET", path: "/domains", status: []int{200}},
		"domain-post-domains": {method: "POST", path: "/domains",
			body: map[string]jsonType{"id": aString}, needs: []string{"id"}, status: []int{201}},
		"domain-update": {method: "PATCH", path: "/domains/{domain}",
			body: map[string]jsonType{"isDefault": aBoolean}, needs: []string{"isDefault"}, status: []int{204}},
		"domain-verify":  {method: "POST", path: "/domains/{domain}/verify", status: []int{200}},
		"domain-promote": {method: "POST", path: "/domains/{domain}/promote", status: []int{200}},
		"domain-list-verificationdnsrecords": {method: "GET", path: "/domains/{domain}/verificationDnsRecords",
			status: []int{200}},
		"domain-list-federationconfiguration": {method: "GET", path: all,
			status: []int{200, 404}}, // 404: a managed domain
		"domain-post-federationconfiguration": {method: "POST", path: all, body: federationBody(), status: []int{201},
			needs: []string{"@odata.type", "issuerUri", "passiveSignInUri", "signingCertificate", "preferredAuthenticationProtocol"}},
		"internaldomainfederation-update": {method: "PATCH", path: one, body: federationBody(),
			needs: []string{"@odata.type"}, status: []int{200, 204}},
		"internaldomainfederation-delete": {method: "DELETE", path: one, status: []int{204}},
		"samlorwsfedexternaldomainfederation-list": {method: "GET",
			path: partners + "/graph.samlOrWsFedExternalDomainFederation", status: []int{200}},
		"samlorwsfedexternaldomainfederation-post": {method: "POST",
			path: partners + "/microsoft.graph.samlOrWsFedExternalDomainFederation", body: guestBody(), status: []int{201},
			needs: []string{"@odata.type", "issuerUri", "passiveSignInUri", "signingCertificate", "domains",
				"preferredAuthenticationProtocol"}},
		"samlorwsfedexternaldomainfederation-update": {method: "PATCH",
			path: partners + "/graph.samlOrWsFedExternalDomainFederation/{id}", body: guestBody(), status: []int{200, 204}},
		"samlorwsfedexternaldomainfederation-delete": {method: "DELETE", path: partners + "/{id}", status: []int{204}},
		"samlorwsfedexternaldomainfederation-post-domains": {method: "POST",
			path:  partners + "/{id}/microsoft.graph.samlOrWsFedExternalDomainFederation/domains",
			body:  map[string]jsonType{"@odata.type": oneOf("microsoft.graph.externalDomainName"), "id": aString},
			needs: []string{"@odata.type", "id"}, status: []int{200, 201}},
		"externaldomainname-delete": {method: "DELETE",
			path: partners + "/{id}/microsoft.graph.samlOrWsFedExternalDomainFederation/domains/{domain}", status: []int{204}},
		"user-list": {method: "GET", path: "/users", query: users,
			must: []string{"$filter", "$count"}, status: []int{200}},
		"user-get": {method: "GET", path: "/me", query: ofUser, status: []int{200}},
		"directoryrole-list-members": {method: "GET", path: "/directoryRoles(roleTemplateId='{template}')/members",
			query: ofUser, status: []int{200}},
		"organization-list": {method: "GET", path: "/organization",
			query: map[string]*regexp.Regexp{"$select": regexp.MustCompile(`^(id|displayName|,)+$`)}, status: []int{200}},
		"federatedtokenvalidationpolicy-get": {method: "GET", path: "/policies/federatedTokenValidationPolicy",
			status: []int{200}},
	}
}

// pattern is the path, to be compared with one that was sent.
func (o operation) pattern() *regexp.Regexp {
	const guid = `[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`
	pattern := strings.NewReplacer(`\{domain\}`, `[a-z0-9-]+(\.[a-z0-9-]+)+`, `\{id\}`, guid,
		`\{template\}`, `62e90394-69f5-4237-9190-012177145e10`).Replace(regexp.QuoteMeta(o.path))
	return regexp.MustCompile("^/v1\\.0" + pattern + "$")
}

// exchanged is a request and the status of its answer.
type exchanged struct {
	method, path string
	query        url.Values
	header       http.Header
	body         []byte
	status       int
}

// recorder is a way to the tenant that keeps everything that went over it.
type recorder struct {
	far http.RoundTripper
	mu  sync.Mutex
	all []exchanged
}

// RoundTrip implements [http.RoundTripper].
func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	x := exchanged{method: request.Method, path: request.URL.Path, query: request.URL.Query(), header: request.Header.Clone()}
	if request.Body != nil {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return nil, err
		}
		x.body = body
		request.Body = io.NopCloser(bytes.NewReader(body))
	}
	answer, err := r.far.RoundTrip(request)
	if err == nil {
		x.status = answer.StatusCode
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, x)
	return answer, err
}

// conforms says which operation the request is, and what is wrong with it.
func (x exchanged) conforms() (name string, err error) {
	for name, o := range operations() {
		if o.method == x.method && o.pattern().MatchString(x.path) {
			return name, errors.Join(x.checkQuery(o), x.checkHeader(), x.checkBody(o), x.checkStatus(o))
		}
	}
	return "", errors.New("there is no such operation")
}

func (x exchanged) checkQuery(o operation) (err error) {
	for name, values := range x.query {
		switch allowed := o.query[name]; {
		case allowed == nil:
			err = errors.Join(err, fmt.Errorf("the parameter %s is not known", name))
		case len(values) != 1 || !allowed.MatchString(values[0]):
			err = errors.Join(err, fmt.Errorf("the parameter %s is %q", name, values))
		}
	}
	for _, name := range o.must {
		if !x.query.Has(name) {
			err = errors.Join(err, fmt.Errorf("the parameter %s is missing", name))
		}
	}
	return err
}

func (x exchanged) checkHeader() (err error) {
	contentType, consistency := "", ""
	if len(x.body) > 0 {
		contentType = "application/json"
	}
	if x.query.Has("$count") { // https://learn.microsoft.com/graph/aad-advanced-queries
		consistency = "eventual"
	}
	for name, want := range map[string]string{
		"Accept": "application/json", "Content-Type": contentType, "ConsistencyLevel": consistency,
	} {
		if got := x.header.Get(name); got != want {
			err = errors.Join(err, fmt.Errorf("the header %s is %q and not %q", name, got, want))
		}
	}
	if !strings.HasPrefix(x.header.Get("Authorization"), "Bearer ") {
		err = errors.Join(err, errors.New("there is no token"))
	}
	return err
}

func (x exchanged) checkBody(o operation) (err error) {
	if o.body == nil {
		if len(x.body) > 0 {
			return errors.New("there is a body")
		}
		return nil
	}
	var body map[string]any
	if err := json.Unmarshal(x.body, &body); err != nil {
		return fmt.Errorf("the body is not an object: %w", err)
	}
	for name, value := range body {
		switch check := o.body[name]; {
		case check == nil:
			err = errors.Join(err, fmt.Errorf("the property %s is not known", name))
		case check(value) != nil:
			err = errors.Join(err, fmt.Errorf("the property %s: %w", name, check(value)))
		}
	}
	for _, name := range o.needs {
		if _, there := body[name]; !there {
			err = errors.Join(err, fmt.Errorf("the property %s is missing", name))
		}
	}
	return err
}

func (x exchanged) checkStatus(o operation) error {
	if !slices.Contains(o.status, x.status) {
		return fmt.Errorf("the status is %d", x.status)
	}
	return nil
}

// recorded is a tenant whose Federator goes by the recorder.
func (r *recorder) recorded(t testing.TB, cfg entratest.Config) *federating {
	t.Helper()
	f := newFederating(t, cfg)
	r.far = f.entra.Transport()
	f.dir = f.directory(f.entra.Credential(), r)
	f.fed = f.federator(f.dir)
	return f
}

// everything is what an operator does, each in a tenant of its own.
func everything(t *testing.T) map[string]func(t *testing.T, r *recorder) {
	all := map[string]func(t *testing.T, r *recorder){
		"a new domain, and its child": func(t *testing.T, r *recorder) {
			f := r.recorded(t, contoso())
			f.addAndVerify("fabrikam.com")
			f.apply(f.plan(f.settings(fabrikam)))
			_, err := f.fed.AddDomain(t.Context(), "hr.fabrikam.com")
			require.NoError(t, err)
		},
		"every setting, and none of them again": func(t *testing.T, r *recorder) {
			f := r.recorded(t, contoso())
			f.apply(f.plan(f.settings(func(s *federation.Settings) {
				s.ActiveSignInURL, s.SignOutURL, s.MetadataURL = signInURL+"/ecp", signInURL+"/out", signInURL+"/mex"
				s.PasswordResetURL, s.PromptLogin, s.SignedRequests = signInURL+"/password", federation.NativePrompt, true
				s.NextSigningCertificate = signerOf(t, "new").Certificate.Raw
			})))
			f.apply(f.plan(f.settings(func(s *federation.Settings) { s.Replace = f.configuration().ID })))
			require.Empty(t, f.configuration().SignOutURI)
		},
		"a diagnosis, a look whether it is in force": func(t *testing.T, r *recorder) {
			f := r.recorded(t, contoso())
			plan := f.federate()
			f.diagnose()
			_, err := f.fed.Wait(t.Context(), plan, nil)
			require.NoError(t, err)
			_, err = f.dir.Organization(t.Context())
			require.NoError(t, err)
		},
		"a user plans": func(t *testing.T, r *recorder) {
			f := r.recorded(t, contoso())
			f.fed = f.federator(f.directory(f.entra.UserCredential(adminUPN, "User.Read", "User.Read.All", "Domain.ReadWrite.All",
				"Domain-InternalFederation.ReadWrite.All", "RoleManagement.Read.Directory"), r))
			f.federate()
		},
	}
	for name, j := range journeys(t) {
		all[name] = func(t *testing.T, r *recorder) {
			cfg := contoso(func(c *entratest.Config) { c.FederationLag = 20 * time.Minute })
			if j.tenant != nil {
				j.tenant(&cfg)
			}
			f := r.recorded(t, cfg)
			require.NoError(t, j.prepare(f)(t.Context(), f.fed))
		}
	}
	return all
}

func TestEveryRequestIsOneOfGraphsReference(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for name, do := range everything(t) {
		t.Run(name, func(t *testing.T) {
			r := &recorder{}
			do(t, r)
			require.NotEmpty(t, r.all)
			for _, x := range r.all {
				operation, err := x.conforms()
				require.NoError(t, err, "%s %s?%s %s", x.method, x.path, x.query.Encode(), x.body)
				used[operation] = true
			}
		})
	}
	for name := range operations() {
		require.True(t, used[name], "nothing uses %s, so that it is not tested", name)
	}
}

// Realm discovery is public: it gets the name of the domain, and no credential.
func TestRealmDiscoveryIsAskedWithoutACredential(t *testing.T) {
	t.Parallel()
	f := newFederating(t, contoso())
	f.federate()
	r := &recorder{far: f.entra.Transport()}
	discovery, err := federation.NewDiscovery(f.entra.Cloud(), &http.Client{Transport: r})
	require.NoError(t, err)
	realm, err := discovery.Realm(t.Context(), "contoso.com")
	require.NoError(t, err)
	require.Equal(t, federation.FederatedRealm, realm.Type)
	var asked []string
	for _, x := range r.all {
		require.Equal(t, http.Header{"Accept": {"application/json"}}, x.header)
		asked = append(asked, x.method+" "+x.path+"?"+x.query.Encode())
	}
	require.Equal(t, []string{
		"GET /common/UserRealm/nobody@contoso.com?api-version=1.0", "GET /GetUserRealm.srf?login=nobody%40contoso.com",
	}, asked)
}

// The check can fail: one request that is as it must be, and what may be wrong with it, one by one.
func TestARequestThatIsNotOfGraphsReferenceIsNoticed(t *testing.T) {
	t.Parallel()
	const id = "/12345678-1234-1234-1234-123456789abc"
	change := func() exchanged {
		return exchanged{
			method: "PATCH", path: "/v1.0/domains/contoso.com/federationConfiguration" + id, query: url.Values{}, status: 204,
			header: http.Header{
				"Accept": {"application/json"}, "Content-Type": {"application/json"}, "Authorization": {"Bearer x"},
			},
			body: []byte(`{"@odata.type":"#microsoft.graph.internalDomainFederation","displayName":null}`),
		}
	}
	_, err := change().conforms()
	require.NoError(t, err)
	list := func(x *exchanged, query string) {
		*x = exchanged{method: "GET", path: "/v1.0/users", status: 200, header: http.Header{
			"Accept": {"application/json"}, "Authorization": {"Bearer x"}, "Consistencylevel": {"eventual"},
		}}
		x.query, _ = url.ParseQuery(query)
	}
	for says, wrong := range map[string]func(x *exchanged){
		"no such operation":                  func(x *exchanged) { x.method = "PUT" },
		"there is no such operation":         func(x *exchanged) { x.path += "/x" },
		"the parameter $select is not known": func(x *exchanged) { x.query.Set("$select", "id") },
		"the parameter $filter is missing":   func(x *exchanged) { list(x, "$count=true") },
		`the parameter $top is ["1000"]`:     func(x *exchanged) { list(x, "$count=true&$top="+strconv.Itoa(1000)) },
		`ConsistencyLevel is "" and not "eventual"`: func(x *exchanged) {
			list(x, "$count=true")
			x.header.Del("ConsistencyLevel")
		},
		"there is no token":                   func(x *exchanged) { x.header.Del("Authorization") },
		"the header Content-Type":             func(x *exchanged) { x.header.Set("Content-Type", "text/plain") },
		"the property issuer is not known":    func(x *exchanged) { x.body = []byte(`{"issuer":"x"}`) },
		"the property @odata.type is missing": func(x *exchanged) { x.body = []byte(`{}`) },
		"is not a certificate":                func(x *exchanged) { x.body = []byte(`{"signingCertificate":null}`) },
		"is not a text":                       func(x *exchanged) { x.body = []byte(`{"issuerUri":1}`) },
		"is not true or false": func(x *exchanged) {
			x.body = []byte(`{"isSignedAuthenticationRequestRequired":"true"}`)
		},
		"is not one of": func(x *exchanged) {
			x.body = []byte(`{"preferredAuthenticationProtocol":"SAML"}`)
		},
		"the body is not an object": func(x *exchanged) { x.body = nil },
		"there is a body":           func(x *exchanged) { x.method = "DELETE" },
		"the status is 202":         func(x *exchanged) { x.status = 202 },
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			x := change()
			wrong(&x)
			_, err := x.conforms()
			require.ErrorContains(t, err, says)
		})
	}
}
