package entratest

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Group is a group of the tenant.
type Group struct {
	// ObjectID is the id in Graph, a GUID. Empty in Config.Groups: the tenant chooses.
	ObjectID string

	// DisplayName is required, and need not be unique.
	DisplayName string

	// UniqueName is the group's alternate key, at most 128 characters. Empty: it has none.
	UniqueName string

	// SKUIDs are the subscriptions that the group gives to its members.
	SKUIDs []string

	// Members are the UPNs of the users who are direct members. In Config.Groups they are users of Config.Users.
	Members []string

	// MembershipRule makes the group a dynamic one, whose members are the users who satisfy the rule:
	// https://learn.microsoft.com/entra/identity/users/groups-dynamic-membership. In Config.Groups it then has no Members.
	// Rules about lists of values, dates, devices, managers and other groups are not understood.
	MembershipRule string

	// CreatedAt is when the group was created. Zero in Config.Groups: when the tenant was.
	CreatedAt time.Time
}

// Groups lists the groups as the primary has them, in order of their display names and object IDs. Deleted members are
// left out.
func (t *Tenant) Groups() []Group {
	t.lock()
	defer t.mu.Unlock()
	var out []Group
	for _, id := range t.directory.order {
		if e := t.directory.primary(id); e.class == groupClass {
			out = append(out, t.exportGroup(e))
		}
	}
	slices.SortFunc(out, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.DisplayName, b.DisplayName), cmp.Compare(a.ObjectID, b.ObjectID))
	})
	return out
}

// exportGroup is a group as tests see it. The caller holds t.mu.
func (t *Tenant) exportGroup(e *entity) Group {
	out := Group{
		ObjectID: e.id, DisplayName: e.text("displayName"), UniqueName: e.text("uniqueName"), SKUIDs: e.seats(),
		CreatedAt: e.created, MembershipRule: e.text("membershipRule"),
	}
	for _, id := range t.directory.members(e.id) {
		if m := t.directory.primary(id); m.class == userClass && m.active() {
			out.Members = append(out.Members, m.text("userPrincipalName"))
		}
	}
	slices.Sort(out.Members)
	return out
}

