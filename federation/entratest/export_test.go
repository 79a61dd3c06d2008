package entratest

// What the tests of the vectors put into a tenant's memory: messages that were exchanged before.

// Await makes the tenant wait for the answer to an AuthnRequest.
func (t *Tenant) Await(requestID, relayState, domain string) {
	t.signIn.remember(&flow{requestID: requestID, relayState: relayState, realm: domain, started: t.now()})
}

// AwaitLogout makes the tenant wait for the answer to a LogoutRequest.
func (t *Tenant) AwaitLogout(requestID, relayState, domain string) {
	t.signIn.rememberSignOut(&signOut{requestID: requestID, relayState: relayState, realm: domain, started: t.now()})
}

// HasSeen makes the tenant remember an assertion that it accepted.
func (t *Tenant) HasSeen(assertionID string) {
	t.signIn.consume("", assertionID, false, t.now().Add(flowLifetime), t.now())
}
