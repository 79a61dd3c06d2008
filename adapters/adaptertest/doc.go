// Package adaptertest checks that an [adapters.Authenticator] does what a sign-in to Microsoft 365 asks of it. An adapter
// needs a test of a few lines, and a description of how people sign in at the host behind it:
//
//	func TestTheAdapterKeepsTheRules(t *testing.T) {
//		adaptertest.Run(t, func(t *testing.T, env adaptertest.Environment) adaptertest.Host {
//			env.Mount("login.example.net", pages) // the host's own pages, if it has any
//			return adaptertest.Host{
//				Authenticator: newAuthenticator(env.BaseURL, env.Client(), env.Now, env.Logger),
//				Person:        adaptertest.Person{Name: "employee", Password: "correct horse", Is: …},
//				SignIn: func(page entratest.Page, as adaptertest.Person) (entratest.Action, error) {
//					return page.Submit("", map[string]string{"username": as.Name, "password": as.Password})
//				},
//				Lacks: map[adaptertest.Capability]string{adaptertest.SecondFactor: "the host knows passwords only"},
//			}
//		})
//	}
//
// Each rule is one of [Rules] and a subtest of its own, with a Bridge, a simulated tenant and a host of its own; they run
// in parallel. A person's browser, which keeps cookies as browsers do, walks from Entra's request to Entra's verdict.
//
// # What a host does not have
//
// A rule needs what not every host has: sessions, a second factor, a way out of its form. Whatever a host does not say
// that it lacks it is taken to have: a rule is skipped only for a reason that the adapter's test gives in Host.Lacks, and
// the reason is what the skipped subtest says.
//
// # Time
//
// The clock stands still and jumps where a rule wants to know whether an old sign-in is told from a new one. Give
// Environment.Now to what the host measures time with. Where something behind the host has a clock of its own, set
// Host.RealTime: the rules then wait, a second at a time.
package adaptertest
