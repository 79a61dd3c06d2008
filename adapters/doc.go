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
// in, or answers the browser itself and is asked again when the browser comes back. [Ask] has what Entra wants of the
// sign-in, such as a new one, of which [Ask.NewEnough] says whether a time will do. A person whose account is not ready
// watches it being made, and the page goes on by itself. Every tab has a sign-in of its own.
//
// # The pages
//
// The pages of the Bridge are its own: the steps of a provisioning, the page of somebody who has to wait longer, what went
// wrong, the form of [Ask.ShowForm], the answer on its way to Entra, and the goodbye. They need no scripts, and their scripts
// need no more than ECMAScript 5: they open in the embedded browsers of old Office applications as well. They meet WCAG 2.2
// AA.
//
// Config.Brand makes them the host's: its name and logo, its colours, its style sheet, or its own [Brand.Layout] around the
// content, for each [PageKind] up to [PageResponse], the answer on its way to Entra. [New] shows each page once and refuses
// what would not work, down to a colour that not everybody can read.
//
// They speak English, German and French, and any [Language] of the host's: a map from [Message] to text. The browser's
// Accept-Language chooses. The steps of the pipeline and its words for the person are part of it; a step of the host's own is
// translated under "step." and its name, and is otherwise shown with the message of its events.
//
// A provisioning that cannot be finished within its budget is begun again by the page itself, after pauses that grow and are
// never shorter than the directory asked for, for as long as the sign-in is valid. After that the person is told what to do.
// Nothing is lost meanwhile: each attempt goes on where the one before stopped.
//
// # Security
//
// Between two requests the sign-in exists only in the browser, encrypted and authenticated with a key made from Secret;
// nothing has to be shared between replicas but that, unless Config.Pending takes what is too long for cookies. The answer
// goes to Entra and nowhere else, deep links lead to Microsoft's hosts and those that were configured, and pages name no
// internals: they show an identifier, under which the log tells the rest. A page loads nothing, and runs nothing but what
// its Content-Security-Policy names by hash.
package adapters
