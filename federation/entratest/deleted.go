package entratest

import (
	"net/http"
	"strings"
	"time"
)

// deletedFor is how long a deleted user can be restored: https://learn.microsoft.com/graph/api/user-delete.
const deletedFor = 30 * 24 * time.Hour

func (t *Tenant) deletedRoutes() []route {
	read := []string{"User.Read.All", "User.ReadWrite.All", "User.DeleteRestore.All", "Directory.Read.All",
		"Directory.ReadWrite.All"}
	write := []string{"User.DeleteRestore.All", "User.ReadWrite.All"}
	return []route{
		{http.MethodGet, "directory/deletedItems/user", read, 1, listOptions(), t.listDeletedUsers},
		{http.MethodGet, "directory/deletedItems/{}", read, 1, []string{"$select"}, t.getDeletedUser},
		{http.MethodDelete, "directory/deletedItems/{}", write, 1, nil, t.purgeUser},
		{http.MethodPost, "directory/deletedItems/{}/restore", write, 1, nil, t.restoreUser},
	}
}

// deleteUser is https://learn.microsoft.com/graph/api/user-delete: the object is kept for 30 days. Its licences are free
// again, direct and inherited ones; its memberships and its manager are kept aside. The UPN is free at once, because the
// kept object gets another one: its object ID without dashes before the UPN (no public source of Microsoft's says so; it
// is what deleted users look like).
func (t *Tenant) deleteUser(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginUserChange()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	return t.softDelete(req, id)
}

// softDelete moves an active user to the deleted items. The caller holds t.mu.
func (t *Tenant) softDelete(req *graphRequest, id string) (*graphReply, *graphError) {
	before, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := req.checkMayManage(before); refusal != nil {
		return nil, refusal
	}
	after := before.clone()
	after.deleted = t.now()
	after.licenses = nil
	after.values["userPrincipalName"] = deletedPrefix(id) + before.text("userPrincipalName")
	t.directory.commit(after, t.now())
	return &graphReply{status: http.StatusNoContent}, nil
}

// deletedPrefix is what the UPN of a deleted user begins with.
func deletedPrefix(id string) string { return strings.ReplaceAll(id, "-", "") }

// listDeletedUsers is https://learn.microsoft.com/graph/api/directory-deleteditems-list.
func (t *Tenant) listDeletedUsers(req *graphRequest) (*graphReply, *graphError) {
	return t.list(req, userClass, "users", t.restorable)
}

// restorable reports whether a user is among the deleted items. The caller holds t.mu.
func (t *Tenant) restorable(e *entity) bool { return !e.active() && !e.gone(t.now()) }

// getDeletedUser is https://learn.microsoft.com/graph/api/directory-deleteditems-get.
func (t *Tenant) getDeletedUser(req *graphRequest) (*graphReply, *graphError) {
	return t.get(req, userClass, directoryObjects, func(view int) (*entity, *graphError) {
		return t.deletedUser(req.key(0), view)
	})
}

// deletedUser finds a deleted user by object ID, the one key that they have, in a view. The caller holds t.mu.
func (t *Tenant) deletedUser(id string, view int) (*entity, *graphError) {
	e := t.directory.shown(strings.ToLower(id), view, t.now())
	if e == nil || !t.restorable(e) {
		return nil, errNotFound(id)
	}
	return e, nil
}

// beginDeletedChange finds a deleted user on a replica, claims it, and returns its last state. The caller holds t.mu.
func (req *graphRequest) beginDeletedChange() (*entity, *graphError) {
	t := req.tenant
	seen, refusal := t.deletedUser(req.key(0), t.pickReplica())
	if refusal != nil {
		return nil, refusal
	}
	last := t.directory.primary(seen.id)
	if !t.restorable(last) {
		return nil, errNotFound(seen.id)
	}
	if refusal := req.claim(last.id); refusal != nil {
		return nil, refusal
	}
	return last, req.checkMayManage(last)
}

// purgeUser is https://learn.microsoft.com/graph/api/directory-deleteditems-delete.
func (t *Tenant) purgeUser(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	before, refusal := req.beginDeletedChange()
	if refusal != nil {
		return nil, refusal
	}
	after := before.clone()
	after.purged = t.now()
	t.directory.commit(after, t.now())
	return &graphReply{status: http.StatusNoContent}, nil
}

// restoreUser is https://learn.microsoft.com/graph/api/directory-deleteditems-restore. The two parameters are in the
// schema of v1.0 and not on that page. Memberships come back, and with them what licences the groups give; licences that
// were assigned directly do not (assumed: no source says).
func (t *Tenant) restoreUser(req *graphRequest) (*graphReply, *graphError) {
	parameters, refusal := req.readRestore()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	before, refusal := req.beginDeletedChange()
	if refusal != nil {
		return nil, refusal
	}
	after := before.clone()
	after.deleted = time.Time{}
	after.values["userPrincipalName"] = orElse(parameters.upn,
		strings.TrimPrefix(before.text("userPrincipalName"), deletedPrefix(before.id)))
	if parameters.dropAddresses {
		t.dropTakenAddresses(after)
	}
	if refusal := t.checkUser(after); refusal != nil {
		return nil, refusal
	}
	t.directory.commit(after, t.now())
	for _, group := range t.directory.groupsOf(after.id) {
		t.queueLicenses(group, after.id, t.now())
	}
	t.queueMemberships(after.id)
	return req.entity(directoryObjects+"/$entity", typed(standardObject(t, after), userClass)), nil
}

// restoreParameters are those of the action restore.
type restoreParameters struct {
	upn           string
	dropAddresses bool
}

// readRestore reads the body of restore, which may be absent.
func (req *graphRequest) readRestore() (out restoreParameters, refusal *graphError) {
	body, refusal := req.readOptionalObject()
	if refusal != nil {
		return out, refusal
	}
	for name, value := range body {
		var ok bool
		switch name {
		case "newUserPrincipalName":
			if out.upn, ok = value.(string); !ok && value != nil {
				return out, errWrongType(string(stringKind))
			}
		case "autoReconcileProxyConflict":
			if out.dropAddresses, ok = value.(bool); !ok && value != nil {
				return out, errWrongType(string(boolKind))
			}
		default:
			return out, errUnknownParameter(name, "restore")
		}
	}
	return out, nil
}
