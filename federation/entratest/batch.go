package entratest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxBatch is how many requests a batch has at most:
// https://learn.microsoft.com/graph/json-batching#batch-size-limitations.
const maxBatch = 20

const batchPath = graphVersion + "/$batch"

func (t *Tenant) batchRoutes() []route {
	return []route{{http.MethodPost, "$batch", nil, 0, nil, t.serveBatch}}
}

// isBatch reports whether the request is a batch as such, which costs nothing: its requests do.
func (req *graphRequest) isBatch() bool {
	return strings.EqualFold(strings.TrimSuffix(req.URL.Path, "/"), batchPath)
}

// batchItem is one request of a batch.
type batchItem struct {
	ID        string            `json:"id"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"`
	DependsOn []string          `json:"dependsOn"`

	target *url.URL
}

func (i *batchItem) header(name string) string {
	for key, value := range i.Headers {
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

func (i *batchItem) hasBody() bool { return len(i.Body) > 0 && !bytes.Equal(i.Body, []byte("null")) }

func (i *batchItem) writes() bool {
	return slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, i.Method)
}

// serveBatch is https://learn.microsoft.com/graph/json-batching. Requests that depend on nothing run at the same time, so
// in any order, and two of them that change the same object get in each other's way. The answers come in any order.
func (t *Tenant) serveBatch(req *graphRequest) (*graphReply, *graphError) {
	raw, refusal := req.readBody()
	if refusal != nil {
		return nil, refusal
	}
	items, refusal := readBatch(raw)
	if refusal != nil {
		return nil, refusal
	}
	order, sequential, refusal := batchOrder(items)
	if refusal != nil {
		return nil, refusal
	}
	if !sequential {
		t.batches.shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	answers := req.runBatch(order, sequential)
	t.batches.shuffle(len(answers), func(i, j int) { answers[i], answers[j] = answers[j], answers[i] })
	return &graphReply{status: http.StatusOK, body: object{{"responses", answers}}}, nil
}

// readBatch reads and checks the requests one by one. Whatever is wrong with one of them is wrong with the batch. Of the
// texts, those about the payload's format and about Content-Type have been reported; the others are assumed.
func readBatch(raw []byte) ([]*batchItem, *graphError) {
	var payload struct {
		Requests []*batchItem `json:"requests"`
	}
	if err := json.Unmarshal(raw, &payload); err != nil || len(payload.Requests) == 0 {
		return nil, errBatchFormat()
	}
	if len(payload.Requests) > maxBatch {
		return nil, badRequest(fmt.Sprintf("Number of batch request steps exceeds the maximum value of %d.", maxBatch))
	}
	seen := map[string]bool{}
	for _, item := range payload.Requests {
		if item == nil || item.ID == "" || item.Method == "" || !item.readTarget() {
			return nil, errBatchFormat()
		}
		id := strings.ToLower(item.ID)
		if seen[id] {
			return nil, badRequest(fmt.Sprintf("Request id '%s' is used more than once in the batch.", item.ID))
		}
		seen[id] = true
		if refusal := item.checkBody(); refusal != nil {
			return nil, refusal
		}
	}
	return payload.Requests, nil
}

func errBatchFormat() *graphError { return badRequest("Invalid batch payload format.") }

// readTarget reads the URL, which is relative to the version: "/users" or "users".
func (i *batchItem) readTarget() bool {
	i.Method = strings.ToUpper(i.Method)
	target, err := url.Parse("/" + strings.TrimPrefix(i.URL, "/"))
	if err != nil || i.URL == "" || strings.Contains(i.URL, "://") || target.Host != "" {
		return false
	}
	target.Path, target.RawPath = graphVersion+target.Path, graphVersion+target.EscapedPath()
	target.Fragment, target.RawFragment = "", ""
	i.target = target
	return true
}

// checkBody: a write has a body, if only {}, and a body has a Content-Type.
func (i *batchItem) checkBody() *graphError {
	contentType := i.header("Content-Type") != ""
	switch {
	case i.writes() && !i.hasBody():
		return badRequest(fmt.Sprintf("Write request id : %s does not contain Content-Type header or body.", i.ID))
	case i.hasBody() && !contentType:
		return badRequest(fmt.Sprintf("Write request with id '%s' does not contain a Content-Type header.", i.ID))
	}
	return nil
}

// batchOrder is the order in which dependent requests run. A batch is either parallel, without any dependsOn, or
// sequential, where all requests but one depend on one other each, in a single chain. Microsoft's page advises against
// anything else, and older SDKs knew one more pattern; here anything else is refused.
func batchOrder(items []*batchItem) (order []*batchItem, sequential bool, refusal *graphError) {
	byID, after := map[string]*batchItem{}, map[string]*batchItem{}
	for _, item := range items {
		byID[strings.ToLower(item.ID)] = item
	}
	var first *batchItem
	for _, item := range items {
		if len(item.DependsOn) == 0 {
			first = item
			continue
		}
		sequential = true
		dependency := strings.ToLower(item.DependsOn[0])
		if len(item.DependsOn) > 1 || byID[dependency] == nil || after[dependency] != nil {
			return nil, true, errBatchOrder()
		}
		after[dependency] = item
	}
	if !sequential {
		return items, false, nil
	}
	for item := first; item != nil; item = after[strings.ToLower(item.ID)] {
		order = append(order, item)
	}
	if len(order) != len(items) {
		return nil, true, errBatchOrder()
	}
	return order, true, nil
}

// errBatchOrder's text is assumed.
func errBatchOrder() *graphError {
	return badRequest("The dependsOn properties of a batch must be absent, or make one sequence of all its requests.")
}

// runBatch runs the requests in this order. Those that run in parallel end together.
func (req *graphRequest) runBatch(order []*batchItem, sequential bool) []object {
	var answers []object
	var running []*graphRequest
	defer func() {
		for _, inner := range running {
			inner.release()
		}
	}()
	failed := false
	for _, item := range order {
		if sequential && failed {
			answers = append(answers, failedDependency(req, item))
			continue
		}
		inner := req.batchRequest(item)
		inner.holds = !sequential
		running = append(running, inner)
		answer := inner.answerInBatch()
		failed = answer.status >= http.StatusBadRequest
		answers = append(answers, answer.object(item.ID))
	}
	return answers
}

// batchRequest is a request of the batch as it would have come alone: with the access token and the identifiers of the
// batch.
func (req *graphRequest) batchRequest(item *batchItem) *graphRequest {
	r := req.Request.Clone(req.Context())
	r.Method, r.URL, r.RequestURI = item.Method, item.target, ""
	r.Header = http.Header{}
	for name, value := range item.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Authorization", req.Header.Get("Authorization"))
	r.Body, r.ContentLength = http.NoBody, 0
	if item.hasBody() {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(item.Body)), int64(len(item.Body))
	}
	inner := req.tenant.newGraphRequest(r)
	inner.id, inner.clientID, inner.batch = req.id, req.clientID, item.ID
	return inner
}

// answerInBatch answers the request into a [batchAnswer].
func (req *graphRequest) answerInBatch() *batchAnswer {
	answer := &batchAnswer{header: http.Header{}}
	switch fault, ok := req.tenant.faults.take(req.Request); {
	case req.isBatch():
		req.writeError(answer, badRequest("A batch cannot contain a batch.")) // assumed text
	case ok:
		req.serveFault(answer, fault)
	default:
		req.serve(answer)
	}
	return answer
}

// batchAnswer is an [http.ResponseWriter] for one answer of a batch.
type batchAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (a *batchAnswer) Header() http.Header         { return a.header }
func (a *batchAnswer) WriteHeader(status int)      { a.status = status }
func (a *batchAnswer) Write(b []byte) (int, error) { return a.body.Write(b) }

// object is the answer as the batch lists it. The headers that belong to the connection are left to the batch itself.
func (a *batchAnswer) object(id string) object {
	headers := object{}
	for _, name := range []string{
		"Location", "Retry-After", "Cache-Control", "x-ms-resource-unit", "x-ms-throttle-limit-percentage",
		"x-ms-throttle-scope", "x-ms-throttle-information", "OData-Version", "Content-Type",
	} {
		if value := a.header.Get(name); value != "" {
			headers = append(headers, member{name, value})
		}
	}
	out := object{{"id", id}, {"status", a.status}, {"headers", headers}}
	if a.body.Len() > 0 {
		out = append(out, member{"body", json.RawMessage(a.body.Bytes())})
	}
	return out
}

// failedDependency is the answer to a request that did not run, because the one before it failed. Microsoft's page gives
// the status; code and text are assumed.
func failedDependency(req *graphRequest, item *batchItem) object {
	inner := req.batchRequest(item)
	answer := &batchAnswer{header: http.Header{}}
	inner.writeError(answer, &graphError{
		status: http.StatusFailedDependency, code: "FailedDependency",
		message: "The request was not carried out, because a request that it depends on failed.",
	})
	answer.header.Del("x-ms-resource-unit")
	return answer.object(item.ID)
}
