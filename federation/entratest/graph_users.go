package entratest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	defaultPage = 100
	largestPage = 999

	// deletedFor is how long a deleted user can be restored.
	deletedFor = 30 * 24 * time.Hour
)

func (t *Tenant) userRoutes() []route {
	read := []string{
		"User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All",
	}
	write := []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}
	change := append(write, "User.EnableDisableAccount.All", "User-PasswordProfile.ReadWrite.All")
	remove := []string{"User.DeleteRestore.All", "User.ReadWrite.All"}
	revoke := []string{"User.RevokeSessions.All", "User.ReadWrite.All"}
	list := []string{"$select", "$filter", "$top", "$count", "$skiptoken", "$orderby", "$search"}
	return []route{
		{http.MethodPost, "users", write, 1, nil, t.createUser},
		{http.MethodGet, "users", read, 2, list, t.listUsers},
		{http.MethodGet, "users/{}", read, 1, []string{"$select"}, t.getUser},
		{http.MethodPatch, "users/{}", change, 1, nil, t.updateUser},
		{http.MethodDelete, "users/{}", remove, 1, nil, t.deleteUser},
		{http.MethodPost, "users/{}/revokeSignInSessions", revoke, 1, nil, t.revokeSessions},
	}
}

// pickReplica chooses the replica that answers.
func (t *Tenant) pickReplica() int { return t.picks.below(replicas) }

// userByKey finds a user by object ID or user principal name in a view. The caller holds t.mu.
func (t *Tenant) userByKey(key string, view int) (*userObject, *graphError) {
	if isGUID(key) {
		if u := t.users.seen(strings.ToLower(key), view, t.now()); u != nil {
			return u, nil
		}
		return nil, errNotFound(key)
	}
	for _, u := range t.users.seenByKey(keyOfUPN(key), view, t.now()) {
		return u, nil
	}
	return nil, errNotFound(key)
}

// lastState is the user as the primary has it. The caller holds t.mu.
func (t *Tenant) lastState(id string) (*userObject, *graphError) {
	u := t.users.primary(id)
	if u == nil || !u.active() {
		return nil, errNotFound(id)
	}
	return u, nil
}

// createUser is https://learn.microsoft.com/graph/api/user-post-users.
func (t *Tenant) createUser(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	values, refusal := decodeUser(body)
	if refusal != nil {
		return nil, refusal
	}
	for _, p := range userSchema {
		if _, present := values[p.name]; p.required && !present {
			return nil, errMissing(p.name)
		}
	}
	if refusal := checkPassword(values["passwordProfile"].(map[string]any)); refusal != nil {
		return nil, refusal
	}
	delete(values, "passwordProfile")
	values["userType"] = orElse(textOf(values["userType"]), "Member")
	u := &userObject{values: withoutNulls(values)}

	t.mu.Lock()
	defer t.mu.Unlock()
	u.id, u.created = t.objectIDs.guid(), t.now()
	if refusal := t.checkUser(u); refusal != nil {
		return nil, refusal
	}
	t.users.commit(u, t.now())
	reply := req.entity("users/$entity", standardUser(t, u))
	reply.status = http.StatusCreated
	reply.location = fmt.Sprintf("%s/v2/%s/directoryObjects/%s/Microsoft.DirectoryServices.User",
		t.cloud.Graph, t.cfg.TenantID, u.id)
	return reply, nil
}

func textOf(value any) string {
	s, _ := value.(string)
	return s
}

func withoutNulls(values map[string]any) map[string]any {
	maps.DeleteFunc(values, func(_ string, v any) bool { return v == nil })
	return values
}

// checkUser checks what concerns the user as a whole and the rest of the tenant. The caller holds t.mu.
func (t *Tenant) checkUser(u *userObject) *graphError {
	upn, immutableID := u.text("userPrincipalName"), u.text("onPremisesImmutableId")
	if !validUPN(upn) {
		message := "Property userPrincipalName is invalid."
		return requestError(message, errorDetail{"InvalidValue", message, "userPrincipalName"})
	}
	if t.domainNamed(domainPart(upn)) == nil {
		message := "The domain portion of the userPrincipalName property is invalid. You must use one of the verified " +
			"domain names in your organization."
		return requestError(message, errorDetail{"InvalidValue", message, "userPrincipalName"})
	}
	if _, federated := t.federationOf(u); federated && immutableID == "" {
		return requestError("SourceAnchor is a required property for creation of a federated user.")
	}
	return t.checkUnique(u)
}

