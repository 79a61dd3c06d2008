package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/entrafed/entrafed/adapters"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/saml"
)

// outside is what an identity provider takes from the world around it.
type outside struct {
	transport http.RoundTripper
	now       func() time.Time
	sleep     func(context.Context, time.Duration) error
	log       *slog.Logger
}

func (p program) outside(log *slog.Logger) outside {
	return outside{transport: p.Transport, now: p.Now, sleep: p.Sleep, log: log}
}

func newLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// identityProvider is everything joined: the tenant, the pipeline, the Bridge, and the host's own pages.
type identityProvider struct {
	tenant  *msgraph.Tenant
	people  *provision.Provisioner
	bridge  *adapters.Bridge
	handler http.Handler
	log     *slog.Logger
}

// newIdentityProvider makes no call to anybody. Without a state it can be looked at, but serves nobody. The error lists
// everything that the packages refuse.
func newIdentityProvider(s settings, kept *state, out outside) (*identityProvider, error) {
	tenant, tenantErr := newTenant(s, out)
	assertions, samlErr := saml.New(saml.Config{
		Cloud:               s.cloud,
		SingleSignOnService: s.ssoURL(),
		SingleLogoutService: s.logoutURL(),
		Realms:              []saml.Realm{{Domain: s.domain, Issuer: s.issuer}},
		Signer:              saml.Signer{Key: s.key, Certificate: s.certificate},
		Now:                 out.now,
	})
	if err := newConfigError([]error{tenantErr, samlErr}); err != nil {
		return nil, err
	}
	people, peopleErr := newPeople(s, tenant, kept, out)
	host := newHost(s, kept, out.now, out.log)
	bridge, bridgeErr := adapters.New(adapters.Config{
		BaseURL: s.baseURL, IdentityProvider: assertions, Authenticator: host, People: people,
		Domain: s.domain, Home: s.home, Hosts: s.linkHosts, Secret: s.secret, Now: out.now, Logger: out.log,
	})
	handler, handlerErr := routes(s.realm, host, bridge)
	if err := newConfigError([]error{peopleErr, bridgeErr, handlerErr}); err != nil {
		return nil, err
	}
	return &identityProvider{tenant: tenant, people: people, bridge: bridge, handler: handler, log: out.log}, nil
}

func newTenant(s settings, out outside) (*msgraph.Tenant, error) {
	credential, err := s.credential.Open(s.cloud, out.transport)
	if err != nil {
		return nil, err
	}
	return msgraph.New(msgraph.Config{
		Cloud: s.cloud, Credential: credential, Transport: out.transport, Now: out.now, Logger: out.log,
	})
}

func newPeople(s settings, tenant *msgraph.Tenant, kept *state, out outside) (*provision.Provisioner, error) {
	var store provision.Store
	var pacer provision.Pacer
	if kept != nil {
		store, pacer = kept.people, kept.pacer
	}
	return provision.New(provision.Config{
		Directory: tenant, Store: store, Pacer: pacer,
		Rules: provision.Rules{
			Domain: s.domain, UsageLocation: s.usageLocation, Licenses: s.licenses, SkipConnections: s.skipConnections,
			Connections: s.connections,
		},
		Now: out.now, Sleep: out.sleep, Logger: out.log,
	})
}

// routes puts the host's pages beside the Bridge.
func routes(r realm, h *host, bridge http.Handler) (http.Handler, error) {
	base, err := url.Parse(r.baseURL)
	if err != nil {
		return nil, err
	}
	form, err := h.forms(http.HandlerFunc(h.servePassword))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+pathSignIn, h.serveForm)
	mux.Handle("POST "+pathSignIn, form)
	mux.HandleFunc("GET "+pathHealth, h.serveHealth)
	mux.Handle(base.Path+"/", bridge)
	if base.Path != "" { // else these are the Bridge's
		mux.HandleFunc("GET "+pathSignOut, h.serveSignOut)
		mux.HandleFunc("GET /{$}", h.serveStart)
		mux.HandleFunc("/", h.serveNotFound)
	}
	return mux, nil
}

// The Bridge's addresses that Entra knows.
func (r realm) ssoURL() string    { return r.baseURL + "/sso" }
func (r realm) logoutURL() string { return r.baseURL + pathSignOut }

// How long requests may take. A sign-in that waits for its account is a page that loads itself again, or a stream, whose
// deadline the Bridge lifts.
const (
	headerTime = 10 * time.Second
	readTime   = 30 * time.Second
	writeTime  = time.Minute
	idleTime   = 2 * time.Minute
	maxHeader  = 64 << 10 // bytes; the Bridge's cookies can be 28 KiB
	graceTime  = 20 * time.Second
)

// listenAndServe serves until ctx ends, and then lets what is under way come to its end.
func (p *identityProvider) listenAndServe(ctx context.Context, s settings, listening func(net.Addr)) error {
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("%s: %w", varListen, err)
	}
	p.log.Info("listening", "address", listener.Addr().String(), "sign_in_page", s.origin+pathSignIn)
	if listening != nil {
		listening(listener.Addr())
	}
	return p.serve(ctx, listener, s.tls)
}

func (p *identityProvider) serve(ctx context.Context, listener net.Listener, certificate *tls.Certificate) error {
	server := &http.Server{
		Handler:           endingStreams(ctx, p.handler),
		ReadHeaderTimeout: headerTime, ReadTimeout: readTime, WriteTimeout: writeTime, IdleTimeout: idleTime,
		MaxHeaderBytes: maxHeader,
		ErrorLog:       slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	go func() { failed <- listen(server, listener, certificate) }()
	select {
	case err := <-failed:
		return errors.Join(err, p.end(server))
	case <-ctx.Done():
		p.log.Info("stopping: requests under way are finished first", "at_most", graceTime)
		return p.end(server)
	}
}

func listen(server *http.Server, listener net.Listener, certificate *tls.Certificate) error {
	if certificate == nil {
		return server.Serve(listener)
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	return server.ServeTLS(listener, "", "")
}

// end stops taking requests, finishes those under way, and then stops the provisioning at its next safe point.
func (p *identityProvider) end(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), graceTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		_ = server.Close() // cuts off what is left
		err = fmt.Errorf("requests were cut off: %w", err)
	}
	// The time of the requests must not be taken from the pipeline's.
	ctx, cancel = context.WithTimeout(context.Background(), graceTime)
	defer cancel()
	if closing := errors.Join(p.bridge.Close(ctx), p.people.Wait(ctx)); closing != nil {
		err = errors.Join(err, fmt.Errorf("provisioning was cut off, and goes on when the person comes again: %w", closing))
	}
	return err
}

// endingStreams ends the streams of progress when the program stops. They would hold it up for as long as an account
// takes, and their pages ask again by themselves.
func endingStreams(stopping context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
			next.ServeHTTP(w, r)
			return
		}
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(stopping, cancel)()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
