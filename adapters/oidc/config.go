package oidc

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/provision"
)

// Config describes the provider and the client that is registered there. Issuer, ClientID and Connection are required.
type Config struct {
	// Issuer is the provider's issuer, to the letter: what its discovery document says, which is at Issuer +
	// "/.well-known/openid-configuration".
	Issuer string

	// ClientID and ClientSecret are what the provider knows the host by. Without a secret the client is a public one,
	// which PKCE protects.
	ClientID, ClientSecret string

	// SecretInBody sends the secret as client_secret_post. By default it is sent as client_secret_basic, unless the
	// provider says that it knows client_secret_post only.
	SecretInBody bool

	// Connection is the connection of these people: see [provision.Person]. It stands for the Issuer, which alone makes a
	// sub unique: two providers must not share one.
	Connection string

	// Scopes are asked for. nil: profile and email. "openid" is always asked for.
	Scopes []string

	// Person makes a person of the claims. Where it leaves Connection or ID empty, they are Connection and sub. An ID must
	// never be given to somebody else: an address or a user name is none. An error that matches [adapters.ErrDenied]
	// refuses the person. nil means [Claims.Person].
	Person func(claims Claims) (provision.Person, error)

	// SkipUserInfo does without the userinfo endpoint. By default its claims are added to those of the ID token, where the
	// provider has it: many providers put hardly anything into the ID token.
	SkipUserInfo bool

	// MFAContexts are the values of acr that the provider states only after a second factor. They are also asked for, as
	// acr_values and in this order, when Entra wants one. nil: acr says nothing.
	MFAContexts []string

	// MFAParameters are sent, in place of acr_values, when Entra wants a second factor, for providers that are asked in
	// another way. nil: none.
	MFAParameters url.Values

	// MFA says whether the claims prove a second factor. nil: by MFAContexts and RFC 8176, as the package documentation
	// says.
	MFA func(claims Claims) bool

	// MaxAge is how old a sign-in at the provider may be before the person must sign in again. The provider must then
	// state auth_time. 0: any age.
	MaxAge time.Duration

	// Parameters are added to each authorization request, such as Keycloak's "kc_idp_hint". nil: none.
	Parameters url.Values

	// IDTokens keeps ID tokens until people sign out, so that providers need not ask whether they really want to. nil:
	// they are not kept. See [IDTokens].
	IDTokens IDTokens

	// LazyDiscovery makes New succeed while the provider is down. Its discovery document is then read at the first
	// sign-in. By default New reads it, and returns an error if it cannot.
	LazyDiscovery bool

	// InsecureHTTP allows http for addresses of this machine: 127.0.0.1, ::1 and localhost. It is safe there only, for
	// tests and for trying out. Other addresses must be https all the same.
	InsecureHTTP bool

	// HTTPClient calls the provider. Redirects are not followed, cookies not kept, answers of more than 512 KB refused.
	// Without a Timeout it gets one of 10 seconds. nil means a client with [http.DefaultTransport].
	HTTPClient *http.Client

	// Now is the clock. nil means time.Now.
	Now func() time.Time

	// Rand is where nonces and verifiers come from. nil means crypto/rand.Reader.
	Rand io.Reader

	// Logger receives what goes wrong without ending a sign-in. nil discards it.
	Logger *slog.Logger
}

// maxSkew is how far the provider's clock may be from ours.
const maxSkew = time.Minute

func (cfg Config) withDefaults() Config {
	if cfg.Scopes == nil {
		cfg.Scopes = []string{"profile", "email"}
	}
	cfg.Scopes = append([]string{"openid"}, slices.DeleteFunc(slices.Clone(cfg.Scopes),
		func(scope string) bool { return scope == "openid" })...)
	if cfg.Person == nil {
		cfg.Person = Claims.personWithoutFail
	}
	if cfg.MFA == nil {
		contexts := slices.Clone(cfg.MFAContexts)
		cfg.MFA = func(claims Claims) bool { return claims.provesMFA(contexts) }
	}
	if cfg.MFAParameters == nil && len(cfg.MFAContexts) > 0 {
		cfg.MFAParameters = url.Values{"acr_values": {strings.Join(cfg.MFAContexts, " ")}}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// reserved are the parameters of an authorization request that the adapter decides about.
var reserved = [...]string{
	"response_type", "response_mode", "client_id", "redirect_uri", "scope", "state", "nonce", "code_challenge",
	"code_challenge_method", "max_age", "request", "request_uri",
}

func (cfg Config) check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("oidc: "+format, args...)) }
	switch issuer, err := url.Parse(cfg.Issuer); {
	case cfg.Issuer == "":
		add("Issuer is missing: it is \"issuer\" in the provider's discovery document")
	case err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" || issuer.User != nil:
		add("Issuer %q must be an address without query, fragment and user", cfg.Issuer)
	default:
		if err := cfg.checkScheme(issuer); err != nil {
			add("Issuer: %w", err)
		}
	}
	if cfg.ClientID == "" {
		add("ClientID is missing: register a client at the provider")
	}
	if cfg.Connection == "" {
		add("Connection is missing: it is a part of who each person is")
	}
	if cfg.MaxAge < 0 {
		add("MaxAge %s is less than 0", cfg.MaxAge)
	}
	for _, token := range slices.Concat(cfg.Scopes, cfg.MFAContexts) {
		if token == "" || strings.ContainsAny(token, " \t\r\n") {
			add("%q cannot be a scope or a context: it is empty or has a space", token)
		}
	}
	for _, name := range reserved {
		if cfg.Parameters.Has(name) || cfg.MFAParameters.Has(name) {
			add("the parameter %q is decided about here", name)
		}
	}
	return errors.Join(errs...)
}

// checkScheme refuses what is not encrypted.
func (cfg Config) checkScheme(address *url.URL) error {
	switch {
	case address.Scheme == "https" && address.Host != "":
		return nil
	case address.Scheme == "http" && cfg.InsecureHTTP && entrafed.IsLoopback(address.Hostname()):
		return nil
	case address.Scheme == "http" && entrafed.IsLoopback(address.Hostname()):
		return fmt.Errorf("%q is not https: for a test on this machine set InsecureHTTP", address.Redacted())
	}
	return fmt.Errorf("%q is not https", address.Redacted())
}
