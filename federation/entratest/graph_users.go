package entratest

import (
	"fmt"
	"net/http"
	"strings"
)

func (t *Tenant) userRoutes() []route {
	read := []string{
		"User.ReadBasic.All", "User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All",
	}
	write := []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}
	change := append(write, "User.EnableDisableAccount.All", "User-PasswordProfile.ReadWrite.All")
	remove := []string{"User.DeleteRestore.All", "User.ReadWrite.All"}
	revoke := []string{"User.RevokeSessions.All", "User.ReadWrite.All"}
	return []route{
		{http.MethodPost, "users", write, 1, nil, t.createUser},
		{http.MethodGet, "users", read, 2, append(listOptions(), "$expand"), t.listUsers},
		{http.MethodGet, "users/{}", read, 1, []string{"$select", "$expand"}, t.getUser},
		{http.MethodPatch, "users/{}", change, 1, nil, t.updateUser},
		{http.MethodDelete, "users/{}", remove, 1, nil, t.deleteUser},
		{http.MethodPost, "users/{}/revokeSignInSessions", revoke, 1, nil, t.revokeSessions},
	}
}

// pickReplica chooses the replica that answers.
func (t *Tenant) pickReplica() int { return t.picks.below(replicas) }

// userByKey finds a user by object ID or user principal name in a view. The caller holds t.mu.
func (t *Tenant) userByKey(key string, view int) (*entity, *graphError) {
	if isGUID(key) {
		if e := t.directory.seen(strings.ToLower(key), view, t.now()); e != nil && e.class == userClass {
			return e, nil
		}
		return nil, errNotFound(key)
	}
	for _, e := range t.directory.seenByKey(keyOfUPN(key), view, t.now()) {
		return e, nil
	}
	return nil, errNotFound(key)
}

// lastState is an active object as the primary has it. The caller holds t.mu.
func (t *Tenant) lastState(id string) (*entity, *graphError) {
	e := t.directory.primary(id)
	if e == nil || !e.active() {
		return nil, errNotFound(id)
	}
	return e, nil
}

// beginUserChange finds a user on a replica, as Graph does before a write, and claims it.
func (req *graphRequest) beginUserChange() (id string, refusal *graphError) {
	t := req.tenant
	t.lock()
	defer t.mu.Unlock()
	e, refusal := t.userByKey(req.key(0), t.pickReplica())
	if refusal != nil {
		return "", refusal
	}
	return e.id, req.claim(e.id)
}

// checkMayManage refuses a caller without an administrator's role what concerns a user who holds one:
// https://learn.microsoft.com/graph/api/resources/users#who-can-perform-sensitive-actions. The caller holds t.mu.
func (req *graphRequest) checkMayManage(e *entity) *graphError {
	if e.admin && !req.callerIsAdmin() {
		return errForbidden()
	}
	return nil
}

// createUser is https://learn.microsoft.com/graph/api/user-post-users.
func (t *Tenant) createUser(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	values, refusal := userClass.decodeNew(body)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := checkPassword(values["passwordProfile"].(map[string]any)); refusal != nil {
		return nil, refusal
	}
	delete(values, "passwordProfile")
	values["userType"] = orElse(textOf(values["userType"]), "Member")
	e := &entity{class: userClass, values: withoutNulls(values)}
	e.followMail("")

	t.lock()
	defer t.mu.Unlock()
	e.id, e.created = t.objectIDs.guid(), t.now()
	if refusal := t.checkUser(e); refusal != nil {
		return nil, refusal
	}
	if refusal := t.refuseOnce(e); refusal != nil {
		return nil, refusal
	}
	t.directory.commit(e, t.now())
	t.queueMemberships(e.id)
	reply := req.entity("users/$entity", standardObject(t, e))
	reply.status, reply.location = http.StatusCreated, t.locationOf(e)
	return reply, nil
}

// refuseOnce refuses some creations that nothing is wrong with, as Config.CreateRefusals says: a replica that the
// directory checks against has fallen behind. The caller holds t.mu.
func (t *Tenant) refuseOnce(e *entity) *graphError {
	upn := strings.ToLower(e.text("userPrincipalName"))
	if t.cfg.CreateRefusals == 0 || t.refused[upn] {
		delete(t.refused, upn)
		return nil
	}
	if t.refusals.share() >= t.cfg.CreateRefusals {
		return nil
	}
	t.refused[upn] = true
	return requestError("One or more property values specified are invalid.")
}

// locationOf is the address that Graph gives for an object it wrote.
func (t *Tenant) locationOf(e *entity) string {
	return fmt.Sprintf("%s/v2/%s/directoryObjects/%s/Microsoft.DirectoryServices.%s",
		t.cloud.Graph, t.cfg.TenantID, e.id, e.class.resource())
}

