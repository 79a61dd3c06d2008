package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/ldap"
	"github.com/entrafed/entrafed/saml"
)

// addEntra gives the people of the directory a sign-in to Microsoft 365: all that the website needs for it, and no more than
// 30 lines, which a test counts. A directory sync has made their accounts, so nobody is provisioned; for those whom no sync
// owns, adapters.Config.People would be a *provision.Provisioner.
func addEntra(mux *http.ServeMux, s settings) (end func(), err error) {
	// Entra begins here.
	login, err := ldap.New(s.Directory)
	idp, samlErr := saml.New(saml.Config{
		SingleSignOnService: s.BaseURL + "/sso", SingleLogoutService: s.BaseURL + "/logout",
		Realms: []saml.Realm{{Domain: s.Domain, Issuer: s.BaseURL}}, Signer: s.Signer,
	})
	if err := errors.Join(err, samlErr); err != nil {
		return nil, err
	}
	bridge, err := adapters.New(adapters.Config{
		BaseURL: s.BaseURL, IdentityProvider: idp, Authenticator: login, Domain: s.Domain,
		Secret: s.Secret, Logger: s.Logger,
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/entra/", bridge)
	// Entra ends here.
	return func() { _ = bridge.Close(context.Background()) }, nil
}
