// Package entrafed is the root of a library that makes any identity provider the federated sign-in of a Microsoft Entra
// (Microsoft 365) domain: people open SharePoint, Outlook and Teams with the account they already have.
//
// This package holds only the clouds, as data: [Global], [USGovernmentHigh], [USGovernmentDoD], [China]. The work is
// done by packages that stand side by side and can each be used alone. From the easiest to the lowest level:
//
// # A whole bridge
//
// Package adapters joins everything into one http.Handler. An auth server that exists already implements one method,
// which says who is signed in:
//
//	bridge, err := adapters.New(adapters.Config{
//		BaseURL:          "https://id.contoso.com/entra",
//		IdentityProvider: idp,    // package saml
//		People:           people, // package provision
//		Authenticator:    host,   // yours
//		Domain:           "contoso.com",
//		Secret:           secret,
//	})
//	mux.Handle("/entra/", bridge)
//
// Packages adapters/session, adapters/crewjam, adapters/oidc and adapters/ldap are that method for hosts that many people
// have.
//
// # A signed response
//
// Package saml reads what Entra asks and issues the one response that it accepts:
//
//	request, err := idp.ReadRequest(r)
//	response, err := idp.Respond(request, saml.Subject{ImmutableID: id, UPN: upn, AuthnInstant: when})
//	err = response.Post(w)
//
// # A provisioned person
//
// Package provision makes sure that a person exists in Entra exactly once, licensed, in their groups and ready to sign in,
// and shuts out whoever leaves; package msgraph is the tenant behind it, over Microsoft Graph:
//
//	tenant, err := msgraph.New(msgraph.Config{Credential: credential})
//	people, err := provision.New(provision.Config{Directory: tenant, Rules: rules})
//	account, err := people.Ensure(ctx, provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"})
//
// It remembers in SQLite or PostgreSQL with package provision/sqlstore, goes through many people at once, and works as
// jobs of a queue with package provision/river, which is a module of its own.
//
// # A federated domain
//
// Package federation tells Entra who signs in the people of a domain: by a plan that is looked at before it is applied,
// with a way back, a rotation of keys that locks nobody out, and a diagnosis:
//
//	fed, err := federation.New(federation.Config{Directory: tenant, Store: store})
//	plan, err := fed.Plan(ctx, federation.Settings{
//		Domain: "contoso.com", Issuer: issuer, SignInURL: url, SigningCertificate: pem,
//	})
//	outcome, err := fed.Apply(ctx, plan, nil)
//
// # A link
//
// Package smartlink builds, reads and serves the links that start a sign-in and end at a document:
//
//	link, err := smartlink.Link{Domain: "contoso.com", Target: "https://contoso.sharepoint.com/sites/hr"}.URL()
//
// # A tenant to test against
//
// Package federation/entratest is a simulated tenant: Microsoft Graph with its lag and its errors, and a sign-in
// service that checks every response by the rules that Entra is known to have, and answers with its error codes.
//
// Only programs that import msgraph compile the Microsoft Graph SDK.
package entrafed
