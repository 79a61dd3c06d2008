package entratest

import (
	"net/http"
	"slices"
	"strings"
)

func (t *Tenant) domainRoutes() []route {
	read, write := readDomainPermissions(), writeDomainPermissions()
	option := []string{"$select"}
	references := []string{"$select", "$top", "$count", "$skiptoken"}
	return []route{
		{http.MethodGet, "domains", read, 1, option, t.listDomains},
		{http.MethodPost, "domains", write, 1, nil, t.createDomain},
		{http.MethodGet, "domains/{}", read, 1, option, t.getDomain},
		{http.MethodPatch, "domains/{}", write, 1, nil, t.updateDomain},
		{http.MethodDelete, "domains/{}", write, 1, nil, t.deleteDomain},
		{http.MethodGet, "domains/{}/verificationDnsRecords", read, 1, nil, t.listVerificationRecords},
		{http.MethodPost, "domains/{}/verify", write, 1, nil, t.verifyDomain},
		{http.MethodPost, "domains/{}/promote", write, 1, nil, t.promoteDomain},
		{http.MethodGet, "domains/{}/rootDomain", read, 1, option, t.getRootDomain},
		{http.MethodGet, "domains/{}/domainNameReferences", read, 1, references, t.listReferences},
	}
}

func readDomainPermissions() []string { return []string{"Domain.Read.All", "Domain.ReadWrite.All"} }

// writeDomainPermissions are those to change a domain; the last is one that only users have.
func writeDomainPermissions() []string {
	return []string{"Domain.ReadWrite.All", "Directory.AccessAsUser.All"}
}

func exactly(allowed ...string) func(value any) bool {
	return func(value any) bool { return slices.Contains(allowed, value.(string)) }
}

// domainSchema lists what can be written of a domain, and what cannot:
// https://learn.microsoft.com/graph/api/resources/domain#properties.
var domainSchema = []property{
	{name: "id", kind: stringKind, createOnly: true, required: true, valid: func(value any) bool {
		return domainPattern.MatchString(strings.ToLower(value.(string)))
	}},
	{name: "authenticationType", kind: stringKind, kept: true, valid: exactly("Managed", "Federated")},
	{name: "availabilityStatus", kind: stringKind, computed: null},
	{name: "isAdminManaged", kind: boolKind, computed: null},
	{name: "isDefault", kind: boolKind, kept: true},
	{name: "isInitial", kind: boolKind, computed: null},
	{name: "isRoot", kind: boolKind, computed: null},
	{name: "isVerified", kind: boolKind, computed: null},
	{name: "manufacturer", kind: stringKind, computed: null},
	{name: "model", kind: stringKind, computed: null},
	{name: "passwordNotificationWindowInDays", kind: intKind, kept: true, valid: positive},
	{name: "passwordValidityPeriodInDays", kind: intKind, kept: true, valid: positive},
	{name: "state", kind: objectKind, computed: null},
	{name: "supportedServices", kind: stringsKind, kept: true, valid: validServices},
}

func positive(value any) bool { return value.(int) > 0 }

// validServices accepts the services of https://learn.microsoft.com/graph/api/resources/domain#properties.
func validServices(value any) bool {
	known := []string{"Email", "Sharepoint", "EmailInternalRelayOnly", "OfficeCommunicationsOnline",
		"SharePointDefaultDomain", "FullRedelegation", "SharePointPublic", "OrgIdAuthentication", "Yammer", "Intune"}
	return !slices.ContainsFunc(value.([]string), func(s string) bool { return !slices.Contains(known, s) })
}

func (t *Tenant) listDomains(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []object
	for _, d := range t.domains {
		all = append(all, t.domainObject(d))
	}
	return req.selectedCollection("domains", "domain", all)
}

