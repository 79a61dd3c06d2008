package entratest

import "net/http"

func (t *Tenant) meRoutes() []route {
	read := []string{"User.Read", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
	return []route{{http.MethodGet, "me", read, 1, []string{"$select"}, t.getMe}}
}

// getMe is https://learn.microsoft.com/graph/api/user-get for the user of a delegated token.
func (t *Tenant) getMe(req *graphRequest) (*graphReply, *graphError) {
	return t.get(req, userClass, "users", func(view int) (*entity, *graphError) {
		return t.userByKey(req.caller.ObjectID, view)
	})
}
