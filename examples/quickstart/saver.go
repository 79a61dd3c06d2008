package main

import (
	"net/http"
	"sync"
)

// saver is a transport that writes the tenant down after each call that may have changed it, before the answer is passed
// on.
type saver struct {
	next http.RoundTripper
	save func() error

	mu sync.Mutex
}

// RoundTrip implements [http.RoundTripper].
func (s *saver) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.next.RoundTrip(r)
	if err != nil || r.Method == http.MethodGet {
		return response, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.save(); err != nil {
		_ = response.Body.Close() // nobody gets the answer
		return nil, err
	}
	return response, nil
}
