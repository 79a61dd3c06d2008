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
	return slices.Concat(t.userRoutes(), t.managerRoutes(), t.deltaRoutes(), t.deletedRoutes(), t.groupRoutes(),
		t.memberRoutes(), t.memberOfRoutes(), t.licenseRoutes(), t.domainRoutes(), t.federationRoutes(), t.externalFederationRoutes(),
		t.tokenValidationRoutes(), t.roleRoutes(), t.meRoutes(), t.organizationRoutes(), t.batchRoutes())
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
	keys     []pathPart // the keys in the path

	load    float64  // how full the fullest of the caller's throttling buckets is; 1 is the limit
	batch   string   // the id that the request has in the batch that it came in, or empty
	holds   bool     // the objects that it writes stay claimed until the rest of its batch has run as well
	claimed []string // object IDs
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
		Request: r, tenant: t, id: id, clientID: orElse(r.Header.Get("client-request-id"), id),
		query: withPlainOptions(r.URL.Query()),
	}
}

// withPlainOptions is query with the names of the system query options in lower case: Graph does not mind the case.
func withPlainOptions(query url.Values) url.Values {
	out := url.Values{}
	for name, values := range query {
		if strings.HasPrefix(name, "$") {
			name = strings.ToLower(name)
		}
		out[name] = append(out[name], values...)
	}
	return out
}

func (t *Tenant) serveGraph(w http.ResponseWriter, r *http.Request) { t.newGraphRequest(r).serve(w) }

func (req *graphRequest) serve(w http.ResponseWriter) {
	t := req.tenant
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
	defer req.finish()
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
	if refusal = req.throttle(); refusal != nil {
		return nil, refusal
	}
	if refusal = req.checkRights(); refusal != nil {
		return nil, refusal
	}
	if refusal = req.checkOptions(); refusal != nil {
		return nil, refusal
	}
	return req.route.serve(req)
}

// checkRights refuses a caller without a permission for the operation, and a user without an administrator's role what
// is more than reading.
func (req *graphRequest) checkRights() *graphError {
	switch {
	case len(req.route.permissions) == 0: // a batch: its requests need permissions
		return nil
	case !req.caller.may(req.route.permissions...):
		return errForbidden()
	case !req.caller.delegated() || req.Method == http.MethodGet:
		return nil
	}
	t := req.tenant
	t.lock()
	defer t.mu.Unlock()
	if !req.callerIsAdmin() {
		return errForbidden()
	}
	return nil
}

// callerIsAdmin reports whether the application, or the user for whom it acts, holds an administrator's role. The caller
// holds t.mu.
func (req *graphRequest) callerIsAdmin() bool {
	if !req.caller.delegated() {
		app, _ := req.tenant.app(req.caller.AppID)
		return app.AdminRole
	}
	e := req.tenant.directory.primary(req.caller.ObjectID)
	return e != nil && e.active() && e.admin
}

// lock takes t.mu and does what has become due.
func (t *Tenant) lock() {
	t.mu.Lock()
	t.processMemberships()
	t.processLicenses()
}

// claim marks an object as being written by this request, until it is answered. While one write is under way another one
// of the same object is refused. The caller holds t.mu.
func (req *graphRequest) claim(id string) *graphError {
	if req.tenant.busy[id] {
		return errConcurrency()
	}
	req.tenant.busy[id] = true
	req.claimed = append(req.claimed, id)
	return nil
}

// finish gives up what the request claimed, unless the rest of its batch is still to run.
func (req *graphRequest) finish() {
	if !req.holds && len(req.claimed) > 0 {
		req.release()
	}
}

func (req *graphRequest) release() {
	t := req.tenant
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range req.claimed {
		delete(t.busy, id)
	}
	req.claimed = nil
}

// pathPart is one segment of a path below /v1.0. Of users('x') and users(userPrincipalName='x') the second part, x, is
// a key for certain; of users/x it may be.
type pathPart struct {
	text string
	key  bool
	name string // of the key, if it is given
}

var keyPattern = regexp.MustCompile(
	`^([A-Za-z][A-Za-z.]*)\((?:(?:(id|userPrincipalName|uniqueName|roleTemplateId)=)?'((?:[^']|'')*)')?\)$`)

func parsePath(escaped string) ([]pathPart, *graphError) {
	var parts []pathPart
	for segment := range strings.SplitSeq(strings.Trim(escaped, "/"), "/") {
		text, err := url.PathUnescape(segment)
		if err != nil {
			return nil, badRequest("Bad Request - Error in query syntax.")
		}
		match := keyPattern.FindStringSubmatch(text)
		if match == nil {
			parts = append(parts, pathPart{text: withoutNamespace(text)})
			continue
		}
		parts = append(parts, pathPart{text: withoutNamespace(match[1])})
		if match[3] != "" {
			parts = append(parts, pathPart{text: strings.ReplaceAll(match[3], "''", "'"), key: true, name: match[2]})
		}
	}
	return parts, nil
}

// withoutNamespace is a segment without the namespace of a type or an action. The shorter alias is in use for one type
// alone, and the name of a domain may begin like it.
func withoutNamespace(segment string) string {
	if name, ok := cutPrefixFold(segment, "graph."); ok && strings.EqualFold(name, externalFederationType) {
		return name
	}
	return strings.TrimPrefix(segment, "microsoft.graph.")
}

// match compares the route's path with parts: the keys, and how many of the parts were understood.
func (rt route) match(parts []pathPart) (keys []pathPart, understood int, ok bool) {
	pattern := strings.Split(rt.path, "/")
	for i, part := range parts {
		if i == len(pattern) {
			return nil, i, false
		}
		switch {
		case pattern[i] == "{}" && part.canBeKeyOf(pattern[i-1]):
			keys = append(keys, part)
		case pattern[i] != "{}" && !part.key && strings.EqualFold(pattern[i], part.text):
		default:
			return nil, i, false
		}
	}
	return keys, len(parts), len(parts) == len(pattern)
}

// canBeKeyOf tells a key of a collection from a function or a count below it.
func (p pathPart) canBeKeyOf(collection string) bool {
	if p.key {
		alternate := map[string]string{
			"users": "userPrincipalName", "groups": "uniqueName", "directoryRoles": "roleTemplateId",
		}
		return p.name == "" || p.name == "id" || p.name == alternate[collection]
	}
	return p.text != "" && !strings.HasPrefix(p.text, "$") && !strings.EqualFold(p.text, "delta")
}

// findRoute sets the route and the keys of the request.
func (req *graphRequest) findRoute() *graphError {
	parts, refusal := parsePath(req.URL.EscapedPath()[len(graphVersion):])
	if refusal != nil {
		return refusal
	}
	if strings.EqualFold(parts[0].text, "me") && !req.caller.delegated() {
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
func (req *graphRequest) key(i int) string { return req.keys[i].text }

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
	if !req.isBatch() {
		h.Set("x-ms-resource-unit", strconv.Itoa(req.resourceUnits()))
	}
	if req.load > shedAbove {
		h.Set("x-ms-throttle-limit-percentage", strconv.FormatFloat(req.load, 'f', 2, 64))
	}
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
	Batch           string // the id of the request in the batch that it came in; empty outside of batches
	ResourceUnits   int    // what the call cost; 0 for a batch as such
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
		ClientRequestID: req.clientID, RequestID: req.id, Status: status, Fault: fault, Batch: req.batch,
	}
	if !req.isBatch() {
		call.ResourceUnits = req.resourceUnits()
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
