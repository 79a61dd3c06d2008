package graph_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

const (
	federationID    = "6601d14b-d113-8f64-fda2-9b5ddda18ecc"
	wholeFederation = `{"@odata.context":"x","id":"` + federationID + `","displayName":"Contoso",
		"issuerUri":"https://id.contoso.com/entra","metadataExchangeUri":null,"signingCertificate":"MIIA",
		"passiveSignInUri":"https://id.contoso.com/sso","preferredAuthenticationProtocol":"saml",
		"activeSignInUri":null,"signOutUri":"https://id.contoso.com/out","promptLoginBehavior":"nativeSupport",
		"isSignedAuthenticationRequestRequired":true,"nextSigningCertificate":"MIIB","passwordResetUri":null,
		"federatedIdpMfaBehavior":"rejectMfaByFederatedIdp","signingCertificateUpdateStatus":null}`
	contosoFederations = "/v1.0/domains/contoso.com/federationConfiguration"
	guestFederations   = "/v1.0/directory/federationConfigurations/"
)

// A call is one request, as its page of Graph's reference has it.
func TestDomainsAndFederationsAreAskedForAsDocumented(t *testing.T) {
	t.Parallel()
	one := graph.Federation{
		ID: federationID, DisplayName: "Contoso", IssuerURI: "https://id.contoso.com/entra",
		PassiveSignInURI: "https://id.contoso.com/sso", SignOutURI: "https://id.contoso.com/out",
		SigningCertificate: "MIIA", NextSigningCertificate: "MIIB", Protocol: "saml",
		MFABehavior: "rejectMfaByFederatedIdp", PromptLogin: "nativeSupport", SignedRequests: true,
	}
	domain := graph.Domain{ID: "contoso.com", AuthenticationType: "Managed", IsRoot: true, IsVerified: true,
		SupportedServices: []string{"Email"}}
	const wholeDomain = `{"id":"contoso.com","authenticationType":"Managed","isDefault":false,"isInitial":false,
		"isRoot":true,"isVerified":true,"supportedServices":["Email"],"state":null}`
	user := graph.DomainUser{ID: objectID, UserPrincipalName: "adele@contoso.com", ImmutableID: "9f86", AccountEnabled: true}
	const wholeUser = `{"id":"` + objectID + `","userPrincipalName":"adele@contoso.com","onPremisesImmutableId":"9f86",
		"mail":null,"employeeId":null,"accountEnabled":true,"onPremisesSyncEnabled":null}`
	list := func(object string) string { return `{"value":[` + object + `]}` }
	p := map[string]any{"signingCertificate": "MIIA", "nextSigningCertificate": nil}

	for name, test := range map[string]struct {
		call    func(context.Context, *graph.Client) (any, error)
		status  int
		answer  string
		request string
		body    string // empty: none is sent
		want    any
	}{
		"domains": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.Domains(ctx) },
			200, list(wholeDomain), "GET /v1.0/domains", "", []graph.Domain{domain},
		},
		"a domain is added without a word on its authentication": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.AddDomain(ctx, "contoso.com") },
			201, wholeDomain, "POST /v1.0/domains", `{"id":"contoso.com"}`, domain,
		},
		"a domain is verified": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.VerifyDomain(ctx, "contoso.com") },
			200, wholeDomain, "POST /v1.0/domains/contoso.com/verify", "", domain,
		},
		"a domain is changed": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.ChangeDomain(ctx, "contoso.com", map[string]any{"isDefault": true})
			},
			204, "", "PATCH /v1.0/domains/contoso.com", `{"isDefault":true}`, nil,
		},
		"a domain is promoted": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.PromoteDomain(ctx, "hr.contoso.com")
			},
			200, `{"value":true}`, "POST /v1.0/domains/hr.contoso.com/promote", "", nil,
		},
		"the records that prove a domain": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return c.VerificationRecords(ctx, "contoso.com")
			},
			200, list(`{"isOptional":false,"label":"contoso.com","recordType":"Txt","ttl":3600,"text":"MS=ms1"}`),
			"GET /v1.0/domains/contoso.com/verificationDnsRecords", "",
			[]graph.DNSRecord{{RecordType: "Txt", Label: "contoso.com", Text: "MS=ms1", TTL: 3600}},
		},
		"the federation of a domain": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.FederationOf(ctx, "contoso.com") },
			200, list(wholeFederation), "GET " + contosoFederations, "", &one,
		},
		"no federation, as an empty list": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.FederationOf(ctx, "contoso.com") },
			200, list(""), "GET " + contosoFederations, "", (*graph.Federation)(nil),
		},
		"no federation, as an error": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.FederationOf(ctx, "contoso.com") },
			404, `{"error":{"code":"Request_ResourceNotFound","message":"Resource 'federationConfiguration' does not exist or one of its queried reference-property objects are not present."}}`,
			"GET " + contosoFederations, "", (*graph.Federation)(nil),
		},
		"a federation is created": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return c.CreateFederation(ctx, "contoso.com", p)
			},
			201, wholeFederation, "POST " + contosoFederations,
			`{"@odata.type":"#microsoft.graph.internalDomainFederation","signingCertificate":"MIIA","nextSigningCertificate":null}`,
			one,
		},
		"a federation is changed, answered with nothing": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.ChangeFederation(ctx, "contoso.com", federationID, p)
			},
			204, "", "PATCH " + contosoFederations + "/" + federationID,
			`{"@odata.type":"#microsoft.graph.internalDomainFederation","signingCertificate":"MIIA","nextSigningCertificate":null}`,
			nil,
		},
		"a federation is changed, answered with it": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.ChangeFederation(ctx, "contoso.com", federationID, map[string]any{"displayName": "C"})
			},
			200, wholeFederation, "PATCH " + contosoFederations + "/" + federationID,
			`{"@odata.type":"#microsoft.graph.internalDomainFederation","displayName":"C"}`, nil,
		},
		"a federation is deleted": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.DeleteFederation(ctx, "contoso.com", federationID)
			},
			204, "", "DELETE " + contosoFederations + "/" + federationID, "", nil,
		},
		"the users of a domain": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				users, next, err := c.UsersOfDomain(ctx, "contoso.com", "")
				require.Empty(t, next)
				return users, err
			},
			200, list(wholeUser),
			"GET /v1.0/users?$filter=endsWith(userPrincipalName,'@contoso.com')&$select=" +
				"id,userPrincipalName,onPremisesImmutableId,mail,employeeId,accountEnabled,onPremisesSyncEnabled" +
				"&$top=999&$count=true",
			"", []graph.DomainUser{user},
		},
		"administrators, without the applications among them": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.GlobalAdministrators(ctx) },
			200, list(wholeUser + `,{"@odata.type":"#microsoft.graph.servicePrincipal","id":"` + otherID + `"}`),
			"GET /v1.0/directoryRoles(roleTemplateId='62e90394-69f5-4237-9190-012177145e10')/members?$select=" +
				"id,userPrincipalName,onPremisesImmutableId,mail,employeeId,accountEnabled,onPremisesSyncEnabled",
			"", []graph.DomainUser{user},
		},
		"who calls": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.Me(ctx) },
			200, wholeUser,
			"GET /v1.0/me?$select=id,userPrincipalName,onPremisesImmutableId,mail,employeeId,accountEnabled,onPremisesSyncEnabled",
			"", &user,
		},
		"an application calls": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.Me(ctx) },
			400, `{"error":{"code":"BadRequest","message":"/me request is only valid with delegated authentication flow."}}`,
			"GET /v1.0/me?$select=id,userPrincipalName,onPremisesImmutableId,mail,employeeId,accountEnabled,onPremisesSyncEnabled",
			"", (*graph.DomainUser)(nil),
		},
		"the tenant": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.Organization(ctx) },
			200, list(`{"id":"` + otherID + `","displayName":"Contoso"}`), "GET /v1.0/organization?$select=id,displayName", "",
			graph.Organization{ID: otherID, DisplayName: "Contoso"},
		},
		"the policy, not set": {
			func(ctx context.Context, c *graph.Client) (any, error) { return c.TokenValidationPolicy(ctx) },
			200, `{"id":"x","validatingDomains":null}`, "GET /v1.0/policies/federatedTokenValidationPolicy", "",
			graph.TokenValidationPolicy{},
		},
		"partners are listed": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				found, err := c.GuestFederations(ctx)
				require.Len(t, found, 1)
				return found[0].Domains[0].ID, err
			},
			200, list(`{"id":"` + federationID + `","domains":[{"id":"fabrikam.com"}]}`),
			"GET " + guestFederations + "graph.samlOrWsFedExternalDomainFederation", "", "fabrikam.com",
		},
		"a partner is added": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				created, err := c.CreateGuestFederation(ctx, map[string]any{"issuerUri": "urn:x"})
				return created.ID, err
			},
			201, `{"id":"` + federationID + `"}`, "POST " + guestFederations + "microsoft.graph.samlOrWsFedExternalDomainFederation",
			`{"@odata.type":"#microsoft.graph.samlOrWsFedExternalDomainFederation","issuerUri":"urn:x"}`, federationID,
		},
		"a partner is changed": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.ChangeGuestFederation(ctx, federationID, map[string]any{"issuerUri": "urn:x"})
			},
			200, `{}`, "PATCH " + guestFederations + "graph.samlOrWsFedExternalDomainFederation/" + federationID,
			`{"issuerUri":"urn:x"}`, nil,
		},
		"a partner is removed": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.DeleteGuestFederation(ctx, federationID)
			},
			204, "", "DELETE " + guestFederations + federationID, "", nil,
		},
		"a partner's domain is added": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.AddGuestDomain(ctx, federationID, "fabrikam.com")
			},
			201, `{"id":"fabrikam.com"}`,
			"POST " + guestFederations + federationID + "/microsoft.graph.samlOrWsFedExternalDomainFederation/domains",
			`{"@odata.type":"microsoft.graph.externalDomainName","id":"fabrikam.com"}`, nil,
		},
		"a partner's domain is removed": {
			func(ctx context.Context, c *graph.Client) (any, error) {
				return nil, c.RemoveGuestDomain(ctx, federationID, "fabrikam.com")
			},
			204, "", "DELETE " + guestFederations + federationID +
				"/microsoft.graph.samlOrWsFedExternalDomainFederation/domains/fabrikam.com", "", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
				if test.status == http.StatusNoContent {
					w.WriteHeader(test.status)
					return
				}
				says(test.status, test.answer)(w, r)
			})
			got, err := test.call(t.Context(), newClient(t, graph.Config{Cloud: s.cloud()}))
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			sent := s.only(t)
			require.Equal(t, test.request, sent.Method+" "+readable(t, sent.RequestURI))
			if test.body == "" {
				require.Empty(t, sent.body)
			} else {
				require.JSONEq(t, test.body, sent.body)
			}
		})
	}
}

