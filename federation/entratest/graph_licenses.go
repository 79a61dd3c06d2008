package entratest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
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
}

// ServicePlan is one service of a [SKU].
type ServicePlan struct {
	ID   string // servicePlanId, a GUID. Required.
	Name string // servicePlanName. Required.
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
		for j, p := range s.Plans {
			if !isGUID(p.ID) || p.Name == "" {
				wrong("SKUs[%d].Plans[%d] needs a GUID as ID and a Name", i, j)
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
	return s
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
	option := []string{"$select"}
	return []route{
		{http.MethodGet, "subscribedSkus", read, 3, option, t.listSKUs},
		{http.MethodGet, "subscribedSkus/{}", read, 3, option, t.getSKU},
		{http.MethodGet, "users/{}/licenseDetails", read, 2, option, t.listLicenseDetails},
		{http.MethodPost, "users/{}/assignLicense", write, 1, nil, t.assignLicense},
	}
}

func (t *Tenant) listSKUs(req *graphRequest) (*graphReply, *graphError) {
	var items []object
	for _, sku := range t.cfg.SKUs {
		selected, refusal := req.selected(t.skuObject(sku), "subscribedSku")
		if refusal != nil {
			return nil, refusal
		}
		items = append(items, selected)
	}
	return req.collection("subscribedSkus"+req.selection(), items), nil
}

func (t *Tenant) getSKU(req *graphRequest) (*graphReply, *graphError) {
	sku, ok := t.sku(strings.TrimPrefix(strings.ToLower(req.key(0)), t.cfg.TenantID+"_"))
	if !ok || isGUID(req.key(0)) {
		return nil, errNotFound(req.key(0))
	}
	selected, refusal := req.selected(t.skuObject(sku), "subscribedSku")
	if refusal != nil {
		return nil, refusal
	}
	return req.entity("subscribedSkus"+req.selection()+"/$entity", selected), nil
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
	t.mu.Lock()
	consumed := t.users.seats[sku.ID]
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
		if slices.Contains(disabled, strings.ToLower(p.ID)) {
			status = "Disabled"
		}
		plans = append(plans, object{
			{"servicePlanId", strings.ToLower(p.ID)},
			{"servicePlanName", p.Name},
			{"provisioningStatus", status},
			{"appliesTo", sku.AppliesTo},
		})
	}
	return plans
}

func (t *Tenant) listLicenseDetails(req *graphRequest) (*graphReply, *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, refusal := t.userByKey(req.key(0), t.pickReplica())
	if refusal != nil {
		return nil, refusal
	}
	var items []object
	for _, l := range u.licenses {
		sku, _ := t.sku(l.skuID)
		selected, refusal := req.selected(object{
			{"id", base64.RawURLEncoding.EncodeToString([]byte(u.id + l.skuID))},
			{"skuId", l.skuID},
			{"skuPartNumber", sku.PartNumber},
			{"servicePlans", servicePlans(sku, l.disabledPlans)},
		}, "licenseDetails")
		if refusal != nil {
			return nil, refusal
		}
		items = append(items, selected)
	}
	return req.collection("users('"+u.id+"')/licenseDetails"+req.selection(), items), nil
}

// assignLicense gives and takes seats, all of them or none:
// https://learn.microsoft.com/graph/api/user-assignlicense. While one assignment for a user is under way, from the
// arrival of its request to its answer, another one for the same user is refused.
func (t *Tenant) assignLicense(req *graphRequest) (*graphReply, *graphError) {
	id, refusal := t.beginAssignment(req.key(0))
	if refusal != nil {
		return nil, refusal
	}
	defer t.endAssignment(id)
	body, refusal := req.readObject()
	if refusal != nil {
		return nil, refusal
	}
	change, refusal := readLicenseChange(body)
	if refusal != nil {
		return nil, refusal
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	changed, refusal := t.changeLicenses(id, change)
	if refusal != nil {
		return nil, refusal
	}
	t.users.commit(changed, t.now())
	return req.entity("users/$entity", standardUser(t, changed)), nil
}

func (t *Tenant) beginAssignment(key string) (id string, refusal *graphError) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u, refusal := t.userByKey(key, t.pickReplica())
	if refusal != nil {
		return "", refusal
	}
	if t.busy[u.id] {
		return "", errConcurrency()
	}
	t.busy[u.id] = true
	return u.id, nil
}

func (t *Tenant) endAssignment(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.busy, id)
}

// licenseChange is the body of assignLicense.
type licenseChange struct {
	add    []license
	remove []string
}

func readLicenseChange(body map[string]any) (licenseChange, *graphError) {
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
			return licenseChange{}, badRequest(fmt.Sprintf("The parameter '%s' in the request payload is not a valid "+
				"parameter for the operation 'assignLicense'.", name))
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
func (t *Tenant) changeLicenses(id string, change licenseChange) (*userObject, *graphError) {
	u, refusal := t.lastState(id)
	if refusal != nil {
		return nil, refusal
	}
	changed := u.clone()
	for _, skuID := range change.remove {
		if !changed.holds(skuID) {
			return nil, requestError("User does not have a corresponding license.")
		}
		changed.licenses = slices.DeleteFunc(changed.licenses, func(l license) bool { return l.skuID == skuID })
	}
	if len(change.add) > 0 {
		replica := t.users.seen(id, t.pickReplica(), t.now())
		if replica == nil || replica.text("usageLocation") == "" {
			return nil, requestError("License assignment cannot be done for user with invalid usage location.")
		}
	}
	for _, added := range change.add {
		if refusal := t.checkSeat(u, added.skuID); refusal != nil {
			return nil, refusal
		}
		added.assigned = t.now()
		changed.licenses = slices.DeleteFunc(changed.licenses, func(l license) bool { return l.skuID == added.skuID })
		changed.licenses = append(changed.licenses, added)
	}
	return changed, nil
}

// checkSeat says why the user cannot have a seat. The caller holds t.mu.
func (t *Tenant) checkSeat(u *userObject, skuID string) *graphError {
	sku, ok := t.sku(skuID)
	switch {
	case !ok || !sku.assignable():
		return requestError(fmt.Sprintf("License %s does not correspond to a valid company License.", skuID))
	case !u.holds(skuID) && t.users.seats[skuID] >= sku.Enabled+sku.Warning:
		return requestError(fmt.Sprintf("Subscription with SKU %s does not have any available licenses.", skuID))
	}
	return nil
}
