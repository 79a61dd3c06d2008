// Package entratest is a simulated Microsoft Entra tenant for tests: Microsoft Graph, the token endpoint, and the
// sign-in service with applications behind it, in one [http.Handler] and without a network.
//
// A test of an identity provider, or of anything that provisions users, is a few lines:
//
//	tenant := entratest.Start(t, entratest.Config{
//		Domains: []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
//			Issuer: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/sso",
//			Certificates: []*x509.Certificate{certificate},
//		}}},
//	})
//	tenant.Mount("id.contoso.com", myIdentityProvider)
//	browser := entratest.NewBrowser(tenant.Transport())
//	page, err := browser.Open(ctx, "https://contoso.sharepoint.com/sites/hr")
//
// The code under test keeps its real configuration, [entrafed.Global]: [Tenant.Transport] answers for Microsoft's host
// names in this process, and refuses every other host. [Tenant.Credential] is a credential for Graph. For a tenant that
// other processes reach, serve the Tenant on a listener and set Config.BaseURL.
//
// # What it is faithful to
//
// Graph answers with the shapes, codes, texts and headers of the real one for what it implements: users with their
// managers, deleted users and their restoration, groups with their members, also those whom a rule chooses,
// subscriptions and licences, assigned directly or inherited from groups, delta queries over users, batches, domains with
// their verification, promotion and federation, the federations of guests, the policy that validates federated tokens,
// global administrators, the organization.
// What it does not implement it refuses as Graph refuses a path that does not exist. Where no public source gives a text
// or a rule, the comment at that place says what was assumed.
//
// The tenant is as inconvenient as the real one:
//
//   - Writes reach the replicas that answer reads one by one, as Config.Lag says, so that a user who was just created is
//     there, then not there, then there; the sign-in service knows of a user 10 seconds later, and what a group gives its
//     members takes its time as well. Uniqueness is decided at once.
//   - A deleted user is kept for 30 days, under another name, with the ImmutableID still taken.
//   - A changed federation is at once in Graph, and in force 5 minutes later. A federation that is created without a
//     certificate leaves a domain that only its removal mends.
//   - A user's token can do what its permissions and the user's roles both allow: [Tenant.UserCredential].
//   - Graph throttles by the documented limits: [Throttle].
//   - Two writes of one object at the same time are one too many: 409.
//   - Access tokens end after an hour, tokens of delta queries after a week.
//   - [Tenant.Inject] adds failures, lost answers, and throttling without a cause; [Tenant.ChallengeOnce] revokes a token.
//
// Where reports and documentation disagree about an answer, Config has a switch; a client should understand both.
//
// The sign-in service checks each response by [Rules], or that of a guest by [GuestRules], which say how sure it is that
// Entra has them, and answers with Entra's error codes. It signs its requests where the domain asks for it, publishes its certificates at
// [entrafed.Cloud.Metadata], and tells the identity provider of a sign-out in every way that was documented or seen.
//
// # Without a tenant
//
// [Expectation.Check] applies the same rules to a response that was written down somewhere, and
// [Expectation.CheckRequest] looks at what Entra sends; the command examples/inspect is both for the command line. The
// files in testdata/vectors show every rule, passed and broken, for programs in any language.
//
// # Time and chance
//
// With a [Clock] the time is the test's, and an hour passes in a moment. Everything random comes from Config.Seed. The
// tenant protects nothing: its identifiers and its keys follow from the Seed, and it must never be given a real secret.
package entratest

// Where things are:
//
//	tenant                                       the configuration, and which part answers which path
//	directory*, domain*, lag                     what there is, and which replica knows of it when
//	token, credential, user_credential,          who asks
//	challenge
//	graph, graph_body, graph_error, graph_list,  what the operations of Graph have in common; throttle and fault refuse
//	graph_query, graph_schema*, graph_filter     them, and batch joins them
//	graph_*, groups*, deleted, delta*            the operations, a file for each kind of object, with its routes
//	signin*, signout*, realm*, external_realm,   the sign-in service, its pages and its applications
//	page*, apps, metadata
//	request*                                     what it sends to an identity provider, and the check of that
//	response*, rules*, accounts, message_read    what an identity provider sends, and the rules that it is checked by
//	transport*, browser*, clock                  what a test has in place of a network, a person and time
