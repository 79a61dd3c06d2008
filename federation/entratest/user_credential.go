package entratest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// graphToolsID is the application ID of Microsoft Graph Command Line Tools, with which administrators sign in.
const graphToolsID = "14d82eec-204b-4c2f-b7e8-296a70dab67e"

// DelegatedScopes lists the delegated permissions that the tenant knows, by name: those of [AllPermissions], and those
// that only a user can have.
func DelegatedScopes() []string {
	return append(AllPermissions(), "Directory.AccessAsUser.All", "User.Read")
}

// userCredential acts for a user.
type userCredential struct {
	tenant *Tenant
	upn    string
	scopes []string
}

// UserCredential returns a credential of a user who has signed in to an application of Microsoft's, the Microsoft Graph
// Command Line Tools, and consented to these delegated permissions, for example "Domain.ReadWrite.All". Without any it is
// "User.Read". A sign-in page is not shown, and no password asked for.
//
// Such a token can do what its permissions and the user's roles both allow. Here, whatever is not a GET needs a user with
// [User.GlobalAdministrator] or [User.AdminRole], whichever role that is; as far as permissions go,
// "Directory.AccessAsUser.All" is enough for domains and their federation.
//
// GetToken asks for the scope of Graph, "https://graph.microsoft.com/.default", and returns an error of type
// *[TokenError] for a user who does not exist or is disabled, and for a scope that is not Graph's. It may be called from
// any goroutine.
func (t *Tenant) UserCredential(upn string, scopes ...string) azcore.TokenCredential {
	if len(scopes) == 0 {
		scopes = []string{"User.Read"}
	}
	return &userCredential{tenant: t, upn: upn, scopes: slices.Clone(scopes)}
}

// GetToken implements [azcore.TokenCredential].
func (c *userCredential) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	t := c.tenant
	if err := ctx.Err(); err != nil {
		return azcore.AccessToken{}, fmt.Errorf("entratest: no token: %w", err)
	}
	if err := t.checkTenant(o); err != nil {
		return azcore.AccessToken{}, err
	}
	if refusal := c.check(strings.Join(o.Scopes, " ")); refusal != nil {
		return azcore.AccessToken{}, refusal.asError()
	}
	user, refusal := t.signedInUser(c.upn)
	if refusal != nil {
		return azcore.AccessToken{}, refusal.asError()
	}
	claims := t.newClaims(graphToolsID)
	claims.IDType, claims.Scopes = "user", strings.Join(c.scopes, " ")
	claims.ObjectID, claims.UPN = user.ObjectID, user.UPN
	return azcore.AccessToken{Token: t.signToken(claims), ExpiresOn: time.Unix(claims.Expires, 0)}, nil
}

// asError is what a caller of GetToken sees of a refusal.
func (r *tokenRefusal) asError() *TokenError {
	return &TokenError{
		Status: r.status, Code: r.code, Description: fmt.Sprintf("AADSTS%d: %s", r.aadsts, r.description),
	}
}

// check refuses what Entra does not know.
func (c *userCredential) check(scope string) *tokenRefusal {
	for _, s := range c.scopes {
		if !slices.Contains(DelegatedScopes(), s) {
			return refuse(http.StatusBadRequest, "invalid_scope", 650053, "The application '%s' asked for scope '%s' that "+
				"doesn't exist on the resource '%s'. Contact the app vendor.", graphToolsID, s, graphAppID)
		}
	}
	return c.tenant.checkScope(scope)
}

// signedInUser is the user who has this UPN on the primary.
func (t *Tenant) signedInUser(upn string) (User, *tokenRefusal) {
	t.lock()
	defer t.mu.Unlock()
	for _, e := range t.directory.primaryByKey(keyOfUPN(upn)) {
		switch {
		case !e.active():
			continue
		case !e.flag("accountEnabled"):
			return User{}, refuse(http.StatusBadRequest, "invalid_grant", 50057, "The user account is disabled.")
		}
		return e.exportUser(), nil
	}
	return User{}, refuse(http.StatusBadRequest, "invalid_grant", 50034,
		"The user account %s does not exist in the %s directory. To sign into this application, the account must be added "+
			"to the directory.", upn, t.cfg.TenantID)
}
