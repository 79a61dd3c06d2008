package graph

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	khttp "github.com/microsoft/kiota-http-go"
)

// maxAnswer is the size of the largest answer that is read, in bytes after decompression. The list of a large tenant's
// subscriptions is a few hundred kilobytes.
const maxAnswer = 4 << 20

var errAnswerTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxAnswer)

// call is one request on its way, and the beginning of its answer.
type call struct {
	operation       string
	clientRequestID string
	status          int         // 0 until an answer arrives
	header          http.Header // of the answer
}

type callKey struct{}

// exchange is the last middleware before the wire. It sets the headers of a request, and reads its answer: whole,
// within limits, and exactly once.
type exchange struct {
	priority string
	now      func() time.Time
}

func newExchange(cfg Config) exchange {
	if cfg.Bulk {
		return exchange{priority: "low", now: cfg.Now}
	}
	return exchange{priority: "high", now: cfg.Now}
}

// Intercept implements kiota's Middleware.
//
// An answer that is not a success becomes an *Error here and never reaches kiota. For kiota sends a request again when a
// 401 carries a claims challenge, and panics if it cannot read that challenge; it forgets the status of an error whose
// body is not JSON; *odataerrors.ODataError is lost as a whole if one of its fields is odd, say a date; and its Error
// method, which a tracer that records spans would call, panics when the message is missing.
func (x exchange) Intercept(next khttp.Pipeline, index int, req *http.Request) (*http.Response, error) {
	call, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		return nil, errors.New("graph: a request outside of a call")
	}
	if err := x.complete(req, call); err != nil {
		return nil, err
	}
	resp, err := next.Next(req, index)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	call.status, call.header = resp.StatusCode, resp.Header
	body, err := readAnswer(resp.Body)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, call.refusal(body, x.now())
	}
	if err != nil {
		return nil, err
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

func (x exchange) complete(req *http.Request, call *call) error {
	req.Header.Set("User-Agent", "entrafed")
	req.Header.Set("client-request-id", call.clientRequestID)
	req.Header.Set("x-ms-throttle-priority", x.priority)
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

// readAnswer reads at most maxAnswer bytes. What it read is returned along with an error.
func readAnswer(body io.Reader) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err == nil && len(content) > maxAnswer {
		err = errAnswerTooLarge
	}
	return content, err
}
