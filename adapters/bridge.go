package adapters

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
	"github.com/entrafed/entrafed/smartlink"
)

// People makes sure that a person has an account. *[provision.Provisioner] implements it.
type People interface {
	// EnsureWithProgress makes sure that the person can sign in, and tells of each step through progress. A panic ends this
	// sign-in and nothing else.
	EnsureWithProgress(ctx context.Context, person provision.Person, progress func(provision.Event)) (provision.Account, error)
}

// Config describes a [Bridge]. BaseURL, IdentityProvider, Authenticator, Domain and Secret are required.
type Config struct {
	// BaseURL is the address that browsers use for the Bridge, without a trailing slash:
	// "https://id.contoso.com/entra". The identity provider's SingleSignOnService must be BaseURL + "/sso", and its
	// SingleLogoutService, if it has one, BaseURL + "/logout".
	BaseURL string

	// IdentityProvider reads Entra's requests and signs the answers.
	IdentityProvider *saml.IdentityProvider

	// Authenticator says who is signed in at the host.
	Authenticator Authenticator

	// People provisions. nil: nobody is provisioned, and the host must state each person's UPN and ImmutableID.
	People People

	// Domain is the federated domain that smart links name.
	Domain string

	// Home is where smart links and start links without a target lead. Empty: Entra chooses.
	Home string

	// Hosts lists host suffixes beyond those of the cloud that deep links may lead to.
	Hosts []string

	// Secret makes the key that seals the state of sign-ins under way, at least 32 random bytes; zeros alone are refused.
	// Replicas share it.
	// Changing it ends the sign-ins that are under way, and nothing else.
	Secret []byte

	// Pending keeps what does not fit into cookies: the state of a sign-in that Entra began with a RelayState of more than
	// about 10 KB, which nobody has seen yet, and what the Authenticator says of a person if it is more than that, for
	// example a claim of a few hundred groups. nil: such a sign-in is refused, and the log says why. Replicas share it.
	//
	// A proxy in front may let less through: nginx passes on 4 or 8 KB of headers, unless its proxy_buffer_size and
	// large_client_header_buffers say more. Entra's usual RelayState needs about 2.
	Pending PendingStore

	// SignInTime is how long a person may take from Entra's request to the answer. 0 means 15 minutes; at most an hour.
	SignInTime time.Duration

	// Patience is how long a browser is kept waiting for an account before the page with the steps is shown. 0 means
	// 400 milliseconds; at most 10 seconds.
	Patience time.Duration

	// Brand is how the Bridge's own pages look, and in which languages they speak. The zero Brand is plain.
	Brand Brand

	// Notice is a line of plain text at the top of every page of the Bridge, for example that this is a test. Empty:
	// none.
	Notice string

	// Now is the clock. nil means time.Now.
	Now func() time.Time

	// Rand is where identifiers and nonces come from. nil means crypto/rand.Reader.
	Rand io.Reader

	// Logger receives a record for each answered and each failed sign-in. nil discards them.
	Logger *slog.Logger
}

const (
	defaultSignInTime = 15 * time.Minute
	maxSignInTime     = time.Hour
	defaultPatience   = 400 * time.Millisecond
	maxPatience       = 10 * time.Second
)

// Bridge is an http.Handler for everything that Entra and a person's browser need: see the package documentation. Make
// one with [New] and end it with [Bridge.Close]. It is safe for concurrent use.
type Bridge struct {
	base       string // BaseURL
	path       string // of BaseURL, without a trailing slash
	secure     bool   // BaseURL is https
	idp        *saml.IdentityProvider
	host       Authenticator
	people     People
	links      smartlink.Policy
	domain     string
	home       string
	sealer     *sealer
	store      PendingStore
	signInTime time.Duration
	patience   time.Duration
	now        func() time.Time
	rand       io.Reader
	log        *slog.Logger
	runs       *runs
	pages      *pages
	mux        *http.ServeMux
}

