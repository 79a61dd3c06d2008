package entratest

import (
	"net/http"
	"slices"
)

func (t *Tenant) memberOfRoutes() []route {
	read := readGroupPermissions() // assumed: Microsoft's table has none for applications
	list := []string{"$select", "$top", "$count", "$skiptoken"}
	return []route{
		{http.MethodGet, "users/{}/memberOf", read, 2, list, t.listMemberOf},
		{http.MethodGet, "users/{}/transitiveMemberOf", read, 2, list, t.listTransitiveMemberOf},
	}
}

// listMemberOf is https://learn.microsoft.com/graph/api/user-list-memberof. The directory roles, which Graph lists as
// well, are left out.
func (t *Tenant) listMemberOf(req *graphRequest) (*graphReply, *graphError) {
	return t.listGroupsOf(req, t.groupsSeen)
}

// listTransitiveMemberOf is https://learn.microsoft.com/graph/api/user-list-transitivememberof: with the groups of groups.
func (t *Tenant) listTransitiveMemberOf(req *graphRequest) (*graphReply, *graphError) {
	return t.listGroupsOf(req, t.allGroupsSeen)
}

func (t *Tenant) listGroupsOf(req *graphRequest, groups func(id string, view int) []string) (*graphReply, *graphError) {
	return t.listObjects(req, func(q listQuery) ([]*entity, *graphError) {
		user, refusal := t.userByKey(req.key(0), q.view)
		if refusal != nil {
			return nil, refusal
		}
		return t.inView(groups(user.id, q.view), q.view), nil
	})
}

// groupsSeen lists the object IDs of the groups of which a view shows an object as a member. The caller holds t.mu.
func (t *Tenant) groupsSeen(id string, view int) []string {
	var out []string
	for _, l := range t.directory.linksOf[id] {
		if l.member == id && t.directory.links[l].seen(view, t.now()) {
			out = append(out, l.group)
		}
	}
	return out
}

// allGroupsSeen is groupsSeen with the groups of those groups, each once. The caller holds t.mu.
func (t *Tenant) allGroupsSeen(id string, view int) []string {
	out := t.groupsSeen(id, view)
	for i := 0; i < len(out); i++ {
		for _, above := range t.groupsSeen(out[i], view) {
			if !slices.Contains(out, above) {
				out = append(out, above)
			}
		}
	}
	return out
}

// inView lists those of the objects that a view shows, in order of creation. The caller holds t.mu.
func (t *Tenant) inView(ids []string, view int) []*entity {
	var out []*entity
	for _, id := range t.directory.inOrder(ids) {
		if e := t.directory.seen(id, view, t.now()); e != nil {
			out = append(out, e)
		}
	}
	return out
}
