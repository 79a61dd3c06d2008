package entratest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const graphVersion = "/v1.0"

// isGraphPath reports whether a path is Graph's. The beta endpoint is Graph's too, and not there.
func isGraphPath(path string) bool {
	path = strings.ToLower(path)
	return path == graphVersion || strings.HasPrefix(path, graphVersion+"/") || strings.HasPrefix(path, "/beta/")
}

// route is one operation of Graph. Each area lists its own; [Tenant.graphRoutes] joins them.
type route struct {
	method      string
	path        string   // below /v1.0, with {} for a key
	permissions []string // one of them is needed
	units       int      // resource units, before the modifiers for query options
	options     []string // the query options that are understood
	serve       func(*graphRequest) (*graphReply, *graphError)
}

// graphRoutes lists the operations.
func (t *Tenant) graphRoutes() []route {
	return slices.Concat(t.userRoutes(), t.licenseRoutes(), t.domainRoutes(), t.organizationRoutes())
}

// graphRequest is one request to Graph.
type graphRequest struct {
	*http.Request
	tenant   *Tenant
	id       string // request-id
	clientID string // client-request-id
	query    url.Values
	caller   *tokenClaims
	route    route
	keys     []string // the keys in the path
}

// graphReply is a successful answer.
type graphReply struct {
	status   int
	location string
	body     any // nil: none
}

func (t *Tenant) newGraphRequest(r *http.Request) *graphRequest {
	id := t.newGUID()
	return &graphRequest{
		Request: r, tenant: t, id: id, clientID: orElse(r.Header.Get("client-request-id"), id), query: r.URL.Query(),
	}
}

func (t *Tenant) serveGraph(w http.ResponseWriter, r *http.Request) {
	req := t.newGraphRequest(r)
	reply, failure := req.answer()
	if failure != nil {
		t.recordCall(req, failure.status, false)
		req.writeError(w, failure)
		return
	}
	t.recordCall(req, reply.status, false)
	req.write(w, reply)
}

// answer finds the operation, checks the caller's right to it, and carries it out.
func (req *graphRequest) answer() (*graphReply, *graphError) {
	t := req.tenant
	var refusal *graphError
	if req.caller, refusal = t.authorize(req.Request); refusal != nil {
		return nil, refusal
	}
	if version, _, _ := strings.Cut(req.URL.Path[1:], "/"); !strings.EqualFold("/"+version, graphVersion) {
		return nil, badRequest("Invalid version: " + version)
	}
	if refusal = req.findRoute(); refusal != nil {
		return nil, refusal
	}
	if !req.caller.may(req.route.permissions...) {
		return nil, errForbidden()
	}
	if refusal = req.checkOptions(); refusal != nil {
		return nil, refusal
	}
	return req.route.serve(req)
}

// pathPart is one segment of a path below /v1.0. Of users('x') and users(userPrincipalName='x') the second part, x, is
// a key for certain; of users/x it may be.
type pathPart struct {
	text string
	key  bool
}

var keyPattern = regexp.MustCompile(`^([A-Za-z][A-Za-z.]*)\((?:(?:(?:id|userPrincipalName)=)?'((?:[^']|'')*)')?\)$`)

func parsePath(escaped string) ([]pathPart, *graphError) {
	var parts []pathPart
	for segment := range strings.SplitSeq(strings.Trim(escaped, "/"), "/") {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return nil, badRequest("Bad Request - Error in query syntax.")
		}
		match := keyPattern.FindStringSubmatch(text)
		if match == nil {
			parts = append(parts, pathPart{text: strings.TrimPrefix(text, "microsoft.graph.")})
			continue
		}
		parts = append(parts, pathPart{text: strings.TrimPrefix(match[1], "microsoft.graph.")})
		if match[2] != "" {
			parts = append(parts, pathPart{text: strings.ReplaceAll(match[2], "''", "'"), key: true})
		}
	}
	return parts, nil
}

// match compares the route's path with parts: the keys, and how many of the parts were understood.
func (rt route) match(parts []pathPart) (keys []string, understood int, ok bool) {
	pattern := strings.Split(rt.path, "/")
	for i, part := range parts {
		if i == len(pattern) {
			return nil, i, false
		}
		switch {
		case pattern[i] == "{}" && canBeKey(part):
			keys = append(keys, part.text)
		case pattern[i] != "{}" && !part.key && strings.EqualFold(pattern[i], part.text):
		default:
			return nil, i, false
		}
	}
	return keys, len(parts), len(parts) == len(pattern)
}

// canBeKey tells a key from a function or a count below a collection.
func canBeKey(part pathPart) bool {
	return part.key || part.text != "" && !strings.HasPrefix(part.text, "$") && !strings.EqualFold(part.text, "delta")
}

// findRoute sets the route and the keys of the request.
func (req *graphRequest) findRoute() *graphError {
	parts, refusal := parsePath(req.URL.EscapedPath()[len(graphVersion):])
	if refusal != nil {
		return refusal
	}
	if strings.EqualFold(parts[0].text, "me") {
		return badRequest("/me request is only valid with delegated authentication flow.")
	}
	furthest, known := 0, false
	for _, rt := range req.tenant.routes {
		keys, understood, ok := rt.match(parts)
		furthest = max(furthest, understood)
		if !ok {
			continue
		}
		known = true
		if rt.method == req.Method {
			req.route, req.keys = rt, keys
			return nil
		}
	}
	if known {
		return &graphError{
			status: http.StatusMethodNotAllowed, code: "Request_BadRequest",
			message: "Specified HTTP method is not allowed for the request target.",
		}
	}
	return badRequest(fmt.Sprintf("Resource not found for the segment '%s'.", parts[min(furthest, len(parts)-1)].text))
}

