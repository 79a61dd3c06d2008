package entratest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// How much of an answer is held: a short answer is complete, with its length, before the client sees any of it, as with
// net/http; a handler waits when the client is this far behind.
const (
	shortAnswer = 2 << 10
	maxUnread   = 1 << 20
)

// exchange is one request on its way through a handler, within one process. It is the handler's [http.ResponseWriter]
// and the client's body.
type exchange struct {
	request *http.Request // the client's
	now     func() time.Time
	logger  *slog.Logger
	ctx     context.Context // the handler's: it ends with the exchange, and knows nothing of the client's
	cancel  context.CancelCauseFunc
	stop    func() bool // stops watching the client's context

	header http.Header // the handler's

	mu      sync.Mutex
	changed *sync.Cond
	status  int         // 0 until the answer starts
	sent    http.Header // the header as it was then
	length  int64       // -1 while unknown
	unread  bytes.Buffer
	visible bool  // the client may see the answer
	ended   bool  // the handler has returned
	failure error // why the exchange broke off
}

func newExchange(r *http.Request, now func() time.Time, logger *slog.Logger) *exchange {
	x := &exchange{request: r, now: now, logger: logger, header: http.Header{}, length: -1}
	x.changed = sync.NewCond(&x.mu)
	x.ctx, x.cancel = context.WithCancelCause(context.Background())
	return x
}

// through sends the request through h and waits until the answer is there.
func (x *exchange) through(h http.Handler) (*http.Response, error) {
	clientContext := x.request.Context()
	x.stop = context.AfterFunc(clientContext, func() { x.abandon(context.Cause(clientContext)) })
	go x.run(h)

	x.mu.Lock()
	defer x.mu.Unlock()
	for !x.visible && !x.ended && x.failure == nil {
		x.changed.Wait()
	}
	if x.failure != nil && !x.visible {
		x.stop()
		return nil, x.failure
	}
	return x.response(), nil
}

// run lets the handler answer, as a server would.
func (x *exchange) run(h http.Handler) {
	defer closeBody(x.request)
	defer x.cancel(context.Canceled)
	defer func() {
		cause := recover()
		x.mu.Lock()
		defer x.mu.Unlock()
		x.end(cause)
	}()
	h.ServeHTTP(x, x.serverRequest())
}

// end records that the handler returned or panicked. The caller holds x.mu.
func (x *exchange) end(cause any) {
	aborted, _ := cause.(error)
	switch {
	case cause == nil:
		x.start(http.StatusOK)
		if !x.visible && x.length < 0 && bodyAllowed(x.status) && x.request.Method != http.MethodHead {
			x.length = int64(x.unread.Len())
		}
	case errors.Is(aborted, http.ErrAbortHandler):
		x.fail(io.EOF)
	default:
		x.logger.Error("a handler panicked", "host", x.request.URL.Host, "cause", cause)
		x.fail(fmt.Errorf("entratest: the handler of %s panicked: %v: %w", x.request.URL.Host, cause, io.EOF))
	}
	x.ended = true
	x.changed.Broadcast()
}

// fail breaks the exchange off, unless it is broken already. A client that has part of the answer finds it cut short.
// The caller holds x.mu.
func (x *exchange) fail(err error) {
	if x.failure == nil {
		x.failure = err
		if x.visible && errors.Is(err, io.EOF) {
			x.failure = io.ErrUnexpectedEOF
		}
	}
	x.changed.Broadcast()
}

// abandon ends the exchange from the client's side.
func (x *exchange) abandon(cause error) {
	x.mu.Lock()
	finished := x.ended
	x.unread.Reset()
	x.fail(cause)
	x.mu.Unlock()
	x.cancel(cause)
	if !finished {
		closeBody(x.request)
	}
}

