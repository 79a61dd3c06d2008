package entratest

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// App is an application registered in the tenant, with the permissions that an administrator granted it.
type App struct {
	// ClientID is the application's GUID. Required.
	ClientID string

	// Secret is the client secret. Empty: none is accepted.
	Secret string

	// Certificates are the certificates whose keys may sign a client assertion.
	Certificates []*x509.Certificate

	// Permissions are the application permissions granted, by name, for example "User.ReadWrite.All". Empty: none.
	// [AllPermissions] lists those that matter here.
	Permissions []string

	// AdminRole says that the application's service principal holds an administrator's role as well, without which it
	// cannot change or delete users who hold one: User.AdminRole. With Config.FederationNeedsRole it cannot federate
	// domains without it either.
	AdminRole bool
}

// DefaultApp is the application of a tenant whose Config names none. It has every permission.
func DefaultApp() App {
	return App{
		ClientID:    "11111111-2222-4333-8444-555555555555",
		Secret:      "simulated-client-secret",
		Permissions: AllPermissions(),
	}
}

// AllPermissions lists the application permissions that the tenant knows, by name:
// https://learn.microsoft.com/graph/permissions-reference.
func AllPermissions() []string {
	return []string{
		"Directory.Read.All", "Directory.ReadWrite.All",
		"Domain.Read.All", "Domain.ReadWrite.All",
		"Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All",
		"Group.Create", "Group.Read.All", "Group.ReadWrite.All",
		"GroupMember.Read.All", "GroupMember.ReadBasic.All", "GroupMember.ReadWrite.All",
		"IdentityProvider.Read.All", "IdentityProvider.ReadWrite.All",
		"LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All",
		"Organization.Read.All", "Organization.ReadWrite.All",
		"Policy.Read.All", "Policy.ReadWrite.FedTokenValidation",
		"RoleManagement.Read.Directory", "RoleManagement.ReadWrite.Directory",
		"User.DeleteRestore.All", "User.EnableDisableAccount.All", "User.Read.All", "User.ReadBasic.All",
		"User.ReadWrite.All", "User.RevokeSessions.All", "User-PasswordProfile.ReadWrite.All",
	}
}

func (c Config) validateApps() error {
	var errs []error
	seen := map[string]bool{}
	for i, a := range c.Apps {
		if !isGUID(a.ClientID) {
			errs = append(errs, fmt.Errorf("Apps[%d].ClientID %q is not a GUID", i, a.ClientID))
		}
		if seen[a.ClientID] {
			errs = append(errs, fmt.Errorf("Apps[%d].ClientID %q appears twice", i, a.ClientID))
		}
		seen[a.ClientID] = true
		if slices.Contains(a.Certificates, nil) {
			errs = append(errs, fmt.Errorf("Apps[%d].Certificates contains nil", i))
		}
		for _, p := range a.Permissions {
			if !slices.Contains(AllPermissions(), p) {
				errs = append(errs, fmt.Errorf("Apps[%d].Permissions: %q is unknown: see AllPermissions", i, p))
			}
		}
	}
	return errors.Join(errs...)
}

// app returns the application with this client ID.
func (t *Tenant) app(clientID string) (App, bool) {
	for _, a := range t.cfg.Apps {
		if strings.EqualFold(a.ClientID, clientID) {
			return a, true
		}
	}
	return App{}, false
}

// renewBefore is how long before its end the credential replaces a token, as azidentity does.
const renewBefore = 5 * time.Minute

// credential asks the tenant's token endpoint, as the first application.
type credential Tenant

// credentialCache keeps the tokens of the credential, by scope.
type credentialCache struct {
	mu     sync.Mutex
	tokens map[string]azcore.AccessToken
}

// Credential returns a credential of the first application of Config.Apps, which must have a secret. It asks the token
// endpoint of this tenant, in process, and keeps the token until 5 minutes before its end, or until it is asked for one
// with further claims. Times are those of the tenant's clock. For a different application, use azidentity with
// [Tenant.Client] as its transport; for a user, [Tenant.UserCredential].
//
// GetToken returns an error of type *[TokenError] for what the token endpoint refused.
func (t *Tenant) Credential() azcore.TokenCredential { return (*credential)(t) }

// GetToken implements [azcore.TokenCredential].
func (c *credential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t := (*Tenant)(c)
	if err := t.checkTenant(o); err != nil {
		return azcore.AccessToken{}, err
	}
	scope := strings.Join(o.Scopes, " ")
	c.cache.mu.Lock()
	defer c.cache.mu.Unlock()
	cached, ok := c.cache.tokens[scope]
	if ok && o.Claims == "" && t.now().Before(cached.ExpiresOn.Add(-renewBefore)) {
		return cached, nil
	}
	token, err := t.requestToken(ctx, scope)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	if c.cache.tokens == nil {
		c.cache.tokens = map[string]azcore.AccessToken{}
	}
	c.cache.tokens[scope] = token
	return token, nil
}

// checkTenant refuses to get a token of another tenant.
func (t *Tenant) checkTenant(o policy.TokenRequestOptions) error {
	if o.TenantID != "" && !strings.EqualFold(o.TenantID, t.cfg.TenantID) {
		return fmt.Errorf("entratest: this credential is of tenant %s, not %s", t.cfg.TenantID, o.TenantID)
	}
	return nil
}

// TokenError is what the token endpoint answered instead of a token.
type TokenError struct {
	Status      int
	Code        string // "invalid_client", "invalid_scope" and so on: RFC 6749 section 5.2
	Description string // begins with the AADSTS code
}

func (e *TokenError) Error() string {
	return fmt.Sprintf("entratest: no token: %d %s: %s", e.Status, e.Code, e.Description)
}

func (t *Tenant) requestToken(ctx context.Context, scope string) (azcore.AccessToken, error) {
	if len(t.cfg.Apps) == 0 {
		return azcore.AccessToken{}, errors.New("entratest: no application is registered: add one to Config.Apps")
	}
	form := url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {t.cfg.Apps[0].ClientID},
		"client_secret": {t.cfg.Apps[0].Secret},
		"scope":         {scope},
	}
	endpoint := t.cloud.Login + "/" + t.cfg.TenantID + "/oauth2/v2.0/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("entratest: no token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := (&http.Client{Transport: t.Transport()}).Do(req)
	if err != nil {
		return azcore.AccessToken{}, fmt.Errorf("entratest: no token: %w", err)
	}
	defer res.Body.Close()
	var answer struct {
		AccessToken      string `json:"access_token"`
		ExpiresIn        int    `json:"expires_in"`
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxFormBody)).Decode(&answer); err != nil {
		return azcore.AccessToken{}, fmt.Errorf("entratest: no token: the answer %s is not readable: %w", res.Status, err)
	}
	if res.StatusCode != http.StatusOK || answer.AccessToken == "" {
		return azcore.AccessToken{}, &TokenError{
			Status: res.StatusCode, Code: answer.Error, Description: answer.ErrorDescription,
		}
	}
	expires := t.now().Add(time.Duration(answer.ExpiresIn) * time.Second)
	return azcore.AccessToken{Token: answer.AccessToken, ExpiresOn: expires}, nil
}
