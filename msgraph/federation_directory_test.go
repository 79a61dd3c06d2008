package msgraph_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/msgraph"
)

// The files federation_*_test.go walk package federation, this package and a simulated tenant together.

const initialDomain = "contoso.onmicrosoft.com"

// newCertificate is of a new key, and valid for a year from the day before the tests' clock begins.
func newCertificate(name string) (*rsa.PrivateKey, *x509.Certificate) {
	key, begin := certtest.RSA(2048), time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	return key, certtest.SelfSigned(key, name, begin, begin.AddDate(1, 0, 0))
}

func bare(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }

func TestADomainsWayFromNewToFederatedAndBack(t *testing.T) {
	t.Parallel()
	dir, entra := simulated(t, entratest.Config{FederationLag: -1})
	ctx := t.Context()
	_, certificate := newCertificate("id")

	added, err := dir.AddDomain(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.Equal(t, "fabrikam.com", added.Name)
	require.False(t, added.IsVerified)
	records, err := dir.DNSRecords(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.NotEmpty(t, records)
	require.Equal(t, "Txt", records[0].Type)
	require.Contains(t, records[0].Text, "MS=ms")
	require.Positive(t, records[0].TTL)

	var refused *federation.DirectoryError
	_, err = dir.VerifyDomain(ctx, "fabrikam.com")
	require.ErrorAs(t, err, &refused)
	require.Equal(t, 400, refused.Status)
	entra.PublishDNS("fabrikam.com", records[0].Text)
	verified, err := dir.VerifyDomain(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.True(t, verified.IsVerified)

	none, err := dir.Configuration(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.Nil(t, none)
	p := federation.Properties{
		"displayName": "Fabrikam", "issuerUri": "https://id.fabrikam.com/entra", "passiveSignInUri": "https://id.fabrikam.com/sso",
		"signingCertificate": bare(certificate), "preferredAuthenticationProtocol": "saml",
		"federatedIdpMfaBehavior": "rejectMfaByFederatedIdp", "isSignedAuthenticationRequestRequired": false,
	}
	created, err := dir.CreateConfiguration(ctx, "fabrikam.com", p)
	require.NoError(t, err)
	read, err := dir.Configuration(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.Equal(t, created, *read)
	require.Equal(t, federation.Configuration{
		ID: created.ID, DisplayName: "Fabrikam", IssuerURI: "https://id.fabrikam.com/entra",
		PassiveSignInURI: "https://id.fabrikam.com/sso", SigningCertificate: bare(certificate), Protocol: federation.SAML,
		MFABehavior: federation.RejectMFA,
	}, created)

	_, next := newCertificate("next")
	require.NoError(t, dir.ChangeConfiguration(ctx, "fabrikam.com", created.ID,
		federation.Properties{"nextSigningCertificate": bare(next)}))
	read, err = dir.Configuration(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.Equal(t, bare(next), read.NextSigningCertificate)
	require.NoError(t, dir.ChangeConfiguration(ctx, "fabrikam.com", created.ID,
		federation.Properties{"nextSigningCertificate": nil}))

	require.NoError(t, dir.DeleteConfiguration(ctx, "fabrikam.com", created.ID))
	none, err = dir.Configuration(ctx, "fabrikam.com")
	require.NoError(t, err)
	require.Nil(t, none)
	require.ErrorIs(t, dir.DeleteConfiguration(ctx, "fabrikam.com", created.ID), federation.ErrNotFound)

	require.NoError(t, dir.ChangeDomain(ctx, "fabrikam.com", federation.Properties{"isDefault": true}))
	domains, err := dir.Domains(ctx)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{initialDomain: false, "contoso.com": false, "fabrikam.com": true}, defaults(domains))
}

func defaults(domains []federation.Domain) map[string]bool {
	is := map[string]bool{}
	for _, d := range domains {
		is[d.Name] = d.IsDefault
	}
	return is
}

func TestAChildDomainIsPromoted(t *testing.T) {
	t.Parallel()
	dir, _ := simulated(t, entratest.Config{Domains: []entratest.Domain{{Name: "contoso.com"}, {Name: "hr.contoso.com"}}})
	require.NoError(t, dir.PromoteDomain(t.Context(), "hr.contoso.com"))
	domains, err := dir.Domains(t.Context())
	require.NoError(t, err)
	for _, d := range domains {
		require.True(t, d.IsRoot, d.Name)
	}
}

func TestPeopleAreReadAsFederationNeedsThem(t *testing.T) {
	t.Parallel()
	cfg := company()
	cfg.Users = append(cfg.Users, entratest.User{
		ObjectID: nobody, UPN: "admin@" + initialDomain, Enabled: true, GlobalAdministrator: true,
	})
	dir, entra := simulated(t, cfg)

	page, err := dir.Users(t.Context(), "contoso.com", "")
	require.NoError(t, err)
	require.Empty(t, page.Next)
	require.ElementsMatch(t, []federation.User{
		{ObjectID: adele, UserPrincipalName: "adele@contoso.com", ImmutableID: "a1", Mail: "adele@contoso.com", Enabled: true},
		{ObjectID: boss, UserPrincipalName: "boss@contoso.com", ImmutableID: "b1", Enabled: true},
	}, page.Users)

	administrators, err := dir.GlobalAdministrators(t.Context())
	require.NoError(t, err)
	require.Len(t, administrators, 1)
	require.Equal(t, "admin@"+initialDomain, administrators[0].UserPrincipalName)
	require.True(t, administrators[0].Enabled)

	caller, err := dir.Caller(t.Context())
	require.NoError(t, err)
	require.True(t, caller.Application)
	require.Equal(t, entratest.DefaultApp().ClientID, caller.ID)
	require.Contains(t, caller.Permissions, "Domain-InternalFederation.ReadWrite.All")

	user, err := msgraph.New(msgraph.Config{
		Cloud: entra.Cloud(), Transport: entra.Transport(),
		Credential: entra.UserCredential("admin@"+initialDomain, "User.Read", "Domain.ReadWrite.All"),
	})
	require.NoError(t, err)
	caller, err = user.Caller(t.Context())
	require.NoError(t, err)
	require.False(t, caller.Application)
	require.Equal(t, "admin@"+initialDomain, caller.User.UserPrincipalName)
	require.ElementsMatch(t, []string{"User.Read", "Domain.ReadWrite.All"}, caller.Permissions)
}

func TestTheTenantIsRead(t *testing.T) {
	t.Parallel()
	dir, entra := simulated(t, entratest.Config{})
	organization, err := dir.Organization(t.Context())
	require.NoError(t, err)
	require.Equal(t, entra.Config().TenantID, organization.ID)
	at, err := dir.ServerTime(t.Context())
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), at)
	policy, err := dir.TokenValidationPolicy(t.Context())
	require.NoError(t, err)
	require.Contains(t, []string{"", "all"}, policy.RootDomains)
}

func TestAPartnersFederation(t *testing.T) {
	t.Parallel()
	dir, _ := simulated(t, entratest.Config{})
	ctx := t.Context()
	_, certificate := newCertificate("partner")
	created, err := dir.CreateGuests(ctx, federation.Properties{
		"displayName": "Fabrikam", "issuerUri": "https://id.fabrikam.com", "passiveSignInUri": "https://id.fabrikam.com/sso",
		"signingCertificate": bare(certificate), "preferredAuthenticationProtocol": "saml",
		"domains": []map[string]any{{"@odata.type": "microsoft.graph.externalDomainName", "id": "fabrikam.com"}},
	})
	require.NoError(t, err)
	require.NoError(t, dir.AddGuestDomain(ctx, created.ID, "fabrikam.org"))
	require.NoError(t, dir.ChangeGuests(ctx, created.ID, federation.Properties{"displayName": "Fabrikam, Inc."}))
	found, err := dir.GuestConfigurations(ctx)
	require.NoError(t, err)
	require.Equal(t, []federation.GuestConfiguration{{
		ID: created.ID, DisplayName: "Fabrikam, Inc.", IssuerURI: "https://id.fabrikam.com",
		PassiveSignInURI: "https://id.fabrikam.com/sso", SigningCertificate: bare(certificate), Protocol: federation.SAML,
		Domains: []string{"fabrikam.com", "fabrikam.org"},
	}}, found)
	require.NoError(t, dir.RemoveGuestDomain(ctx, created.ID, "fabrikam.com"))
	require.NoError(t, dir.DeleteGuests(ctx, created.ID))
	found, err = dir.GuestConfigurations(ctx)
	require.NoError(t, err)
	require.Empty(t, found)
}

func TestWhatIsRefusedKeepsItsKind(t *testing.T) {
	t.Parallel()
	app := entratest.DefaultApp()
	app.Permissions = []string{"Domain.Read.All"}
	dir, _ := simulated(t, entratest.Config{Apps: []entratest.App{app}})
	_, err := dir.Configuration(t.Context(), "contoso.com")
	require.ErrorIs(t, err, federation.ErrForbidden)
	var refused *federation.DirectoryError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "Authorization_RequestDenied", refused.Code)
	require.NotEmpty(t, refused.RequestID)
}
