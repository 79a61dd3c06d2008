package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/entrafed/entrafed/provision"
)

const (
	maxLogoutBody  = 64 << 10         // bytes
	maxLogoutAge   = 15 * time.Minute // of a logout token, whatever its exp says
	logoutEndTime  = 30 * time.Second // for end
	logoutEventKey = "http://schemas.openid.net/event/backchannel-logout"
)

// BackChannelLogout returns a handler for the provider's logout tokens (OpenID Connect Back-Channel Logout 1.0), so
// that a session that ends at the provider ends at Entra as well. Mount it outside of the Bridge, at the back-channel
// logout URI that is registered at the provider.
//
// end is called for each token that is genuine: signed by the provider for this client, no older than fifteen minutes,
// not seen before by this process. connection is Config.Connection, subject the person's sub and sid the provider's
// name of the session, which is SignedIn.Session of those who signed in with it; one of the two may be empty. It has 30
// seconds. As a rule it finds the person's account and revokes its sessions. An error that matches
// [provision.ErrNoRecord] says that the person has none, and that is well. It is called by many goroutines at once, and
// may be called twice for one session: by another replica, or again after it returned an error.
//
// The provider is answered 200, and 400 if the token is not accepted or end returned another error, as section 2.8
// wants it.
func (a *Authenticator) BackChannelLogout(
	end func(ctx context.Context, connection, subject, sid string) error,
) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
			http.Error(w, "a logout token comes by POST", http.StatusMethodNotAllowed)
			return
		}
		if err := a.logOut(w, r, end); err != nil {
			a.cfg.Logger.WarnContext(r.Context(), "a logout by the provider failed", "error", err)
			refuseLogout(w, err)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// refuseLogout tells the provider no more than that it has to look at the log here.
func refuseLogout(w http.ResponseWriter, err error) {
	code := "logout_failed"
	if refused := (*Error)(nil); errors.As(err, &refused) && refused.Step == stepLogout {
		code = "invalid_request"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": code})
}

const stepLogout = "logout token"

func (a *Authenticator) logOut(
	w http.ResponseWriter, r *http.Request, end func(ctx context.Context, connection, subject, sid string) error,
) error {
	raw, err := readLogoutForm(w, r)
	if err != nil {
		return err
	}
	p, err := a.discovery.get(r.Context())
	if err != nil {
		return err
	}
	token, err := a.readLogoutToken(a.withClient(r.Context()), p, raw)
	if err != nil {
		return err
	}
	if !a.replays.claim(token.TokenID, token.IssuedAt.Add(maxLogoutAge+maxSkew)) {
		return problem(stepLogout, "it came before (jti)")
	}
	ctx, cancel := context.WithTimeout(r.Context(), logoutEndTime)
	defer cancel()
	err = end(ctx, a.cfg.Connection, token.Subject, token.SessionID)
	if err != nil && !errors.Is(err, provision.ErrNoRecord) {
		a.replays.release(token.TokenID)
		return fmt.Errorf("oidc: the logout of %q: %w", redacted(token.Subject, nil), err)
	}
	a.cfg.Logger.InfoContext(r.Context(), "logged out by the provider", "connection", a.cfg.Connection,
		"subject", redacted(token.Subject, nil), "had_account", err == nil)
	return nil
}

// readLogoutForm returns the logout token of a request.
func readLogoutForm(w http.ResponseWriter, r *http.Request) (string, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return "", problem(stepLogout, "the request is no form")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxLogoutBody)
	if err := r.ParseForm(); err != nil {
		return "", problem(stepLogout, "the form cannot be read, or has more than %d bytes", maxLogoutBody)
	}
	tokens := r.PostForm["logout_token"]
	if len(tokens) != 1 || tokens[0] == "" {
		return "", problem(stepLogout, "the form has not one logout_token")
	}
	return tokens[0], nil
}

// checkLogoutType refuses what says that it is another kind of token (RFC 8725, section 3.11). Many providers do not
// say that it is a logout token, which they are only recommended to.
func checkLogoutType(raw string) error {
	var header struct {
		Type string `json:"typ"`
	}
	first, _, _ := strings.Cut(raw, ".")
	content, err := base64.RawURLEncoding.DecodeString(first)
	if err == nil {
		err = json.Unmarshal(content, &header)
	}
	if err != nil {
		return problem(stepLogout, "its header cannot be read")
	}
	switch strings.TrimPrefix(strings.ToLower(header.Type), "application/") {
	case "", "jwt", "logout+jwt":
		return nil
	}
	return problem(stepLogout, "its type is %q, and not \"logout+jwt\"", redacted(header.Type, nil))
}

// readLogoutToken checks a logout token as section 2.6 says. go-oidc checks the signature and its algorithm, iss, aud,
// exp, that jti and one of sub and sid are there, and that nonce is not.
func (a *Authenticator) readLogoutToken(ctx context.Context, p *provider, raw string) (*gooidc.LogoutToken, error) {
	token, err := p.verifier.VerifyLogout(ctx, raw)
	if err != nil {
		return nil, foreign(stepLogout, err, raw)
	}
	claims, err := decodeSigned(token.Claims)
	if err != nil {
		return nil, foreign(stepLogout, err, raw)
	}
	if err := checkLogoutType(raw); err != nil {
		return nil, err
	}
	events, _ := claims["events"].(map[string]any)
	_, isEvent := events[logoutEventKey].(map[string]any)
	_, stated := claims.Time("iat")
	now := a.cfg.Now()
	switch {
	case !isEvent:
		return nil, problem(stepLogout, "its events have no object %q", logoutEventKey)
	case len(token.Subject) > maxSubject:
		return nil, problem(stepLogout, "its sub has more than %d bytes", maxSubject)
	case !stated || token.IssuedAt.After(now.Add(maxSkew)):
		return nil, problem(stepLogout,
			"it does not say when it was issued (iat), or that is in the future: compare the clocks")
	case now.Sub(token.IssuedAt) > maxLogoutAge:
		return nil, problem(stepLogout, "it was issued more than %s ago", maxLogoutAge)
	}
	return token, nil
}