// checkOptions refuses system query options that the operation does not understand.
func (req *graphRequest) checkOptions() *graphError {
	for name, values := range req.query {
		if !strings.HasPrefix(name, "$") {
			continue
		}
		if !slices.Contains(req.route.options, name) {
			return badRequest(fmt.Sprintf("The query parameter '%s' is not supported.", name))
		}
		if len(values) > 1 {
			return badRequest(fmt.Sprintf("Query option '%s' was specified more than once, but it must be specified "+
				"at most once.", name))
		}
	}
	return nil
}

// key returns one of the keys in the path.
func (req *graphRequest) key(i int) string { return req.keys[i] }

// advanced reports whether the request asks for the index of advanced queries:
// https://learn.microsoft.com/graph/aad-advanced-queries.
func (req *graphRequest) advanced() bool {
	return strings.EqualFold(req.Header.Get("ConsistencyLevel"), "eventual")
}

// resourceUnits is what the request costs: https://learn.microsoft.com/graph/throttling-limits.
func (req *graphRequest) resourceUnits() int {
	units := max(req.route.units, 1)
	if req.query.Has("$select") {
		units--
	}
	if req.query.Has("$expand") {
		units++
	}
	if top, err := strconv.Atoi(req.query.Get("$top")); err == nil && top < 20 {
		units--
	}
	return max(units, 1)
}

// metadata is the value of @odata.context for a fragment of the metadata document.
func (req *graphRequest) metadata(fragment string) string {
	return req.tenant.cloud.Graph + graphVersion + "/$metadata#" + fragment
}

func (req *graphRequest) write(w http.ResponseWriter, reply *graphReply) {
	req.writeHeader(w)
	if reply.location != "" {
		w.Header().Set("Location", reply.location)
	}
	if reply.body == nil {
		w.Header().Del("Content-Type")
		w.WriteHeader(reply.status)
		return
	}
	req.writeBody(w, reply.status, reply.body)
}

// writeHeader sets the headers of every answer of Graph.
func (req *graphRequest) writeHeader(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type",
		"application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8")
	h.Set("OData-Version", "4.0")
	h.Set("request-id", req.id)
	h.Set("client-request-id", req.clientID)
	h.Set("x-ms-ags-diagnostic", `{"ServerInfo":{"DataCenter":"Simulated","Slice":"E","Ring":"1",`+
		`"ScaleUnit":"001","RoleInstance":"ENTRATEST"}}`)
	h.Set("x-ms-resource-unit", strconv.Itoa(req.resourceUnits()))
	h.Set("Date", req.tenant.now().UTC().Format(http.TimeFormat))
}

func (req *graphRequest) writeBody(w http.ResponseWriter, status int, body any) {
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(body) // a client that went away is not an error of the tenant
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := enc.Encode(m.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := enc.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// collection is the answer to a list request.
func (req *graphRequest) collection(fragment string, items []object) *graphReply {
	if items == nil {
		items = []object{}
	}
	return &graphReply{status: http.StatusOK, body: object{
		{"@odata.context", req.metadata(fragment)}, {"value", items},
	}}
}

// entity is the answer to a read of one object.
func (req *graphRequest) entity(fragment string, o object) *graphReply {
	return &graphReply{
		status: http.StatusOK, body: append(object{{"@odata.context", req.metadata(fragment)}}, o...),
	}
}

// date is a point in time as Graph writes it, or null.
func date(at time.Time) any {
	if at.IsZero() {
		return nil
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// GraphCall is one request that Graph received.
type GraphCall struct {
	Time            time.Time
	Method          string
	Path            string // as it was sent, below the host
	Query           url.Values
	ClientRequestID string
	RequestID       string
	ClientID        string // the application, if its token was good
	Status          int    // what was answered; 0 where the connection was dropped
	Fault           bool   // the answer was that of an injected [Fault]
}

// keptCalls is how many calls are remembered at least.
const keptCalls = 10_000

// GraphCalls lists the requests that Graph received, the oldest first. Of very many, the last 10,000 are there for
// certain.
func (t *Tenant) GraphCalls() []GraphCall {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.calls)
}

func (t *Tenant) recordCall(req *graphRequest, status int, fault bool) {
	call := GraphCall{
		Time: t.now(), Method: req.Method, Path: req.URL.EscapedPath(), Query: req.query,
		ClientRequestID: req.clientID, RequestID: req.id, Status: status, Fault: fault,
	}
	if req.caller != nil {
		call.ClientID = req.caller.AppID
	}
	t.cfg.Logger.Debug("graph call", "method", call.Method, "path", call.Path, "status", status, "request-id", req.id)
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.calls) >= 2*keptCalls {
		t.calls = slices.Clone(t.calls[keptCalls:])
	}
	t.calls = append(t.calls, call)
}
