package entratest

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

func (t *Tenant) federationRoutes() []route {
	list := []string{"Domain-InternalFederation.Read.All", "Domain-InternalFederation.ReadWrite.All"}
	get := slices.Concat(list, readDomainPermissions())
	write := append([]string{"Domain-InternalFederation.ReadWrite.All"}, writeDomainPermissions()...)
	const all, one = "domains/{}/federationConfiguration", "domains/{}/federationConfiguration/{}"
	option := []string{"$select"}
	return []route{
		{http.MethodGet, all, list, 1, option, t.listFederations},
		{http.MethodPost, all, write, 1, nil, t.createFederation},
		{http.MethodGet, one, get, 1, option, t.getFederation},
		{http.MethodPatch, one, write, 1, nil, t.updateFederation},
		{http.MethodDelete, one, write, 1, nil, t.deleteFederation},
	}
}

// federationSchema lists what can be written of a federation, and what cannot:
// https://learn.microsoft.com/graph/api/resources/internaldomainfederation#properties. Which properties are needed, and
// which cannot be cleared, is no more than inferred; of federatedIdpMfaBehavior that page says that there is no way back.
var federationSchema = []property{
	{name: "id", kind: stringKind, computed: null},
	{name: "displayName", kind: stringKind},
	{name: "issuerUri", kind: stringKind, required: true, valid: validURI},
	{name: "metadataExchangeUri", kind: stringKind},
	{name: "signingCertificate", kind: stringKind, kept: true, valid: validCertificate},
	{name: "passiveSignInUri", kind: stringKind, required: true, valid: validURL},
	{name: "preferredAuthenticationProtocol", kind: stringKind, valid: exactly(string(SAML), string(WSFed))},
	{name: "activeSignInUri", kind: stringKind},
	{name: "signOutUri", kind: stringKind},
	{name: "promptLoginBehavior", kind: stringKind, valid: exactly(promptLoginBehaviors()...)},
	{name: "isSignedAuthenticationRequestRequired", kind: boolKind},
	{name: "nextSigningCertificate", kind: stringKind, valid: validCertificate},
	{name: "federatedIdpMfaBehavior", kind: stringKind, kept: true,
		valid: exactly(string(AcceptMFA), string(EnforceMFA), string(RejectMFA))},
	{name: "passwordResetUri", kind: stringKind},
	{name: "signingCertificateUpdateStatus", kind: objectKind, computed: null},
}

func promptLoginBehaviors() []string {
	return []string{"translateToFreshPasswordAuthentication", "nativeSupport", "disabled"}
}

func validURI(value any) bool {
	u, err := url.Parse(value.(string))
	return err == nil && u.Scheme != ""
}

func validURL(value any) bool {
	u, err := url.Parse(value.(string))
	return err == nil && u.Scheme != "" && u.Host != ""
}

func validCertificate(value any) bool { return readCertificate(value.(string)) != nil }

// readCertificate reads a certificate as Graph stores it: one line of base64 around the DER of an X.509 certificate for
// an RSA key. Of anything else it is nil.
func readCertificate(text string) *x509.Certificate {
	if strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return nil
	}
	der, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil
	}
	if _, isRSA := certificate.PublicKey.(*rsa.PublicKey); !isRSA {
		return nil
	}
	return certificate
}

// with is the federation with these values; a nil value clears.
func (f Federation) with(values map[string]any) Federation {
	text := func(name string, field *string) {
		if v, sent := values[name]; sent {
			*field = textOf(v)
		}
	}
	text("displayName", &f.DisplayName)
	text("issuerUri", &f.Issuer)
	text("metadataExchangeUri", &f.MetadataExchangeURL)
	text("passiveSignInUri", &f.SignInURL)
	text("preferredAuthenticationProtocol", (*string)(&f.Protocol))
	text("activeSignInUri", &f.ActiveSignInURL)
	text("signOutUri", &f.SignOutURL)
	text("promptLoginBehavior", &f.PromptLoginBehavior)
	text("federatedIdpMfaBehavior", (*string)(&f.MFABehavior))
	text("passwordResetUri", &f.PasswordResetURL)
	if v, sent := values["isSignedAuthenticationRequestRequired"]; sent {
		f.SignedAuthnRequests = v == true
	}
	if f.Protocol == "" { // what Graph takes it for when it is left out (assumed: no source says)
		f.Protocol = WSFed
	}
	f.Certificates = f.certificatesWith(values)
	return f
}

