// Package federation makes a domain of a Microsoft Entra tenant a federated one, and keeps it so, as safely as a database
// is migrated: a look before ([Federator.Plan]), a change that is exactly what was looked at ([Federator.Apply]), a way back
// ([Federator.PlanRevert]), a change of the signing key that locks nobody out ([Federator.RotateStep]), and an explanation
// when sign-in does not work ([Federator.Diagnose]).
//
//	fed, err := federation.New(federation.Config{Directory: tenant, Store: store})
//	plan, err := fed.Plan(ctx, federation.Settings{
//		Domain:             "contoso.com",
//		Issuer:             "https://id.contoso.com/entra", // the Issuer of the saml.Realm, byte for byte
//		SignInURL:          "https://id.contoso.com/entra/sso",
//		SigningCertificate: pem,
//	})
//	fmt.Print(plan)
//	outcome, err := fed.Apply(ctx, plan, nil)
//
// A plan is data: it can be printed, stored as JSON, read by somebody else, and applied later. Applying it is refused when
// the tenant is not any more what it was when the plan was made, and goes on where it stopped when the program ended in
// between.
//
// The package touches no user. It needs a [Directory], which [github.com/entrafed/entrafed/msgraph.Tenant] is; what else
// that can do, such as listing users, is asked for by optional interfaces, and a check that cannot be made is a finding.
package federation
