package graph

import (
	"context"
	"errors"
	"strings"

	"github.com/google/uuid"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/subscribedskus"
	"github.com/microsoftgraph/msgraph-sdk-go/users"
)

// SKU is one subscription of the tenant.
type SKU struct {
	ID         string
	PartNumber string
	AppliesTo  string
	Status     string
	Enabled    int
	Warning    int
	Consumed   int
	Plans      []ServicePlan
}

// ServicePlan is one service of a subscription.
type ServicePlan struct {
	ID        string
	Name      string
	AppliesTo string
}

// AssignedLicense is how a user came by a subscription, or why not.
type AssignedLicense struct {
	SKUID         string
	GroupID       string // empty: assigned directly
	State         string
	Error         string
	DisabledPlans []string
}

// LicenseGrant is one subscription to give.
type LicenseGrant struct {
	SKUID         string
	DisabledPlans []string
}

// SKUs calls GET /subscribedSkus, which Graph does not page:
// https://learn.microsoft.com/graph/api/subscribedsku-list.
func (c *Client) SKUs(ctx context.Context) ([]SKU, error) {
	config := subscribedskus.SubscribedSkusRequestBuilderGetRequestConfiguration{
		QueryParameters: &subscribedskus.SubscribedSkusRequestBuilderGetQueryParameters{Select: []string{
			"skuId", "skuPartNumber", "appliesTo", "capabilityStatus", "prepaidUnits", "consumedUnits",
			"servicePlans",
		}},
	}
	var skus []SKU
	err := c.do(ctx, "GET /subscribedSkus", func(ctx context.Context) error {
		// As with users, one builder is good for one request.
		page, err := subscribedskus.NewSubscribedSkusRequestBuilderInternal(nil, c.adapter).Get(ctx, &config)
		if err != nil {
			return err
		}
		skus, err = readSKUs(page)
		return err
	})
	return skus, err
}

func readSKUs(page models.SubscribedSkuCollectionResponseable) ([]SKU, error) {
	if page == nil || page.GetValue() == nil {
		return nil, errors.New("it holds no list of subscriptions")
	}
	skus := []SKU{}
	for _, entry := range page.GetValue() {
		if entry == nil || entry.GetSkuId() == nil {
			return nil, errors.New("it holds a subscription without a skuId")
		}
		skus = append(skus, readSKU(entry))
	}
	return skus, nil
}

func readSKU(entry models.SubscribedSkuable) SKU {
	sku := SKU{
		ID:         entry.GetSkuId().String(),
		PartNumber: value(entry.GetSkuPartNumber()),
		AppliesTo:  value(entry.GetAppliesTo()),
		Status:     value(entry.GetCapabilityStatus()),
		Consumed:   int(value(entry.GetConsumedUnits())),
		Plans:      readPlans(entry.GetServicePlans()),
	}
	if units := entry.GetPrepaidUnits(); units != nil {
		sku.Enabled, sku.Warning = int(value(units.GetEnabled())), int(value(units.GetWarning()))
	}
	return sku
}

func readPlans(entries []models.ServicePlanInfoable) []ServicePlan {
	var plans []ServicePlan
	for _, entry := range entries {
		if entry != nil && entry.GetServicePlanId() != nil {
			plans = append(plans, ServicePlan{
				ID:        entry.GetServicePlanId().String(),
				Name:      value(entry.GetServicePlanName()),
				AppliesTo: value(entry.GetAppliesTo()),
			})
		}
	}
	return plans
}

func readAssignedLicenses(entries []models.LicenseAssignmentStateable) []AssignedLicense {
	var licenses []AssignedLicense
	for _, entry := range entries {
		if entry == nil || entry.GetSkuId() == nil {
			continue
		}
		license := AssignedLicense{
			SKUID:   entry.GetSkuId().String(),
			GroupID: strings.ToLower(value(entry.GetAssignedByGroup())),
			State:   value(entry.GetState()),
			Error:   value(entry.GetError()),
		}
		for _, plan := range entry.GetDisabledPlans() {
			license.DisabledPlans = append(license.DisabledPlans, plan.String())
		}
		licenses = append(licenses, license)
	}
	return licenses
}

func readSKUIDs(licenses []models.AssignedLicenseable) []string {
	var ids []string
	for _, license := range licenses {
		if license != nil && license.GetSkuId() != nil {
			ids = append(ids, license.GetSkuId().String())
		}
	}
	return ids
}

// ChangeLicenses calls POST /users/{id}/assignLicense: https://learn.microsoft.com/graph/api/user-assignlicense. All of
// the change happens, or nothing. Giving a SKU that the user holds already replaces its disabled plans. With nothing to
// change there is nothing to call.
func (c *Client) ChangeLicenses(ctx context.Context, objectID string, add []LicenseGrant, remove []string) error {
	if len(add) == 0 && len(remove) == 0 {
		return nil
	}
	if err := checkGUID("object ID", objectID); err != nil {
		return err
	}
	body, err := assignLicenseBody(add, remove)
	if err != nil {
		return err
	}
	return c.do(ctx, "POST /users/{id}/assignLicense", func(ctx context.Context) error {
		answer, err := c.users().ByUserId(objectID).AssignLicense().Post(ctx, body, nil)
		if err != nil {
			return err
		}
		_, err = readUser(answer) // Graph answers with the user: anything else is somebody else's 200
		return err
	})
}

// assignLicenseBody sends both arrays: Graph refuses a request that lacks one, even if it would be empty.
func assignLicenseBody(add []LicenseGrant, remove []string) (users.ItemAssignLicensePostRequestBodyable, error) {
	var licenses []models.AssignedLicenseable
	for _, grant := range add {
		license, err := assignedLicense(grant)
		if err != nil {
			return nil, err
		}
		licenses = append(licenses, license)
	}
	if licenses == nil {
		licenses = []models.AssignedLicenseable{}
	}
	removed, err := parseGUIDs("SKU ID", remove)
	if err != nil {
		return nil, err
	}
	body := users.NewItemAssignLicensePostRequestBody()
	body.SetAddLicenses(licenses)
	body.SetRemoveLicenses(removed)
	return body, nil
}

func assignedLicense(grant LicenseGrant) (models.AssignedLicenseable, error) {
	skuID, err := parseGUID("SKU ID", grant.SKUID)
	if err != nil {
		return nil, err
	}
	plans, err := parseGUIDs("service plan ID", grant.DisabledPlans)
	if err != nil {
		return nil, err
	}
	license := models.NewAssignedLicense()
	license.SetSkuId(&skuID)
	license.SetDisabledPlans(plans)
	return license, nil
}

func parseGUIDs(name string, texts []string) ([]uuid.UUID, error) {
	ids := []uuid.UUID{}
	for _, text := range texts {
		id, err := parseGUID(name, text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}
