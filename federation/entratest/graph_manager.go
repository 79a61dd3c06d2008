package entratest

import "net/http"

func (t *Tenant) managerRoutes() []route {
	read := []string{"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	write := []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}
	return []route{
		{http.MethodGet, "users/{}/manager", read, 1, []string{"$select"}, t.getManager},
		{http.MethodGet, "users/{}/manager/$ref", read, 1, nil, t.getManagerReference},
		{http.MethodPut, "users/{}/manager/$ref", write, 1, nil, t.putManager},
		{http.MethodDelete, "users/{}/manager/$ref", write, 1, nil, t.deleteManager},
	}
}

// getManager is https://learn.microsoft.com/graph/api/user-list-manager.
func (t *Tenant) getManager(req *graphRequest) (*graphReply, *graphError) {
	return t.get(req, userClass, directoryObjects, func(view int) (*entity, *graphError) {
		return t.managerOf(req.key(0), view)
	})
}

func (t *Tenant) getManagerReference(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	manager, refusal := t.managerOf(req.key(0), t.pickReplica())
	if refusal != nil {
		return nil, refusal
	}
	return req.entity("$ref", object{
		{"@odata.id", t.cloud.Graph + graphVersion + "/directoryObjects/" + manager.id},
	}), nil
}

// managerOf finds the manager of a user in a view. The caller holds t.mu.
func (t *Tenant) managerOf(key string, view int) (*entity, *graphError) {
	e, refusal := t.userByKey(key, view)
	if refusal != nil {
		return nil, refusal
	}
	if manager := t.directory.seen(e.manager, view, t.now()); manager != nil {
		return manager, nil
	}
	return nil, errNotFound("manager")
}

// putManager is https://learn.microsoft.com/graph/api/user-post-manager.
func (t *Tenant) putManager(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginUserChange()
	if refusal != nil {
		return nil, refusal
	}
	managerID, refusal := req.readReference()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	manager, refusal := t.referred(managerID)
	if refusal != nil {
		return nil, refusal
	}
	if manager.class != userClass {
		return nil, requestError("Invalid object type for the reference 'manager'.") // assumed text
	}
	return t.setManager(id, managerID)
}

// deleteManager is https://learn.microsoft.com/graph/api/user-delete-manager. Without a manager there is nothing to
// delete, which is 404.
func (t *Tenant) deleteManager(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginUserChange()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	if e := t.directory.primary(id); e.manager == "" {
		return nil, errNotFound("manager")
	}
	return t.setManager(id, "")
}

// setManager gives a user another manager, or none. The caller holds t.mu.
func (t *Tenant) setManager(id, manager string) (*graphReply, *graphError) {
	before, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	after := before.clone()
	after.manager = manager
	t.directory.commit(after, t.now())
	return &graphReply{status: http.StatusNoContent}, nil
}
