package main

import (
	"context"
	"errors"
	"net/http"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/adapters/oidc"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// addEntra gives the people of the website a sign-in to Microsoft 365: all that the website needs for it, and no more than
// 30 lines, which a test counts.
func addEntra(ctx context.Context, mux *http.ServeMux, s settings) (end func(), err error) {
	// Entra begins here.
	login, err := oidc.New(ctx, s.Provider)
	idp, samlErr := saml.New(saml.Config{
		SingleSignOnService: s.BaseURL + "/sso", SingleLogoutService: s.BaseURL + "/logout",
		Realms: []saml.Realm{{Domain: s.Domain, Issuer: s.BaseURL}}, Signer: s.Signer,
	})
	store := provision.NewMemoryStore()
	people, peopleErr := provision.New(provision.Config{
		Directory: s.Tenant, Store: store, Logger: s.Logger,
		Rules: provision.Rules{Domain: s.Domain, UsageLocation: s.UsageLocation,
			Licenses: []provision.License{{SKU: s.License}}},
	})
	if err := errors.Join(err, samlErr, peopleErr); err != nil {
		return nil, err
	}
	bridge, err := adapters.New(adapters.Config{
		BaseURL: s.BaseURL, IdentityProvider: idp, Authenticator: login, People: people, Domain: s.Domain,
		Secret: s.Secret, Logger: s.Logger,
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("/entra/", bridge)
	mux.Handle("/signed-out", login.BackChannelLogout(func(ctx context.Context, connection, subject, _ string) error {
		record, err := store.Load(ctx, provision.PersonKey{Connection: connection, ID: subject})
		if err != nil {
			return err // of somebody who was never here: provision.ErrNoRecord, and all is well
		}
		return s.Tenant.RevokeSessions(ctx, record.ObjectID)
	}))
	// Entra ends here.
	return func() { _ = bridge.Close(context.Background()) }, nil
}