// serverRequest is the request as a server sees it.
func (x *exchange) serverRequest() *http.Request {
	r := x.request.Clone(x.ctx)
	r.Host = orElse(x.request.Host, x.request.URL.Host)
	r.RequestURI = x.request.URL.RequestURI()
	r.URL.Scheme, r.URL.Host, r.URL.User, r.URL.Fragment, r.URL.RawFragment = "", "", nil, "", ""
	r.URL.Path = orElse(r.URL.Path, "/")
	r.RemoteAddr = "192.0.2.1:49152" // an address for documentation: RFC 5737
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/1.1", 1, 1
	r.Form, r.PostForm, r.MultipartForm, r.GetBody, r.Response = nil, nil, nil, nil, nil
	if x.request.URL.Scheme == "https" {
		r.TLS = x.tlsState()
	}
	if r.Body == nil || r.Body == http.NoBody {
		r.Body = http.NoBody
		return r
	}
	if r.ContentLength == 0 {
		r.ContentLength = -1
	}
	r.Body = &requestBody{ctx: x.ctx, body: x.request.Body}
	return r
}

func (x *exchange) tlsState() *tls.ConnectionState {
	return &tls.ConnectionState{
		Version: tls.VersionTLS13, HandshakeComplete: true, ServerName: x.request.URL.Hostname(),
	}
}

// requestBody stops being readable when the exchange ends.
type requestBody struct {
	ctx  context.Context
	body io.ReadCloser
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	return b.body.Read(p)
}

func (b *requestBody) Close() error { return nil } // run closes it

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// Header is part of [http.ResponseWriter].
func (x *exchange) Header() http.Header { return x.header }

// WriteHeader is part of [http.ResponseWriter]. Informational answers are not passed on.
func (x *exchange) WriteHeader(status int) {
	if status >= 100 && status < 200 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.start(status)
}

// start fixes the status and the header. The caller holds x.mu.
func (x *exchange) start(status int) {
	if x.status != 0 {
		return
	}
	x.status, x.sent = status, x.header.Clone()
	if x.sent.Get("Date") == "" {
		x.sent.Set("Date", x.now().UTC().Format(http.TimeFormat))
	}
	if n, err := strconv.ParseInt(x.sent.Get("Content-Length"), 10, 64); err == nil && n >= 0 {
		x.length = n
	}
}

// Write is part of [http.ResponseWriter]. It waits while the client is far behind.
func (x *exchange) Write(p []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.status == 0 {
		if len(x.header.Values("Content-Type")) == 0 {
			x.header.Set("Content-Type", http.DetectContentType(p))
		}
		x.start(http.StatusOK)
	}
	if !bodyAllowed(x.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if x.request.Method == http.MethodHead {
		return len(p), nil
	}
	for x.unread.Len() >= maxUnread && x.failure == nil {
		x.changed.Wait()
	}
	if x.failure != nil {
		return 0, x.failure
	}
	x.visible = x.visible || x.unread.Len()+len(p) > shortAnswer
	x.changed.Broadcast()
	return x.unread.Write(p)
}

// Flush is part of [http.Flusher].
func (x *exchange) Flush() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.start(http.StatusOK)
	x.visible = true
	x.changed.Broadcast()
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// response is what the client gets. The caller holds x.mu.
func (x *exchange) response() *http.Response {
	res := &http.Response{
		Status:     fmt.Sprintf("%d %s", x.status, http.StatusText(x.status)),
		StatusCode: x.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        x.sent,
		ContentLength: x.length,
		Request:       x.request,
		Body:          (*responseBody)(x),
	}
	if x.request.URL.Scheme == "https" {
		res.TLS = x.tlsState()
	}
	if !bodyAllowed(x.status) || x.request.Method == http.MethodHead {
		x.stop()
		res.Body = http.NoBody
		res.ContentLength = max(x.length, 0)
	}
	return res
}

// responseBody is the exchange as the body that the client reads.
type responseBody exchange

func (b *responseBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.unread.Len() == 0 && !b.ended && b.failure == nil {
		b.changed.Wait()
	}
	if b.unread.Len() > 0 {
		b.changed.Broadcast()
		return b.unread.Read(p)
	}
	b.stop()
	if b.failure != nil {
		return 0, b.failure
	}
	return 0, io.EOF
}

func (b *responseBody) Close() error {
	b.stop()
	(*exchange)(b).abandon(http.ErrBodyReadAfterClose)
	return nil
}