// checkUnique compares the user with what the primary has. An ImmutableID stays taken while a deleted user with it can
// be restored. The caller holds t.mu.
func (t *Tenant) checkUnique(u *userObject) *graphError {
	for _, other := range t.users.primaryByKey(keyOfUPN(u.text("userPrincipalName"))) {
		if other.id != u.id && other.active() {
			return t.errConflict("userPrincipalName", other.id)
		}
	}
	if id := u.text("onPremisesImmutableId"); id != "" {
		for _, other := range t.users.primaryByKey(keyOfImmutableID(id)) {
			if other.id != u.id && (other.active() || t.now().Before(other.deleted.Add(deletedFor))) {
				return t.errConflict("onPremisesImmutableId", other.id)
			}
		}
	}
	if mail := u.text("mail"); mail != "" {
		for _, other := range t.users.primaryByKey(keyOfAddress(mail)) {
			if other.id != u.id && other.active() {
				return t.errConflict("proxyAddresses", other.id)
			}
		}
	}
	return nil
}

// standardUser is a user with the properties that are returned without $select.
func standardUser(t *Tenant, u *userObject) object {
	var out object
	for _, p := range userSchema {
		if p.standard {
			out = append(out, member{p.name, p.value(t, u)})
		}
	}
	return out
}

// userProjection says which properties of users a request wants.
func (req *graphRequest) userProjection() ([]property, *graphError) {
	basicOnly := !req.caller.may(
		"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All")
	names := req.selectedNames()
	var out []property
	if len(names) == 0 {
		for _, p := range userSchema {
			if p.standard && (p.basic || !basicOnly) {
				out = append(out, p)
			}
		}
		return out, nil
	}
	for _, name := range names {
		p, ok := propertyNamed(name)
		if !ok {
			return nil, errCannotSelect(name, "user")
		}
		if basicOnly && !p.basic {
			return nil, errForbidden()
		}
		if !slices.ContainsFunc(out, func(other property) bool { return other.name == p.name }) {
			out = append(out, p)
		}
	}
	return out, nil
}

func (t *Tenant) project(u *userObject, properties []property) object {
	out := make(object, 0, len(properties))
	for _, p := range properties {
		out = append(out, member{p.name, p.value(t, u)})
	}
	return out
}