// checkUser checks what concerns the user as a whole and the rest of the tenant. The caller holds t.mu.
func (t *Tenant) checkUser(e *entity) *graphError {
	upn, immutableID := e.text("userPrincipalName"), e.text("onPremisesImmutableId")
	if !validUPN(upn) {
		message := "Property userPrincipalName is invalid."
		return requestError(message, errorDetail{"InvalidValue", message, "userPrincipalName"})
	}
	if t.verifiedDomain(domainPart(upn)) == nil {
		message := "The domain portion of the userPrincipalName property is invalid. You must use one of the verified " +
			"domain names in your organization."
		return requestError(message, errorDetail{"InvalidValue", message, "userPrincipalName"})
	}
	if _, federated := t.federationOf(e); federated && immutableID == "" {
		return requestError("SourceAnchor is a required property for creation of a federated user.")
	}
	return t.checkUnique(e)
}

// checkUnique compares the user with what the primary has. The caller holds t.mu.
func (t *Tenant) checkUnique(e *entity) *graphError {
	for _, other := range t.directory.primaryByKey(keyOfUPN(e.text("userPrincipalName"))) {
		if other.id != e.id && other.active() {
			return t.errConflict("userPrincipalName", other)
		}
	}
	if id := e.text("onPremisesImmutableId"); id != "" {
		for _, other := range t.directory.primaryByKey(keyOfImmutableID(id)) {
			if other.id != e.id && t.reservesImmutableID(other) {
				return t.errConflict("onPremisesImmutableId", other)
			}
		}
	}
	return t.checkAddresses(e)
}

// reservesImmutableID reports whether nobody else can have the user's ImmutableID: as long as the user exists, and,
// unless the configuration says otherwise, as long as the deleted user can be restored.
func (t *Tenant) reservesImmutableID(e *entity) bool {
	return e.active() || !t.cfg.DeletedFreeImmutableID && !e.gone(t.now())
}

// getUser is https://learn.microsoft.com/graph/api/user-get.
func (t *Tenant) getUser(req *graphRequest) (*graphReply, *graphError) {
	return t.get(req, userClass, "users", func(view int) (*entity, *graphError) { return t.userByKey(req.key(0), view) })
}

// listUsers is https://learn.microsoft.com/graph/api/user-list.
func (t *Tenant) listUsers(req *graphRequest) (*graphReply, *graphError) {
	return t.list(req, userClass, "users", (*entity).active)
}

// updateUser is https://learn.microsoft.com/graph/api/user-update.
func (t *Tenant) updateUser(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginUserChange()
	if refusal != nil {
		return nil, refusal
	}
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	if refusal := req.checkMayChange(body); refusal != nil {
		return nil, refusal
	}
	values, refusal := userClass.decodeChange(body)
	if refusal != nil {
		return nil, refusal
	}
	if profile, present := values["passwordProfile"]; present {
		if refusal := checkPassword(profile.(map[string]any)); refusal != nil {
			return nil, refusal
		}
		delete(values, "passwordProfile")
	}
	t.lock()
	defer t.mu.Unlock()
	before, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	after := before.changed(values)
	if _, sent := values["mail"]; sent {
		after.followMail(before.text("mail"))
	}
	if refusal := req.checkChange(before, after, len(values) > 0); refusal != nil {
		return nil, refusal
	}
	t.directory.commit(after, t.now())
	t.queueMemberships(id)
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

// checkChange checks a change of a user. The caller holds t.mu.
func (req *graphRequest) checkChange(before, after *entity, sent bool) *graphError {
	t := req.tenant
	if refusal := req.checkMayManage(before); refusal != nil {
		return refusal
	}
	if before.flag("onPremisesSyncEnabled") && sent {
		return requestError("Unable to update the specified properties for objects that have originated within an " +
			"external service.")
	}
	_, federated := t.federationOf(before)
	if before.text("onPremisesImmutableId") != after.text("onPremisesImmutableId") && t.cfg.FreezeImmutableID && federated {
		return userClass.errInvalidValue("onPremisesImmutableId")
	}
	return t.checkUser(after)
}

// federationOf returns the root domain that federates the user. The caller holds t.mu.
func (t *Tenant) federationOf(e *entity) (*tenantDomain, bool) {
	root := t.rootOf(domainPart(e.text("userPrincipalName")))
	return root, root != nil && root.federation != nil
}

// revokeSessions is https://learn.microsoft.com/graph/api/user-revokesigninsessions.
func (t *Tenant) revokeSessions(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginUserChange()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	before, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	after := before.clone()
	after.revoked = t.now()
	t.directory.commit(after, t.now())
	return &graphReply{status: http.StatusOK, body: object{
		{"@odata.context", req.metadata("Edm.Boolean")}, {"value", true},
	}}, nil
}
