package aadsts

import "slices"

// catalogue is a function so that nobody can change the data. The groups follow the way of a sign-in.
func catalogue() []Code {
	return slices.Concat(realmCodes(), messageCodes(), tokenCodes(), accountCodes(), freshnessCodes(), wsFederationCodes(),
		signOutCodes(), requestCodes())
}

// realmCodes: which domain, which identity provider.
func realmCodes() []Code {
	return []Code{
		{
			Number:  "50107",
			Name:    "InvalidRealmUri",
			Message: "The requested federation realm object '{issuer}' does not exist.",
			Cause: "Documented and often reported. The Issuer is not the issuerUri of any federated domain, byte for " +
				"byte: a trailing slash, http for https, the issuer of a child domain. Or the domain is not federated " +
				"yet, or it is federated for the other protocol. The text quotes the Issuer that was received.",
			Remedy: "Make Issuer and issuerUri equal, set preferredAuthenticationProtocol to the protocol that is " +
				"spoken, and after a change of the domain wait: it may take hours to reach every server.",
		},
		{
			Number:  "90019",
			Name:    "MissingTenantRealm",
			Message: "No tenant-identifying information found in either the request or implied by any provided credentials.",
			Cause: "Documented; reported for an identity provider that was set up for a domain that the tenant does not " +
				"have.",
			Remedy: "Verify the domain in the tenant, federate it, and start the sign-in with a user name of that domain.",
		},
		{
			Number:  "50059",
			Name:    "MissingTenantRealmAndNoUserInformationProvided",
			Message: "Tenant-identifying information was not found in either the request or implied by any provided credentials.",
			Cause:   "Documented. Home realm discovery had nothing to go by: no hint of a domain, and no user name.",
			Remedy:  "Put whr or login_hint into the link, or have the person type their address.",
		},
		{
			Number: "50128",
			Name:   "Invalid domain name",
			Message: "Invalid domain name - No tenant-identifying information found in either the " +
				"request or implied by any provided credentials.",
			Cause:  "Documented. The domain of the user name is no domain of any tenant.",
			Remedy: "Check the spelling of the domain, and that it is verified in the tenant.",
		},
		{
			Number:  "500208",
			Message: "The domain is not a valid login domain for the account type.",
			Cause: "Documented. The account cannot sign in at the endpoint that was asked, for " +
				"example a guest at another tenant's.",
			Remedy: "Start the sign-in at the tenant that holds the account.",
		},
		{
			Number:  "5000820",
			Message: "Sign-in blocked by Federated Token Validation policy.",
			Cause: "Documented. The root domain of the realm that issued the token is not the root domain of the user's UPN, " +
				"and the tenant's federatedTokenValidationPolicy blocks that. The default blocks it for every domain.",
			Remedy: "Choose the Issuer by the domain of the user's UPN: one issuer for each federated root domain.",
		},
	}
}

