package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync/atomic"
	"time"

	goldap "github.com/go-ldap/ldap/v3"
)

const (
	// dialTime is how long a server may take to take the call, so that there is time for the next one.
	dialTime = 3 * time.Second

	// maxAnswers is how much one connection may bring, in bytes.
	maxAnswers = 4 << 20

	// maxConnections is how many there are at once.
	maxConnections = 64
)

// servers makes connections to the first server that answers. It is safe for concurrent use.
type servers struct {
	cfg   Config
	first atomic.Int64 // of cfg.URLs: served last
	free  chan struct{}
}

func newServers(cfg Config) *servers {
	return &servers{cfg: cfg, free: make(chan struct{}, maxConnections)}
}

// connect returns an encrypted connection on which bind succeeded. close ends it.
func (s *servers) connect(ctx context.Context, bind func(*goldap.Conn) error) (conn *goldap.Conn, end func(), err error) {
	select {
	case s.free <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, problem("connect", ErrUnavailable, "there are %d connections already: %v", maxConnections, ctx.Err())
	}
	release := func() { <-s.free }
	defer func() {
		if conn == nil {
			release()
		}
	}()
	var errs []error
	for i := range s.cfg.URLs {
		which := (int(s.first.Load()) + i) % len(s.cfg.URLs)
		made, err := s.connectTo(ctx, s.cfg.URLs[which], bind)
		if err == nil {
			s.first.Store(int64(which))
			return made, func() { _ = made.Close(); release() }, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", s.cfg.URLs[which], err))
		if !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			break // another server would say the same
		}
		s.cfg.Logger.WarnContext(ctx, "a directory server does not serve", "server", s.cfg.URLs[which], "error", err)
	}
	return nil, nil, errors.Join(errs...)
}

func (s *servers) connectTo(ctx context.Context, address string, bind func(*goldap.Conn) error) (*goldap.Conn, error) {
	conn, err := s.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	if err := bind(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// dial calls a server and encrypts.
func (s *servers) dial(ctx context.Context, address string) (*goldap.Conn, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err // New has parsed it before
	}
	dialing, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(dialing, "tcp", hostPort(parsed))
	if err != nil {
		return nil, failure("connect", err, "")
	}
	// The deadline holds for everything on this connection, whatever the directory does.
	if err := raw.SetDeadline(time.Now().Add(s.cfg.Timeout)); err != nil {
		_ = raw.Close()
		return nil, failure("connect", err, "")
	}
	raw = &limitedConn{Conn: raw, left: maxAnswers}
	if parsed.Scheme == "ldaps" {
		return s.dialTLS(ctx, raw, parsed.Hostname())
	}
	conn := goldap.NewConn(raw, false)
	conn.Start()
	conn.SetTimeout(s.cfg.Timeout)
	if s.cfg.InsecureNoTLS {
		return conn, nil
	}
	if err := conn.StartTLS(s.tls(parsed.Hostname())); err != nil {
		_ = conn.Close()
		return nil, failure("connect", err,
			"StartTLS is required: let the server have a certificate that TLS.RootCAs verifies, or use ldaps://")
	}
	return conn, nil
}

func (s *servers) dialTLS(ctx context.Context, raw net.Conn, host string) (*goldap.Conn, error) {
	encrypted := tls.Client(raw, s.tls(host))
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, failure("connect", err, "compare the server's certificate with its name and with TLS.RootCAs")
	}
	conn := goldap.NewConn(encrypted, true)
	conn.Start()
	conn.SetTimeout(s.cfg.Timeout)
	return conn, nil
}

// tls is the configuration for one server.
func (s *servers) tls(host string) *tls.Config {
	cfg := s.cfg.TLS.Clone()
	if cfg == nil {
		cfg = &tls.Config{}
	}
	cfg.ServerName = host
	cfg.MinVersion = max(cfg.MinVersion, tls.VersionTLS12)
	return cfg
}

func hostPort(address *url.URL) string {
	port := address.Port()
	switch {
	case port == "" && address.Scheme == "ldaps":
		port = goldap.DefaultLdapsPort
	case port == "":
		port = goldap.DefaultLdapPort
	}
	return net.JoinHostPort(address.Hostname(), port)
}

// limitedConn is a connection that fails where it brings too much.
type limitedConn struct {
	net.Conn
	left int
}

func (c *limitedConn) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("the directory sent more than %d bytes", maxAnswers)
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}
