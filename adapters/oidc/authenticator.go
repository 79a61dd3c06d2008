package oidc

import (
	"context"
	"net/http"

	"github.com/entrafed/entrafed/adapters"
)

// Authenticator is an [adapters.Authenticator], an [adapters.SessionEnder] and an [adapters.SignOutRedirecter] for
// people who sign in at an OpenID Connect provider. Make one with [New]. It is safe for concurrent use.
type Authenticator struct {
	cfg       Config
	client    *http.Client
	discovery *discovery
	replays   *replays
}

var (
	_ adapters.SessionEnder      = (*Authenticator)(nil)
	_ adapters.SignOutRedirecter = (*Authenticator)(nil)
)

// New returns an Authenticator, or one error that lists everything that is missing or wrong. Unless
// Config.LazyDiscovery is set it reads the provider's discovery document, for which ctx and ten seconds are the limit;
// the error is then an [*Error]. The document is read again every hour, and an older one serves on while the provider
// is down.
func New(ctx context.Context, cfg Config) (*Authenticator, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	a := &Authenticator{cfg: cfg, client: newClient(cfg), replays: newReplays(cfg.Now)}
	a.discovery = &discovery{read: a.discover, now: cfg.Now, warn: func(ctx context.Context, err error) {
		cfg.Logger.WarnContext(ctx, "the provider's discovery document cannot be read again; the known one serves on",
			"error", err)
	}}
	if cfg.LazyDiscovery {
		return a, nil
	}
	if _, err := a.discovery.get(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// Authenticate implements [adapters.Authenticator]: it sends the browser to the provider, and reads the provider's
// answer when the browser is back. The error is an [*Error] where the provider, or what came in its name, is the cause.
func (a *Authenticator) Authenticate(
	w http.ResponseWriter, r *http.Request, ask adapters.Ask,
) (*adapters.SignedIn, error) {
	if query := r.URL.Query(); query.Has("code") || query.Has("error") || query.Has("state") {
		return a.arrive(w, r, ask)
	}
	return nil, a.leave(w, r, ask)
}
