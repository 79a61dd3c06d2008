package entratest

import (
	"encoding/base64"
	"net/http"
	"strings"
)

func (t *Tenant) domainRoutes() []route {
	readDomain := []string{"Domain.Read.All", "Domain.ReadWrite.All"}
	readFederation := []string{"Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All"}
	readOneFederation := append(readFederation, readDomain...)
	option := []string{"$select"}
	return []route{
		{http.MethodGet, "domains", readDomain, 1, option, t.listDomains},
		{http.MethodGet, "domains/{}", readDomain, 1, option, t.getDomain},
		{http.MethodGet, "domains/{}/federationConfiguration", readFederation, 1, option, t.listFederations},
		{http.MethodGet, "domains/{}/federationConfiguration/{}", readOneFederation, 1, option, t.getFederation},
	}
}

func (t *Tenant) listDomains(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var items []object
	for _, d := range t.domains {
		selected, refusal := req.selected(t.domainObject(d), "domain")
		if refusal != nil {
			return nil, refusal
		}
		items = append(items, selected)
	}
	return req.collection("domains"+req.selection(), items), nil
}

func (t *Tenant) getDomain(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.domainNamed(req.key(0))
	if d == nil {
		return nil, errNotFound(req.key(0))
	}
	selected, refusal := req.selected(t.domainObject(d), "domain")
	if refusal != nil {
		return nil, refusal
	}
	return req.entity("domains"+req.selection()+"/$entity", selected), nil
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
		{"isVerified", true},
		{"manufacturer", nil},
		{"model", nil},
		{"passwordNotificationWindowInDays", 14},
		{"passwordValidityPeriodInDays", 2147483647},
		{"state", nil},
		{"supportedServices", []string{"Email", "OfficeCommunicationsOnline"}},
	}
}

// authenticationType is that of the root domain. The caller holds t.mu.
func (t *Tenant) authenticationType(d *tenantDomain) string {
	if root := t.rootOf(d.name); root != nil && root.federation != nil {
		return "Federated"
	}
	return "Managed"
}

// federatedDomain returns a domain that has a federation of its own. The caller holds t.mu.
func (t *Tenant) federatedDomain(name string) (*tenantDomain, *graphError) {
	d := t.domainNamed(name)
	switch {
	case d == nil:
		return nil, errNotFound(name)
	case d.federation == nil:
		return nil, errNotFound("federationConfiguration")
	}
	return d, nil
}

func (t *Tenant) listFederations(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, refusal := t.federatedDomain(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	selected, refusal := req.selected(d.federationObject(), "internalDomainFederation")
	if refusal != nil {
		return nil, refusal
	}
	return req.collection("domains('"+d.name+"')/federationConfiguration"+req.selection(), []object{selected}), nil
}

func (t *Tenant) getFederation(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, refusal := t.federatedDomain(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	if !strings.EqualFold(d.federationID, req.key(1)) {
		return nil, errNotFound(req.key(1))
	}
	selected, refusal := req.selected(d.federationObject(), "internalDomainFederation")
	if refusal != nil {
		return nil, refusal
	}
	return req.entity("domains('"+d.name+"')/federationConfiguration"+req.selection()+"/$entity", selected), nil
}

// federationObject is a federation: https://learn.microsoft.com/graph/api/resources/internaldomainfederation.
func (d *tenantDomain) federationObject() object {
	f := d.federation
	certificate := func(i int) any {
		if i >= len(f.Certificates) {
			return nil
		}
		return base64.StdEncoding.EncodeToString(f.Certificates[i].Raw)
	}
	return object{
		{"id", d.federationID},
		{"displayName", orNull(f.DisplayName)},
		{"issuerUri", f.Issuer},
		{"metadataExchangeUri", orNull(f.MetadataExchangeURL)},
		{"signingCertificate", certificate(0)},
		{"passiveSignInUri", f.SignInURL},
		{"preferredAuthenticationProtocol", string(f.Protocol)},
		{"activeSignInUri", orNull(f.ActiveSignInURL)},
		{"signOutUri", orNull(f.SignOutURL)},
		{"promptLoginBehavior", orNull(f.PromptLoginBehavior)},
		{"isSignedAuthenticationRequestRequired", f.SignedAuthnRequests},
		{"nextSigningCertificate", certificate(1)},
		{"federatedIdpMfaBehavior", orNull(string(f.MFABehavior))},
		{"passwordResetUri", orNull(f.PasswordResetURL)},
		{"signingCertificateUpdateStatus", nil},
	}
}

// orNull is s, or null if it is empty.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
