// Package msgraph is a Microsoft Entra tenant for the packages provision and federation, over Microsoft Graph v1.0.
//
//	credential, err := azidentity.NewWorkloadIdentityCredential(nil)
//	tenant, err := msgraph.New(msgraph.Config{Credential: credential})
//	people, err := provision.New(provision.Config{Directory: tenant, …})
//	fed, err := federation.New(federation.Config{Directory: tenant, …})
//
// # Credentials
//
// A credential is an azcore.TokenCredential. Package
// [github.com/Azure/azure-sdk-for-go/sdk/azidentity] has one for every way in which an application proves itself:
//
//   - NewWorkloadIdentityCredential and NewClientAssertionCredential, for a token of another issuer that the
//     application's federated identity credential trusts. There is no secret to keep or to renew.
//   - NewManagedIdentityCredential, on Azure's own machines.
//   - NewClientCertificateCredential, for a certificate that is registered with the application.
//   - NewClientSecretCredential, for a secret. It is the easiest to begin with, and expires.
//
// For a national cloud the credential needs that cloud's authority: ClientOptions.Cloud, a value of package
// [github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud]. The token is always asked for with the scope
// {Cloud.Graph}/.default, and tokens of one cloud are worth nothing in another.
//
// Credentials of azidentity cache their token and try again by themselves when the sign-in service fails. One of your
// own is asked before every call, so it must cache, too.
//
// # Permissions
//
// The application needs these application permissions of Microsoft Graph, with the consent of an administrator. The
// table names the least one for each call, as https://learn.microsoft.com/graph/permissions-reference does:
//
//	POST /users, also in a batch                       User.ReadWrite.All
//	GET /users, GET /users/{id}, GET /users/delta      User.Read.All; User.ReadWrite.All does as well
//	PATCH /users/{id}                                  User.ReadWrite.All; of accountEnabled alone,
//	                                                   User.EnableDisableAccount.All
//	POST /users/{id}/revokeSignInSessions              User.RevokeSessions.All
//	DELETE /users/{id}                                 User.DeleteRestore.All
//	GET /directory/deletedItems/microsoft.graph.user   User.Read.All
//	POST /directory/deletedItems/{id}/restore          User.DeleteRestore.All
//	DELETE /directory/deletedItems/{id}                User.DeleteRestore.All
//	PUT /users/{id}/manager/$ref                       User.ReadWrite.All
//	GET /subscribedSkus                                LicenseAssignment.Read.All; LicenseAssignment.ReadWrite.All is
//	                                                   not listed for it
//	POST /users/{id}/assignLicense                     LicenseAssignment.ReadWrite.All
//	GET /groups/{id}                                   GroupMember.Read.All
//	PATCH /groups/{id} with members@odata.bind         GroupMember.ReadWrite.All
//	DELETE /groups/{id}/members/{id}/$ref              GroupMember.ReadWrite.All
//
// User.ReadBasic.All is not enough to read: it leaves out the ImmutableID. For people who sign in, this is
// User.ReadWrite.All, and both permissions of LicenseAssignment if seats are assigned to people directly, or
// GroupMember.ReadWrite.All, with GroupMember.Read.All and LicenseAssignment.Read.All, if groups give them. Whoever
// retires people adds User.RevokeSessions.All and User.DeleteRestore.All. A group that roles can be assigned to also needs
// RoleManagement.ReadWrite.Directory; keep people out of such groups here. Accounts that hold a role of an administrator
// can be changed and deleted only by an application that holds a higher one itself, which this one should not.
//
// None of these permissions lets the application change how a domain signs in; keep those that do with an application of
// its own. As the Directory of package federation, a Tenant needs:
//
//	GET /domains                                         Domain.Read.All
//	GET /domains/{id}/federationConfiguration            Domain-InternalFederation.Read.All
//	POST, PATCH and DELETE there                         Domain-InternalFederation.ReadWrite.All
//	POST and PATCH /domains, verify, promote             Domain.ReadWrite.All
//	GET /users                                           User.Read.All
//	who the global administrators are                    RoleManagement.Read.Directory, User.Read.All
//	GET /policies/federatedTokenValidationPolicy         Policy.Read.All
//	the federations of guests                            IdentityProvider.Read.All; IdentityProvider.ReadWrite.All
//
// Without Domain.Read.All there is no plan; what else it may not read is a finding of the plan. The documentation of each
// method has its permission.
//
// # Attempts and errors
//
// One call is one HTTP request: nothing is retried, no redirect is followed, no authentication challenge is answered.
// What Graph answers in place of a result is a *[provision.DirectoryError] with Graph's code, message, details,
// request-id and Retry-After. An answer that does not come, breaks off, is larger than 4 MiB (a page of users: 32 MiB) or
// cannot be read has the status 0 and matches [provision.ErrUnavailable]; what was asked may have been done all the
// same. Its text names the client-request-id, by which Microsoft's support can find the request.
//
// When there is no token, the operation of the error is "token". It matches [provision.ErrUnauthorized] if the sign-in
// service refused the credential, with the AADSTS code, and [provision.ErrThrottled] or [provision.ErrUnavailable] if
// it could not answer. Without a token no request is sent.
//
// Errors that are not a *[provision.DirectoryError] say that nothing was sent: because a key is not exactly one, an
// identifier, a cursor or the name of an attribute does not have the form of one, there are too many of something for one
// call, or Config.Rand failed.
package msgraph