// What would be dangerous or meaningless is refused before anything is sent.
func TestFederationCallsThatAreNotMade(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call func(context.Context, *graph.Client) error
		text string
	}{
		"a federation without a certificate": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.CreateFederation(ctx, "contoso.com", map[string]any{"issuerUri": "urn:x"})
			return err
		}, "without a signingCertificate"},
		"a federation with the certificate null": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.CreateFederation(ctx, "contoso.com", map[string]any{"signingCertificate": nil})
			return err
		}, "without a signingCertificate"},
		"a domain that leads elsewhere": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.FederationOf(ctx, "../users/x")
			return err
		}, "not a domain name"},
		"a domain with a quote": {func(ctx context.Context, c *graph.Client) error {
			_, _, err := c.UsersOfDomain(ctx, "contoso.com') or (1 eq 1", "")
			return err
		}, "not a domain name"},
		"no domain": {func(ctx context.Context, c *graph.Client) error {
			return c.PromoteDomain(ctx, "")
		}, "not a domain name"},
		"a federation without an ID": {func(ctx context.Context, c *graph.Client) error {
			return c.DeleteFederation(ctx, "contoso.com", "")
		}, "federation ID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newClient(t, graph.Config{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
				t.Error("a request was sent")
				return nil, http.ErrServerClosed
			})})
			require.ErrorContains(t, test.call(t.Context(), client), test.text)
		})
	}
}

