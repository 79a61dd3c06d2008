package msgraph_test

import (
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/msgraph"
)

// The credential and the tenant must be of the same cloud.
func ExampleConfig_nationalCloud() {
	const tenantID, clientID = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b"
	credential, err := azidentity.NewClientSecretCredential(tenantID, clientID, "the application's secret",
		&azidentity.ClientSecretCredentialOptions{
			ClientOptions: azcore.ClientOptions{Cloud: cloud.AzureGovernment},
		})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = msgraph.New(msgraph.Config{Cloud: entrafed.USGovernmentHigh(), Credential: credential})
	fmt.Println(err)
	// Output:
	// <nil>
}
