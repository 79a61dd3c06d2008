package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

// PublishedAfter is how long after a domain was added its DNS record is there: somebody has to publish it.
const PublishedAfter = time.Hour

// graphVersion begins the path of all requests to Graph.
const graphVersion = "/v1.0"

// RoundTrip implements [http.RoundTripper].
func (t *Tenant) RoundTrip(r *http.Request) (*http.Response, error) {
	if !concernsDomains(r) {
		return t.Transport().RoundTrip(r)
	}
	write := Write{At: t.Clock.Now(), Method: r.Method, Path: r.URL.EscapedPath()}
	var err error
	if write.Body, err = copyBody(r); err != nil {
		return nil, err
	}
	if err := t.publish(r.Context(), write); err != nil {
		return nil, err
	}
	response, err := t.Transport().RoundTrip(r)
	if err == nil && response.StatusCode/100 == 2 {
		t.File.Writes = append(t.File.Writes, write)
	}
	return response, err
}

// concernsDomains reports whether a request changes domains or federations. Users are kept as they are.
func concernsDomains(r *http.Request) bool {
	below := func(path string) bool { return strings.HasPrefix(strings.ToLower(r.URL.Path), graphVersion+path) }
	return r.Method != http.MethodGet && (below("/domains") || below("/directory/federationconfigurations"))
}

// copyBody reads the body of a request, and puts the same one in its place.
func copyBody(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// repeat makes the writes of the file again.
func (t *Tenant) repeat(ctx context.Context) error {
	writes := t.File.Writes
	t.File.Writes = nil
	for i, w := range writes {
		t.Clock.Advance(w.At.Sub(t.Clock.Now()))
		status, _, err := t.send(ctx, w)
		if err == nil && status/100 != 2 {
			err = fmt.Errorf("the answer is %d", status)
		}
		if err != nil {
			return fmt.Errorf("write %d, %s %s, cannot be made again: %w", i+1, w.Method, w.Path, err)
		}
	}
	return nil
}

// send makes a request with the credential of the tenant's application.
func (t *Tenant) send(ctx context.Context, w Write) (status int, body []byte, err error) {
	graph := t.Cloud().Graph
	r, err := http.NewRequestWithContext(ctx, w.Method, graph+w.Path, bytes.NewReader(w.Body))
	if err != nil {
		return 0, nil, err
	}
	token, err := t.Credential().GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{graph + "/.default"}})
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token.Token)
	if len(w.Body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := t.RoundTrip(r)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// publish puts the DNS record of a domain there that is about to be verified, if there was time for it.
func (t *Tenant) publish(ctx context.Context, w Write) error {
	domain, ok := strings.CutSuffix(strings.TrimPrefix(w.Path, graphVersion+"/domains/"), "/verify")
	if !ok || !t.addedBefore(domain, w.At.Add(-PublishedAfter)) {
		return nil
	}
	_, body, err := t.send(ctx, Write{Method: http.MethodGet, Path: graphVersion + "/domains/" + domain + "/verificationDnsRecords"})
	if err != nil {
		return err
	}
	var records struct {
		Value []struct{ Label, Text string }
	}
	if err := json.Unmarshal(body, &records); err != nil {
		return err
	}
	for _, record := range records.Value {
		if record.Text != "" {
			t.PublishDNS(record.Label, record.Text)
		}
	}
	return nil
}

// addedBefore reports whether a domain was added until then.
func (t *Tenant) addedBefore(domain string, then time.Time) bool {
	for _, w := range t.File.Writes {
		var added struct{ ID string }
		if w.Path == graphVersion+"/domains" && json.Unmarshal(w.Body, &added) == nil && added.ID == domain && !w.At.After(then) {
			return true
		}
	}
	return false
}