// messageCodes: the post to login.srf and its XML.
func messageCodes() []Code {
	return []Code{
		{
			Number:  "900144",
			Message: "The request body must contain the following parameter: '{name}'.",
			Cause: "Documented for token requests. For a sign-in without a SAMLResponse it is assumed: no report says " +
				"what login.srf answers then.",
			Remedy: "Send the response by HTTP POST, as application/x-www-form-urlencoded, in the field SAMLResponse.",
		},
		{
			Number:  "90014",
			Name:    "MissingRequiredField",
			Message: "The required field '{name}' is missing.",
			Cause:   "Documented in general; for a missing SAMLResponse or wresult it is assumed.",
			Remedy:  "Send every field that the binding asks for.",
		},
		{
			Number:  "90013",
			Name:    "InvalidUserInput",
			Message: "The input from the user isn't valid.",
			Cause: "Reported: a post to login.srf without the state that Entra gave along with its request, which is " +
				"RelayState (wctx in WS-Federation) and cookies.",
			Remedy: "Return RelayState byte for byte as it came, whatever its length, and let the person begin at Entra " +
				"(a smart link does) and not at the identity provider.",
		},
		{
			Number:  "165000",
			Message: "Invalid Request: the request tokens do not match the user context.",
			Cause: "Documented and reported. The cookies that Entra set with its request did not come back: another " +
				"browser, blocked cookies, or too many sign-ins at once.",
			Remedy: "Begin again in the same browser. If it persists, look at what blocks or clears cookies.",
		},
		{
			Number:  "50089",
			Name:    "Flow token expired",
			Message: "Authentication failed due to flow token expired.",
			Cause:   "Documented. Too much time went by between Entra's request and the answer.",
			Remedy:  "Begin again. If people must wait at the identity provider, make the wait shorter.",
		},
		{
			Number:  "90004",
			Name:    "InvalidRequestFormat",
			Message: "The request isn't properly formatted.",
			Cause:   "Documented.",
			Remedy:  "Compare what is posted with the SAML HTTP POST binding.",
		},
		{
			Number:  "90023",
			Name:    "InvalidRequest",
			Message: "The authentication service request isn't valid.",
			Cause:   "Documented.",
			Remedy:  "Compare the parameters with the documentation of the endpoint.",
		},
		{
			Number:  "9002313",
			Name:    "InvalidRequest",
			Message: "Request is malformed or invalid.",
			Cause:   "Documented for token requests.",
			Remedy:  "Compare the parameters with the documentation of the endpoint.",
		},
		{
			Number:  "90107",
			Name:    "InvalidXml",
			Message: "The request isn't valid. Make sure your data doesn't have invalid characters.",
			Cause:   "Documented. The message is not well-formed XML.",
			Remedy:  "Write the XML with a library that escapes, and check the bytes with a parser before sending.",
		},
		{
			Number:  "75005",
			Name:    "Saml2MessageInvalid",
			Message: "The SAML request is not a valid Saml2 protocol message.",
			Cause: "Documented for Entra as identity provider. For a response to login.srf that is no SAML message it is " +
				"assumed.",
			Remedy: "Post standard base64 (not URL-safe, not deflated) of a samlp:Response of version 2.0.",
		},
		{
			Number:  "7500529",
			Message: "The value '{id}' isn't a valid SAML ID. The ID must not begin with a number.",
			Cause:   "Documented for Entra as identity provider; for a response it is assumed.",
			Remedy:  "Put an underscore before the random part of every ID.",
		},
		{
			Number:  "500082",
			Message: "SAML assertion is not present in the token.",
			Cause: "Reported: the identity provider gave no successful answer because it did not let the person in, or " +
				"its signing and encryption settings were wrong. Assumed: a Status other than Success, or an assertion that " +
				"is encrypted or absent.",
			Remedy: "See in the identity provider's log why it refused. Switch encryption off: Entra publishes no key for " +
				"it. Sign the assertion.",
		},
		{
			Number:  "500132",
			Message: "Assertion is malformed and cannot be read.",
			Cause: "Reported for an AuthenticatingAuthority inside AuthnContext. For other content that should not be " +
				"there it is assumed.",
			Remedy: "Send nothing in the AuthnContext but one AuthnContextClassRef, and plain text as values.",
		},
		{
			Number:  "7500514",
			Message: "A supported type of SAML response was not found.",
			Cause: "Documented. A token request carries an assertion whose version does not fit the grant type, or the " +
				"answer is no samlp:Response.",
			Remedy: "Post a samlp:Response to login.srf; in a WS-Trust answer use the TokenType " +
				"urn:oasis:names:tc:SAML:1.0:assertion.",
		},
	}
}

// tokenCodes: signature, validity, audience.
func tokenCodes() []Code {
	return []Code{
		{
			Number:  "50008",
			Name:    "InvalidSamlToken",
			Message: "SAML assertion is missing or misconfigured in the token. Contact your federation provider.",
			Cause: "Documented as a general refusal. Here it stands for a refusal whose own code is not public; which " +
				"of them real Entra files under it is assumed.",
			Remedy: "Check the assertion against the rule that is named with this code.",
		},
		{
			Number:  "500081",
			Message: "The SAML token could not be validated.",
			Cause:   "The code exists; no public text was found, and the message is this module's own.",
			Remedy:  "Check signature, issuer and validity of the assertion.",
		},
		{
			Number:  "500083",
			Message: "The SAML token could not be validated.",
			Cause:   "The code exists; no public text was found, and the message is this module's own.",
			Remedy:  "Check signature, issuer and validity of the assertion.",
		},
		{
			Number: "5000811",
			Message: "Unable to verify token signature. The signing key identifier does not match any valid registered " +
				"keys.",
			Cause: "Reported after a change of the identity provider's certificate: the assertion is signed with a key " +
				"whose certificate is not registered for the domain.",
			Remedy: "Register the certificate as signingCertificate or nextSigningCertificate of the domain before " +
				"signing with its key; until then sign with the old one.",
		},
		{
			Number:  "50006",
			Name:    "InvalidSignature",
			Message: "Signature verification failed because of an invalid signature.",
			Cause:   "Documented. The key is registered, and the signature or the digest does not fit the assertion.",
			Remedy: "Sign last, send the signed bytes untouched (do not parse, indent or re-serialise them), and " +
				"canonicalise with exclusive C14N.",
		},
		{
			Number:  "500089",
			Message: "SAML 2.0 assertion validation failed: SAML token is invalid.",
			Cause: "Reported for an identity provider whose clock had drifted, and for a third party's assertion. For a wrong " +
				"Destination, Recipient or Audience it is assumed.",
			Remedy: "Synchronise the clock. Check Destination, Recipient, Audience, InResponseTo and the validity times.",
		},
		{
			Number:  "50013",
			Name:    "InvalidAssertion",
			Message: "Assertion is invalid because of various reasons.",
			Cause:   "Documented for tokens in exchange for an assertion: a wrong audience, a replay, an expired assertion.",
			Remedy:  "Fetch a fresh assertion, and synchronise the clock.",
		},
		{
			Number:  "500133",
			Message: "Assertion is not within its valid time range.",
			Cause: "Documented for tokens in exchange for an assertion. For a browser's sign-in it is assumed, beside 50008 " +
				"and 500089.",
			Remedy: "Synchronise the clock, and set NotBefore a little into the past.",
		},
	}
}

