package entratest_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

var graphScope = policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}}

func TestCredentialRenewsItsTokenByTheTenantsClock(t *testing.T) {
	clock := entratest.NewClock(clockStart)
	tenant := entratest.Start(t, entratest.Config{Clock: clock})
	get := func() azcore.AccessToken {
		token, err := tenant.Credential().GetToken(context.Background(), graphScope)
		require.NoError(t, err)
		return token
	}
	first := get()
	require.Equal(t, clockStart.Add(3599*time.Second), first.ExpiresOn)
	clock.Advance(54 * time.Minute)
	require.Equal(t, first, get(), "it is kept while it is good for more than 5 minutes")
	clock.Advance(time.Minute)
	second := get()
	require.NotEqual(t, first.Token, second.Token)
	require.Equal(t, clockStart.Add(55*time.Minute+3599*time.Second), second.ExpiresOn)
}

func TestCredentialRefusals(t *testing.T) {
	tenant := entratest.Start(t, entratest.Config{})
	_, err := tenant.Credential().GetToken(context.Background(), policy.TokenRequestOptions{
		Scopes: []string{"https://graph.microsoft.us/.default"},
	})
	var refused *entratest.TokenError
	require.True(t, errors.As(err, &refused))
	require.Equal(t, http.StatusBadRequest, refused.Status)
	require.Equal(t, "invalid_request", refused.Code)
	require.Contains(t, refused.Error(), "AADSTS900382")

	_, err = tenant.Credential().GetToken(context.Background(), policy.TokenRequestOptions{
		Scopes: graphScope.Scopes, TenantID: "11111111-1111-4111-8111-111111111111",
	})
	require.ErrorContains(t, err, "this credential is of tenant "+tenant.Config().TenantID)

	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = tenant.Credential().GetToken(ended, graphScope)
	require.ErrorIs(t, err, context.Canceled)

	tenant.Inject(entratest.Fault{Path: "/*/oauth2/v2.0/token", Drop: true})
	_, err = tenant.Credential().GetToken(context.Background(), graphScope)
	require.ErrorContains(t, err, "EOF")

	none := entratest.Start(t, entratest.Config{Apps: []entratest.App{}})
	_, err = none.Credential().GetToken(context.Background(), graphScope)
	require.ErrorContains(t, err, "no application is registered")
}
