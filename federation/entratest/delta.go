package entratest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// deltaPage is how many users one answer of a delta query lists at most.
	deltaPage = 100

	// deltaReplay is how far a round reaches back that repeats what an earlier one told.
	deltaReplay = time.Minute
)

func (t *Tenant) deltaRoutes() []route {
	read := []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	options := []string{"$select", "$filter", "$deltatoken", "$skiptoken"}
	return []route{{http.MethodGet, "users/delta", read, 1, options, t.deltaUsers}}
}

// deltaUsers is https://learn.microsoft.com/graph/api/user-delta. It is answered from one replica, so that nothing is
// missed, whatever the lag. In a tenant that lags, a round may repeat what an earlier one told, and a page may be empty
// with more behind it: https://learn.microsoft.com/graph/delta-query-overview warns of both.
func (t *Tenant) deltaUsers(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	state, refusal := t.deltaRound(req)
	if refusal != nil {
		return nil, refusal
	}
	q, refusal := t.deltaQuery(state)
	if refusal != nil {
		return nil, refusal
	}
	q.minimal = req.prefers("return=minimal")
	if req.query.Get("$deltatoken") == "latest" {
		return t.deltaAnswer(req, state, nil, false), nil
	}
	changed := q.changed(t, state.After)
	if t.cfg.Lag != LagNone && state.Kind == "" && len(changed) > 0 && t.deltas.below(8) == 0 {
		return t.deltaAnswer(req, state, nil, true), nil
	}
	more := len(changed) > deltaPage
	if more {
		changed = changed[:deltaPage]
		state.After = changed[deltaPage-1].id
	}
	var items []object
	for _, e := range changed {
		items = append(items, q.show(t, e))
	}
	return t.deltaAnswer(req, state, items, more), nil
}

// deltaRound says which round the request is about: a new one, the next one, or one that has begun. The caller holds
// t.mu.
func (t *Tenant) deltaRound(req *graphRequest) (deltaState, *graphError) {
	token, skip := req.query.Get("$deltatoken"), req.query.Get("$skiptoken")
	start := deltaState{
		Until:  deltaMark{t.now().UnixNano(), t.directory.sequence},
		Select: req.selectedNames(), Filter: req.query.Get("$filter"),
	}
	switch {
	case skip != "":
		if req.query.Has("$select") || req.query.Has("$filter") || token != "" {
			return start, unsupportedQuery("$skiptoken cannot be combined with other query options in a delta query.") // assumed
		}
		return t.readDeltaToken(skip, "skip")
	case token == "" || token == "latest":
		return start, nil
	case req.query.Has("$filter"):
		return start, unsupportedQuery("$filter cannot be changed in a delta query.") // assumed text
	}
	last, refusal := t.readDeltaToken(token, "delta")
	if refusal != nil {
		return start, refusal
	}
	start.Since, start.Filter = last.Since, last.Filter
	if len(start.Select) == 0 {
		start.Select = last.Select
	}
	if t.cfg.Lag != LagNone && t.deltas.below(4) == 0 {
		start.Since = &deltaMark{At: start.Since.At - int64(deltaReplay)}
	}
	return start, nil
}

// deltaQuery is a round, understood.
type deltaQuery struct {
	since      *moment // nil: everybody is listed
	names      []string
	properties []property // those that are returned; nil: the standard ones and what changed
	manager    bool
	filter     filter
	minimal    bool // only what changed is returned
	view       int
	now        time.Time
}

func (t *Tenant) deltaQuery(s deltaState) (deltaQuery, *graphError) {
	q := deltaQuery{view: viewDelta, now: t.now()}
	if s.Since != nil {
		q.since = &moment{s.Since.At, s.Since.Sequence}
	}
	for _, name := range s.Select {
		if strings.EqualFold(name, "manager") {
			q.manager = true
			continue
		}
		p, ok := userClass.property(name)
		if !ok {
			return q, errCannotSelect(name, "user")
		}
		q.properties = append(q.properties, p)
	}
	q.names = s.Select
	if s.Filter == "" {
		return q, nil
	}
	var refusal *graphError
	if q.filter, refusal = parseFilter(t, userClass, s.Filter, maxDeltaObjects); refusal != nil {
		return q, refusal
	}
	if q.filter.needs != "" || slices.ContainsFunc(q.filter.uses, func(name string) bool { return name != "id" }) {
		return q, unsupportedQuery("$filter is supported only by object ID in a delta query.") // assumed text
	}
	return q, nil
}

