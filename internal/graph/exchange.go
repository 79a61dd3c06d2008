package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	khttp "github.com/microsoft/kiota-http-go"
)

const (
	// maxAnswer is the size of the largest answer that is read, in bytes after decompression. The list of a large
	// tenant's subscriptions is a few hundred kilobytes.
	maxAnswer = 4 << 20

	// maxPage is that for a page of a list: 999 users with some ten kilobytes each, who have many subscriptions with many
	// plans switched off.
	maxPage = 32 << 20
)

// call is one request on its way, and the beginning of its answer.
type call struct {
	operation       string
	clientRequestID string
	priority        string   // of x-ms-throttle-priority
	limit           int      // bytes of the answer that are read
	secrets         []string // what was sent and is not to be read back

	status   int         // 0 until an answer arrives
	header   http.Header // of the answer
	load     float64     // the highest that the answer told, as in [Trace]
	scope    string
	duration time.Duration
}

type callKey struct{}

// callOf returns the call that the context is of. The context of everything that do calls is of one.
func callOf(ctx context.Context) *call {
	call, _ := ctx.Value(callKey{}).(*call)
	return call
}

// received keeps the beginning of the answer.
func (call *call) received(status int, header http.Header) {
	call.status, call.header = status, header
	call.load, call.scope = throttleLoad(header), throttleScope(header)
}

// exchange is the last middleware before the wire. It sets the headers of a request, and reads its answer: whole,
// within limits, and exactly once.
type exchange struct {
	now func() time.Time
}

// Intercept implements kiota's Middleware.
//
// An answer that is not a success becomes an *Error here and never reaches kiota. For kiota sends a request again when a
// 401 carries a claims challenge, and panics if it cannot read that challenge; it forgets the status of an error whose
// body is not JSON; *odataerrors.ODataError is lost as a whole if one of its fields is odd, say a date; and its Error
// method, which a tracer that records spans would call, panics when the message is missing.
func (x exchange) Intercept(next khttp.Pipeline, index int, req *http.Request) (*http.Response, error) {
	call := callOf(req.Context())
	if call == nil {
		return nil, errors.New("graph: a request outside of a call")
	}
	if err := complete(req, call); err != nil {
		return nil, err
	}
	begin := x.now()
	defer func() { call.duration = x.now().Sub(begin) }()
	resp, err := next.Next(req, index)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	call.received(resp.StatusCode, resp.Header)
	body, err := readAnswer(resp.Body, call.limit)
	body = call.withoutSecrets(req, body)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, call.refusal(body, x.now())
	}
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// leastSecret is the length of the shortest secret that is looked for: that of the shortest password. What is shorter
// may occur by chance.
const leastSecret = 8

// withoutSecrets is an answer without the token and the passwords of its request. Graph does not repeat them, but what
// stands between it and us may, and what an answer says is kept in errors and in the log.
func (call *call) withoutSecrets(req *http.Request, body []byte) []byte {
	_, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	for _, secret := range append(slices.Clip(call.secrets), token) {
		if len(secret) >= leastSecret {
			body = bytes.ReplaceAll(body, []byte(secret), []byte("[secret]"))
		}
	}
	return body
}

func complete(req *http.Request, call *call) error {
	req.Header.Set("User-Agent", "entrafed")
	req.Header.Set("client-request-id", call.clientRequestID)
	req.Header.Set("x-ms-throttle-priority", call.priority)
	if req.Body == nil {
		return nil
	}
	// kiota does not tell the length of the body, which would then go out in chunks, nor how to get it again, which
	// net/http needs when a kept connection turns out to be closed before anything was sent.
	content, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(content))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	req.Body, err = req.GetBody()
	return err
}

// readAnswer reads at most limit bytes. What it read is returned along with an error.
func readAnswer(body io.Reader, limit int) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, int64(limit)+1))
	if err == nil && len(content) > limit {
		err = fmt.Errorf("the answer is larger than %d bytes", limit)
	}
	return content, err
}
