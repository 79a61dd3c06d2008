// Command inspect says what Microsoft Entra would make of a SAML response that was written down somewhere: rule by rule,
// with the AADSTS code that Entra would show, its usual cause and what to do. It also takes apart what Entra sends: an
// AuthnRequest, a sign-out, a smart link.
//
//	go run ./examples/inspect -issuer https://id.contoso.com/entra -cert idp.pem response.xml
//	go run ./examples/inspect -decode request.txt
//
// Nothing leaves the machine. The rules are those of package entratest, which the simulated tenant applies too; where no
// public source says what Entra does, a rule says so. The exit code is 0 if nothing speaks against the message as far as
// can be seen without a tenant, 1 if Entra would refuse it, and 2 if the program was not used as it is meant.
package main