func (t *Tenant) getDomain(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, refusal := t.domainByKey(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	return req.selectedEntity("domains", "domain", t.domainObject(d))
}

// getRootDomain is https://learn.microsoft.com/graph/api/domain-list-rootdomain. Its text and the schema have one object,
// as here, and its example a list of one. That a root has none is assumed.
func (t *Tenant) getRootDomain(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, refusal := t.domainByKey(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	root := t.rootOf(d.name)
	if root == nil || root == d {
		return nil, errNotFound("rootDomain")
	}
	return req.selectedEntity("domains", "domain", t.domainObject(root))
}

// domainByKey finds a domain of the tenant. The caller holds t.mu.
func (t *Tenant) domainByKey(name string) (*tenantDomain, *graphError) {
	if d := t.domainNamed(name); d != nil {
		return d, nil
	}
	return nil, errNotFound(name)
}

// beginDomainChange finds the domain of a path and claims it. The caller holds t.mu.
func (req *graphRequest) beginDomainChange() (*tenantDomain, *graphError) {
	d, refusal := req.tenant.domainByKey(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	return d, req.claim("domain " + d.name)
}

// domainObject is a domain: https://learn.microsoft.com/graph/api/resources/domain. The caller holds t.mu.
func (t *Tenant) domainObject(d *tenantDomain) object {
	return object{
		{"authenticationType", t.authenticationType(d)},
		{"availabilityStatus", nil},
		{"id", d.name},
		{"isAdminManaged", true},
		{"isDefault", d.isDefault},
		{"isInitial", d.initial},
		{"isRoot", d.root},
		{"isVerified", !d.unverified},
		{"manufacturer", nil},
		{"model", nil},
		{"passwordNotificationWindowInDays", d.notifyDays},
		{"passwordValidityPeriodInDays", d.validDays},
		{"state", nil},
		{"supportedServices", notNil(d.services)},
	}
}

// authenticationType is that of the root domain. The caller holds t.mu.
func (t *Tenant) authenticationType(d *tenantDomain) string {
	if root := t.rootOf(d.name); root != nil && root.federation != nil {
		return "Federated"
	}
	return "Managed"
}

// createDomain is https://learn.microsoft.com/graph/api/domain-post-domains. A domain below a verified one is verified
// with it and has its authentication; then authenticationType is best left out: "Managed" below a federated one is
// refused (microsoftgraph/microsoft-graph-docs-contrib#1256), and "Federated" always (MicrosoftDocs/entra-docs#281).
func (t *Tenant) createDomain(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	values, refusal := domainClass.decodeNew(withoutNulls(body))
	if refusal != nil {
		return nil, refusal
	}
	if values["authenticationType"] == "Federated" {
		return nil, requestError("Creation of federated domain is not allowed.")
	}
	if values["isDefault"] == true {
		return nil, domainClass.errInvalidValue("isDefault")
	}
	t.lock()
	defer t.mu.Unlock()
	name := strings.ToLower(values["id"].(string))
	if t.domainNamed(name) != nil { // assumed text
		return nil, requestError("A conflicting object with one or more of the specified property values is present in "+
			"the directory.", errorDetail{"ObjectConflict", "The domain is in the directory already.", "id"})
	}
	added := newDomain(name)
	parent := t.domains.parentOf(name)
	added.root, added.unverified = parent == nil, parent == nil
	if parent != nil && t.authenticationType(parent) == "Federated" && values["authenticationType"] == "Managed" {
		return nil, errInvalidValues()
	}
	if parent == nil {
		added.services = nil
	}
	added.set(values)
	t.putDomain(added)
	reply := req.entity("domains/$entity", t.domainObject(added))
	reply.status = http.StatusCreated
	reply.location = t.cloud.Graph + graphVersion + "/domains/" + name
	return reply, nil
}

// set takes over what does not concern the rest of the tenant.
func (d *tenantDomain) set(values map[string]any) {
	if v, sent := values["supportedServices"]; sent {
		d.services = v.([]string)
	}
	if v, sent := values["passwordNotificationWindowInDays"]; sent {
		d.notifyDays = v.(int)
	}
	if v, sent := values["passwordValidityPeriodInDays"]; sent {
		d.validDays = v.(int)
	}
}

// updateDomain is https://learn.microsoft.com/graph/api/domain-update. The texts about authenticationType and about the
// default domain have been reported (microsoftgraph/microsoft-graph-docs#5401 and #20766), the others are assumed.
func (t *Tenant) updateDomain(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	values, refusal := domainClass.decodeChange(body)
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	d, refusal := req.beginDomainChange()
	if refusal != nil {
		return nil, refusal
	}
	if d.unverified {
		return nil, requestError("Only verified domains can be updated.")
	}
	if refusal := t.checkDefault(d, values); refusal != nil {
		return nil, refusal
	}
	after, refusal := t.withAuthenticationType(d, values)
	if refusal != nil {
		return nil, refusal
	}
	changed := *after
	changed.set(values)
	t.putDomain(&changed)
	if values["isDefault"] == true {
		t.makeDefault(changed.name)
	}
	return &graphReply{status: http.StatusNoContent}, nil
}

// checkDefault checks a change of isDefault. The caller holds t.mu.
func (t *Tenant) checkDefault(d *tenantDomain, values map[string]any) *graphError {
	wanted, sent := values["isDefault"]
	switch {
	case !sent:
	case wanted == true && t.authenticationType(d) == "Federated":
		return requestError("Domain authentication type must be Managed to become default")
	case wanted == false && d.isDefault:
		return requestError("The default domain cannot be unset: make another domain the default.")
	}
	return nil
}

// withAuthenticationType is the domain with another authenticationType, if one was sent. The caller holds t.mu.
func (t *Tenant) withAuthenticationType(d *tenantDomain, values map[string]any) (*tenantDomain, *graphError) {
	wanted, sent := values["authenticationType"]
	switch {
	case !sent || wanted == t.authenticationType(d):
		return d, nil
	case wanted == "Federated":
		return nil, requestError("Changing authenticationType from Managed to Federated is currently not supported.")
	case !d.root: // it has its root's
		return nil, errInvalidValues()
	case d.broken:
		return nil, errInternal()
	}
	return t.authenticate(d, authentication{root: true}), nil
}

// makeDefault makes one domain the default, and no other. The caller holds t.mu.
func (t *Tenant) makeDefault(name string) {
	for i, d := range t.domains {
		changed := *d
		changed.isDefault = d.name == name
		t.domains[i] = &changed
	}
}

// deleteDomain is https://learn.microsoft.com/graph/api/domain-delete. The texts are assumed. A domain that is federated
// can be removed, which is what mended one that was federated without a certificate
// (microsoftgraph/microsoft-graph-docs-contrib#1389).
func (t *Tenant) deleteDomain(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	d, refusal := req.beginDomainChange()
	if refusal != nil {
		return nil, refusal
	}
	isChild := func(other *tenantDomain) bool {
		return other != d && !other.root && t.domains.parentOf(other.name) == d
	}
	switch {
	case d.initial:
		return nil, requestError("The initial domain cannot be deleted.")
	case d.isDefault:
		return nil, requestError("The default domain cannot be deleted: make another domain the default.")
	case slices.ContainsFunc(t.domains, isChild):
		return nil, requestError("The domain cannot be deleted, because it has subdomains.")
	case len(t.references(d.name, t.directory.primary)) > 0:
		return nil, requestError("The domain cannot be deleted, because objects refer to it. See domainNameReferences.")
	}
	t.domains = slices.DeleteFunc(slices.Clone(t.domains), func(other *tenantDomain) bool { return other == d })
	return &graphReply{status: http.StatusNoContent}, nil
}

// listVerificationRecords is https://learn.microsoft.com/graph/api/domain-list-verificationdnsrecords.
func (t *Tenant) listVerificationRecords(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, refusal := t.domainByKey(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	want := t.proofOf(d.name)
	record := func(kind, odataType, id string, more ...member) object {
		return append(object{
			{"@odata.type", "#microsoft.graph." + odataType}, {"id", id}, {"isOptional", false}, {"label", d.name},
			{"recordType", kind}, {"supportedService", "Email"}, {"ttl", 3600},
		}, more...)
	}
	return req.collection("domains('"+d.name+"')/verificationDnsRecords", []object{
		record("Txt", "domainDnsTxtRecord", "aceff52c-06a5-447f-ac5f-256ad243cc5c", member{"text", want.text}),
		record("Mx", "domainDnsMxRecord", "5fbde38c-0865-497f-82b1-126f596bcee9",
			member{"mailExchange", want.mailExchange}, member{"preference", 32767}),
	}), nil
}

// verifyDomain is https://learn.microsoft.com/graph/api/domain-verify. The texts are assumed. Nobody else has the domain
// here, so that forceTakeover makes no difference.
func (t *Tenant) verifyDomain(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readOptionalObject()
	if refusal != nil {
		return nil, refusal
	}
	for name, value := range body {
		if name != "forceTakeover" {
			return nil, errUnknownParameter(name, "verify")
		}
		if _, ok := value.(bool); !ok && value != nil {
			return nil, errWrongType(string(boolKind))
		}
	}
	t.lock()
	defer t.mu.Unlock()
	d, refusal := req.beginDomainChange()
	switch {
	case refusal != nil:
		return nil, refusal
	case !d.unverified:
		return nil, requestError("The domain is verified already.")
	case !t.proven(d.name):
		return nil, requestError("Domain verification failed: the DNS record was not found. It can take up to 72 hours " +
			"to be visible everywhere.")
	}
	verified := *d
	verified.unverified = false
	if verified.services == nil {
		verified.services = newDomain(d.name).services
	}
	t.putDomain(&verified)
	return req.entity("domains/$entity", t.domainObject(&verified)), nil
}

// promoteDomain is https://learn.microsoft.com/graph/api/domain-promote. The promoted domain is managed, whatever it was
// before (MicrosoftDocs/azure-docs#116147). How the texts end, and what becomes of a root, is assumed.
func (t *Tenant) promoteDomain(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	d, refusal := req.beginDomainChange()
	switch {
	case refusal != nil:
		return nil, refusal
	case d.unverified:
		return nil, requestError("Unverified domains can't be promoted.")
	case d.root:
		return nil, requestError("Only subdomains can be promoted.")
	case slices.ContainsFunc(t.references(d.name, t.directory.primary), isUser):
		return nil, requestError("Promoting a subdomain with user references isn't allowed.")
	}
	t.authenticate(d, authentication{root: true})
	return &graphReply{status: http.StatusOK, body: object{
		{"@odata.context", req.metadata("Edm.Boolean")}, {"value", true},
	}}, nil
}

func isUser(e *entity) bool { return e.class == userClass }

// listReferences is https://learn.microsoft.com/graph/api/domain-list-domainnamereferences. Of a federated domain it says
// nothing (microsoftgraph/microsoft-graph-docs#10484).
func (t *Tenant) listReferences(req *graphRequest) (*graphReply, *graphError) {
	return t.listObjects(req, func(q listQuery) ([]*entity, *graphError) {
		d, refusal := t.domainByKey(req.key(0))
		if refusal != nil {
			return nil, refusal
		}
		if t.authenticationType(d) == "Federated" {
			return nil, unsupportedQuery("This API is not supported for federated domains.")
		}
		return t.references(d.name, t.directory.in(q.view, t.now())), nil
	})
}

// references lists the active users and groups with a name or an address in the domain, in order of creation. The caller
// holds t.mu.
func (t *Tenant) references(domain string, state func(id string) *entity) []*entity {
	var out []*entity
	for _, id := range t.directory.order {
		e := state(id)
		if e == nil || !e.active() {
			continue
		}
		if slices.ContainsFunc(append(e.addresses(), e.text("userPrincipalName")), func(name string) bool {
			return domainPart(name) == domain
		}) {
			out = append(out, e)
		}
	}
	return out
}
