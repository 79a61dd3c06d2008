package oidc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	// maxAnswer is the size of the largest answer of the provider, in bytes.
	maxAnswer = 512 << 10

	// answerTime is how long the provider may take for an answer.
	answerTime = 10 * time.Second
)

// newClient makes the client that calls the provider.
func newClient(cfg Config) *http.Client {
	client := http.Client{Timeout: answerTime, Transport: http.DefaultTransport}
	if cfg.HTTPClient != nil {
		if cfg.HTTPClient.Timeout > 0 {
			client.Timeout = cfg.HTTPClient.Timeout
		}
		if cfg.HTTPClient.Transport != nil {
			client.Transport = cfg.HTTPClient.Transport
		}
	}
	client.Transport = &guard{next: client.Transport, check: cfg.checkScheme}
	return &client
}

var errRedirect = errors.New("the provider answered with a redirect, which is not followed: " +
	"set Issuer to the address that answers")

// guard lets nothing pass that is not encrypted, nothing endless and nothing that leads elsewhere.
type guard struct {
	next  http.RoundTripper
	check func(*url.URL) error
}

func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := g.check(r.URL); err != nil {
		return nil, err
	}
	answer, err := g.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = &limited{answer.Body, maxAnswer}
	switch {
	case answer.StatusCode >= 300 && answer.StatusCode < 400:
		_ = answer.Body.Close()
		return nil, errRedirect
	case r.Method == http.MethodGet && answer.StatusCode != http.StatusOK:
		// What an error page says may be about a person, and is of no use.
		_ = answer.Body.Close()
		return nil, fmt.Errorf("the provider answered %s", status(answer))
	}
	return answer, nil
}

// status is the answer's, in our words: the provider's own may be anything.
func status(answer *http.Response) string {
	return strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
}

// limited is a body that fails, in place of ending early, where it is too long.
type limited struct {
	io.ReadCloser
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, fmt.Errorf("the provider's answer has more than %d bytes", maxAnswer)
	}
	return n, err
}

// keyPace is how long keys are not fetched again, whether or not they were got. Anybody can send a token with an
// unknown key, to the address of the back-channel logout for one: each would have the provider asked.
const keyPace = 5 * time.Second

// paced answers with the last answer, or fails as the last time, if that was a moment ago.
type paced struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	at   time.Time
	keys []byte
	err  error
}

func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.at.IsZero() || p.now().Sub(p.at) >= keyPace {
		p.keys, p.err = p.fetch(r)
		p.at = p.now()
	}
	if p.err != nil {
		return nil, p.err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(p.keys)),
		Body: io.NopCloser(bytes.NewReader(p.keys)),
	}, nil
}

func (p *paced) fetch(r *http.Request) ([]byte, error) {
	answer, err := p.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	return io.ReadAll(answer.Body)
}
