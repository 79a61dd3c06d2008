package entratest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// SKU is one subscription of the tenant: https://learn.microsoft.com/graph/api/resources/subscribedsku.
type SKU struct {
	ID         string // skuId, a GUID. Required.
	PartNumber string // skuPartNumber, for example "O365_BUSINESS_PREMIUM". Required.
	AppliesTo  string // "User" (also when empty) or "Company"
	Status     string // capabilityStatus: "Enabled" (also when empty), "Warning", "Suspended", "LockedOut" or "Deleted"
	Enabled    int    // prepaidUnits.enabled: seats
	Warning    int    // prepaidUnits.warning: seats of a subscription in its grace period, which can still be assigned
	Plans      []ServicePlan

	// ProhibitedIn are the usage locations, ISO 3166-1 alpha-2, in which the subscription must not be used.
	ProhibitedIn []string
}

// ServicePlan is one service of a [SKU].
type ServicePlan struct {
	ID   string // servicePlanId, a GUID. Required.
	Name string // servicePlanName. Required.

	// Excludes are the IDs of service plans that a user cannot have together with this one.
	Excludes []string

	// Requires are the IDs of service plans of which a user must have at least one to have this one. Empty: none.
	Requires []string

	// Mailbox says that the service gives a user a mailbox, and with it an address: where the user's mail is in none of
	// the tenant's domains, it becomes the UPN. A group cannot give such a licence, with the error UniquenessViolation, to
	// a user with an address that is another one's.
	Mailbox bool
}

func (c Config) validateSKUs() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	for i, s := range c.SKUs {
		if !isGUID(s.ID) || s.PartNumber == "" {
			wrong("SKUs[%d] needs a GUID as ID and a PartNumber", i)
		}
		if seen[s.ID] {
			wrong("SKUs[%d].ID %q appears twice", i, s.ID)
		}
		seen[s.ID] = true
		if s.AppliesTo != "User" && s.AppliesTo != "Company" {
			wrong(`SKUs[%d].AppliesTo %q is neither "User" nor "Company"`, i, s.AppliesTo)
		}
		if !slices.Contains([]string{"Enabled", "Warning", "Suspended", "LockedOut", "Deleted"}, s.Status) {
			wrong("SKUs[%d].Status %q is not a capabilityStatus of Graph", i, s.Status)
		}
		if s.Enabled < 0 || s.Warning < 0 {
			wrong("SKUs[%d]: the number of seats is negative", i)
		}
		for _, country := range s.ProhibitedIn {
			if !validUsageLocation(country) {
				wrong("SKUs[%d].ProhibitedIn %q is not a country of two letters", i, country)
			}
		}
		for j, p := range s.Plans {
			if !isGUID(p.ID) || p.Name == "" {
				wrong("SKUs[%d].Plans[%d] needs a GUID as ID and a Name", i, j)
			}
			for _, id := range slices.Concat(p.Excludes, p.Requires) {
				if !isGUID(id) {
					wrong("SKUs[%d].Plans[%d]: %q in Excludes or Requires is not a GUID", i, j, id)
				}
			}
		}
	}
	return errors.Join(errs...)
}

func defaultSKUs() []SKU {
	return []SKU{
		{
			ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: "O365_BUSINESS_PREMIUM", Enabled: 25,
			Plans: []ServicePlan{{ID: "9aaf7827-d63c-4b61-89c3-182f06f82e5c", Name: "EXCHANGE_S_STANDARD"}},
		},
		{
			ID: "18181a46-0d4e-45cd-891e-60aabd171b4e", PartNumber: "STANDARDPACK", Enabled: 25,
			Plans: []ServicePlan{{ID: "9aaf7827-d63c-4b61-89c3-182f06f82e5c", Name: "EXCHANGE_S_STANDARD"}},
		},
	}
}

