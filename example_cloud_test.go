package entrafed_test

import (
	"fmt"

	"github.com/entrafed/entrafed"
)

// A cloud is data: start from a known one and change what is different.
func ExampleCloud() {
	cloud := entrafed.USGovernmentHigh()
	fmt.Println(cloud.Graph, cloud.Validate() == nil)

	cloud.Audience = "urn:federation:example" // what cloud_audience_urn says for a user of the tenant
	fmt.Println(cloud.AssertionConsumerService, cloud.Validate() == nil)
	// Output:
	// https://graph.microsoft.us false
	// https://login.microsoftonline.us/login.srf true
}
