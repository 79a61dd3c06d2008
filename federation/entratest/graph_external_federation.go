package entratest

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// externalFederationType is the type's name in a path, without its namespace.
const externalFederationType = string(externalFederationClass)

// externalFederation is a federation with the identity provider of guests, who stay in their own organization. It has
// nothing to do with the tenant's own domains. The sign-in service goes by its realm.
type externalFederation struct {
	id      string
	values  map[string]any
	domains []string
}

// externalFederationSchema lists what can be written of such a federation:
// https://learn.microsoft.com/graph/api/resources/samlorwsfedexternaldomainfederation. That page's list of what is
// required has the metadataExchangeUri too, and its examples clear it.
var externalFederationSchema = []property{
	{name: "id", kind: stringKind, computed: null},
	{name: "displayName", kind: stringKind, required: true},
	{name: "issuerUri", kind: stringKind, required: true, valid: validURI},
	{name: "metadataExchangeUri", kind: stringKind},
	{name: "signingCertificate", kind: stringKind, required: true, valid: validCertificate},
	{name: "passiveSignInUri", kind: stringKind, required: true, valid: validURL},
	{name: "preferredAuthenticationProtocol", kind: stringKind, required: true,
		valid: exactly(string(SAML), string(WSFed))},
}

// externalFederationRoutes: Microsoft's pages put the type before the key in some places and behind it in others, and
// leave it out where a federation is deleted. All of them are understood everywhere.
func (t *Tenant) externalFederationRoutes() []route {
	read := []string{"IdentityProvider.Read.All", "IdentityProvider.ReadWrite.All"}
	write := []string{"IdentityProvider.ReadWrite.All"}
	remove := []string{"Domain.ReadWrite.All", "IdentityProvider.ReadWrite.All"}
	const base = "directory/federationConfigurations/"
	option := []string{"$select"}
	routes := []route{
		{http.MethodGet, base + externalFederationType, read, 1, append(option, "$filter", "$expand"), t.listExternals},
		{http.MethodPost, base + externalFederationType, write, 1, nil, t.createExternal},
	}
	for _, one := range []string{
		base + externalFederationType + "/{}", base + "{}/" + externalFederationType, base + "{}",
	} {
		routes = append(routes,
			route{http.MethodGet, one, read, 1, append(option, "$expand"), t.getExternal},
			route{http.MethodPatch, one, write, 1, nil, t.updateExternal},
			route{http.MethodDelete, one, remove, 1, nil, t.deleteExternal},
			route{http.MethodGet, one + "/domains", read, 1, nil, t.listExternalDomains},
			route{http.MethodPost, one + "/domains", write, 1, nil, t.addExternalDomain},
			route{http.MethodDelete, one + "/domains/{}", write, 1, nil, t.removeExternalDomain},
		)
	}
	return routes
}

// object is the federation as Graph shows it, with its domains.
func (f *externalFederation) object() object {
	out := object{{"id", f.id}}
	for _, p := range externalFederationSchema[1:] {
		out = append(out, member{p.name, f.values[p.name]})
	}
	domains := []object{}
	for _, name := range f.domains {
		domains = append(domains, object{{"id", name}})
	}
	return append(out, member{"domains", domains})
}

// externalFilter is the one filter that Graph's page has: by the name of a domain.
var externalFilter = regexp.MustCompile(
	`^\s*domains/any\(\s*([A-Za-z]\w*)\s*:\s*([A-Za-z]\w*)/id\s+eq\s+'((?:[^']|'')*)'\s*\)\s*$`)