func (s SKU) withDefaults() SKU {
	s.ID = strings.ToLower(s.ID)
	s.AppliesTo = orElse(s.AppliesTo, "User")
	s.Status = orElse(s.Status, "Enabled")
	s.Plans = slices.Clone(s.Plans)
	for i, p := range s.Plans {
		p.ID, p.Excludes, p.Requires = strings.ToLower(p.ID), inLowerCase(p.Excludes), inLowerCase(p.Requires)
		s.Plans[i] = p
	}
	return s
}

func inLowerCase(list []string) []string {
	var out []string
	for _, s := range list {
		out = append(out, strings.ToLower(s))
	}
	return out
}

// places is how many seats the SKU has.
func (s SKU) places() int { return s.Enabled + s.Warning }

func (s SKU) prohibitedIn(location string) bool {
	return slices.ContainsFunc(s.ProhibitedIn, func(c string) bool { return strings.EqualFold(c, location) })
}

// assignable reports whether seats of the SKU can be given to users at all.
func (s SKU) assignable() bool {
	return s.AppliesTo == "User" && (s.Status == "Enabled" || s.Status == "Warning")
}

func (t *Tenant) licenseRoutes() []route {
	read := []string{
		"LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All", "Organization.Read.All",
		"Organization.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All",
	}
	write := []string{"LicenseAssignment.ReadWrite.All", "User.ReadWrite.All", "Directory.ReadWrite.All"}
	writeGroup := []string{"LicenseAssignment.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"}
	reprocess := []string{"User.ReadWrite.All", "Directory.ReadWrite.All"}
	inError := []string{"GroupMember.Read.All", "GroupMember.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All",
		"Directory.Read.All", "Directory.ReadWrite.All"}
	option := []string{"$select"}
	list := []string{"$select", "$top", "$count", "$skiptoken"}
	return []route{
		{http.MethodGet, "subscribedSkus", read, 3, option, t.listSKUs},
		{http.MethodGet, "subscribedSkus/{}", read, 3, option, t.getSKU},
		{http.MethodGet, "users/{}/licenseDetails", read, 2, option, t.listLicenseDetails},
		{http.MethodPost, "users/{}/assignLicense", write, 1, nil, t.assignLicense},
		{http.MethodPost, "users/{}/reprocessLicenseAssignment", reprocess, 1, nil, t.reprocessLicenses},
		{http.MethodPost, "groups/{}/assignLicense", writeGroup, 1, nil, t.assignGroupLicense},
		{http.MethodGet, "groups/{}/membersWithLicenseErrors", inError, 1, list, t.listMembersInError},
	}
}

func (t *Tenant) listSKUs(req *graphRequest) (*graphReply, *graphError) {
	var all []object
	for _, sku := range t.cfg.SKUs {
		all = append(all, t.skuObject(sku))
	}
	return req.selectedCollection("subscribedSkus", "subscribedSku", all)
}

func (t *Tenant) getSKU(req *graphRequest) (*graphReply, *graphError) {
	sku, ok := t.sku(strings.TrimPrefix(strings.ToLower(req.key(0)), t.cfg.TenantID+"_"))
	if !ok || isGUID(req.key(0)) {
		return nil, errNotFound(req.key(0))
	}
	return req.selectedEntity("subscribedSkus", "subscribedSku", t.skuObject(sku))
}

// sku returns the subscription with this skuId.
func (t *Tenant) sku(id string) (SKU, bool) {
	i := slices.IndexFunc(t.cfg.SKUs, func(s SKU) bool { return strings.EqualFold(s.ID, id) })
	if i < 0 {
		return SKU{}, false
	}
	return t.cfg.SKUs[i], true
}

