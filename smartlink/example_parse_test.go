package smartlink_test

import (
	"fmt"

	"github.com/entrafed/entrafed/smartlink"
)

// Bookmarks of earlier days become links that need neither AD FS nor Auth0.
func ExamplePolicy_Parse() {
	domains := map[string]string{"ContosoAD": "contoso.com"} // which connection stood for which domain

	for _, old := range []string{
		"https://sts.contoso.com/adfs/ls/?wa=wsignin1.0&wtrealm=urn:federation:MicrosoftOnline" +
			"&wctx=whr%3Dcontoso.com%26wreply%3Dhttps%253A%252F%252Fcontoso.sharepoint.com",
		"https://contoso.auth0.com/wsfed/yNqQMENaYIONxAaQ?whr=ContosoAD",
		"https://outlook.office365.com/owa/?realm=contoso.com",
	} {
		link, err := smartlink.Policy{}.Parse(old)
		if err != nil {
			fmt.Println(err)
			continue
		}
		modern := link.Modern()
		if modern.Domain == "" {
			modern.Domain = domains[link.Connection]
		}
		url, err := modern.URL()
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s:\n  %s\n", link.Form, url)
	}
	// Output:
	// AD FS:
	//   https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com&wreply=https%3A%2F%2Fcontoso.sharepoint.com
	// Auth0 WS-Federation:
	//   https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com
	// Outlook with realm:
	//   https://outlook.office365.com/owa/?realm=contoso.com
}
