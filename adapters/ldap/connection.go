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
	// maxAnswers is how much one connection may bring, in bytes.
	maxAnswers = 4 << 20

	// maxConnections is how many there are at once.
	maxConnections = 64
)

// servers makes connections to the first server that serves. It is safe for concurrent use.
type servers struct {
	cfg   Config
	first atomic.Int64 // of cfg.URLs: the one that served last
	free  chan struct{}
}

func newServers(cfg Config) *servers {
	return &servers{cfg: cfg, free: make(chan struct{}, maxConnections)}
}

// use gives ready, and then work, an encrypted connection. ready finds out whether the server serves; if not, the next
// one is asked. Whatever work finds out is final. Everything ends with ctx, or after Config.Timeout, of which each
// server has its share.
func (s *servers) use(ctx context.Context, ready, work func(*goldap.Conn) error) error {
	limited, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	release, err := s.place(limited)
	if err != nil {
		return err
	}
	defer release()
	var errs []error
	first, number := int(s.first.Load()), len(s.cfg.URLs)
	for tried := range number {
		which := (first + tried) % number
		conn, end, err := s.connect(limited, s.cfg.URLs[which], number-tried, ready)
		if err == nil {
			defer end()
			err = safely(conn, work)
			if conn.IsClosing() { // it broke off, or took too long
				s.passOver(ctx, which, err)
			}
			return err
		}
		errs = append(errs, fmt.Errorf("%s: %w", s.cfg.URLs[which], err))
		s.passOver(ctx, which, err)
		if !mayServeElsewhere(err) || limited.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// place waits until one more connection may be made.
func (s *servers) place(ctx context.Context) (release func(), err error) {
	select {
	case s.free <- struct{}{}:
		return func() { <-s.free }, nil
	case <-ctx.Done():
		return nil, problem("connect", ErrUnavailable, "there are %d connections already: %v", maxConnections, ctx.Err())
	}
}

// passOver lets others begin with the next server, unless nothing is wrong with this one, or the browser has left.
func (s *servers) passOver(ctx context.Context, which int, err error) {
	if !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
		return
	}
	s.first.CompareAndSwap(int64(which), int64((which+1)%len(s.cfg.URLs)))
	s.cfg.Logger.WarnContext(ctx, "a directory server does not serve", "server", s.cfg.URLs[which], "error", err)
}

// mayServeElsewhere reports whether the next server is asked. It is not where it would hear a person's password too, or
// would count a failure of the search account too.
func mayServeElsewhere(err error) bool {
	var failed *Error
	return errors.As(err, &failed) && errors.Is(err, ErrUnavailable) && !failed.unanswered &&
		failed.Code != goldap.LDAPResultInvalidCredentials
}

// connect returns an encrypted connection on which ready succeeded, within this server's share of the time. The
// connection ends with ctx, or by end.
func (s *servers) connect(
	ctx context.Context, address string, servers int, ready func(*goldap.Conn) error,
) (conn *goldap.Conn, end func(), err error) {
	sharing, done := share(ctx, servers)
	defer done()
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, nil, err // New has parsed it before
	}
	raw, err := (&net.Dialer{}).DialContext(sharing, "tcp", hostPort(parsed))
	if err != nil {
		return nil, nil, failure("connect", err, "")
	}
	hangUp := func() { _ = raw.Close() } // whatever waits for an answer on it fails at once
	stop := context.AfterFunc(sharing, hangUp)
	conn, err = s.encrypt(sharing, &limitedConn{Conn: raw, left: maxAnswers}, parsed)
	if err == nil {
		err = safely(conn, ready)
	}
	if !stop() && err == nil {
		err = problem("connect", ErrUnavailable, "the server took too long")
	}
	if err != nil {
		hangUp()
		_ = conn.Close()
		return nil, nil, err
	}
	stop = context.AfterFunc(ctx, hangUp)
	return conn, func() { _ = conn.Close(); stop() }, nil
}

// share is the part of the time that one of so many servers has.
func share(ctx context.Context, servers int) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline() // use has set one
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(servers))
}

// safely makes an error of an answer that the library cannot read and panics at.
func safely(conn *goldap.Conn, ask func(*goldap.Conn) error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = problem("connect", ErrUnavailable, "the directory's answer cannot be read: %s", sayable(fmt.Sprint(cause)))
		}
	}()
	return ask(conn)
}

// encrypt returns a connection that is to be closed even if there is an error.
func (s *servers) encrypt(ctx context.Context, raw net.Conn, address *url.URL) (*goldap.Conn, error) {
	if address.Scheme == "ldaps" {
		return s.encryptAtOnce(ctx, raw, s.tls(address.Hostname()))
	}
	conn := s.start(raw, false)
	if s.cfg.InsecureNoTLS {
		return conn, nil
	}
	err := safely(conn, func(conn *goldap.Conn) error { return conn.StartTLS(s.tls(address.Hostname())) })
	if err != nil {
		return conn, failure("connect", err,
			"StartTLS is required: let the server have a certificate that TLS.RootCAs verifies, or use ldaps://")
	}
	return conn, nil
}

func (s *servers) encryptAtOnce(ctx context.Context, raw net.Conn, cfg *tls.Config) (*goldap.Conn, error) {
	encrypted := tls.Client(raw, cfg)
	err := encrypted.HandshakeContext(ctx)
	conn := s.start(encrypted, true)
	if err != nil {
		return conn, failure("connect", err, "compare the server's certificate with its name and with TLS.RootCAs")
	}
	return conn, nil
}

func (s *servers) start(raw net.Conn, encrypted bool) *goldap.Conn {
	conn := goldap.NewConn(raw, encrypted)
	conn.SetTimeout(s.cfg.Timeout)
	conn.Start()
	return conn
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