// skuObject is a subscription: https://learn.microsoft.com/graph/api/resources/subscribedsku.
func (t *Tenant) skuObject(sku SKU) object {
	t.lock()
	consumed := t.directory.seats[sku.ID]
	t.mu.Unlock()
	account, _, _ := strings.Cut(t.cfg.InitialDomain, ".")
	return object{
		{"accountName", account},
		{"accountId", t.cfg.TenantID},
		{"appliesTo", sku.AppliesTo},
		{"capabilityStatus", sku.Status},
		{"consumedUnits", consumed},
		{"id", t.cfg.TenantID + "_" + sku.ID},
		{"skuId", sku.ID},
		{"skuPartNumber", sku.PartNumber},
		{"subscriptionIds", []string{}},
		{"prepaidUnits", object{
			{"enabled", sku.Enabled}, {"suspended", 0}, {"warning", sku.Warning}, {"lockedOut", 0},
		}},
		{"servicePlans", servicePlans(sku, nil)},
	}
}

func servicePlans(sku SKU, disabled []string) []object {
	plans := []object{}
	for _, p := range sku.Plans {
		status := "Success"
		if slices.Contains(disabled, p.ID) {
			status = "Disabled"
		}
		plans = append(plans, object{
			{"servicePlanId", p.ID},
			{"servicePlanName", p.Name},
			{"provisioningStatus", status},
			{"appliesTo", sku.AppliesTo},
		})
	}
	return plans
}

func (t *Tenant) listLicenseDetails(req *graphRequest) (*graphReply, *graphError) {
	t.lock()
	defer t.mu.Unlock()
	e, refusal := t.userByKey(req.key(0), t.pickReplica())
	if refusal != nil {
		return nil, refusal
	}
	var all []object
	for _, skuID := range e.seats() {
		sku, _ := t.sku(skuID)
		all = append(all, object{
			{"id", base64.RawURLEncoding.EncodeToString([]byte(e.id + skuID))},
			{"skuId", skuID},
			{"skuPartNumber", sku.PartNumber},
			{"servicePlans", servicePlans(sku, e.disabledPlans(skuID))},
		})
	}
	return req.selectedCollection("users('"+e.id+"')/licenseDetails", "licenseDetails", all)
}

// assignLicense gives and takes seats, all of them or none:
// https://learn.microsoft.com/graph/api/user-assignlicense. While one assignment for a user is under way, from the
// arrival of its request to its answer, another one for the same user is refused.
func (t *Tenant) assignLicense(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := req.beginUserChange()
	if refusal != nil {
		return nil, refusal
	}
	change, refusal := req.readLicenseChange()
	if refusal != nil {
		return nil, refusal
	}
	t.lock()
	defer t.mu.Unlock()
	changed, refusal := t.changeLicenses(id, change)
	if refusal != nil {
		return nil, refusal
	}
	t.directory.commit(changed, t.now())
	return req.entity("users/$entity", standardObject(t, changed)), nil
}

// licenseChange is the body of assignLicense.
type licenseChange struct {
	add    []license
	remove []string
}

