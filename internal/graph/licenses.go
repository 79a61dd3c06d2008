package graph

import (
	"context"
	"errors"

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
}

// SKUs calls GET /subscribedSkus, which Graph does not page:
// https://learn.microsoft.com/graph/api/subscribedsku-list.
func (c *Client) SKUs(ctx context.Context) ([]SKU, error) {
	config := subscribedskus.SubscribedSkusRequestBuilderGetRequestConfiguration{
		QueryParameters: &subscribedskus.SubscribedSkusRequestBuilderGetQueryParameters{Select: []string{
			"skuId", "skuPartNumber", "appliesTo", "capabilityStatus", "prepaidUnits", "consumedUnits",
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
	}
	if units := entry.GetPrepaidUnits(); units != nil {
		sku.Enabled, sku.Warning = int(value(units.GetEnabled())), int(value(units.GetWarning()))
	}
	return sku
}

// ChangeLicenses calls POST /users/{id}/assignLicense: https://learn.microsoft.com/graph/api/user-assignlicense. All
// seats are given, or none. Every service plan of the SKUs is switched on, also for a user who holds the SKU with some
// of them off. With nothing to add there is nothing to call.
func (c *Client) ChangeLicenses(ctx context.Context, objectID string, add []string) error {
	if len(add) == 0 {
		return nil
	}
	if err := checkGUID("object ID", objectID); err != nil {
		return err
	}
	body, err := assignLicenseBody(add)
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
func assignLicenseBody(add []string) (users.ItemAssignLicensePostRequestBodyable, error) {
	var licenses []models.AssignedLicenseable
	for _, id := range add {
		if err := checkGUID("SKU ID", id); err != nil {
			return nil, err
		}
		sku := uuid.MustParse(id)
		license := models.NewAssignedLicense()
		license.SetSkuId(&sku)
		license.SetDisabledPlans([]uuid.UUID{})
		licenses = append(licenses, license)
	}
	body := users.NewItemAssignLicensePostRequestBody()
	body.SetAddLicenses(licenses)
	body.SetRemoveLicenses([]uuid.UUID{})
	return body, nil
}