func (c Config) validateGroups() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	users, seen := map[string]bool{}, map[string]bool{}
	for _, u := range c.Users {
		users[keyOfUPN(u.UPN)] = true
		seen[keyOfID(u.ObjectID)] = u.ObjectID != ""
	}
	once := func(field, key string) {
		if seen[key] {
			wrong("%s is already another object's", field)
		}
		seen[key] = true
	}
	for i, g := range c.Groups {
		field := fmt.Sprintf("Groups[%d]", i)
		if g.DisplayName == "" {
			wrong("%s.DisplayName is missing", field)
		}
		if g.ObjectID != "" {
			once(fmt.Sprintf("%s.ObjectID %q", field, g.ObjectID), keyOfID(g.ObjectID))
			if !isGUID(g.ObjectID) {
				wrong("%s.ObjectID %q is not a GUID", field, g.ObjectID)
			}
		}
		if g.UniqueName != "" {
			once(fmt.Sprintf("%s.UniqueName %q", field, g.UniqueName), keyOfUniqueName(g.UniqueName))
		}
		if g.MembershipRule != "" && (!validRule(g.MembershipRule) || len(g.Members) > 0) {
			wrong("%s.MembershipRule %q is not a rule that is understood, or there are Members as well", field, g.MembershipRule)
		}
		for _, upn := range g.Members {
			if !users[keyOfUPN(upn)] {
				wrong("%s.Members: %q is not a user of Config.Users", field, upn)
			}
		}
		if err := c.checkSKUIDs(field, g.SKUIDs); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// addConfiguredGroups adds the groups of the configuration, with their licences already given to their members.
func (t *Tenant) addConfiguredGroups() {
	for _, g := range t.cfg.Groups {
		e := &entity{
			id: strings.ToLower(orElse(g.ObjectID, t.objectIDs.guid())), class: groupClass, created: g.CreatedAt,
			values: map[string]any{
				"displayName": g.DisplayName, "mailEnabled": false, "mailNickname": t.objectIDs.guid()[:8],
				"securityEnabled": true,
			},
		}
		if e.created.IsZero() {
			e.created = t.now()
		}
		if g.UniqueName != "" {
			e.values["uniqueName"] = g.UniqueName
		}
		for _, skuID := range g.SKUIDs {
			e.licenses = append(e.licenses, license{skuID: strings.ToLower(skuID), assigned: e.created})
		}
		if g.MembershipRule != "" {
			e.values["groupTypes"], e.values["membershipRule"] = []string{dynamicMembership}, g.MembershipRule
			e.values["membershipRuleProcessingState"] = "On"
			t.dynamicGroups = append(t.dynamicGroups, e.id)
		}
		t.directory.settle(e)
		for _, user := range t.configuredMembers(g) {
			t.directory.storeLink(link{e.id, user.id}, revision[bool]{state: true}, time.Time{})
			inheriting, _ := t.inherit(user, e, e.created)
			t.directory.settle(inheriting)
		}
	}
}

// configuredMembers are the users whom a group of the configuration has, or whom its rule finds.
func (t *Tenant) configuredMembers(g Group) []*entity {
	var out []*entity
	for _, upn := range g.Members {
		out = append(out, t.directory.primaryByKey(keyOfUPN(upn))...)
	}
	rule, dynamic := parseRule(g.MembershipRule)
	for _, id := range t.directory.order {
		if user := t.directory.primary(id); dynamic && user.class == userClass && rule(user) {
			out = append(out, user)
		}
	}
	return out
}

func (t *Tenant) groupRoutes() []route {
	read := readGroupPermissions()
	create := []string{"Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
	change := append([]string{"GroupMember.ReadWrite.All"}, create...)
	return []route{
		{http.MethodPost, "groups", create, 1, nil, t.createGroup},
		{http.MethodGet, "groups", read, 1, listOptions(), t.listGroups},
		{http.MethodGet, "groups/{}", read, 1, []string{"$select"}, t.getGroup},
		{http.MethodPatch, "groups/{}", change, 1, nil, t.changeGroup},
	}
}

func readGroupPermissions() []string {
	return []string{
		"GroupMember.Read.All", "Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All",
	}
}

// mayWriteGroups reports whether the caller may change any group, and not only create groups or change memberships.
func (req *graphRequest) mayWriteGroups() bool {
	return req.caller.may("Group.ReadWrite.All", "Directory.ReadWrite.All")
}

// listGroups is https://learn.microsoft.com/graph/api/group-list.
func (t *Tenant) listGroups(req *graphRequest) (*graphReply, *graphError) {
	return t.list(req, groupClass, "groups", (*entity).active)
}

// getGroup is https://learn.microsoft.com/graph/api/group-get, by object ID or uniqueName.
func (t *Tenant) getGroup(req *graphRequest) (*graphReply, *graphError) {
	return t.get(req, groupClass, "groups", func(view int) (*entity, *graphError) {
		return t.groupByKey(req.keys[0], view)
	})
}

// groupByKey finds a group by object ID or uniqueName in a view. The caller holds t.mu.
func (t *Tenant) groupByKey(key pathPart, view int) (*entity, *graphError) {
	if key.name == "uniqueName" {
		for _, e := range t.directory.seenByKey(keyOfUniqueName(key.text), view, t.now()) {
			return e, nil
		}
		return nil, errNotFound(key.text)
	}
	if !isGUID(key.text) {
		message := fmt.Sprintf("Invalid object identifier '%s'.", key.text)
		return nil, requestError(message)
	}
	e := t.directory.seen(strings.ToLower(key.text), view, t.now())
	if e == nil || e.class != groupClass {
		return nil, errNotFound(key.text)
	}
	return e, nil
}

// createGroup is https://learn.microsoft.com/graph/api/group-post-groups.
func (t *Tenant) createGroup(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readAnnotated()
	if refusal != nil {
		return nil, refusal
	}
	return t.addGroup(req, body)
}

// addGroup creates a group with the members that the body binds. Owners are not simulated, and owners@odata.bind is not
// looked at.
func (t *Tenant) addGroup(req *graphRequest, body map[string]any) (*graphReply, *graphError) {
	members, refusal := req.boundMembers(body)
	if refusal != nil {
		return nil, refusal
	}
	values, refusal := groupClass.decodeNew(withoutAnnotations(body))
	if refusal != nil {
		return nil, refusal
	}
	e := &entity{class: groupClass, values: withoutNulls(values)}
	t.lock()
	defer t.mu.Unlock()
	e.id, e.created = t.objectIDs.guid(), t.now()
	if refusal := t.completeGroup(req, e); refusal != nil {
		return nil, refusal
	}
	if refusal := e.checkManual(); len(members) > 0 && refusal != nil {
		return nil, refusal
	}
	for _, id := range members {
		if _, refusal := t.referred(id); refusal != nil {
			return nil, refusal
		}
	}
	t.directory.commit(e, t.now())
	t.join(e.id, members)
	if e.isOfType(dynamicMembership) {
		t.dynamicGroups = append(t.dynamicGroups, e.id)
		t.queueMembership(e.id, "")
	}
	reply := req.entity("groups/$entity", standardObject(t, e))
	reply.status, reply.location = http.StatusCreated, t.locationOf(e)
	return reply, nil
}

// completeGroup checks a new group as a whole and gives it what follows from its kind. The caller holds t.mu.
func (t *Tenant) completeGroup(req *graphRequest, e *entity) *graphError {
	unified := e.isOfType(unifiedType)
	switch {
	case e.flag("mailEnabled") && !unified:
		return requestError("The service does not currently support writes of mail-enabled groups. Please ensure that the " +
			"mail-enablement property is unset and the security-enablement property is set.")
	case unified && !e.flag("mailEnabled"):
		return groupClass.errInvalidValue("mailEnabled")
	case !unified && !e.flag("securityEnabled"):
		return groupClass.errInvalidValue("securityEnabled")
	case e.flag("isAssignableToRole") && (!e.flag("securityEnabled") || e.isOfType(dynamicMembership)):
		return groupClass.errInvalidValue("isAssignableToRole")
	case e.flag("isAssignableToRole") && !req.caller.may("RoleManagement.ReadWrite.Directory"):
		return errForbidden()
	}
	if unified {
		e.values["mail"] = e.text("mailNickname") + "@" + t.defaultDomain()
		e.followMail("")
	}
	if e.text("visibility") == "" && unified {
		e.values["visibility"] = "Public"
	}
	return t.checkGroup(e)
}

// defaultDomain is the domain that new addresses get. The caller holds t.mu.
func (t *Tenant) defaultDomain() string {
	for _, d := range t.domains {
		if d.isDefault {
			return d.name
		}
	}
	return t.cfg.InitialDomain
}

// checkGroup compares the group with what the primary has. The caller holds t.mu.
func (t *Tenant) checkGroup(e *entity) *graphError {
	if refusal := e.checkRule(); refusal != nil {
		return refusal
	}
	if name := e.text("uniqueName"); name != "" {
		for _, other := range t.directory.primaryByKey(keyOfUniqueName(name)) {
			if other.id != e.id {
				return t.errConflict("uniqueName", other)
			}
		}
	}
	return t.checkAddresses(e)
}

// changeGroup is https://learn.microsoft.com/graph/api/group-update, and, by uniqueName and with the header
// "Prefer: create-if-missing", https://learn.microsoft.com/graph/api/group-upsert.
func (t *Tenant) changeGroup(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginGroupChange()
	if refusal != nil {
		return nil, refusal
	}
	body, refusal := req.readAnnotated()
	if refusal != nil {
		return nil, refusal
	}
	if id == "" {
		return t.upsertGroup(req, body)
	}
	return t.updateGroup(req, id, body)
}

// beginGroupChange finds a group and claims it: on a replica, or by uniqueName on the primary, because an upsert that
// trusted a replica would create the group twice (assumed). The ID is empty where an upsert is to create the group.
func (req *graphRequest) beginGroupChange() (id string, refusal *graphError) {
	t := req.tenant
	t.lock()
	defer t.mu.Unlock()
	key := req.keys[0]
	if key.name != "uniqueName" {
		e, refusal := t.groupByKey(key, t.pickReplica())
		if refusal != nil {
			return "", refusal
		}
		return e.id, req.claim(e.id)
	}
	for _, e := range t.directory.primaryByKey(keyOfUniqueName(key.text)) {
		return e.id, req.claim(e.id)
	}
	if !req.prefers("create-if-missing") {
		return "", errNotFound(key.text)
	}
	return "", nil
}

// prefers reports whether the header Prefer names a preference: RFC 7240.
func (req *graphRequest) prefers(preference string) bool {
	for _, line := range req.Header.Values("Prefer") {
		for part := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == ',' || r == ';' }) {
			if strings.EqualFold(strings.TrimSpace(part), preference) {
				return true
			}
		}
	}
	return false
}

