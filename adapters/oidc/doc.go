// Package oidc is an [adapters.Authenticator] for people who sign in at an OpenID Connect provider: Dex, Keycloak,
// authentik, Zitadel, Authelia, Pocket ID, Auth0 or any other that keeps to the standard.
//
//	host, err := oidc.New(ctx, oidc.Config{
//		Issuer: "https://login.example.net", ClientID: "entra", ClientSecret: secret,
//		Connection:  "login",
//		MFAContexts: []string{"gold"}, // what the provider's acr says after a second factor
//	})
//	bridge, err := adapters.New(adapters.Config{Authenticator: host, …})
//
// Register at the provider: the redirect URI BaseURL + "/callback" of the Bridge, the post-logout redirect URI
// BaseURL + "/logout/done", and as the back-channel logout URI where [Authenticator.BackChannelLogout] is mounted.
//
// # What is asked, and what is believed
//
// The authorization code flow, with PKCE (S256), a nonce and a state that are new for each sign-in and kept, sealed, by
// the browser itself: no cookies beside the Bridge's, nothing that a second replica lacks. A new sign-in is asked for
// with prompt=login and max_age=0, a silent one with prompt=none, a second factor with acr_values or
// Config.MFAParameters.
//
// Checked is what OpenID Connect Core 1.0, section 3.1.3.7, and RFC 9207 say: issuer, audience, authorized party, an
// asymmetric signature by the provider's keys, expiry, nonce, the access token's hash, and the issuer of the response.
// Of userinfo the subject must be the same. A person is Config.Connection and sub, and never an address. Clocks may be
// a minute apart.
//
// # When, and how
//
// SignedIn.At is the ID token's auth_time, and never later than now. Where the provider does not state it, At is iat,
// the moment at which the provider vouched for the person: they signed in then, or earlier (OpenID Connect Core 1.0,
// section 2). Set Config.MaxAge where that is not enough; the provider must then state it. After a request for a new
// sign-in nothing but auth_time counts.
//
// SignedIn.MFA is true if acr is one of Config.MFAContexts, or if amr has "mfa" or names methods of two kinds:
// something known, something owned, something of the body (RFC 8176). Nothing is concluded from claims that are absent.
package oidc
