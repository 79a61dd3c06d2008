package entratest

// RequestRules lists what Entra, and the simulated tenant, keep to when they send a message themselves, and what an
// identity provider must therefore bear. [Expectation.CheckRequest] and [Expectation.CheckLogoutResponse] check by them;
// they are no part of the check of a response. Lenient checking warns of a broken rule 42 or 43.
func RequestRules() []Rule {
	return []Rule{
		{
			Number: 41, Level: Must, Code: "AADSTS75005", Source: sourceSAML,
			Title: "A sign-in begins with a form that posts a minimal AuthnRequest, without an address to answer to and " +
				"signed only where the domain asks for it, and a RelayState of over a thousand bytes.",
			Remedy: "Take the address from the cloud's configuration and never from a request, and require neither an index " +
				"nor a Destination.",
		},
		{
			Number: 42, Level: Should, Code: "AADSTS20012", Source: "https://github.com/wso2/product-is/issues/5618",
			Title: "A domain that speaks WS-Federation is asked by GET, with an empty username where none is known, and with " +
				"lower-case escapes.",
			Remedy: "Unescape parameters before comparing them, and return wctx as it came.",
		},
		{
			Number: 43, Level: Should, Code: "AADSTS50061", Source: sourceSAML,
			Title: "A sign-out reaches the identity provider by GET: bare, with wa=wsignout1.0, or with a LogoutRequest, " +
				"signed or not; the LogoutResponse is posted to login.srf.",
			Remedy: "End the session on each of them, show a page, and answer a LogoutRequest with a signed LogoutResponse.",
		},
	}
}

func ruleSignOut() Rule { return RequestRules()[2] }
