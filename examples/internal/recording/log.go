// Package recording writes down the requests that a command sends to Microsoft Graph and what is answered, for people
// and other tools to look at. What proves somebody's identity is left out: tokens, secrets and passwords.
package recording

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
)

// Exchange is one request and its answer, as a line of the log.
type Exchange struct {
	Method         string            `json:"method"`
	URL            string            `json:"url"`
	RequestHeaders map[string]string `json:"request_headers"` // without Authorization and Cookie
	Request        json.RawMessage   `json:"request"`         // null without a body; a JSON string if it is not JSON
	Status         int               `json:"status"`          // 0 without an answer
	Response       json.RawMessage   `json:"response"`        // as the request
	Error          string            `json:"error,omitempty"` // why there is no answer
}

// Log is a file of JSON lines, or another writer of them. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	lines io.WriteCloser
	err   error
}

// Create begins a log in a file for its owner alone: it says who people are. A file that is there is replaced, also one
// that others may read.
func Create(path string) (*Log, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &Log{lines: file}, nil
}

// Close closes the file. Its error is the first one of the log.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.err, l.lines.Close())
}

// Transport is next, with each exchange in the log before its answer is passed on. A nil next is the network, and a nil
// log keeps nothing.
func (l *Log) Transport(next http.RoundTripper) http.RoundTripper {
	if l == nil {
		return next
	}
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{log: l, next: next}
}

// add writes one line. After an error nothing more is written.
func (l *Log) add(e Exchange) {
	line, err := json.Marshal(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
	if l.err == nil {
		_, l.err = l.lines.Write(append(line, '\n'))
	}
}
