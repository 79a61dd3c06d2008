// Package aadsts knows the error codes that Microsoft Entra shows when a federated sign-in fails: what the code is
// called, what Entra says, what brings it about in a federated domain, and what the operator does about it.
//
// The list is of codes that matter between an identity provider and Entra; it is not the list of all codes. The source
// is https://learn.microsoft.com/entra/identity-platform/reference-error-codes and, where [Code.Cause] says so, what
// operators reported or what this module assumes. Microsoft changes codes and texts without notice: show them to
// people, and do not let a program's behaviour hang on them. [URL] leads to the text that Entra gives today.
package aadsts
