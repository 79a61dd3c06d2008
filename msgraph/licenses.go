package msgraph

import (
	"context"

	"github.com/entrafed/entrafed/internal/graph"
	"github.com/entrafed/entrafed/provision"
)

// SKUs lists the tenant's subscriptions.
//
// Source: https://learn.microsoft.com/graph/api/subscribedsku-list.
func (t *Tenant) SKUs(ctx context.Context) ([]provision.SKU, error) {
	ctx, done := carry(ctx)
	defer done()
	subscribed, err := t.client.SKUs(ctx)
	if err != nil {
		return nil, directoryError(err)
	}
	skus := make([]provision.SKU, 0, len(subscribed))
	for _, sku := range subscribed {
		skus = append(skus, provision.SKU{
			ID: sku.ID, PartNumber: sku.PartNumber, AppliesTo: sku.AppliesTo, Status: sku.Status,
			Enabled: sku.Enabled, Warning: sku.Warning, Consumed: sku.Consumed, Plans: plansOf(sku.Plans),
		})
	}
	return skus, nil
}

// ChangeLicenses gives the user a seat of each SKU to add, and takes those to remove, or does nothing at all. Of a SKU to
// add, the service plans in DisabledPlans are switched off and all others on, also for a user who holds it already. The
// user must have a usage location. With nothing to change no call is made.
//
// Source: https://learn.microsoft.com/graph/api/user-assignlicense.
func (t *Tenant) ChangeLicenses(ctx context.Context, objectID string, change provision.LicenseChange) error {
	ctx, done := carry(ctx)
	defer done()
	add := make([]graph.LicenseGrant, len(change.Add))
	for i, grant := range change.Add {
		add[i] = graph.LicenseGrant(grant)
	}
	return directoryError(t.client.ChangeLicenses(ctx, objectID, add, change.Remove))
}

func plansOf(read []graph.ServicePlan) []provision.ServicePlan {
	var plans []provision.ServicePlan
	for _, plan := range read {
		plans = append(plans, provision.ServicePlan(plan))
	}
	return plans
}

func licensesOf(read []graph.AssignedLicense) []provision.AssignedLicense {
	var licenses []provision.AssignedLicense
	for _, license := range read {
		licenses = append(licenses, provision.AssignedLicense(license))
	}
	return licenses
}
