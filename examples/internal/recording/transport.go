package recording

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
)

// transport is one that a log looks over the shoulder of.
type transport struct {
	log  *Log
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	e := Exchange{Method: r.Method, URL: r.URL.String(), RequestHeaders: plainHeaders(r.Header)}
	request := r.Clone(r.Context()) // a transport must not change the caller's
	sent, _ := copyBody(&request.Body)
	e.Request, e.Response = withoutSecrets(r.Header, sent), json.RawMessage("null")
	response, err := t.next.RoundTrip(request)
	if err == nil {
		var received []byte
		received, err = copyBody(&response.Body)
		e.Status, e.Response = response.StatusCode, withoutSecrets(response.Header, received)
	}
	if err != nil {
		e.Error = err.Error()
	}
	t.log.add(e)
	if response == nil {
		return nil, err
	}
	return response, nil // who reads its body meets the error there
}

// maxRecorded is how much is kept of one body, in bytes.
const maxRecorded = 4 << 20

// copyBody reads what is kept of a body, and puts one in its place that reads as it did.
func copyBody(body *io.ReadCloser) ([]byte, error) {
	if *body == nil || *body == http.NoBody {
		return nil, nil
	}
	content, err := io.ReadAll(io.LimitReader(*body, maxRecorded+1))
	rest := io.Reader(*body)
	if err != nil {
		rest = broken{err}
	}
	*body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(content), rest), *body}
	return content, err
}

// broken is the rest of a body that broke off.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func plainHeaders(header http.Header) map[string]string {
	plain := map[string]string{}
	for name := range header {
		if name != "Authorization" && name != "Cookie" {
			plain[name] = header.Get(name)
		}
	}
	return plain
}