func (req *graphRequest) readLicenseChange() (licenseChange, *graphError) {
	body, refusal := req.readObject()
	if refusal != nil {
		return licenseChange{}, refusal
	}
	var missing []string
	for _, name := range []string{"addLicenses", "removeLicenses"} {
		if _, present := body[name]; !present {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return licenseChange{}, badRequest("One or more parameters of the operation 'assignLicense' are missing from " +
			"the request payload. The missing parameters are: " + strings.Join(missing, ", ") + ".")
	}
	for name := range body {
		if name != "addLicenses" && name != "removeLicenses" {
			return licenseChange{}, errUnknownParameter(name, "assignLicense")
		}
	}
	var change licenseChange
	add, addOK := body["addLicenses"].([]any)
	remove, removeOK := guidList(body["removeLicenses"])
	if !addOK || !removeOK {
		return licenseChange{}, errWrongType("Collection(Edm.Guid)")
	}
	for _, item := range add {
		fields, _ := item.(map[string]any)
		sku, _ := fields["skuId"].(string)
		disabled, ok := guidList(fields["disabledPlans"])
		if !isGUID(sku) || !ok {
			return licenseChange{}, errWrongType("microsoft.graph.assignedLicense")
		}
		change.add = append(change.add, license{skuID: strings.ToLower(sku), disabledPlans: disabled})
	}
	change.remove = remove
	return change, nil
}

// guidList reads a JSON array of GUIDs; null is an empty one.
func guidList(value any) ([]string, bool) {
	if value == nil {
		return nil, true
	}
	items, ok := value.([]any)
	if !ok {
		return nil, false
	}
	var out []string
	for _, item := range items {
		id, _ := item.(string)
		if !isGUID(id) {
			return nil, false
		}
		out = append(out, strings.ToLower(id))
	}
	return out, true
}

// changeLicenses returns the user as changed. The usage location is looked up on a replica, which may not have it yet.
// The caller holds t.mu.
func (t *Tenant) changeLicenses(id string, change licenseChange) (*entity, *graphError) {
	before, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	after := before.clone()
	for _, skuID := range change.remove {
		if refusal := after.removeLicense(skuID); refusal != nil {
			return nil, refusal
		}
	}
	location := ""
	if len(change.add) > 0 {
		if replica := t.directory.seen(id, t.pickReplica(), t.now()); replica != nil {
			location = replica.text("usageLocation")
		}
	}
	for _, added := range change.add {
		if refusal := t.checkSeat(before, added.skuID, location); refusal != nil {
			return nil, refusal
		}
		if refusal := t.checkDisabledPlans(added); refusal != nil {
			return nil, refusal
		}
		after.replaceLicense(added, t.now())
	}
	if problem, obstacle := t.checkPlans(after); problem != "" {
		return nil, obstacle
	}
	return after, t.openMailbox(before, after)
}

// removeLicense takes away a licence that was assigned directly.
func (e *entity) removeLicense(skuID string) *graphError {
	direct := func(l license) bool { return l.skuID == skuID && l.group == "" }
	switch {
	case slices.ContainsFunc(e.licenses, direct):
		e.licenses = slices.DeleteFunc(e.licenses, direct)
		return nil
	case e.holds(skuID):
		return requestError("User license is inherited from a group membership and it cannot be removed directly from " +
			"the user.")
	}
	return requestError("User does not have a corresponding license.")
}

// replaceLicense assigns a licence directly, in place of the one of the same SKU.
func (e *entity) replaceLicense(added license, now time.Time) {
	added.assigned = now
	e.licenses = slices.DeleteFunc(e.licenses, func(l license) bool { return l.skuID == added.skuID && l.group == "" })
	e.licenses = append(e.licenses, added)
}

// checkSeat says why the user cannot have a seat. The caller holds t.mu.
func (t *Tenant) checkSeat(e *entity, skuID, location string) *graphError {
	sku, ok := t.sku(skuID)
	switch {
	case location == "" || ok && sku.prohibitedIn(location):
		return requestError("License assignment cannot be done for user with invalid usage location.")
	case !ok || !sku.assignable():
		return errUnknownLicense(skuID)
	case !e.holds(skuID) && t.directory.seats[skuID] >= sku.places():
		return requestError(fmt.Sprintf("Subscription with SKU %s does not have any available licenses.", skuID))
	}
	return nil
}

// checkDisabledPlans refuses to disable a plan that the SKU has not (MicrosoftDocs/azure-docs#81269; the text is assumed).
// A SKU whose plans the configuration does not list has any.
func (t *Tenant) checkDisabledPlans(l license) *graphError {
	sku, _ := t.sku(l.skuID)
	for _, id := range l.disabledPlans {
		if len(sku.Plans) > 0 && !slices.ContainsFunc(sku.Plans, func(p ServicePlan) bool { return p.ID == id }) {
			return requestError(fmt.Sprintf("The service plan %s does not belong to the license %s.", id, l.skuID))
		}
	}
	return nil
}

func errUnknownLicense(skuID string) *graphError {
	return requestError(fmt.Sprintf("License %s does not correspond to a valid company License.", skuID))
}