// An answer that is not what was asked for is an error, and says why.
func TestFederationAnswersThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		call   func(context.Context, *graph.Client) error
		answer string
		text   string
	}{
		"two federations of one domain": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.FederationOf(ctx, "contoso.com")
			return err
		}, `{"value":[{"id":"a"},{"id":"b"}]}`, "has 2 federations"},
		"another domain": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.VerifyDomain(ctx, "contoso.com")
			return err
		}, `{"id":"fabrikam.com"}`, "another domain"},
		"a creation without an ID": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.CreateFederation(ctx, "contoso.com", map[string]any{"signingCertificate": "MIIA"})
			return err
		}, `{}`, "no federation with an id"},
		"not promoted": {func(ctx context.Context, c *graph.Client) error {
			return c.PromoteDomain(ctx, "hr.contoso.com")
		}, `{"value":false}`, "not promoted"},
		"a list that leads to another host": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.Domains(ctx)
			return err
		}, `{"value":[],"@odata.nextLink":"https://elsewhere.example/v1.0/domains?$skiptoken=1"}`, "leads to"},
		"administrators who are shown by their IDs alone": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.GlobalAdministrators(ctx)
			return err
		}, `{"value":[{"@odata.type":"#microsoft.graph.user","id":"` + objectID + `","userPrincipalName":null}]}`, "User.Read.All"},
		"properties of other types": {func(ctx context.Context, c *graph.Client) error {
			_, err := c.FederationOf(ctx, "contoso.com")
			return err
		}, `{"value":[{"id":1}]}`, "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, says(http.StatusOK, test.answer))
			require.ErrorContains(t, test.call(t.Context(), newClient(t, graph.Config{Cloud: s.cloud()})), test.text)
		})
	}
}

func TestAListIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	var s *server
	s = newServer(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("$skiptoken") == "" {
			says(200, `{"value":[{"id":"a.com"}],"@odata.nextLink":"`+s.URL+`/v1.0/domains?$skiptoken=2"}`)(w, r)
			return
		}
		says(200, `{"value":[{"id":"b.com"}]}`)(w, r)
	})
	domains, err := newClient(t, graph.Config{Cloud: s.cloud()}).Domains(t.Context())
	require.NoError(t, err)
	require.Equal(t, []graph.Domain{{ID: "a.com"}, {ID: "b.com"}}, domains)
}

func TestAListWithoutAnEndIsAnError(t *testing.T) {
	t.Parallel()
	var s *server
	var n int
	s = newServer(t, func(w http.ResponseWriter, r *http.Request) {
		n++
		says(200, fmt.Sprintf(`{"value":[],"@odata.nextLink":"%s/v1.0/domains?$skiptoken=%d"}`, s.URL, n))(w, r)
	})
	_, err := newClient(t, graph.Config{Cloud: s.cloud()}).Domains(t.Context())
	require.ErrorContains(t, err, "does not end after 100 pages")
}

// The date of a refusal is as good as any.
func TestTheTimeOfAnAnswer(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 2, 9, 0, 1, 0, time.UTC)
	for _, status := range []int{200, 403, 500} {
		s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", want.Format(http.TimeFormat))
			says(status, `{}`)(w, r)
		})
		at, err := newClient(t, graph.Config{Cloud: s.cloud()}).ServerTime(t.Context())
		require.NoError(t, err)
		require.Equal(t, want, at)
	}
}

func TestWhatATokenSaysOfItself(t *testing.T) {
	t.Parallel()
	encode := func(payload string) token {
		return token("e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".signature")
	}
	for name, test := range map[string]struct {
		token token
		want  graph.TokenClaims
		ok    bool
	}{
		"an application's": {
			encode(`{"appid":"a","oid":"o","roles":["Domain.Read.All"]}`),
			graph.TokenClaims{ClientID: "a", ObjectID: "o", Application: true, Permissions: []string{"Domain.Read.All"}}, true,
		},
		"a user's": {
			encode(`{"appid":"a","oid":"o","scp":"Domain.Read.All User.Read"}`),
			graph.TokenClaims{ClientID: "a", ObjectID: "o", Permissions: []string{"Domain.Read.All", "User.Read"}}, true,
		},
		"unreadable":            {"opaque-and-long", graph.TokenClaims{}, false},
		"not JSON":              {encode(`{`), graph.TokenClaims{}, false},
		"claims of other types": {encode(`{"roles":"x"}`), graph.TokenClaims{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			claims, ok, err := newClient(t, graph.Config{Credential: test.token}).TokenClaims(t.Context())
			require.NoError(t, err)
			require.Equal(t, test.ok, ok)
			require.Equal(t, test.want, claims)
		})
	}
}

// readable is a request URI without the escapes that say nothing.
func readable(t *testing.T, uri string) string {
	t.Helper()
	plain, err := url.QueryUnescape(uri)
	require.NoError(t, err)
	return plain
}
