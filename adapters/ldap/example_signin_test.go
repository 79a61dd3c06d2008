package ldap_test

import (
	"fmt"
	"strings"

	"github.com/entrafed/entrafed/adapters/ldap"
)

// People of a directory whose accounts Entra Connect makes for one organizational unit; the others are provisioned.
// What is wrong with a configuration is said at once.
func ExampleNew() {
	cfg := ldap.Config{
		Kind: ldap.ActiveDirectory, Connection: "ad",
		URLs:   []string{"ldap://dc1.contoso.com", "ldaps://dc2.contoso.com"},
		BaseDN: "DC=contoso,DC=com", BindDN: "CN=entra,OU=Services,DC=contoso,DC=com", BindPassword: "…",
		Groups: ldap.Groups{Required: []string{"CN=Microsoft 365,OU=Groups,DC=contoso,DC=com"}, Nested: true},
		Synced: &ldap.Synced{Connection: "entra-connect", Under: []string{"OU=Staff,DC=contoso,DC=com"}},
	}
	_, err := ldap.New(cfg) // the Authenticator of adapters.Config
	fmt.Println(err)

	cfg.BindPassword, cfg.UserFilter = "", "(sAMAccountName=%s)"
	_, err = ldap.New(cfg)
	for line := range strings.Lines(err.Error()) {
		fmt.Print(line)
	}
	// Output:
	// <nil>
	// ldap: BindPassword is missing: without one a bind is anonymous
	// ldap: UserFilter "(sAMAccountName=%s)" must have {name}
}
