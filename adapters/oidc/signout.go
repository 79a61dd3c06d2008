package oidc

import (
	"net/http"
	"net/url"

	"github.com/entrafed/entrafed/saml"
)

// IDTokens keeps a person's ID token from the sign-in to the sign-out, as a rule in the host's own session. With it the
// provider knows whose session to end; without it, it has to ask the person, which is what the standard wants it to do
// (OpenID Connect RP-Initiated Logout 1.0, section 2). The adapter keeps nothing by itself. It must be safe for
// concurrent use.
type IDTokens interface {
	// Keep keeps an ID token for the browser that sent r. It may set cookies, but must not write to w.
	Keep(w http.ResponseWriter, r *http.Request, idToken string) error

	// Kept returns what Keep kept for this browser last, or "".
	Kept(r *http.Request) string

	// Forget forgets it. It may set cookies, but must not write to w.
	Forget(w http.ResponseWriter, r *http.Request) error
}

func (a *Authenticator) keepIDToken(w http.ResponseWriter, r *http.Request, idToken string) {
	if a.cfg.IDTokens == nil {
		return
	}
	if err := a.cfg.IDTokens.Keep(w, r, idToken); err != nil {
		a.cfg.Logger.WarnContext(r.Context(), "the ID token is not kept; the provider will ask before it signs out",
			"error", redacted(err.Error(), []string{idToken}))
	}
}

// EndSession implements [adapters.SessionEnder]. The adapter has no sessions; it makes Config.IDTokens forget the ID
// token. The session at the provider ends by [Authenticator.SignOutURL].
func (a *Authenticator) EndSession(w http.ResponseWriter, r *http.Request, _ saml.LogoutRequest) error {
	if a.cfg.IDTokens == nil {
		return nil
	}
	if err := a.cfg.IDTokens.Forget(w, r); err != nil {
		a.cfg.Logger.WarnContext(r.Context(), "the ID token is not forgotten", "error", redacted(err.Error(), nil))
	}
	return nil
}

// SignOutURL implements [adapters.SignOutRedirecter] by OpenID Connect RP-Initiated Logout 1.0: the provider's
// end_session_endpoint with client_id, post_logout_redirect_uri, state and, if Config.IDTokens has it, id_token_hint.
// It is empty for a provider that has no such endpoint.
func (a *Authenticator) SignOutURL(r *http.Request, _ saml.LogoutRequest, returnTo, state string) (string, error) {
	p, err := a.discovery.get(r.Context())
	if err != nil || p.EndSessionEndpoint == "" {
		return "", err
	}
	address, err := url.Parse(p.EndSessionEndpoint)
	if err != nil {
		return "", problem("discovery", "the provider's end_session_endpoint cannot be used: %w", err)
	}
	query := address.Query()
	query.Set("client_id", a.cfg.ClientID)
	query.Set("post_logout_redirect_uri", returnTo)
	query.Set("state", state)
	if a.cfg.IDTokens != nil {
		if hint := a.cfg.IDTokens.Kept(r); hint != "" {
			query.Set("id_token_hint", hint)
		}
	}
	address.RawQuery = query.Encode()
	return address.String(), nil
}
