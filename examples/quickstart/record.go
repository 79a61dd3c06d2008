package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
)

// exchange is one call to Graph and its answer, as a line of graph.jsonl.
type exchange struct {
	Method         string            `json:"method"`
	URL            string            `json:"url"`
	RequestHeaders map[string]string `json:"request_headers"` // without Authorization
	Request        json.RawMessage   `json:"request"`         // null without a body
	Status         int               `json:"status"`
	Response       json.RawMessage   `json:"response"` // null without a body
}

// maxRecorded bounds what is kept of one body.
const maxRecorded = 4 << 20

// recorder is a transport that keeps what passes through it.
type recorder struct {
	next    http.RoundTripper
	changed func() error // called after each call that may have changed the tenant, before its answer is passed on

	mu        sync.Mutex
	exchanges []exchange
}

func newRecorder(next http.RoundTripper, changed func() error) *recorder {
	return &recorder{next: next, changed: changed}
}

func (c *recorder) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := copyBody(&r.Body)
	if err != nil {
		return nil, err
	}
	response, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	received, err := copyBody(&response.Body)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.Method != http.MethodGet {
		if err := c.changed(); err != nil {
			return nil, err
		}
	}
	c.exchanges = append(c.exchanges, exchange{
		Method: r.Method, URL: r.URL.String(), RequestHeaders: plainHeaders(r.Header), Request: asJSON(sent),
		Status: response.StatusCode, Response: asJSON(received),
	})
	return response, nil
}

// copyBody reads a body and puts another in its place.
func copyBody(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	content, err := io.ReadAll(io.LimitReader(*body, maxRecorded))
	_ = (*body).Close()
	*body = io.NopCloser(bytes.NewReader(content))
	return content, err
}

func plainHeaders(header http.Header) map[string]string {
	plain := map[string]string{}
	for name := range header {
		if name != "Authorization" {
			plain[name] = header.Get(name)
		}
	}
	return plain
}

func asJSON(body []byte) json.RawMessage {
	if len(body) == 0 {
		return json.RawMessage("null")
	}
	if !json.Valid(body) {
		text, _ := json.Marshal(string(body))
		return text
	}
	return body
}

// jsonLines is everything recorded so far, one exchange a line.
func (c *recorder) jsonLines() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lines bytes.Buffer
	for _, e := range c.exchanges {
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		lines.Write(append(line, '\n'))
	}
	return lines.Bytes(), nil
}
