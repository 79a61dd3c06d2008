package entratest

import "net/http"

func (t *Tenant) meRoutes() []route {
	read := []string{"User.Read", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	return []route{{http.MethodGet, "me", read, 1, []string{"$select"}, t.getMe}}
}

// getMe is https://learn.microsoft.com/graph/api/user-get for the user of a delegated token.
func (t *Tenant) getMe(req *graphRequest) (*graphReply, *graphError) {
	wanted, refusal := req.projection(userClass)
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	view := t.pickReplica()
	e, refusal := t.userByKey(req.caller.ObjectID, view)
	if refusal != nil {
		return nil, refusal
	}
	return req.entity("users"+req.selection()+"/$entity", t.project(e, wanted, view)), nil
}
