// Package saml reads what Entra asks of a federated identity provider and issues the one signed response that Entra
// accepts.
//
// Three lines, once there is a key:
//
//	idp, err := saml.New(saml.Config{
//		SingleSignOnService: "https://id.contoso.com/entra/sso",
//		Realms:              []saml.Realm{{Domain: "contoso.com", Issuer: "https://id.contoso.com/entra"}},
//		Signer:              saml.Signer{Key: key, Certificate: certificate}, // a file, a KMS or an HSM
//	})
//	request, err := idp.ReadRequest(r)
//	response, err := idp.Respond(request, saml.Subject{ImmutableID: id, UPN: upn, AuthnInstant: when})
//	err = response.Post(w)
//
// [IdentityProvider.ReadRequest] takes the AuthnRequest from the POST or the Redirect binding;
// [IdentityProvider.Respond] answers it, and [IdentityProvider.RespondUnsolicited] starts at this side. One level
// below, [IdentityProvider.ParseAuthnRequest] reads a decoded document, and [Response] holds the XML and the form
// fields for whoever renders the page.
//
// # What is issued
//
// One SAML 2.0 Response with one Assertion and one RSA-SHA256 signature, on the Assertion: NameID persistent with the
// ImmutableID, IDPEmail with the UPN, the issuer of the realm that the UPN's domain belongs to, the cloud's audience
// and assertion consumer service. The rules are those of
// https://learn.microsoft.com/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp and of
// https://learn.microsoft.com/entra/identity/authentication/how-to-mfa-expected-inbound-assertions.
//
// # Security
//
// The answer goes to the assertion consumer service of the configured cloud, whatever a request says. Values reach XML
// only through a writer that escapes them, and are signed as they were written, once. Second factor and time of
// sign-in are facts that the host states; nothing here invents them. Requests are bounded before and after inflating,
// and anything that the profile does not need is refused: document types, comments, CDATA, repeated IDs, repeated
// parameters.
//
// Entra signs its requests only if the domain says so (isSignedAuthenticationRequestRequired). With
// Config.RequestCertificates a signature is verified, by keys pinned there and never by one that the message brings, and
// what is read is what the signature covers; Config.RequireSignedRequests refuses the rest. RSA with SHA-1 is verified,
// because Entra signs with it, and never produced.
//
// # Guests
//
// A partner's people who are guests in somebody else's tenant sign in by another federation, which is another relying
// party: [NewGuests] makes an identity provider for them, with a [GuestSubject] in place of a [Subject]. What one of the
// two profiles issues, Entra does not take for the other.
//
// # Keys
//
// One key signs; another may be announced beside it ([IdentityProvider.SetNextSigner]), so that Entra knows its
// certificate before it is needed, and [IdentityProvider.Switch] changes over while requests are in flight.
// [IdentityProvider.Certificates] says which there are. With these two an identity provider is the Keys and the Switcher of
// a rotation by package federation.
//
// # Logout
//
// [IdentityProvider.ReadLogout] takes a sign-out in every form in which it may come, [IdentityProvider.RespondLogout]
// answers those that want an answer, and [IdentityProvider.SignOutURL] leads to Entra's own.
//
// # Concurrency
//
// An [IdentityProvider] or a [GuestIdentityProvider] may be used by many goroutines at once, if its keys may. Nothing in it
// ever changes but its keys.
package saml
