package entratest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// maxBoundMembers is how many members one request adds.
const maxBoundMembers = 20

func (t *Tenant) memberRoutes() []route {
	read := []string{
		"GroupMember.ReadBasic.All", "GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All",
		"Group.ReadWrite.All", "Directory.Read.All",
	}
	write := memberPermissions()
	list := []string{"$select", "$top", "$count", "$skiptoken"}
	return []route{
		{http.MethodGet, "groups/{}/members", read, 3, list, t.listMembers},
		{http.MethodPost, "groups/{}/members/$ref", write, 1, nil, t.addMember},
		{http.MethodDelete, "groups/{}/members/{}/$ref", write, 1, nil, t.removeMember},
		{http.MethodDelete, "groups/{}/members/{}", write, 1, nil, t.deleteMember},
	}
}

func memberPermissions() []string {
	return []string{"GroupMember.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
}

func (req *graphRequest) mayWriteMembers() bool { return req.caller.may(memberPermissions()...) }

// listMembers is https://learn.microsoft.com/graph/api/group-list-members. A caller who may not read users gets their
// IDs, and null for everything else:
// https://learn.microsoft.com/graph/permissions-overview#limited-information-returned-for-inaccessible-member-objects.
func (t *Tenant) listMembers(req *graphRequest) (*graphReply, *graphError) {
	return t.listObjects(req, func(q listQuery) ([]*entity, *graphError) {
		group, refusal := t.groupByKey(req.keys[0], q.view)
		if refusal != nil {
			return nil, refusal
		}
		return t.membersSeen(group.id, q.view), nil
	})
}

// listObjects answers a request for users and groups, which find looks up in the query's view with t.mu held.
func (t *Tenant) listObjects(req *graphRequest,
	find func(listQuery) ([]*entity, *graphError)) (*graphReply, *graphError) {
	wanted, refusal := req.memberProjection()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	q, refusal := req.listQuery(userClass)
	if refusal != nil {
		return nil, refusal
	}
	found, refusal := find(q)
	if refusal != nil {
		return nil, refusal
	}
	return t.page(req, q, directoryObjects+req.selection(), found, req.memberObject(wanted, q.view))
}

// memberObject shows an object of a list of users and groups, as far as the caller may read it.
func (req *graphRequest) memberObject(wanted map[class][]property, view int) func(*entity) object {
	return func(e *entity) object {
		o := req.tenant.project(e, projection{properties: wanted[e.class]}, view)
		if e.class == userClass && !req.readsUsers() {
			hideAllButID(o)
		}
		return typed(o, e.class)
	}
}

// memberProjection reads $select for a list of users and groups: each object has those of the properties that its class
// knows.
func (req *graphRequest) memberProjection() (map[class][]property, *graphError) {
	out := map[class][]property{}
	names := req.selectedNames()
	for _, c := range []class{userClass, groupClass} {
		known := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			_, ok := c.property(name)
			return !ok
		})
		if len(names) > 0 && len(known) == 0 {
			continue
		}
		properties, refusal := req.properties(c, known)
		if refusal != nil {
			return nil, refusal
		}
		out[c] = properties
	}
	for _, name := range names {
		_, ofUser := userClass.property(name)
		_, ofGroup := groupClass.property(name)
		if !ofUser && !ofGroup {
			return nil, errCannotSelect(name, "directoryObject")
		}
	}
	return out, nil
}

func hideAllButID(o object) {
	for i := range o {
		if o[i].name != "id" {
			o[i].value = nil
		}
	}
}

// membersSeen lists the members of a group that a view shows, in order of creation. The caller holds t.mu.
func (t *Tenant) membersSeen(group string, view int) []*entity {
	var ids []string
	for _, l := range t.directory.linksOf[group] {
		if l.group == group && t.directory.links[l].seen(view, t.now()) {
			ids = append(ids, l.member)
		}
	}
	return t.inView(ids, view)
}

