package entratest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPage = 100
	largestPage = 999
)

// listOptions are the query options of a list of directory objects.
func listOptions() []string {
	return []string{"$select", "$filter", "$top", "$count", "$skiptoken", "$orderby", "$search"}
}

// listQuery is a request for a list of directory objects, understood.
type listQuery struct {
	class  class
	filter filter
	view   int
	top    int
	after  string // the object ID that the previous page ended with, or empty
	count  bool
}

// listQuery reads the query options of a list request over a class.
func (req *graphRequest) listQuery(c class) (listQuery, *graphError) {
	t := req.tenant
	q := listQuery{class: c, top: defaultPage}
	var refusal *graphError
	if req.query.Has("$orderby") {
		return q, unsupportedQuery("Sorting not supported for current query.")
	}
	if req.query.Has("$search") {
		return q, req.refuseSearch()
	}
	if q.count, refusal = req.wantsCount(); refusal != nil {
		return q, refusal
	}
	q.view = t.pickReplica()
	if req.advanced() {
		q.view = viewIndex
	}
	if req.query.Has("$filter") {
		if q.filter, refusal = parseFilter(t, c, req.query.Get("$filter"), maxFilterAlternatives); refusal != nil {
			return q, refusal
		}
		if refusal := req.checkFilter(q.filter, req.advanced() && q.count); refusal != nil {
			return q, refusal
		}
	}
	if q.top, refusal = req.top(); refusal != nil {
		return q, refusal
	}
	if req.query.Has("$skiptoken") {
		id, err := base64.RawURLEncoding.DecodeString(req.query.Get("$skiptoken"))
		if err != nil || !isGUID(string(id)) {
			return q, errExpiredPage()
		}
		q.after = string(id)
	}
	return q, nil
}

func (req *graphRequest) top() (int, *graphError) {
	if !req.query.Has("$top") {
		return defaultPage, nil
	}
	text := req.query.Get("$top")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > largestPage {
		return 0, unsupportedQuery(fmt.Sprintf("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.",
			text, largestPage))
	}
	return n, nil
}

func (req *graphRequest) refuseSearch() *graphError {
	if !req.advanced() {
		return unsupportedQuery("Request with $search query parameter only works through MSGraph with a special request " +
			"header: 'ConsistencyLevel: eventual'")
	}
	return unsupportedQuery("Unsupported Query.")
}

func (req *graphRequest) wantsCount() (bool, *graphError) {
	switch value := req.query.Get("$count"); {
	case !req.query.Has("$count") || value == "false":
		return false, nil
	case value != "true":
		return false, badRequest(fmt.Sprintf("Invalid value '%s' for $count query option found.", value))
	case !req.advanced():
		return false, unsupportedQuery("$count is not currently supported.")
	}
	return true, nil
}

// checkFilter refuses a filter that the caller may not use or that the ordinary index cannot answer.
func (req *graphRequest) checkFilter(f filter, advanced bool) *graphError {
	if f.needs != "" && !advanced {
		return unsupportedQuery(fmt.Sprintf("Operator '%s' is not supported because the required parameters might be "+
			"missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to "+
			"https://aka.ms/graph-docs/advanced-queries for more information", f.needs))
	}
	if !req.basicOnly() {
		return nil
	}
	for _, name := range f.uses {
		if p, _ := f.class.property(name); !p.basic {
			return errForbidden()
		}
	}
	return nil
}

// find lists the objects of the class that match in the view, in order of creation, among those that shows accepts. The
// caller holds t.mu.
func (t *Tenant) find(q listQuery, shows func(*entity) bool) []*entity {
	ids := t.directory.order
	if q.filter.key != "" {
		ids = t.directory.inOrder(slices.Clone(t.directory.keys[q.filter.key]))
	}
	now := t.now()
	var out []*entity
	for _, id := range ids {
		e := t.directory.shown(id, q.view, now)
		if e != nil && e.class == q.class && shows(e) && (q.filter.matches == nil || q.filter.matches(e)) {
			out = append(out, e)
		}
	}
	return out
}

// page answers with one page of what was found, each object as show makes it. The caller holds t.mu.
func (t *Tenant) page(req *graphRequest, q listQuery, fragment string, found []*entity,
	show func(*entity) object) (*graphReply, *graphError) {
	body := object{{"@odata.context", req.metadata(fragment)}}
	if q.count {
		body = append(body, member{"@odata.count", len(found)})
	}
	if q.after != "" {
		last, known := t.directory.places[q.after]
		if !known {
			return nil, errExpiredPage()
		}
		found = slices.DeleteFunc(found, func(e *entity) bool { return t.directory.places[e.id] <= last })
	}
	if len(found) > q.top {
		found = found[:q.top]
		body = append(body, member{"@odata.nextLink", req.nextLink(found[q.top-1].id)})
	}
	items := []object{}
	for _, e := range found {
		items = append(items, show(e))
	}
	return &graphReply{status: http.StatusOK, body: append(body, member{"value", items})}, nil
}

// nextLink is the address of the page after the one that ends with the object.
func (req *graphRequest) nextLink(last string) string {
	query := url.Values{}
	for name, values := range req.query {
		if name != "$skiptoken" {
			query[name] = values
		}
	}
	query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(last)))
	path := strings.TrimSuffix(req.URL.EscapedPath()[len(graphVersion):], "/")
	return req.tenant.cloud.Graph + graphVersion + path + "?" + query.Encode()
}

func errExpiredPage() *graphError {
	return &graphError{
		status: http.StatusBadRequest, code: "Directory_ExpiredPageToken",
		message: "Specified page token value has expired and can no longer be included in your request.",
	}
}

// get answers a request for one object of a class, which find looks up in a view with t.mu held. What is read as one of
// the directoryObjects says of which type it is.
func (t *Tenant) get(
	req *graphRequest, class class, collection string, find func(view int) (*entity, *graphError),
) (*graphReply, *graphError) {
	wanted, refusal := req.projection(class)
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	view := t.pickReplica()
	e, refusal := find(view)
	if refusal != nil {
		return nil, refusal
	}
	o := t.project(e, wanted, view)
	if collection == directoryObjects {
		o = typed(o, class)
	}
	return req.entity(collection+req.selection()+"/$entity", o), nil
}

// directoryObjects is the collection of all classes.
const directoryObjects = "directoryObjects"

// list answers a request for all objects of a class that are among those wanted, which is asked with t.mu held.
func (t *Tenant) list(
	req *graphRequest, class class, collection string, among func(*entity) bool,
) (*graphReply, *graphError) {
	wanted, refusal := req.projection(class)
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	q, refusal := req.listQuery(class)
	if refusal != nil {
		return nil, refusal
	}
	return t.page(req, q, collection+req.selection(), t.find(q, among), func(e *entity) object {
		return t.project(e, wanted, q.view)
	})
}
