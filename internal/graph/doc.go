// Package graph makes the few calls to Microsoft Graph v1.0 that this module needs. It is the only package that imports
// msgraph-sdk-go, and no type of the SDK leaves it.
//
//	client, err := graph.New(graph.Config{Cloud: entrafed.Global(), Credential: credential})
//	user, err := client.UserByImmutableID(ctx, "9f86d081884c7d659a2feaa0c55ad015")
//
// One call is one HTTP request. Nothing here waits, retries, follows a redirect, or answers an authentication challenge:
// the caller knows what a second attempt would mean, the SDK does not. What the directory answers in place of a result,
// and an answer that was lost, is an *[Error].
//
// The SDK's models and request builders build the requests and read the results; where it has no builder that would not
// cost more than it saves, a request is made by hand and sent in the same way. Its client, its middleware (but for one),
// its token provider, its error types, its batches and its process-wide registries are not used; the reason stands where
// each would have been.
package graph