// certificatesWith are the signing certificate and the next one.
func (f Federation) certificatesWith(values map[string]any) []*x509.Certificate {
	var both [2]*x509.Certificate
	copy(both[:], f.Certificates)
	for i, name := range []string{"signingCertificate", "nextSigningCertificate"} {
		if v, sent := values[name]; sent {
			both[i] = readCertificate(textOf(v))
		}
	}
	return slices.DeleteFunc(both[:], func(c *x509.Certificate) bool { return c == nil })
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

// federationPath is where the federation is below /v1.0.
func (d *tenantDomain) federationPath() string {
	return "domains('" + d.name + "')/federationConfiguration"
}

// orNull is s, or null if it is empty.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// checkFederated checks that a domain has a federation of its own, and one that Graph can read.
func (d *tenantDomain) checkFederated() *graphError {
	switch {
	case d.federation == nil:
		return errNotFound("federationConfiguration")
	case d.broken:
		return errInternal()
	}
	return nil
}

func errInternal() *graphError {
	e := usualGraphError(http.StatusInternalServerError)
	e.status = http.StatusInternalServerError
	return e
}

// listFederations is https://learn.microsoft.com/graph/api/domain-list-federationconfiguration.
func (t *Tenant) listFederations(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, refusal := t.domainByKey(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	if d.federation == nil && t.cfg.EmptyFederationList {
		return req.selectedCollection(d.federationPath(), string(federationClass), nil)
	}
	if refusal := d.checkFederated(); refusal != nil {
		return nil, refusal
	}
	return req.selectedCollection(d.federationPath(), string(federationClass), []object{d.federationObject()})
}

// getFederation is https://learn.microsoft.com/graph/api/internaldomainfederation-get.
func (t *Tenant) getFederation(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, refusal := t.domainByKey(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	if refusal := d.checkFederation(req.key(1)); refusal != nil {
		return nil, refusal
	}
	return req.federationReply(d)
}

// checkFederation checks that a domain has the federation with this ID.
func (d *tenantDomain) checkFederation(id string) *graphError {
	if refusal := d.checkFederated(); refusal != nil {
		return refusal
	}
	if !strings.EqualFold(d.federationID, id) {
		return errNotFound(id)
	}
	return nil
}

func (req *graphRequest) federationReply(d *tenantDomain) (*graphReply, *graphError) {
	return req.selectedEntity(d.federationPath(), string(federationClass), d.federationObject())
}

// checkMayFederate refuses an application without an administrator's role, if Config.FederationNeedsRole says so. The
// caller holds t.mu.
func (req *graphRequest) checkMayFederate() *graphError {
	if req.tenant.cfg.FederationNeedsRole && !req.callerIsAdmin() {
		return errForbidden()
	}
	return nil
}

// createFederation is https://learn.microsoft.com/graph/api/domain-post-federationconfiguration. It makes the domain
// federated by itself. Without a signingCertificate it fails, and all the same the domain is federated from then on,
// with a federation that Graph cannot read: nothing but the removal of the domain mends that
// (microsoftgraph/microsoft-graph-docs-contrib#1389).
func (t *Tenant) createFederation(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	values, refusal := federationClass.decodeNew(withoutNulls(body))
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	if refusal := req.checkMayFederate(); refusal != nil {
		return nil, refusal
	}
	d, refusal := req.beginDomainChange()
	if refusal != nil {
		return nil, refusal
	}
	federation := Federation{}.with(values)
	if refusal := t.checkNewFederation(d, federation.Issuer); refusal != nil {
		return nil, refusal
	}
	_, signing := values["signingCertificate"]
	if !signing {
		federation.Certificates = nil
	}
	federated := t.authenticate(d, authentication{
		root: true, federation: &federation, federationID: t.objectIDs.guid(), broken: !signing,
	})
	if !signing {
		return nil, errInternal()
	}
	reply, refusal := req.federationReply(federated)
	if refusal == nil {
		reply.status = http.StatusCreated
	}
	return reply, refusal
}

// checkNewFederation checks that a domain can be federated. The text about a second federation has been reported
// (MicrosoftDocs/windowsserverdocs#8021), the others are assumed. The caller holds t.mu.
func (t *Tenant) checkNewFederation(d *tenantDomain, issuer string) *graphError {
	switch {
	case d.unverified:
		return requestError("The domain must be verified before it is federated.")
	case d.initial:
		return requestError("The initial domain cannot be federated.")
	case d.isDefault:
		return requestError("The default domain cannot be federated: make another domain the default first.")
	case !d.root:
		return requestError("A subdomain has the authentication of its root: federate that, or promote the subdomain.")
	case d.federation != nil:
		refusal := requestError("Domain already has Federation Configuration set.")
		if t.cfg.SecondFederationAs409 {
			refusal.status, refusal.code = http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue"
		}
		return refusal
	}
	return t.checkIssuerFree(d, issuer)
}

// checkIssuerFree refuses the issuerUri of another domain of the tenant. Status and code have been reported
// (microsoftgraph/msgraph-sdk-powershell#3625), the text is assumed. The caller holds t.mu.
func (t *Tenant) checkIssuerFree(d *tenantDomain, issuer string) *graphError {
	for _, other := range t.domains {
		if other.name == d.name || other.federation == nil || other.federation.Issuer != issuer {
			continue
		}
		message := "Another object with the same value for property issuerUri already exists."
		refusal := requestError(message, errorDetail{"ObjectConflict", message, "issuerUri"})
		refusal.status, refusal.code = http.StatusConflict, "Request_MultipleObjectsWithSameKeyValue"
		return refusal
	}
	return nil
}

// updateFederation is https://learn.microsoft.com/graph/api/internaldomainfederation-update. Null clears what can be
// cleared.
func (t *Tenant) updateFederation(req *graphRequest) (*graphReply, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	d, refusal := req.beginFederationChange()
	if refusal != nil {
		return nil, refusal
	}
	const mfa = "federatedIdpMfaBehavior"
	if v, sent := body[mfa]; sent && v == nil && d.federation.MFABehavior == "" {
		delete(body, mfa) // it stays as it was
	}
	values, refusal := federationClass.decodeChange(body)
	if refusal != nil {
		return nil, refusal
	}
	federation := d.federation.with(values)
	if refusal := t.checkIssuerFree(d, federation.Issuer); refusal != nil {
		return nil, refusal
	}
	by := d.authentication
	by.federation = &federation
	changed := t.authenticate(d, by)
	if t.cfg.PatchFederationReturnsObject {
		return req.federationReply(changed)
	}
	return &graphReply{status: http.StatusNoContent}, nil
}

// beginFederationChange finds the federation of a path, for a caller who may change it. The caller holds t.mu.
func (req *graphRequest) beginFederationChange() (*tenantDomain, *graphError) {
	if refusal := req.checkMayFederate(); refusal != nil {
		return nil, refusal
	}
	d, refusal := req.beginDomainChange()
	if refusal != nil {
		return nil, refusal
	}
	return d, d.checkFederation(req.key(1))
}

// deleteFederation is https://learn.microsoft.com/graph/api/internaldomainfederation-delete. The domain is managed then.
func (t *Tenant) deleteFederation(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	d, refusal := req.beginFederationChange()
	if refusal != nil {
		return nil, refusal
	}
	t.authenticate(d, authentication{root: true})
	return &graphReply{status: http.StatusNoContent}, nil
}
