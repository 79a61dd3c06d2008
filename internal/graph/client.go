package graph

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/google/uuid"
	abstractions "github.com/microsoft/kiota-abstractions-go"
	khttp "github.com/microsoft/kiota-http-go"
	jsonserialization "github.com/microsoft/kiota-serialization-json-go"
	msgraphgocore "github.com/microsoftgraph/msgraph-sdk-go-core"

	"github.com/entrafed/entrafed"
)

// DefaultTimeout is the time that one call may take, the token included.
const DefaultTimeout = 30 * time.Second

// Config says whose Graph to call, and how. Only Credential is required.
type Config struct {
	Cloud      entrafed.Cloud         // zero: entrafed.Global
	Credential azcore.TokenCredential // required; asked before every call, so it must cache
	Transport  http.RoundTripper      // nil: a clone of http.DefaultTransport
	Timeout    time.Duration          // per call; zero: DefaultTimeout
	Bulk       bool                   // x-ms-throttle-priority low for all calls; false: as the Trace says
	Logger     *slog.Logger           // nil: silent
	Now        func() time.Time       // nil: time.Now
	Rand       io.Reader              // nil: crypto/rand; safe for concurrent use
}

// Client calls Graph. It is safe for concurrent use.
type Client struct {
	adapter abstractions.RequestAdapter
	access  *access
	timeout time.Duration
	bulk    bool
	log     *slog.Logger
	now     func() time.Time
	rand    io.Reader
}

// version is the part of Graph's URLs between the origin and everything else.
const version = "/v1.0"

// New returns a Client, or one error that lists everything that is wrong with cfg. It makes no call.
func New(cfg Config) (*Client, error) {
	cfg.Cloud = cfg.Cloud.OrGlobal()
	origin, err := graphOrigin(cfg.Cloud)
	errs := []error{err}
	if cfg.Credential == nil {
		errs = append(errs, errors.New("the Credential is nil: set one of azidentity's, for example a "+
			"WorkloadIdentityCredential"))
	}
	if cfg.Timeout < 0 {
		errs = append(errs, fmt.Errorf("the Timeout is %v: it must not be negative", cfg.Timeout))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newClient(cfg.withDefaults(), origin)
}

func (cfg Config) withDefaults() Config {
	if cfg.Transport == nil {
		cfg.Transport = defaultTransport()
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	return cfg
}

func newClient(cfg Config, origin *url.URL) (*Client, error) {
	access := &access{credential: cfg.Credential, origin: origin, now: cfg.Now}

	// The factories are handed over, so nothing is registered in kiota's process-wide registries, where the first to
	// register a content type wins. Graph speaks JSON alone in the calls made here.
	adapter, err := msgraphgocore.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		access, msgraphgocore.GraphClientOptions{},
		jsonserialization.NewJsonParseNodeFactory(), jsonserialization.NewJsonSerializationWriterFactory(),
		newHTTPClient(cfg))
	if err != nil {
		return nil, fmt.Errorf("the Graph SDK refuses its configuration: %w", err)
	}
	adapter.SetBaseUrl(origin.String() + version)
	return &Client{
		adapter: adapter, access: access, timeout: cfg.Timeout, bulk: cfg.Bulk, log: cfg.Logger, now: cfg.Now,
		rand: cfg.Rand,
	}, nil
}

func newHTTPClient(cfg Config) *http.Client {
	return &http.Client{
		// Left out of kiota's and Graph core's middleware: retry (the caller retries; kiota sleeps up to 180 s and
		// sends a POST again), redirect (a redirect would carry the token elsewhere), compression (of request bodies),
		// user agent, telemetry and headers inspection (exchange sets the few headers that are wanted), and the
		// replacement of a placeholder for /me. An empty list would bring them all back.
		Transport: khttp.NewCustomTransportWithParentTransport(cfg.Transport,
			// The builders' templates spell $select as %24select; this sends it as Graph documents it.
			khttp.NewParametersNameDecodingHandler(),
			exchange{now: cfg.Now},
		),
		// exchange turns a redirect into an error before it comes to this.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// No Timeout: it would hide behind the context, which alone says how long a call may take.
	}
}

// defaultTransport keeps the proxy and HTTP/2 settings of http.DefaultTransport. Its other limits come from the
// context of the call.
func defaultTransport() http.RoundTripper {
	transport, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // the host has put its own in place
		return http.DefaultTransport
	}
	transport = transport.Clone()
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	transport.MaxIdleConnsPerHost = 16 // one host gets every call
	return transport
}

func graphOrigin(cloud entrafed.Cloud) (*url.URL, error) {
	if err := cloud.CheckURL(cloud.Graph); err != nil {
		return nil, fmt.Errorf("Cloud.Graph: %w", err)
	}
	origin, err := url.Parse(cloud.Graph)
	if err != nil {
		return nil, fmt.Errorf("Cloud.Graph: %w", err)
	}
	if *origin != (url.URL{Scheme: origin.Scheme, Host: origin.Host}) {
		return nil, fmt.Errorf("Cloud.Graph: %q must be an origin, without a version, a path or a trailing slash: "+
			"for example %q", cloud.Graph, entrafed.Global().Graph)
	}
	return origin, nil
}

// do makes one call. Whatever send returns comes back as an *Error.
func (c *Client) do(ctx context.Context, operation string, send func(context.Context) error) error {
	id, err := c.newRequestID()
	if err != nil {
		return err
	}
	trace := traceOf(ctx)
	call := &call{operation: operation, clientRequestID: id, priority: c.priority(trace), limit: maxAnswer}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, callKey{}, call), c.timeout)
	defer cancel()

	begin := c.now()
	err = call.failure(c.guarded(ctx, send))
	call.fill(trace)
	c.report(ctx, call, c.now().Sub(begin), err)
	return err
}

func (c *Client) newRequestID() (string, error) {
	id, err := uuid.NewRandomFromReader(c.rand)
	if err != nil {
		return "", fmt.Errorf("graph: no client-request-id without randomness: %w", err)
	}
	return id.String(), nil
}

// errSDKPanic marks an answer over which the SDK panicked.
var errSDKPanic = errors.New("the Graph SDK panicked")

// guarded turns a panic of the SDK's generated code into an error: no answer from the network may end the process.
func (c *Client) guarded(ctx context.Context, send func(context.Context) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			c.log.ErrorContext(ctx, "graph: the SDK panicked", "cause", cause, "stack", string(debug.Stack()))
			err = fmt.Errorf("%w: %v", errSDKPanic, cause)
		}
	}()
	return send(ctx)
}

func (c *Client) report(ctx context.Context, call *call, took time.Duration, err error) {
	level, attrs := slog.LevelDebug, []slog.Attr{
		slog.String("operation", call.operation),
		slog.Int("status", call.status),
		slog.Duration("took", took),
		slog.String("client_request_id", call.clientRequestID),
		slog.String("request_id", call.header.Get("request-id")),
	}
	// Graph sends this from 80 % of a limit on: the last warning before 429.
	if call.load > 0 {
		level, attrs = slog.LevelWarn, append(attrs, slog.Float64("throttle_limit", call.load))
	}
	if err != nil {
		attrs = append(attrs, slog.Any("error", err))
	}
	c.log.LogAttrs(ctx, level, "graph: call", attrs...)
}

// value is what p points to, or the zero value: the SDK's models hold pointers only.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
