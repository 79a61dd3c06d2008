package entratest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"sync"
)

// challenges are what continuous access evaluation did to access tokens.
type challenges struct {
	mu      sync.Mutex
	armed   int
	revoked map[string]bool // token IDs
}

// ChallengeOnce makes Graph refuse the token of the next call that brings a good one, that time and whenever it comes
// again: 401 with a claims challenge in WWW-Authenticate, as continuous access evaluation does when something happened
// after the token was issued. A client must ask for another token with those claims; azcore's bearer token policy does.
// Called twice, it concerns the next two tokens. Graph challenges only clients that declare to understand it; here all
// clients are. See https://learn.microsoft.com/entra/identity-platform/claims-challenge.
func (t *Tenant) ChallengeOnce() {
	t.challenges.mu.Lock()
	defer t.challenges.mu.Unlock()
	t.challenges.armed++
}

// refuses reports whether a token is to be challenged.
func (c *challenges) refuses(tokenID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revoked[tokenID] {
		return true
	}
	if c.armed == 0 {
		return false
	}
	c.armed--
	if c.revoked == nil {
		c.revoked = map[string]bool{}
	}
	c.revoked[tokenID] = true
	return true
}

// errChallenge asks for a token that was issued after now.
func (t *Tenant) errChallenge() *graphError {
	claims := fmt.Sprintf(`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, t.now().Unix())
	e := errUnauthorized("Continuous access evaluation resulted in challenge with result: InteractionRequired and code: " +
		"TokenIssuedBeforeRevocationTimestamp")
	e.header = http.Header{}
	e.header.Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="", authorization_uri="%s/common/oauth2/authorize", `+
		`client_id="%s", error="insufficient_claims", claims="%s"`,
		t.cloud.Login, graphAppID, base64.StdEncoding.EncodeToString([]byte(claims))))
	return e
}
