package provision_test

import (
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// Part numbers kept the names of earlier years: O365_BUSINESS_PREMIUM is not Business Premium.
func ExampleFindSKU() {
	tenant := []provision.SKU{{
		ID: "f245ecc8-75af-4f8e-b61f-27d8114de5f3", PartNumber: "O365_BUSINESS_PREMIUM",
		AppliesTo: "User", Status: "Enabled", Enabled: 25, Consumed: 5,
	}}
	for _, name := range []string{"Microsoft 365 Business Standard", "Microsoft 365 Business Premium"} {
		sku, err := provision.FindSKU(name, tenant)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(sku.PartNumber, sku.Free())
	}
	// Output:
	// O365_BUSINESS_PREMIUM 20
	// licence "Microsoft 365 Business Premium": the tenant has no such subscription: it is "Microsoft 365 Business Premium" (SPB); correct the name, or buy the subscription; the tenant has: O365_BUSINESS_PREMIUM (Microsoft 365 Business Standard, Enabled, 20 free, for User)
}