// changed lists what the round tells of after the given object, in order of creation. The caller holds t.mu.
func (q deltaQuery) changed(t *Tenant, after string) []*entity {
	ids := t.directory.order
	if place, known := t.directory.places[after]; known {
		ids = ids[place+1:]
	}
	var out []*entity
	for _, id := range ids {
		e := t.directory.shown(id, q.view, q.now)
		if e != nil && e.class == userClass && (q.filter.matches == nil || q.filter.matches(e)) && q.tells(e) {
			out = append(out, e)
		}
	}
	return out
}

// tells reports whether the round tells of an object.
func (q deltaQuery) tells(e *entity) bool {
	switch {
	case q.since == nil:
		return e.active()
	case !e.active():
		return q.after(e, trackDeletion) || q.purged(e)
	case q.after(e, trackPresence):
		return true
	case len(q.names) == 0:
		for name := range e.changes {
			if q.after(e, name) {
				return true
			}
		}
		return false
	}
	return q.manager && q.after(e, trackManager) ||
		slices.ContainsFunc(q.properties, func(p property) bool { return q.after(e, p.tracked()) })
}

// after reports whether something at an object changed in the round.
func (q deltaQuery) after(e *entity, tracked string) bool {
	at, ever := e.changes[tracked]
	return ever && (q.since == nil || at.after(*q.since))
}

// purged reports whether the object went for good in the round: by a request, or when its time was over.
func (q deltaQuery) purged(e *entity) bool {
	if !e.purged.IsZero() {
		return q.after(e, trackPurge)
	}
	end := moment{at: e.deleted.Add(deletedFor).UnixNano()}
	return e.gone(q.now) && end.after(*q.since)
}

// show is an object as the round tells of it. The caller holds t.mu.
func (q deltaQuery) show(t *Tenant, e *entity) object {
	if !e.active() {
		reason := "changed"
		if e.gone(q.now) {
			reason = "deleted"
		}
		return object{{"id", e.id}, {"@removed", object{{"reason", reason}}}}
	}
	var out object
	for _, p := range userClass.properties() {
		if p.name != "id" && q.includes(e, p) {
			out = append(out, p.member(t, e))
		}
	}
	out = append(out, member{"id", e.id})
	if q.manager && (q.since == nil && e.manager != "" || q.since != nil && q.after(e, trackManager)) {
		out = append(out, member{"manager@delta", managerDelta(e)})
	}
	return out
}

// includes reports whether the round returns a property of an object that it tells of. A property that never had a value
// is left out.
func (q deltaQuery) includes(e *entity, p property) bool {
	_, ever := e.changes[p.tracked()]
	fresh := q.since == nil || q.after(e, trackPresence)
	switch {
	case !ever || p.hidden:
		return false
	case q.minimal && !fresh && !q.after(e, p.tracked()):
		return false
	case len(q.names) > 0:
		return slices.ContainsFunc(q.properties, func(s property) bool { return s.name == p.name })
	}
	return p.standard || !fresh && q.after(e, p.tracked())
}

// managerDelta is the annotation for a manager. That none is an empty list is assumed.
func managerDelta(e *entity) []object {
	if e.manager == "" {
		return []object{}
	}
	return []object{{{"@odata.type", "#microsoft.graph.user"}, {"id", e.manager}}}
}

// deltaAnswer is one answer of a round: with the address of its next page, or of the next round.
func (t *Tenant) deltaAnswer(req *graphRequest, s deltaState, items []object, more bool) *graphReply {
	if items == nil {
		items = []object{}
	}
	fragment := "users"
	if len(s.Select) > 0 {
		fragment += "(" + strings.Join(s.Select, ",") + ")"
	}
	s.Issued = t.now().UnixNano()
	address := t.cloud.Graph + graphVersion + "/users/delta?"
	link := member{"@odata.nextLink", ""}
	if more {
		s.Kind = "skip"
		link.value = address + "$skiptoken=" + t.deltaToken(s)
	} else {
		s.Kind, s.Since, s.After = "delta", &s.Until, ""
		link = member{"@odata.deltaLink", address + "$deltatoken=" + t.deltaToken(s)}
	}
	return &graphReply{status: http.StatusOK, body: object{
		{"@odata.context", req.metadata(fragment)}, link, {"value", items},
	}}
}
