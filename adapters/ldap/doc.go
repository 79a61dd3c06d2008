// Package ldap is an [adapters.Authenticator] for people of a directory that speaks LDAP: Active Directory, OpenLDAP,
// FreeIPA, lldap. The Bridge shows the form, and the directory says whether the password is right.
//
//	host, err := ldap.New(ldap.Config{
//		Kind: ldap.ActiveDirectory, Connection: "ad",
//		URLs:   []string{"ldap://dc1.contoso.com", "ldaps://dc2.contoso.com"}, // ldap:// means StartTLS
//		BaseDN: "DC=contoso,DC=com", BindDN: "CN=entra,OU=Services,DC=contoso,DC=com", BindPassword: secret,
//	})
//	bridge, err := adapters.New(adapters.Config{Authenticator: host, …})
//
// A host that signs people in by other means, and whose people stand in a directory, has a [Profiler] beside its own
// Authenticator.
//
// # A sign-in
//
// A connection of its own; TLS, from the start or by StartTLS; a bind with the search account; a search with
// Config.UserFilter for one entry, and no more; a bind with that entry's DN and the password that was typed. An empty
// password never gets that far: a directory takes a bind without a password for an anonymous one, and says yes (RFC
// 4513, section 5.1.2). The last bind is always that of the entry which the person is made of. Referrals are not
// followed.
//
// A server that is down, busy, slow or cannot be read is passed over, up to the search; a person's password is sent to
// one server only. Everything ends with the request of the browser.
//
// # What people see
//
// Somebody unknown and a wrong password get the same page, after the same number of requests and no sooner than
// Config.FailureTime. That an account is disabled, expired or due for a new password is said only to those who know its
// password. A locked account is a wrong password to the person; the log tells the rest, with the DN of the entry. A
// name that nobody has is not logged: now and then it is a password.
//
// Failed attempts are limited by name and by entry, in the memory of each process: Active Directory and slapd's ppolicy
// count for all of them. One that is not waited for counts too.
//
// Each sign-in asks for the password. There is no session, and nothing for a logout to end: a host that wants sessions
// puts them around this Authenticator, for example with adapters/session.
//
// # Who a person is
//
// Person.ID is objectGUID in its text form, or entryUUID or what Attributes.ID names: they change neither when a person
// is renamed nor when they are moved. ImmutableID is what Entra Connect makes of objectGUID, or the digits of the UUID.
// UPN is stated for people of a directory sync only; for the others provision's rules choose one.
//
// # People whom a directory sync owns
//
// Config.Synced says who they are: by organizational unit, by group, by a filter. They come from a connection of their
// own, which provision.Rules.SkipConnections must name, with the UPN and the ImmutableID that the sync gave them:
// nothing is then looked up in Entra or written there. Where the sync owns everybody the Bridge needs no provisioning
// at all.
package ldap