// accountCodes: the user in the directory.
func accountCodes() []Code {
	return []Code{
		{
			Number: "51004",
			Name:   "UserAccountNotInDirectory",
			Message: "The user account {identifier} does not exist in the {tenant} directory. To sign into this " +
				"application, the account must be added to the directory.",
			Cause: "Documented and often reported. No user has an onPremisesImmutableId equal to the NameID, case " +
				"included; or the NameID's Format is not persistent. A user created seconds ago may not have reached the " +
				"sign-in servers yet.",
			Remedy: "Compare NameID with the user's onPremisesImmutableId (Graph returns it only with $select). For a new " +
				"user wait some 10 to 15 seconds and sign in again.",
		},
		{
			Number:  "50034",
			Name:    "UserAccountNotFound",
			Message: "The user account {identifier} does not exist in the {tenant} directory.",
			Cause:   "Documented. The user name that was typed or hinted is unknown, for users of an external realm too.",
			Remedy:  "Create the user first: Entra creates nobody at sign-in.",
		},
		{
			Number:  "50020",
			Name:    "UserUnauthorized",
			Message: "User account '{email}' from identity provider '{idp}' does not exist in tenant '{tenant}'.",
			Cause:   "Documented. The browser still holds a session of another tenant, or the person chose another account.",
			Remedy:  "Sign out, or put login_hint into the link, so that Entra asks for the right account.",
		},
		{
			Number:  "50057",
			Name:    "UserDisabled",
			Message: "The user account is disabled.",
			Cause:   "Documented. accountEnabled of the user is false.",
			Remedy:  "Enable the account in the directory, or do not let the person sign in.",
		},
		{
			Number: "5000819",
			Name:   "InvalidSamlTokenEmailMissingOrInvalid",
			Message: "SAML Assertion is invalid. Email address claim is missing or does not match domain from an " +
				"external realm.",
			Cause: "Documented for guests from an external realm (B2B), which is another kind of trust than a federated " +
				"domain.",
			Remedy: "Set up domain federation for the tenant's own users; only a B2B trust wants the e-mail address " +
				"claim.",
		},
		{
			Number:  "90072",
			Name:    "PassThroughUserMfaError",
			Message: "The external account that the user signs in with doesn't exist on the tenant that they signed into.",
			Cause:   "Documented; reported for a synchronised user whose ImmutableID is another than the assertion's.",
			Remedy:  "Correct the source anchor, so that NameID and onPremisesImmutableId are equal.",
		},
		{
			Number:  "50126",
			Name:    "InvalidUserNameOrPassword",
			Message: "Error validating credentials due to invalid username or password.",
			Cause:   "Documented. Only where a password reaches Entra, which in a federated domain no browser sign-in does.",
			Remedy:  "Use a sign-in that opens a browser.",
		},
		{
			Number:  "50055",
			Name:    "InvalidPasswordExpiredPassword",
			Message: "The password is expired.",
			Cause:   "Documented. Only where a password reaches Entra.",
			Remedy:  "Change the password where it is kept.",
		},
		{
			Number:  "50144",
			Name:    "InvalidPasswordExpiredOnPremPassword",
			Message: "User's Active Directory password has expired.",
			Cause:   "Documented. Only where a password reaches Entra.",
			Remedy:  "Change the password where it is kept.",
		},
	}
}

