package entratest_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/entrafed/entrafed/federation/entratest"
)

// A domain is federated through Graph, by an administrator: Graph knows at once, the sign-in service later.
func ExampleTenant_federation() {
	clock := entratest.NewClock(time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC))
	tenant, err := entratest.New(entratest.Config{
		Clock: clock,
		Users: []entratest.User{{UPN: "admin@contoso.onmicrosoft.com", Enabled: true, GlobalAdministrator: true}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	credential := tenant.UserCredential("admin@contoso.onmicrosoft.com", "Domain-InternalFederation.ReadWrite.All")
	token, err := credential.GetToken(context.Background(), policy.TokenRequestOptions{
		Scopes: []string{tenant.Cloud().Graph + "/.default"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := json.Marshal(map[string]any{
		"issuerUri": "https://id.contoso.com/entra", "passiveSignInUri": "https://id.contoso.com/sso",
		"preferredAuthenticationProtocol": "saml",
		"signingCertificate":              base64.StdEncoding.EncodeToString(contosoKey().certificate.Raw),
	})
	create, _ := http.NewRequest(http.MethodPost,
		"https://graph.microsoft.com/v1.0/domains/contoso.com/federationConfiguration", bytes.NewReader(body))
	create.Header.Set("Authorization", "Bearer "+token.Token)
	create.Header.Set("Content-Type", "application/json")
	created, err := tenant.Client().Do(create)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer created.Body.Close()
	_, _ = io.Copy(io.Discard, created.Body)
	fmt.Println(created.Status, tenant.Domains()[0].Federation.Issuer)

	_, err = tenant.NewAuthnRequest("contoso.com")
	fmt.Println(err)
	clock.Advance(tenant.Config().FederationLag)
	_, err = tenant.NewAuthnRequest("contoso.com")
	fmt.Println(err)
	// Output:
	// 201 Created https://id.contoso.com/entra
	// entratest: not a domain that is federated for SAML: "contoso.com"
	// <nil>
}