// upsertGroup creates the group that an upsert did not find.
func (t *Tenant) upsertGroup(req *graphRequest, body map[string]any) (*graphReply, *graphError) {
	if !req.caller.may("Group.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All") {
		return nil, errForbidden()
	}
	name := req.key(0)
	if sent, present := body["uniqueName"]; present && sent != name {
		return nil, groupClass.errInvalidValue("uniqueName")
	}
	body["uniqueName"] = name
	return t.addGroup(req, body)
}

// updateGroup changes properties and adds members, all of it or nothing.
func (t *Tenant) updateGroup(req *graphRequest, id string, body map[string]any) (*graphReply, *graphError) {
	members, refusal := req.boundMembers(body)
	if refusal != nil {
		return nil, refusal
	}
	body = withoutAnnotations(body)
	if len(body) > 0 && !req.mayWriteGroups() || len(members) > 0 && !req.mayWriteMembers() {
		return nil, errForbidden()
	}
	if body["uniqueName"] == req.key(0) {
		delete(body, "uniqueName") // an upsert repeats the key
	}
	values, refusal := groupClass.decodeChange(body)
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	before, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	after := before.changed(values)
	if refusal := t.checkGroup(after); refusal != nil {
		return nil, refusal
	}
	if refusal := t.checkJoining(req, before, members); refusal != nil {
		return nil, refusal
	}
	if len(values) > 0 {
		t.directory.commit(after, t.now())
	}
	t.join(id, members)
	if after.isOfType(dynamicMembership) && len(values) > 0 {
		t.queueMembership(id, "")
	}
	return &graphReply{status: http.StatusNoContent}, nil
}
