package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/recording"
)

// graphCall is a call of Graph v1.0: its method, the template of its path, and the properties that its body may have with
// their types. A call that has no body has no properties.
type graphCall struct {
	method, path string
	body         map[string]string
}

// graphCalls are those that Microsoft documents, of all that concerns domains and federations:
// https://learn.microsoft.com/graph/api/resources/domain, .../internaldomainfederation and
// .../samlorwsfedexternaldomainfederation. passwordResetUri is in the schema of v1.0 alone.
func graphCalls() []graphCall {
	federation := map[string]string{
		"@odata.type": "string", "displayName": "string", "issuerUri": "string", "passiveSignInUri": "string",
		"activeSignInUri": "string", "signOutUri": "string", "metadataExchangeUri": "string", "signingCertificate": "string",
		"nextSigningCertificate": "string", "passwordResetUri": "string", "preferredAuthenticationProtocol": "wsFed|saml",
		"federatedIdpMfaBehavior":               "acceptIfMfaDoneByFederatedIdp|enforceMfaByFederatedIdp|rejectMfaByFederatedIdp",
		"promptLoginBehavior":                   "translateToFreshPasswordAuthentication|nativeSupport|disabled",
		"isSignedAuthenticationRequestRequired": "boolean",
	}
	guests := map[string]string{
		"@odata.type": "string", "displayName": "string", "issuerUri": "string", "passiveSignInUri": "string",
		"metadataExchangeUri": "string", "signingCertificate": "string", "preferredAuthenticationProtocol": "wsFed|saml",
		"domains": "domains",
	}
	const external = "/directory/federationConfigurations"
	const externalType = "/microsoft.graph.samlOrWsFedExternalDomainFederation"
	return []graphCall{
		{"GET", "/domains", nil},
		{"POST", "/domains", map[string]string{"id": "string"}},
		{"GET", "/domains/{id}", nil},
		{"PATCH", "/domains/{id}", map[string]string{"isDefault": "boolean"}},
		{"GET", "/domains/{id}/verificationDnsRecords", nil},
		{"POST", "/domains/{id}/verify", map[string]string{"forceTakeover": "boolean"}},
		{"POST", "/domains/{id}/promote", nil},
		{"GET", "/domains/{id}/federationConfiguration", nil},
		{"POST", "/domains/{id}/federationConfiguration", federation},
		{"PATCH", "/domains/{id}/federationConfiguration/{id}", federation},
		{"DELETE", "/domains/{id}/federationConfiguration/{id}", nil},
		{"GET", "/users", nil},
		{"GET", "/directoryRoles(roleTemplateId='{id}')/members", nil},
		{"GET", "/policies/federatedTokenValidationPolicy", nil},
		{"GET", "/organization", nil},
		{"GET", external + externalType, nil},
		{"POST", external + externalType, guests},
		{"PATCH", external + externalType + "/{id}", guests},
		{"DELETE", external + "/{id}", nil},
		{"GET", external + "/{id}" + externalType + "/domains", nil},
		{"POST", external + "/{id}" + externalType + "/domains", map[string]string{"@odata.type": "string", "id": "string"}},
		{"DELETE", external + "/{id}" + externalType + "/domains/{id}", nil},
	}
}

// documented finds the call of a request. A type may be named by graph in place of microsoft.graph, as Microsoft's own
// examples do.
func documented(method, path string) (graphCall, bool) {
	path = strings.ReplaceAll(path, "/graph.", "/microsoft.graph.")
	for _, call := range graphCalls() {
		template := "^" + strings.ReplaceAll(regexp.QuoteMeta(call.path), `\{id\}`, `[^/]+`) + "$"
		if call.method == method && regexp.MustCompile(template).MatchString(path) {
			return call, true
		}
	}
	return graphCall{}, false
}

// checkBody requires that a body has documented properties alone, each of its type or, where it is changed, null.
func checkBody(t *testing.T, call graphCall, body map[string]any) {
	t.Helper()
	what := call.method + " " + call.path
	for name, value := range body {
		kind, known := call.body[name]
		require.True(t, known, "%s has no %s", what, name)
		if value == nil {
			require.Equal(t, "PATCH", call.method, "%s: a new object has no null", what)
			continue
		}
		switch text, isText := value.(string); {
		case kind == "boolean":
			require.IsType(t, true, value, "%s: %s", what, name)
		case kind == "domains":
			require.IsType(t, []any{}, value, "%s: %s", what, name)
		case kind == "string":
			require.True(t, isText, "%s: %s is %v", what, name, value)
		default:
			require.Contains(t, strings.Split(kind, "|"), text, "%s: %s", what, name)
		}
	}
}