// freshnessCodes: multifactor authentication and the age of the sign-in.
func freshnessCodes() []Code {
	return []Code{
		{
			Number:  "50074",
			Name:    "UserStrongAuthClientAuthNRequiredInterrupt",
			Message: "Strong authentication is required and the user did not pass the MFA challenge.",
			Cause:   "Documented. A policy asks for MFA, and Entra's own challenge was not passed.",
			Remedy:  "Let the identity provider do MFA and say so, or let the person register a method with Entra.",
		},
		{
			Number: "50076",
			Name:   "UserStrongAuthClientAuthNRequired",
			Message: "Due to a configuration change made by your administrator, or because you moved to a new location, " +
				"you must use multi-factor authentication to access '{resource}'.",
			Cause: "Documented. A policy asks for MFA and the assertion does not prove it, so Entra asks for its own; with " +
				"rejectMfaByFederatedIdp it does so whatever the assertion says.",
			Remedy: "If the identity provider did MFA, send the one AuthnContextClassRef " +
				"http://schemas.microsoft.com/claims/multipleauthn. Attributes do not count in SAML 2.0.",
		},
		{
			Number:  "50078",
			Name:    "UserStrongAuthExpired",
			Message: "Presented multi-factor authentication has expired due to policies configured by your administrator.",
			Cause:   "Documented. AuthnInstant is older than the policy allows.",
			Remedy: "Authenticate the person again when the request asks for it (ForceAuthn), and send the time of that " +
				"authentication as AuthnInstant.",
		},
		{
			Number: "50079",
			Name:   "UserStrongAuthEnrollmentRequired",
			Message: "Due to a configuration change made by your administrator, or because you moved to a new location, " +
				"the user is required to use multi-factor authentication.",
			Cause: "Documented: a managed user must register for MFA, or a federated user needs the multifactor claim from " +
				"the federated identity provider (enforceMfaByFederatedIdp).",
			Remedy: "Do MFA at the identity provider and send AuthnContextClassRef " +
				"http://schemas.microsoft.com/claims/multipleauthn.",
		},
		{
			Number:  "70043",
			Name:    "BadTokenDueToSignInFrequency",
			Message: "The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access.",
			Cause: "Documented for refresh tokens. For an assertion whose AuthnInstant is older than the sign-in frequency " +
				"it is assumed.",
			Remedy: "Authenticate the person again, and send the time of that authentication as AuthnInstant.",
		},
	}
}

// wsFederationCodes: the same trust, spoken as WS-Federation.
func wsFederationCodes() []Code {
	return []Code{
		{
			Number:  "20001",
			Name:    "WsFedSignInResponseError",
			Message: "There's an issue with your federated Identity Provider. Contact your IDP to resolve this issue.",
			Cause:   "Documented.",
			Remedy:  "Check the RequestSecurityTokenResponse that is posted as wresult.",
		},
		{
			Number:  "20012",
			Name:    "WsFedMessageInvalid",
			Message: "There's an issue with your federated Identity Provider. Contact your IDP to resolve this issue.",
			Cause:   "Documented.",
			Remedy:  "Post wa=wsignin1.0 and one RequestSecurityTokenResponse of WS-Trust February 2005 as wresult.",
		},
		{
			Number:  "20033",
			Name:    "FedMetadataInvalidTenantName",
			Message: "There's an issue with your federated Identity Provider. Contact your IDP to resolve this issue.",
			Cause:   "Documented.",
			Remedy:  "Check the names in the identity provider's metadata.",
		},
		{
			Number:  "90020",
			Message: "The SAML 1.1 Assertion is missing ImmutableID of the user.",
			Cause:   "Documented. WS-Federation and WS-Trust need the ImmutableID as an attribute.",
			Remedy: "Add the attribute ImmutableID of http://schemas.microsoft.com/LiveID/Federation/2008/05 to the " +
				"assertion.",
		},
		{
			Number:  "90081",
			Name:    "OrgIdWsFederationMessageInvalid",
			Message: "An error occurred when the service tried to process a WS-Federation message. The message isn't valid.",
			Cause:   "Documented.",
			Remedy:  "Check that wresult is well-formed and complete.",
		},
		{
			Number:  "90082",
			Name:    "OrgIdWsFederationNotSupported",
			Message: "The selected authentication policy for the request isn't currently supported.",
			Cause:   "Documented.",
			Remedy:  "Set preferredAuthenticationProtocol to the protocol that the identity provider speaks.",
		},
		{
			Number:  "90084",
			Name:    "OrgIdWsFederationGuestNotAllowed",
			Message: "Guest accounts aren't allowed for this site.",
			Cause:   "Documented.",
			Remedy:  "Sign in with an account of the tenant.",
		},
		{
			Number:  "90087",
			Name:    "OrgIdWsFederationMessageCreationFromUriFailed",
			Message: "An error occurred while creating the WS-Federation message from the URI.",
			Cause:   "Documented.",
			Remedy:  "Escape the parameters of the link once.",
		},
	}
}

