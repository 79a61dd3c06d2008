package entratest

import (
	"net/http"
	"slices"
	"strings"
)

// tokenValidationID is the id of the policy, of which there is one in a tenant.
const tokenValidationID = "a1b7fd0c-5f4e-4c0b-9a0e-6d6f8c0b7e11"

func (t *Tenant) tokenValidationRoutes() []route {
	const policy, write = "policies/federatedTokenValidationPolicy", "Policy.ReadWrite.FedTokenValidation"
	return []route{
		{http.MethodGet, policy, []string{"Policy.Read.All", write}, 1, []string{"$select"}, t.getTokenValidation},
		{http.MethodPut, policy, []string{write}, 1, nil, t.putTokenValidation},
	}
}

// The types of validatingDomains, and which rootDomains belong to which.
const (
	allDomainsType        = "microsoft.graph.allDomains"
	enumeratedDomainsType = "microsoft.graph.enumeratedDomains"
)

func rootDomainsOf(odataType string) []string {
	switch strings.TrimPrefix(odataType, "#") {
	case allDomainsType:
		return []string{"none", "all", "allFederated", "allManaged"}
	case enumeratedDomainsType:
		return []string{"enumerated", "allManagedAndEnumeratedFederated"}
	}
	return nil
}

// getTokenValidation is https://learn.microsoft.com/graph/api/federatedtokenvalidationpolicy-get.
func (t *Tenant) getTokenValidation(req *graphRequest) (*graphReply, *graphError) {
	t.signIn.mu.Lock()
	policy := t.signIn.policy.TokenValidation
	t.signIn.mu.Unlock()
	kind := orElse(string(policy.RootDomains), "all")
	domains := object{{"@odata.type", "#" + allDomainsType}, {"rootDomains", kind}}
	if slices.Contains(rootDomainsOf(enumeratedDomainsType), kind) {
		domains = object{
			{"@odata.type", "#" + enumeratedDomainsType}, {"rootDomains", kind},
			{"domainNames", notNil(policy.DomainNames)},
		}
	}
	return req.selectedEntity("policies/federatedTokenValidationPolicy", "federatedTokenValidationPolicy", object{
		{"id", tokenValidationID}, {"deletedDateTime", nil}, {"validatingDomains", domains},
	})
}

// putTokenValidation is https://learn.microsoft.com/graph/api/federatedtokenvalidationpolicy-update. It is in force at
// once (assumed), for what [Tenant.SetSignInPolicy] sets too.
func (t *Tenant) putTokenValidation(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	policy, refusal := readTokenValidation(body)
	if refusal != nil {
		return nil, refusal
	}
	t.signIn.mu.Lock()
	defer t.signIn.mu.Unlock()
	t.signIn.policy.TokenValidation = policy
	return &graphReply{status: http.StatusNoContent}, nil
}

func readTokenValidation(body map[string]any) (out TokenValidation, refusal *graphError) {
	for name := range body {
		switch name {
		case "validatingDomains":
		case "id", "deletedDateTime":
			return out, errReadOnly(name)
		default:
			return out, errUnknownProperty(name)
		}
	}
	if body["validatingDomains"] == nil {
		return out, errMissing("validatingDomains")
	}
	domains, ok := body["validatingDomains"].(map[string]any)
	if !ok {
		return out, errWrongType("microsoft.graph.validatingDomains")
	}
	return readValidatingDomains(domains)
}

// readValidatingDomains reads https://learn.microsoft.com/graph/api/resources/validatingdomains, which is abstract: its
// @odata.type says which kind it is.
func readValidatingDomains(domains map[string]any) (out TokenValidation, refusal *graphError) {
	odataType, _ := domains["@odata.type"].(string)
	allowed := rootDomainsOf(odataType)
	if allowed == nil {
		return out, errWrongType("microsoft.graph.validatingDomains")
	}
	enumerates := strings.TrimPrefix(odataType, "#") == enumeratedDomainsType
	for name := range withoutAnnotations(domains) {
		if name != "rootDomains" && !(name == "domainNames" && enumerates) {
			return out, errUnknownProperty(name)
		}
	}
	kind, _ := domains["rootDomains"].(string)
	if !slices.Contains(allowed, kind) {
		return out, errInvalidPolicy("rootDomains")
	}
	if kind != "all" { // which is the zero value
		out.RootDomains = RootDomains(kind)
	}
	if !enumerates {
		return out, nil
	}
	names, ok := stringList(domains["domainNames"])
	if !ok {
		return out, errWrongType(string(stringsKind))
	}
	for _, name := range names {
		if !domainPattern.MatchString(strings.ToLower(name)) {
			return out, errInvalidPolicy("domainNames")
		}
	}
	out.DomainNames = names
	return out, nil
}

func errInvalidPolicy(property string) *graphError {
	return class("federatedTokenValidationPolicy").errInvalidValue(property)
}
