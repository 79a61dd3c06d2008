package simulation_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/examples/internal/simulation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
)

func begin(now time.Time) simulation.File {
	return simulation.File{
		InitialDomain: "contoso.onmicrosoft.com", Domain: "contoso.com", Children: []string{"hr.contoso.com"},
		Users: []entratest.User{{UPN: "employee@contoso.com", Enabled: true, CreatedAt: now}},
	}
}

// open opens the tenant of a file that keeps its own clock.
func open(t *testing.T, file string) *simulation.Tenant {
	t.Helper()
	tenant, err := simulation.Open(t.Context(), file, entratest.NewClock(commandtest.Morning()), begin)
	require.NoError(t, err)
	tenant.KeepTime()
	return tenant
}

// send makes a request to Graph, and returns the status and the answer.
func send(t *testing.T, tenant *simulation.Tenant, method, path string, body any) (int, map[string]any) {
	t.Helper()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(t, err)
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, tenant.Cloud().Graph+"/v1.0"+path, content)
	require.NoError(t, err)
	token, err := tenant.Credential().GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{tenant.Cloud().Graph + "/.default"}})
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token.Token)
	r.Header.Set("Content-Type", "application/json")
	response, err := tenant.RoundTrip(r)
	require.NoError(t, err)
	defer response.Body.Close()
	var answer map[string]any
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	if len(text) > 0 {
		require.NoError(t, json.Unmarshal(text, &answer))
	}
	return response.StatusCode, answer
}

// certificate is one as Graph has it.
func certificate() string {
	from := commandtest.Morning()
	return base64.StdEncoding.EncodeToString(certtest.SelfSigned(certtest.RSA(2048), "contoso", from, from.AddDate(1, 0, 0)).Raw)
}

// What was written is there in the next run, with the same ID, and the sign-in service learns of it when it would have.
func TestATenantGoesOnWhereItWas(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tenant.json")
	tenant := open(t, file)
	status, made := send(t, tenant, http.MethodPost, "/domains/contoso.com/federationConfiguration", map[string]any{
		"issuerUri": "https://id.contoso.com/", "passiveSignInUri": "https://id.contoso.com/sso",
		"preferredAuthenticationProtocol": "saml", "signingCertificate": certificate(),
	})
	require.Equal(t, http.StatusCreated, status, made)
	tenant.Clock.Advance(4 * time.Minute)
	require.NoError(t, tenant.Save())

	tenant = open(t, file)
	require.Equal(t, commandtest.Morning().Add(4*time.Minute), tenant.Clock.Now())
	_, err := tenant.NewAuthnRequest("employee@contoso.com")
	require.ErrorIs(t, err, entratest.ErrNotFederated)
	tenant.Clock.Advance(time.Minute)
	_, err = tenant.NewAuthnRequest("employee@contoso.com")
	require.NoError(t, err)
	require.Len(t, tenant.File.Writes, 1)
	_, list := send(t, tenant, http.MethodGet, "/domains/contoso.com/federationConfiguration", nil)
	require.Equal(t, made["id"], list["value"].([]any)[0].(map[string]any)["id"])
	require.Len(t, tenant.File.Writes, 1, "reading is not kept")

	status, _ = send(t, tenant, http.MethodPost, "/domains/contoso.com/federationConfiguration", map[string]any{})
	require.Equal(t, http.StatusBadRequest, status)
	require.Len(t, tenant.File.Writes, 1, "nor what is refused")
}

// A DNS record is there an hour after the domain was added, in whichever run that is.
func TestADNSRecordIsThereLater(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tenant.json")
	tenant := open(t, file)
	status, _ := send(t, tenant, http.MethodPost, "/domains", map[string]any{"id": "fabrikam.com"})
	require.Equal(t, http.StatusCreated, status)
	tenant.Clock.Advance(simulation.PublishedAfter - time.Second)
	status, _ = send(t, tenant, http.MethodPost, "/domains/fabrikam.com/verify", nil)
	require.Equal(t, http.StatusBadRequest, status)
	require.NoError(t, tenant.Save())

	tenant = open(t, file)
	tenant.Clock.Advance(time.Second)
	status, _ = send(t, tenant, http.MethodPost, "/domains/fabrikam.com/verify", nil)
	require.Equal(t, http.StatusOK, status)
	require.NoError(t, tenant.Save())
	require.False(t, open(t, file).Domains()[2].Unverified)
}

// Users are kept as they are, and their IDs from the beginning on.
func TestUsersAreKept(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tenant.json")
	tenant := open(t, file)
	id := tenant.Users()[0].ObjectID
	status, _ := send(t, tenant, http.MethodPatch, "/users/"+id, map[string]any{"onPremisesImmutableId": "0815"})
	require.Equal(t, http.StatusNoContent, status)
	require.NoError(t, tenant.Save())
	tenant = open(t, file)
	require.Equal(t, id, tenant.Users()[0].ObjectID)
	require.Equal(t, "0815", tenant.Users()[0].ImmutableID)
	require.Empty(t, tenant.File.Writes)
}

func TestAFileThatIsNoTenantIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", "x", "tenant.json"},
		{"another document", `{"id":"x"}`, `unknown field "id"`},
		{"no domain", `{}`, "is not a domain name"},
		{"a write that cannot be made", `{"InitialDomain":"contoso.onmicrosoft.com","Domain":"contoso.com","Federated":false,"Users":[],
			"Writes":[{"At":"2026-03-02T09:00:00Z","Method":"POST","Path":"/v1.0/domains/example.org/promote"}]}`,
			"write 1, POST /v1.0/domains/example.org/promote, cannot be made again: the answer is 404"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := commandtest.Keep(t, "tenant.json", c.text)
			_, err := simulation.Open(context.Background(), file, entratest.NewClock(commandtest.Morning()), begin)
			require.ErrorContains(t, err, c.want)
		})
	}
}