// Everything that is asked of Graph is as Graph v1.0 is documented, and nothing of it is secret.
func TestTheDumpIsOfGraphAlone(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	idp := newIdentityProvider(t, p.Now)
	idp.writeMetadata(t, f.metadata, true)
	idp.writeCertificate(t, f.first, 0)
	tenant := p.tenant(t, defaultDomain)
	secret := tenant.Config().Apps[0].Secret
	token, err := tenant.Credential().GetToken(t.Context(), tokenOptions(tenant))
	require.NoError(t, err)
	seen := map[string]bool{}
	p = p.at(tenant)
	for _, args := range [][]string{
		{"plan", "contoso.com", "-metadata", f.metadata, "-default-domain", "contoso.onmicrosoft.com", "-out", f.plan},
		{"apply", f.plan, "-yes", "-wait"},
		{"verify", "contoso.com"},
		{"apply", "-domain", "contoso.com", "-sign-out-url", "https://id.contoso.com/out", "-password-reset-url",
			"https://id.contoso.com/reset", "-mfa", "accept", "-prompt-login", "disabled", "-signed-requests", "-yes"},
		{"apply", "-domain", "contoso.com", "-sign-out-url", "", "-password-reset-url", "", "-yes"},
		{"doctor", "contoso.com", "-user", "employee@contoso.com"},
		{"domain", "add", "fabrikam.com"},
		{"domain", "verify", "fabrikam.com"},
		{"domain", "add", "hr.contoso.com"},
		{"domain", "promote", "hr.contoso.com", "-yes"},
		{"domain", "default", "hr.contoso.com", "-yes"},
		{"rotate", "step", "contoso.com", "-yes"},
		{"rotate", "abandon", "contoso.com", "-yes"},
		{"revert", "contoso.com", "-yes"},
		{"guests", "plan", "partner.example.org", "-issuer", "https://id.partner.example.org/", "-sign-in-url",
			"https://id.partner.example.org/sso", "-certificate", f.first, "-out", f.plan + "2"},
		{"guests", "apply", f.plan + "2", "-yes"},
		{"guests", "revert", "partner.example.org", "-yes"},
	} {
		got := p.command(t, t.Context(), append(args, "-state", f.state, "-dump", f.dump)...)
		require.NotEqual(t, command.ExitUsage, got.Code, "%v\n%s", args, got.Stderr)
		text := commandtest.Read(t, f.dump)
		for _, private := range []string{secret, token.Token, "Bearer", "Authorization", "access_token", "PRIVATE KEY"} {
			require.NotContains(t, text, private, args)
		}
		checkDump(t, text, seen)
	}
	for _, write := range []string{
		"POST /domains", "PATCH /domains/{id}", "POST /domains/{id}/verify", "POST /domains/{id}/promote",
		"POST /domains/{id}/federationConfiguration", "PATCH /domains/{id}/federationConfiguration/{id}",
		"DELETE /domains/{id}/federationConfiguration/{id}", "DELETE /directory/federationConfigurations/{id}",
	} {
		require.True(t, seen[write], "%s was not made", write)
	}
}

// checkDump checks each line of a dump, and notes which calls it has.
func checkDump(t *testing.T, text string, seen map[string]bool) {
	t.Helper()
	for line := range strings.Lines(text) {
		var e recording.Exchange
		require.NoError(t, json.Unmarshal([]byte(line), &e))
		address, err := url.Parse(e.URL)
		require.NoError(t, err)
		require.Equal(t, "graph.microsoft.com", address.Host)
		path, ok := strings.CutPrefix(address.Path, "/v1.0")
		require.True(t, ok, e.URL)
		call, ok := documented(e.Method, path)
		require.True(t, ok, "%s %s is not a call of Graph's", e.Method, path)
		seen[call.method+" "+call.path] = true
		if string(e.Request) == "null" {
			continue
		}
		var body map[string]any
		require.NoError(t, json.Unmarshal(e.Request, &body), fmt.Sprintf("%s %s", e.Method, path))
		checkBody(t, call, body)
	}
}
