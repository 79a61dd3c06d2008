package smartlink_test

import (
	"errors"
	"fmt"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/smartlink"
)

// A link that signs a person in at contoso.com's own identity provider and lands on a SharePoint page.
func ExampleLink_URL() {
	url, err := smartlink.Link{
		Domain: "contoso.com",
		Target: "https://contoso.sharepoint.com/sites/hr?view=all",
	}.URL()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(url)
	// Output:
	// https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com%2Fsites%2Fhr%3Fview%3Dall
}

// Links for another cloud, to the hosts of one tenant and an application of its own.
func ExamplePolicy_Build() {
	cloud := entrafed.China()
	cloud.Hosts = []string{"contoso.sharepoint.cn", "partner.outlook.cn"}
	policy := smartlink.Policy{Cloud: cloud, Hosts: []string{"apps.contoso.com"}}

	for _, target := range []string{"https://apps.contoso.com/crm", "https://other.sharepoint.cn/"} {
		url, err := policy.Build(smartlink.Link{Domain: "contoso.com", Target: target})
		if errors.Is(err, smartlink.ErrTargetHost) {
			fmt.Println(err)
			continue
		}
		fmt.Println(url)
	}
	// Output:
	// https://login.partner.microsoftonline.cn/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Fapps.contoso.com%2Fcrm
	// smartlink: Target "https://other.sharepoint.cn/" is outside the hosts of the cloud China (21Vianet) and of Policy.Hosts: correct it, or add its host to Policy.Hosts if a link may lead there
}