// New returns a Bridge, or one error that lists everything that is missing or wrong.
func New(cfg Config) (*Bridge, error) {
	cfg = cfg.withDefaults()
	errs := cfg.check()
	sealer, err := newSealer(cfg.Secret, cfg.Rand, cfg.Now)
	if err != nil {
		errs = append(errs, fmt.Errorf("adapters: Secret: %w", err))
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		errs = append(errs, err)
	}
	pages, err := cfg.newPages()
	if err != nil {
		errs = append(errs, err)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	pages.formAction = cfg.IdentityProvider.FormAction()
	b := &Bridge{
		base: cfg.BaseURL, path: base.Path, secure: base.Scheme == "https",
		idp: cfg.IdentityProvider, host: cfg.Authenticator, people: cfg.People,
		links:  smartlink.Policy{Cloud: cfg.IdentityProvider.Cloud(), Hosts: cfg.Hosts},
		domain: cfg.Domain, home: cfg.Home,
		sealer: sealer, signInTime: cfg.SignInTime, patience: cfg.Patience,
		now: cfg.Now, rand: cfg.Rand, log: cfg.Logger,
		runs: newRuns(cfg.People, profilerOf(cfg.Authenticator), cfg.Now, cfg.Logger), pages: pages,
		store: cfg.Pending,
	}
	smart, err := b.smartLinks()
	if err != nil {
		return nil, fmt.Errorf("adapters: smart links: %w", err)
	}
	b.mux = b.routes(smart)
	return b, nil
}

// newPages prepares the pages, where the parts of the brand are right.
func (cfg Config) newPages() (*pages, error) {
	brand := cfg.Brand.withDefaults()
	if errs := brand.check(); len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return newPages(brand, cfg.Notice, cfg.Logger)
}

// smartLinks serves smart links, and refuses those that lead elsewhere in the browser's language.
func (b *Bridge) smartLinks() (http.Handler, error) {
	var handlers []http.Handler
	for _, l := range b.pages.languages {
		handler, err := smartlink.NewHandler(smartlink.HandlerConfig{
			Policy: b.links, Domain: b.domain, DefaultTarget: b.home, LoginHint: b.domain, Logger: b.log,
			Wording: smartlink.Wording{
				Lang: l.Tag, Title: l.say(msgLinkTitle), Explanation: l.say(msgLinkText), HostLabel: l.say(msgLinkHost),
				Action: l.say(msgLinkGo),
			},
		})
		if err != nil {
			return nil, err
		}
		handlers = append(handlers, handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handlers[b.pages.preferred(r)].ServeHTTP(w, r)
	}), nil
}

func (cfg Config) withDefaults() Config {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.SignInTime == 0 {
		cfg.SignInTime = defaultSignInTime
	}
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatience
	}
	return cfg
}

func (cfg Config) check() (errs []error) {
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf("adapters: "+format, args...)) }
	switch base, err := url.Parse(cfg.BaseURL); {
	case cfg.IdentityProvider == nil:
		add("IdentityProvider is missing: make one with saml.New")
	case cfg.IdentityProvider.Cloud().CheckURL(cfg.BaseURL) != nil:
		add("BaseURL: %w", cfg.IdentityProvider.Cloud().CheckURL(cfg.BaseURL))
	case err != nil || base.RawQuery != "" || base.Fragment != "" || strings.HasSuffix(cfg.BaseURL, "/") ||
		strings.ContainsAny(base.Path, "{}; "):
		add("BaseURL %q must be an address without query, fragment and trailing slash", cfg.BaseURL)
	case cfg.IdentityProvider.SingleSignOnService() != cfg.BaseURL+"/sso":
		add("the identity provider's SingleSignOnService is %q, but the Bridge receives requests at %q",
			cfg.IdentityProvider.SingleSignOnService(), cfg.BaseURL+"/sso")
	case cfg.IdentityProvider.SingleLogoutService() != "" && cfg.IdentityProvider.SingleLogoutService() != cfg.BaseURL+"/logout":
		add("the identity provider's SingleLogoutService is %q, but the Bridge receives sign-outs at %q",
			cfg.IdentityProvider.SingleLogoutService(), cfg.BaseURL+"/logout")
	}
	if cfg.Authenticator == nil {
		add("Authenticator is missing: it says who is signed in")
	}
	if cfg.SignInTime < 0 || cfg.SignInTime > maxSignInTime {
		add("SignInTime %s is not between 0 and %s", cfg.SignInTime, maxSignInTime)
	}
	if cfg.Patience < 0 || cfg.Patience > maxPatience {
		add("Patience %s is not between 0 and %s", cfg.Patience, maxPatience)
	}
	return errs
}