// boundMembers reads members@odata.bind: the object IDs that a body adds to a group.
func (req *graphRequest) boundMembers(body map[string]any) ([]string, *graphError) {
	bound, present := body["members@odata.bind"]
	if !present {
		return nil, nil
	}
	addresses, ok := stringList(bound)
	if !ok {
		return nil, errBadBinding()
	}
	if len(addresses) > maxBoundMembers {
		return nil, requestError(fmt.Sprintf("A resource cannot contain more than %d link changes", maxBoundMembers))
	}
	var ids []string
	for _, address := range addresses {
		id, ok := req.tenant.referredID(address)
		if !ok {
			return nil, errBadBinding()
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func errBadBinding() *graphError {
	return badRequest("Invalid URL format specified in @odata.bind for members")
}

// addMember is https://learn.microsoft.com/graph/api/group-post-members.
func (t *Tenant) addMember(req *graphRequest) (*graphReply, *graphError) {
	member, refusal := req.readReference()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	group, refusal := t.groupByKey(req.keys[0], t.pickReplica())
	if refusal != nil {
		return nil, refusal
	}
	if refusal := t.checkJoining(req, group, []string{member}); refusal != nil {
		return nil, refusal
	}
	t.join(group.id, []string{member})
	return &graphReply{status: http.StatusNoContent}, nil
}

// checkJoining finds the objects on replicas, and refuses those that are members already on the primary. The caller holds
// t.mu.
func (t *Tenant) checkJoining(req *graphRequest, group *entity, members []string) *graphError {
	if refusal := group.checkManual(); len(members) > 0 && refusal != nil {
		return refusal
	}
	if len(members) > 0 && group.flag("isAssignableToRole") && !req.caller.may("RoleManagement.ReadWrite.Directory") {
		return errForbidden()
	}
	for i, id := range members {
		if _, refusal := t.referred(id); refusal != nil {
			return refusal
		}
		if t.directory.links[link{group.id, id}].last() || slices.Contains(members[:i], id) {
			return requestError("One or more added object references already exist for the following modified " +
				"properties: 'members'.")
		}
	}
	return nil
}

// join makes objects members of a group. The caller holds t.mu.
func (t *Tenant) join(group string, members []string) {
	for _, id := range members {
		t.directory.connect(link{group, id}, true, t.now())
		t.queueLicenses(group, id, t.now())
	}
}

// removeMember is https://learn.microsoft.com/graph/api/group-delete-members.
func (t *Tenant) removeMember(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	l, refusal := t.membership(req)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := t.directory.primary(l.group).checkManual(); refusal != nil {
		return nil, refusal
	}
	t.directory.connect(l, false, t.now())
	t.queueLicenses(l.group, l.member, t.now())
	return &graphReply{status: http.StatusNoContent}, nil
}

// membership finds the group of a path on a replica, and that it has the member. The caller holds t.mu.
func (t *Tenant) membership(req *graphRequest) (link, *graphError) {
	group, refusal := t.groupByKey(req.keys[0], t.pickReplica())
	if refusal != nil {
		return link{}, refusal
	}
	l := link{group.id, strings.ToLower(req.key(1))}
	if !t.directory.links[l].last() || !t.directory.primary(l.member).active() {
		return link{}, errNotFound(req.key(1))
	}
	if group.flag("isAssignableToRole") && !req.caller.may("RoleManagement.ReadWrite.Directory") {
		return link{}, errForbidden()
	}
	return l, nil
}

// deleteMember is what becomes of removing a member without /$ref: the caution on
// https://learn.microsoft.com/graph/api/group-delete-members says that the object itself is deleted, if the caller may.
func (t *Tenant) deleteMember(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	l, refusal := t.membership(req)
	if refusal != nil {
		return nil, refusal
	}
	member, refusal := t.lastState(l.member)
	if refusal != nil {
		return nil, refusal
	}
	if member.class != userClass || !req.caller.may("User.DeleteRestore.All", "User.ReadWrite.All") {
		return nil, errForbidden() // groups cannot be deleted here at all
	}
	if refusal := req.claim(member.id); refusal != nil {
		return nil, refusal
	}
	return t.softDelete(req, member.id)
}