// getUser is https://learn.microsoft.com/graph/api/user-get.
func (t *Tenant) getUser(req *graphRequest) (*graphReply, *graphError) {
	properties, refusal := req.userProjection()
	if refusal != nil {
		return nil, refusal
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	u, refusal := t.userByKey(req.key(0), t.pickReplica())
	if refusal != nil {
		return nil, refusal
	}
	return req.entity("users"+req.selection()+"/$entity", t.project(u, properties)), nil
}

// userQuery is a list request, understood.
type userQuery struct {
	properties []property
	filter     userFilter
	view       int
	top        int
	after      string // the object ID that the previous page ended with, or empty
	count      bool
}

// listUsers is https://learn.microsoft.com/graph/api/user-list.
func (t *Tenant) listUsers(req *graphRequest) (*graphReply, *graphError) {
	q, refusal := req.userQuery()
	if refusal != nil {
		return nil, refusal
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	found := t.find(q)
	count := len(found)
	if found, refusal = t.laterThan(found, q.after); refusal != nil {
		return nil, refusal
	}
	body := object{{"@odata.context", req.metadata("users" + req.selection())}}
	if q.count {
		body = append(body, member{"@odata.count", count})
	}
	if len(found) > q.top {
		found = found[:q.top]
		body = append(body, member{"@odata.nextLink", req.nextLink(found[q.top-1].id)})
	}
	items := []object{}
	for _, u := range found {
		items = append(items, t.project(u, q.properties))
	}
	return &graphReply{status: http.StatusOK, body: append(body, member{"value", items})}, nil
}

// find lists the users that match, in order of creation. The caller holds t.mu.
func (t *Tenant) find(q userQuery) []*userObject {
	now := t.now()
	var out []*userObject
	if q.filter.key != "" {
		for _, u := range t.users.seenByKey(q.filter.key, q.view, now) {
			if q.filter.matches(u) {
				out = append(out, u)
			}
		}
		return out
	}
	for _, id := range t.users.order {
		if u := t.users.seen(id, q.view, now); u != nil && (q.filter.matches == nil || q.filter.matches(u)) {
			out = append(out, u)
		}
	}
	return out
}

// laterThan drops the users up to the one that the previous page ended with. The caller holds t.mu.
func (t *Tenant) laterThan(found []*userObject, last string) ([]*userObject, *graphError) {
	if last == "" {
		return found, nil
	}
	i := slices.Index(t.users.order, last)
	if i < 0 {
		return nil, errExpiredPage()
	}
	earlier := map[string]bool{}
	for _, id := range t.users.order[:i+1] {
		earlier[id] = true
	}
	return slices.DeleteFunc(found, func(u *userObject) bool { return earlier[u.id] }), nil
}

// userQuery reads the query options of a list request.
func (req *graphRequest) userQuery() (userQuery, *graphError) {
	t := req.tenant
	q := userQuery{top: defaultPage}
	var refusal *graphError
	if q.properties, refusal = req.userProjection(); refusal != nil {
		return q, refusal
	}
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
		if q.filter, refusal = parseUserFilter(t, req.query.Get("$filter")); refusal != nil {
			return q, refusal
		}
		if refusal := req.checkFilter(q.filter, req.advanced() && q.count); refusal != nil {
			return q, refusal
		}
	}
	if top := req.query.Get("$top"); req.query.Has("$top") {
		n, err := strconv.Atoi(top)
		if err != nil || n < 1 || n > largestPage {
			return q, unsupportedQuery(fmt.Sprintf("Invalid page size specified: '%s'. Must be between 1 and %d inclusive.",
				top, largestPage))
		}
		q.top = n
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
func (req *graphRequest) checkFilter(f userFilter, advanced bool) *graphError {
	if f.needs != "" && !advanced {
		return unsupportedQuery(fmt.Sprintf("Operator '%s' is not supported because the required parameters might be "+
			"missing. Try adding $count=true query parameter and ConsistencyLevel:eventual header. Refer to "+
			"https://aka.ms/graph-docs/advanced-queries for more information", f.needs))
	}
	if req.caller.may("User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All") {
		return nil
	}
	for _, name := range f.uses {
		if p, _ := propertyNamed(name); !p.basic {
			return errForbidden()
		}
	}
	return nil
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
	return req.tenant.cloud.Graph + graphVersion + "/users?" + query.Encode()
}

func errExpiredPage() *graphError {
	return &graphError{
		status: http.StatusBadRequest, code: "Directory_ExpiredPageToken",
		message: "Specified page token value has expired and can no longer be included in your request.",
	}
}

// updateUser is https://learn.microsoft.com/graph/api/user-update.
func (t *Tenant) updateUser(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	if refusal := req.checkMayChange(body); refusal != nil {
		return nil, refusal
	}
	values, refusal := decodeUser(body)
	if refusal != nil {
		return nil, refusal
	}
	if profile, present := values["passwordProfile"]; present {
		if refusal := checkPassword(profile.(map[string]any)); refusal != nil {
			return nil, refusal
		}
		delete(values, "passwordProfile")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	u, refusal := t.userToChange(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	changed := u.clone()
	maps.Copy(changed.values, values)
	withoutNulls(changed.values)
	if refusal := t.checkChange(u, changed, values); refusal != nil {
		return nil, refusal
	}
	t.users.commit(changed, t.now())
	return &graphReply{status: http.StatusNoContent}, nil
}

// checkMayChange refuses an application with one of the narrow permissions whatever lies beyond it.
func (req *graphRequest) checkMayChange(body map[string]any) *graphError {
	if req.caller.may("User.ReadWrite.All", "Directory.ReadWrite.All") {
		return nil
	}
	narrow := map[string]string{
		"accountEnabled": "User.EnableDisableAccount.All", "passwordProfile": "User-PasswordProfile.ReadWrite.All",
	}
	for name := range body {
		if permission, ok := narrow[name]; !ok || !req.caller.may(permission) {
			return errForbidden()
		}
	}
	return nil
}

// userToChange finds a user on a replica, as Graph does before a write, and returns its last state. The caller holds
// t.mu.
func (t *Tenant) userToChange(key string) (*userObject, *graphError) {
	seen, refusal := t.userByKey(key, t.pickReplica())
	if refusal != nil {
		return nil, refusal
	}
	return t.lastState(seen.id)
}

// checkChange checks a change of a user: before, after, and what was sent. The caller holds t.mu.
func (t *Tenant) checkChange(before, after *userObject, sent map[string]any) *graphError {
	if before.synced() && len(sent) > 0 {
		return requestError("Unable to update the specified properties for objects that have originated within an " +
			"external service.")
	}
	_, federated := t.federationOf(before)
	if before.text("onPremisesImmutableId") != after.text("onPremisesImmutableId") && t.cfg.FreezeImmutableID && federated {
		return errInvalidValue("onPremisesImmutableId")
	}
	return t.checkUser(after)
}

// federationOf returns the root domain that federates the user. The caller holds t.mu.
func (t *Tenant) federationOf(u *userObject) (*tenantDomain, bool) {
	root := t.rootOf(domainPart(u.text("userPrincipalName")))
	return root, root != nil && root.federation != nil
}

// deleteUser is https://learn.microsoft.com/graph/api/user-delete: the object is kept for 30 days, without its licences
// and under a changed UPN.
func (t *Tenant) deleteUser(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, refusal := t.userToChange(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	deleted := u.clone()
	deleted.deleted = t.now()
	deleted.licenses = nil
	deleted.values["userPrincipalName"] = strings.ReplaceAll(u.id, "-", "") + u.text("userPrincipalName")
	t.users.commit(deleted, t.now())
	return &graphReply{status: http.StatusNoContent}, nil
}

// revokeSessions is https://learn.microsoft.com/graph/api/user-revokesigninsessions.
func (t *Tenant) revokeSessions(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, refusal := t.userToChange(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	changed := u.clone()
	changed.revoked = t.now()
	t.users.commit(changed, t.now())
	return &graphReply{status: http.StatusOK, body: object{
		{"@odata.context", req.metadata("Edm.Boolean")}, {"value", true},
	}}, nil
}
