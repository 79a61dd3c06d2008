// Command provision makes the accounts of many people before they first sign in: it reads them from a CSV file or from
// JSON lines, and makes sure that each has an account in Microsoft Entra that is licensed and ready.
//
//	go run ./examples/provision -simulate examples/provision/testdata/people.csv
//
// That needs no tenant: it runs against a simulated one in the same process. It can be stopped at any time and run again:
// accounts are recognised by their ImmutableID, so nobody gets two. README.md says how to use it with a tenant;
// provision -h lists the flags and the environment variables.
package main