// listExternals is https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-list.
func (t *Tenant) listExternals(req *graphRequest) (*graphReply, *graphError) {
	wanted, refusal := req.externalFilter()
	if refusal != nil {
		return nil, refusal
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var all []object
	for _, f := range t.externals {
		if wanted == "" || slices.Contains(f.domains, wanted) {
			all = append(all, f.object())
		}
	}
	return req.selectedCollection("directory/federationConfigurations/graph."+externalFederationType,
		externalFederationType, all)
}

// externalFilter is the domain that $filter asks for, or empty without one.
func (req *graphRequest) externalFilter() (string, *graphError) {
	if !req.query.Has("$filter") {
		return "", nil
	}
	match := externalFilter.FindStringSubmatch(req.query.Get("$filter"))
	if match == nil || match[1] != match[2] || match[3] == "" {
		return "", badRequest("Invalid filter clause")
	}
	return strings.ToLower(strings.ReplaceAll(match[3], "''", "'")), nil
}

// createExternal is https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-post.
func (t *Tenant) createExternal(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	domains, refusal := readExternalDomains(body)
	if refusal != nil {
		return nil, refusal
	}
	delete(body, "domains")
	values, refusal := externalFederationClass.decodeNew(withoutNulls(body))
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	for _, name := range domains {
		if refusal := t.checkExternalDomain(name); refusal != nil {
			return nil, refusal
		}
	}
	added := &externalFederation{id: t.objectIDs.guid(), values: values, domains: domains}
	t.externals = append(t.externals, added)
	reply, refusal := req.externalReply(added)
	if refusal == nil {
		reply.status = http.StatusCreated
	}
	return reply, refusal
}

// readExternalDomains reads the domains of a new federation, which may be none.
func readExternalDomains(body map[string]any) ([]string, *graphError) {
	raw, sent := body["domains"]
	if !sent || raw == nil {
		return nil, nil
	}
	items, ok := raw.([]any)
	if !ok {
		return nil, errWrongType("Collection(microsoft.graph.externalDomainName)")
	}
	var names []string
	for _, item := range items {
		o, ok := item.(map[string]any)
		if !ok {
			return nil, errWrongType("microsoft.graph.externalDomainName")
		}
		name, refusal := readExternalDomain(withoutAnnotations(o))
		if refusal != nil {
			return nil, refusal
		}
		if slices.Contains(names, name) {
			return nil, externalFederationClass.errInvalidValue("domains")
		}
		names = append(names, name)
	}
	return names, nil
}

// readExternalDomain reads an externalDomainName.
func readExternalDomain(o map[string]any) (string, *graphError) {
	for name := range o {
		if name != "id" {
			return "", errUnknownProperty(name)
		}
	}
	id, ok := o["id"].(string)
	switch {
	case o["id"] == nil:
		return "", errMissing("id")
	case !ok:
		return "", errWrongType(string(stringKind))
	case !domainPattern.MatchString(strings.ToLower(id)):
		return "", externalFederationClass.errInvalidValue("domains")
	}
	return strings.ToLower(id), nil
}

// checkExternalDomain refuses a domain that is verified in this tenant, as
// https://learn.microsoft.com/entra/external-id/cross-tenant-access-overview says, and one that has an external
// federation already (assumed). The texts are assumed. The caller holds t.mu.
func (t *Tenant) checkExternalDomain(name string) *graphError {
	if t.verifiedDomain(name) != nil {
		message := "The domain " + name + " is verified in this tenant, and cannot be federated externally."
		return requestError(message, errorDetail{"InvalidValue", message, "domains"})
	}
	for _, f := range t.externals {
		if slices.Contains(f.domains, name) {
			message := "Another object with the same value for property domains already exists."
			return requestError(message, errorDetail{"ObjectConflict", message, "domains"})
		}
	}
	return nil
}

// external finds the federation of a path. The caller holds t.mu.
func (t *Tenant) external(req *graphRequest) (*externalFederation, *graphError) {
	i := slices.IndexFunc(t.externals, func(f *externalFederation) bool { return strings.EqualFold(f.id, req.key(0)) })
	if i < 0 {
		return nil, errNotFound(req.key(0))
	}
	return t.externals[i], nil
}

func (req *graphRequest) externalReply(f *externalFederation) (*graphReply, *graphError) {
	selected, refusal := req.selected(f.object(), externalFederationType)
	if refusal != nil {
		return nil, refusal
	}
	return req.entity("directory/federationConfigurations/graph."+externalFederationType+req.selection()+"/$entity",
		typed(selected, externalFederationClass)), nil
}

func (t *Tenant) getExternal(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, refusal := t.external(req)
	if refusal != nil {
		return nil, refusal
	}
	return req.externalReply(f)
}

// updateExternal is https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-update.
func (t *Tenant) updateExternal(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	values, refusal := externalFederationClass.decodeChange(body)
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	f, refusal := t.external(req)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := req.claim("external federation " + f.id); refusal != nil {
		return nil, refusal
	}
	changed := maps.Clone(f.values)
	maps.Copy(changed, values)
	f.values = withoutNulls(changed)
	return req.externalReply(f)
}

// deleteExternal is https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-delete.
func (t *Tenant) deleteExternal(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	f, refusal := t.external(req)
	if refusal != nil {
		return nil, refusal
	}
	t.externals = slices.DeleteFunc(t.externals, func(other *externalFederation) bool { return other == f })
	return &graphReply{status: http.StatusNoContent}, nil
}

// listExternalDomains is https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-list-domains.
func (t *Tenant) listExternalDomains(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, refusal := t.external(req)
	if refusal != nil {
		return nil, refusal
	}
	var items []object
	for _, name := range f.domains {
		items = append(items, object{{"id", name}})
	}
	return req.collection("directory/federationConfigurations('"+f.id+"')/microsoft.graph."+externalFederationType+
		"/domains", items), nil
}

// addExternalDomain is https://learn.microsoft.com/graph/api/samlorwsfedexternaldomainfederation-post-domains.
func (t *Tenant) addExternalDomain(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	name, refusal := readExternalDomain(body)
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	f, refusal := t.external(req)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := t.checkExternalDomain(name); refusal != nil {
		return nil, refusal
	}
	f.domains = append(f.domains, name)
	reply := req.entity("directory/federationConfigurations('"+f.id+"')/microsoft.graph."+externalFederationType+
		"/domains/$entity", object{{"@odata.type", "#microsoft.graph.externalDomainName"}, {"id", name}})
	reply.status = http.StatusCreated
	return reply, nil
}

// removeExternalDomain takes a domain away from a federation. The schema has it, and no page of Microsoft's.
func (t *Tenant) removeExternalDomain(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	f, refusal := t.external(req)
	if refusal != nil {
		return nil, refusal
	}
	name := strings.ToLower(req.key(1))
	if !slices.Contains(f.domains, name) {
		return nil, errNotFound(req.key(1))
	}
	f.domains = slices.DeleteFunc(f.domains, func(other string) bool { return other == name })
	return &graphReply{status: http.StatusNoContent}, nil
}
