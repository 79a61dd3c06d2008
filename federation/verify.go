package federation

import "context"

// Verification compares what Entra's sign-in service says of a domain with what it should say.
type Verification struct {
	Realm Realm `json:"realm"`

	// Live says that Entra acts on the configuration, as far as realm discovery tells. It does not tell the issuer or the
	// certificate: only a sign-in does.
	Live bool `json:"live"`

	// Differences are what is not as it should be, in sentences.
	Differences []string `json:"differences,omitempty"`

	// SignInLink starts a sign-in at the domain, for somebody to try.
	SignInLink string `json:"signInLink"`
}

// Verify asks Entra's public realm discovery how the domain signs in, and compares it with the configuration that Graph
// shows. Nothing is changed. The error is for questions that could not be asked; an answer that differs is not an error.
func (f *Federator) Verify(ctx context.Context, domain string) (Verification, error) {
	realm, err := read(ctx, f, func(ctx context.Context) (Realm, error) { return f.discovery.Realm(ctx, domain) })
	return Verification{
		Realm: realm, Live: realm.Type == FederatedRealm, SignInLink: f.cloud.Login + "/login.srf?whr=" + domain,
	}, err
}
