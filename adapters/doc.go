// Package adapters joins sign-in, provisioning and response into one http.Handler, the [Bridge], behind a seam of one
// method that any auth server can implement.
//
//	bridge, err := adapters.New(adapters.Config{
//		BaseURL:          "https://id.contoso.com/entra",
//		IdentityProvider: idp,    // a *saml.IdentityProvider
//		People:           people, // a *provision.Provisioner
//		Authenticator:    host,   // says who is signed in: yours
//		Domain:           "contoso.com",
//		Secret:           secret, // 32 random bytes, the same on every replica
//	})
//	mux.Handle("/entra/", bridge)
//
// # What it serves
//
// Below the path of BaseURL:
//
//	/sso            Entra's AuthnRequest, by POST or Redirect: the passiveSignInUri of the domain's federation
//	/signin/{id}    one sign-in under way: asks the host who is there, shows the provisioning, answers Entra
//	/callback       where providers behind the host send browsers back: leads on to the sign-in that "state" names
//	/logout         ends the session: the signOutUri of the domain's federation
//	/logout/done    where providers behind the host send browsers back after a sign-out
//	/metadata       the identity provider's SAML metadata
//	/go?to=…        a smart link: to Microsoft's sign-in, and from there to a document
//	/start?to=…     a start link: sign in here first, then on to the document
//
// # The way of a sign-in
//
// The request is checked and sealed into a cookie that belongs to this one sign-in, and the browser is redirected, so
// that the host's own session cookie arrives even if it is SameSite=Lax. The [Authenticator] then says who is signed
// in, or answers the browser itself and is asked again when the browser comes back. A person whose account is not ready
// watches it being made, and the page goes on by itself. Every tab has a sign-in of its own.
//
// # Security
//
// Between two requests the sign-in exists only in the browser, encrypted and authenticated with a key made from Secret;
// nothing has to be shared between replicas but that, unless Config.Pending takes what is too long for cookies. The answer goes to Entra and nowhere else, deep links lead to
// Microsoft's hosts and those that were configured, and pages name no internals: they show an identifier, under which
// the log tells the rest.
package adapters
