// Package adaptertest checks that an [adapters.Authenticator] does what a sign-in to Microsoft 365 asks of it. An
// adapter needs a test of a few lines, and a description of how people sign in at the host behind it:
//
//	func TestTheAdapterKeepsTheRules(t *testing.T) {
//		adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
//			env.Mount("login.example.net", pages) // the host's own pages, if it has any
//			form := adaptertest.Fields{Name: "username", Password: "password"}
//			return adaptertest.Host{
//				Authenticator: newAuthenticator(env.BaseURL, env.Client(), env.Now, env.Logger),
//				Person:        adaptertest.Person{Name: "employee", Password: "correct horse", Is: …},
//				SignIn:        form.SignIn, Hint: form.Hint,
//				Lacks: map[adaptertest.Capability]string{adaptertest.SecondFactor: "the host knows passwords only"},
//			}
//		})
//	}
//
// Each rule is one of [Rules] and a subtest of its own, with a Bridge, a simulated tenant and a host of its own; they
// run in parallel. A person's browser, which keeps cookies as browsers do, walks from Entra's request to Entra's
// verdict.
//
// # An adapter for a new host, step by step
//
//  1. Choose which kind of host it is, and look at the adapter of that kind. It has sign-in pages and sessions of its
//     own: Authenticate leads to a page that comes back to Ask.ReturnTo (adapters/session). People sign in at a
//     provider that wants one fixed address to come back to: that is Ask.CallbackURL, with Ask.Handle as the state
//     (adapters/oidc). It has no page: [adapters.Ask.ShowForm] shows the Bridge's (adapters/ldap).
//  2. Write Authenticate for the simplest case: who is signed in, and since when. If nobody is, redirect and return nil
//     and nil.
//  3. Write the test above with Authenticator, Person and SignIn only. Person.Is is what must be provisioned: its ID is
//     what never changes of a person and is never given to anybody else. Run it. It names what is not described yet:
//     describe it, or say in Lacks why the host does not have it. To begin with, "not yet" is a reason like another.
//  4. Make the first rule pass, then the others, one at a time: go test -run 'Rules/a_first_sign-in'. A rule that fails
//     shows where the browser stopped, with the page.
//  5. Take what is "not yet" out of Lacks, and read [adapters.Ask] for each: Fresh, MFA, Passive, LoginHint. Then add
//     [adapters.SessionEnder], for a sign-out, and [adapters.SignOutRedirecter], if a provider behind the host has a
//     session, too.
//
// What most often is the cause when a rule fails:
//
//   - "a first sign-in …": the test's Person.Is names another ID or address than the host. Or SignIn meets a page that
//     it does not know.
//   - "a session is used again …": the host's cookie has a path that the Bridge is not below, or SignedIn.At is the
//     present.
//   - "who must sign in again …": the host's page shows nothing to who is signed in, or keeps the time of the old
//     session. [adapters.Ask.NewEnough] says whether a time will do.
//   - "a passive request …": Authenticate does not look at Ask.Passive before it redirects.
//   - "another browser's …": something that came in the address was believed, and not compared with what
//     [adapters.Ask.Keep] kept in this browser.
//   - "a cookie that somebody planted …": the host's session keeps its name when the person signs in.
//   - "replicas …", "a restart …": a map in memory holds what belongs into Ask.Keep.
//   - "a proxy …": an address was made of the request's Host and not of Environment.BaseURL.
//
// # What a host does not have
//
// A rule needs what not every host has: sessions, a second factor, a way out of its form. Whatever a host does not say
// that it lacks it is taken to have: a rule is skipped only for a reason that the adapter's test gives in Host.Lacks,
// and the reason is what the skipped subtest says.
//
// # Time
//
// The clock stands still and jumps where a rule wants to know whether an old sign-in is told from a new one. Give
// Environment.Now to what the host measures time with. Where something behind the host has a clock of its own, set
// Host.RealTime: the rules then wait, a second at a time.
package adaptertest