// signOutCodes: documented for Entra as identity provider, and seen nowhere else so far.
func signOutCodes() []Code {
	const cause = "Documented for Entra as identity provider. For the sign-out of a federated domain it is assumed."
	return []Code{
		{
			Number:  "50061",
			Name:    "SignoutInvalidRequest",
			Message: "Unable to complete sign out. The request was invalid.",
			Cause:   cause,
			Remedy:  "Check the LogoutRequest or LogoutResponse against the SAML Single Logout profile.",
		},
		{
			Number:  "50068",
			Name:    "SignoutInitiatorNotParticipant",
			Message: "Sign out has failed. The app that initiated sign out isn't a participant in the current session.",
			Cause:   cause,
			Remedy:  "Sign out in the browser that signed in.",
		},
		{
			Number: "50070",
			Name:   "SignoutUnknownSessionIdentifier",
			Message: "Sign out has failed. The sign out request specified a name identifier that " +
				"didn't match the existing session(s).",
			Cause:  cause,
			Remedy: "Send the NameID of the assertion.",
		},
		{
			Number:  "50071",
			Name:    "SignoutMessageExpired",
			Message: "The logout request has expired.",
			Cause:   cause,
			Remedy:  "Synchronise the clock, and send the message when it is made.",
		},
	}
}

// requestCodes: documented for Entra as identity provider, kept because operators meet them when they mix up the two
// directions.
func requestCodes() []Code {
	const cause = "Documented for Entra as identity provider: another direction of trust than a federated domain."
	return []Code{
		{
			Number: "75001", Name: "BindingSerializationError",
			Message: "An error occurred during SAML message binding.",
			Cause:   cause, Remedy: "Use a binding that the metadata lists.",
		},
		{
			Number: "75003", Name: "UnsupportedBindingError",
			Message: "The application returned an error related to unsupported binding.",
			Cause:   cause, Remedy: "Use HTTP POST.",
		},
		{
			Number: "75008", Name: "RequestDeniedError",
			Message: "The request from the app was denied since the SAML request had an unexpected destination.",
			Cause:   cause + " For a response with another Destination this module uses 500089.",
			Remedy:  "Send the message to the address that its Destination names.",
		},
		{
			Number: "75011", Name: "NoMatchedAuthnContextInOutputClaims",
			Message: "The authentication method by which the user authenticated with the service doesn't match the requested " +
				"authentication method.",
			Cause: cause, Remedy: "Leave RequestedAuthnContext out of the request.",
		},
		{
			Number: "75016", Name: "Saml2AuthenticationRequestInvalidNameIDPolicy",
			Message: "SAML2 Authentication Request has invalid NameIdPolicy.",
			Cause:   cause, Remedy: "Ask for a NameID format that is supported.",
		},
		{
			Number: "750054",
			Message: "SAMLRequest or SAMLResponse must be present as query string parameters in HTTP " +
				"request for SAML Redirect binding.",
			Cause: cause, Remedy: "Send a SAMLRequest with the redirect.",
		},
		{
			Number:  "7500530",
			Message: "The NameID of the logout request is missing.",
			Cause:   cause + " The message is this module's own.", Remedy: "Send the NameID of the assertion.",
		},
		{
			Number:  "76021",
			Name:    "ApplicationRequiresSignedRequests",
			Message: "The request sent by client is not signed while the application requires signed requests.",
			Cause:   cause, Remedy: "Sign the request, or do not ask for signed ones.",
		},
		{
			Number:  "76026",
			Name:    "RequestIssueTimeExpired",
			Message: "IssueTime in an SAML2 Authentication Request is expired.",
			Cause:   cause, Remedy: "Synchronise the clock, and send the request when it is made.",
		},
	}
}
