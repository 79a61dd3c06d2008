// Command idp is a small identity provider for a real Microsoft 365 tenant: people sign in with a name and a password
// from a file, get their account and their licences in Entra at the first sign-in, and land in Microsoft 365.
//
// It shows how the packages of this module fit together in a program that is configured, checked, started and stopped
// like any other service. README.md says how to set it up; idp -h lists the environment variables; idp -check tries
// the configuration against the tenant.
package main
