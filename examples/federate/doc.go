// Command federate makes a domain of a Microsoft Entra tenant a federated one, and keeps it so: it plans, applies the plan,
// verifies that Entra acts on it, rotates the signing key, goes back, and explains why sign-in does not work.
//
//	go run ./examples/federate plan contoso.com -simulate tenant.json -metadata idp.xml -out plan.json
//	go run ./examples/federate apply plan.json -simulate tenant.json -wait
//	go run ./examples/federate revert contoso.com -simulate tenant.json
//
// That needs no tenant: it runs against a simulated one in the same process, which is kept in tenant.json. README.md says
// how to use it with a tenant; federate -h lists the sub-commands, the environment variables and the exit codes.
package main
