package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// provider is what its discovery document says.
type provider struct {
	*gooidc.Provider
	metadata
	document []byte
	verifier *gooidc.IDTokenVerifier
	client   oauth2.Config
}

// metadata are those parts of the document that go-oidc has no name for (OpenID Connect Discovery 1.0, section 3; RFC
// 9207; OpenID Connect RP-Initiated Logout 1.0).
type metadata struct {
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	KeysEndpoint          string   `json:"jwks_uri"`
	UserInfoEndpoint      string   `json:"userinfo_endpoint"`
	EndSessionEndpoint    string   `json:"end_session_endpoint"`
	SecretMethods         []string `json:"token_endpoint_auth_methods_supported"`
	NamesIssuer           bool     `json:"authorization_response_iss_parameter_supported"`
}

// discover reads the provider's discovery document.
func (a *Authenticator) discover(ctx context.Context) (*provider, error) {
	found, err := gooidc.NewProvider(gooidc.ClientContext(ctx, a.client), a.cfg.Issuer)
	if err != nil {
		return nil, foreign("discovery", err)
	}
	p := &provider{Provider: found}
	var document json.RawMessage
	if err := errors.Join(found.Claims(&p.metadata), found.Claims(&document)); err != nil {
		return nil, foreign("discovery", err)
	}
	if err := p.check(a.cfg); err != nil {
		return nil, err
	}
	p.document = document
	keys := *a.client
	keys.Transport = &paced{next: keys.Transport, now: a.cfg.Now}
	p.verifier = found.VerifierContext(gooidc.ClientContext(context.Background(), &keys), &gooidc.Config{
		ClientID: a.cfg.ClientID,
		Now:      func() time.Time { return a.cfg.Now().Add(-maxSkew) }, // a token may be a minute too old
	})
	p.client = oauth2.Config{
		ClientID: a.cfg.ClientID, ClientSecret: a.cfg.ClientSecret, Scopes: a.cfg.Scopes, Endpoint: found.Endpoint(),
	}
	p.client.Endpoint.AuthStyle = p.authStyle(a.cfg)
	return p, nil
}

// check refuses endpoints that would be an opening.
func (m metadata) check(cfg Config) error {
	for name, endpoint := range map[string]string{
		"authorization_endpoint": m.AuthorizationEndpoint, "token_endpoint": m.TokenEndpoint, "jwks_uri": m.KeysEndpoint,
		"userinfo_endpoint": m.UserInfoEndpoint, "end_session_endpoint": m.EndSessionEndpoint,
	} {
		if endpoint == "" && (name == "userinfo_endpoint" || name == "end_session_endpoint") {
			continue
		}
		address, err := url.Parse(endpoint)
		if err == nil {
			err = cfg.checkScheme(address)
		}
		if err != nil {
			return problem("discovery", "the provider's %s cannot be used: %w", name, err)
		}
	}
	return nil
}

// authStyle says how the client proves itself. Without a word of the provider it is client_secret_basic (OpenID Connect
// Discovery 1.0, section 3). It is not tried out: a code that was sent twice looks stolen.
func (m metadata) authStyle(cfg Config) oauth2.AuthStyle {
	basic := len(m.SecretMethods) == 0 || slices.Contains(m.SecretMethods, "client_secret_basic")
	onlyPost := !basic && slices.Contains(m.SecretMethods, "client_secret_post")
	if cfg.ClientSecret == "" || cfg.SecretInBody || onlyPost {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

const (
	discoveryAge   = time.Hour   // a document is read again after that
	discoveryAgain = time.Minute // and after that, if that fails and the one that is known must serve on
)

// discovery remembers the provider's discovery document.
type discovery struct {
	read func(context.Context) (*provider, error)
	now  func() time.Time
	warn func(ctx context.Context, err error)

	mu      sync.Mutex
	known   *provider
	next    time.Time // when to read again
	reading *reading  // nil: nobody reads
}

// reading is one that is under way. The first who needs it does it; others wait for it, or use what is known.
type reading struct {
	done  chan struct{}
	found *provider
	err   error
}

// get returns the provider. While it is down, the document that is known serves on.
func (d *discovery) get(ctx context.Context) (*provider, error) {
	d.mu.Lock()
	known, under := d.known, d.reading
	if known != nil && (under != nil || d.now().Before(d.next)) {
		d.mu.Unlock()
		return known, nil
	}
	if under == nil {
		mine := &reading{done: make(chan struct{})}
		d.reading = mine
		d.mu.Unlock()
		d.refresh(ctx, mine)
		return mine.found, mine.err
	}
	d.mu.Unlock()
	select {
	case <-under.done:
		return under.found, under.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refresh reads the document for all who wait, whether or not the one who does it goes away.
func (d *discovery) refresh(ctx context.Context, r *reading) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
	defer cancel()
	found, err := d.read(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil:
		d.next = d.now().Add(discoveryAge)
		if d.known == nil || !bytes.Equal(d.known.document, found.document) {
			d.known = found // else the old one goes on, which has the keys
		}
	case d.known != nil:
		d.next = d.now().Add(discoveryAgain)
		d.warn(ctx, err)
	default:
		r.err = err
	}
	r.found, d.reading = d.known, nil
	close(r.done)
}

// withClient is a context in which go-oidc and oauth2 use the client.
func (a *Authenticator) withClient(ctx context.Context) context.Context {
	return gooidc.ClientContext(ctx, a.client)
}
