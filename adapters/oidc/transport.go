package oidc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	client.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("the provider answered with a redirect, which is not followed: set Issuer to the address that answers")
	}
	return &client
}

// guard lets nothing pass that is not encrypted, and nothing endless.
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
	redirects := answer.StatusCode >= 300 && answer.StatusCode < 400
	if r.Method == http.MethodGet && answer.StatusCode != http.StatusOK && !redirects {
		// What an error page says may be about a person, and is of no use.
		_ = answer.Body.Close()
		return nil, fmt.Errorf("the provider answered %d %s", answer.StatusCode, http.StatusText(answer.StatusCode))
	}
	return answer, nil
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

// keyPace is how long fetched keys are not fetched again. Anybody can send a token with an unknown key, to the address of
// the back-channel logout for one: each would have the provider asked.
const keyPace = 5 * time.Second

// paced answers with the last answer, if that is new.
type paced struct {
	next http.RoundTripper
	now  func() time.Time

	mu   sync.Mutex
	at   time.Time
	last []byte
}

func (p *paced) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.last == nil || p.now().Sub(p.at) >= keyPace {
		answer, err := p.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil {
			return nil, err
		}
		if answer.StatusCode != http.StatusOK {
			return answer, nil // a redirect
		}
		p.at, p.last = p.now(), content
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(p.last)),
		Body: io.NopCloser(bytes.NewReader(p.last)),
	}, nil
}