func (b *Bridge) routes(smart http.Handler) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc(b.path+"/sso", b.serveSSO)
	mux.HandleFunc("GET "+b.path+"/start", b.serveStart)
	mux.HandleFunc("GET "+b.path+"/signin/{handle}", b.serveSignIn)
	mux.HandleFunc("POST "+b.path+"/signin/{handle}", b.serveSignIn) // the host's form, or the Bridge's
	mux.HandleFunc(b.path+"/callback", b.serveCallback)
	mux.HandleFunc("GET "+b.path+"/signin/{handle}/progress", b.serveProgress)
	mux.HandleFunc(b.path+"/logout", b.serveLogout)
	mux.HandleFunc("GET "+b.path+"/logout/done", b.serveLogoutDone)
	mux.HandleFunc("GET "+b.path+"/metadata", b.serveMetadata)
	mux.Handle(b.path+"/go", smart)
	for path, allowed := range map[string]string{
		"/signin/{handle}": "GET, POST", "/signin/{handle}/progress": "GET", "/logout": "GET, POST", "/logout/done": "GET",
	} {
		mux.HandleFunc("HEAD "+b.path+path, refuseHEAD(allowed)) // which a pattern with GET would serve as well
	}
	mux.HandleFunc("/", b.serveNotFound)
	return mux
}

// refuseHEAD is for addresses whose GET changes something: HEAD must not (RFC 9110, section 9.2.1).
func refuseHEAD(allowed string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", allowed)
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// ServeHTTP serves the paths below that of BaseURL, also where a proxy or a StripPrefix has cut off its beginning or all
// of it. What the request says of the address that the browser asked for, as X-Forwarded-Host does, is never believed:
// BaseURL says it.
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path := b.located(r); path != r.URL.Path {
		full := *r.URL
		full.Path, full.RawPath = path, ""
		clone := *r
		clone.URL = &full
		r = &clone
	}
	b.mux.ServeHTTP(w, r)
}

// Close gives up the provisioning that the Bridge waits for, and returns once nobody waits any more, or ctx ends. Nothing
// is lost: a call to the directory that is under way may still come to its end, and the rest continues when the person
// comes again. Call it after the server was shut down, and [provision.Provisioner.Wait] before the store is closed.
func (b *Bridge) Close(ctx context.Context) error { return b.runs.close(ctx) }

func (b *Bridge) serveMetadata(w http.ResponseWriter, r *http.Request) {
	document, err := b.idp.Metadata(r.URL.Query().Get("domain"))
	if err != nil {
		b.fail(w, r, failure{Status: http.StatusNotFound, Title: msgDomainTitle, Text: msgDomainText, Err: err})
		return
	}
	w.Header().Set("Content-Type", saml.MetadataContentType)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(document)
}

func (b *Bridge) serveNotFound(w http.ResponseWriter, r *http.Request) {
	b.fail(w, r, failure{Status: http.StatusNotFound, Title: msgNotFoundTitle, Text: msgNotFoundText,
		Err: errors.New("no such path")})
}

// newID draws an identifier of n random bytes, in hexadecimal.
func (b *Bridge) newID(n int) (string, error) {
	random := make([]byte, n)
	if _, err := io.ReadFull(b.rand, random); err != nil {
		return "", fmt.Errorf("adapters: no randomness: %w", err)
	}
	return hex.EncodeToString(random), nil
}
