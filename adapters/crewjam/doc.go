// Package crewjam puts the users and sessions of a crewjam/saml identity provider behind the Bridge: the host goes on
// serving its other service providers, and gains Microsoft 365 beside them.
//
//	host, err := crewjam.New(crewjam.Config{
//		IdentityProvider: &server.IDP, // its SessionProvider says who is signed in, or shows its login form
//		Person:           crewjam.PersonByUserName("staff"),
//	})
//	bridge, err := adapters.New(adapters.Config{Authenticator: host, … })
//	mux.Handle("/entra/", bridge)
//
// # Why Microsoft 365 is not one more service provider
//
// Entra takes one response and no other, and crewjam/saml makes a different one: signed twice, by RSA-SHA1 if nothing
// else is said, with a constant for how people proved who they are, and with one entity ID where Entra wants one for
// each domain. So the Bridge answers Entra, and of the host only its SessionProvider is asked, with the request that it
// knows: see https://pkg.go.dev/github.com/crewjam/saml#SessionProvider.
//
// # What the SessionProvider sees
//
// A request to the address of one sign-in at the Bridge, with the cookies that the host set for "/", and an
// IdpAuthnRequest whose IDP is the host's own but for its SSOURL and LoginURL, which are that address: a login form
// that posts there, as that of samlidp does, comes back to the same sign-in, however long somebody takes.
// Request.ForceAuthn and RequestedAuthnContext say when a session is not enough and when a second factor is wanted. A
// SessionProvider that does not look at ForceAuthn, as that of samlidp does not, is asked again without cookies, so
// that it shows its form; so is one that returns a session whose ExpireTime is over. What else the browser sends along,
// another service provider's request for one, is not looked at.
package crewjam
