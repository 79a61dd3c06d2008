// Sim runs made-up histories of provisioning and checks that no rule was broken in any of them.
//
//	go run ./internal/sim
//	go run ./internal/sim -n 1000000
//	go run ./internal/sim -n 100000 -seed 1 -json
//	go run ./internal/sim -seed 42 -n 1 -v
//
// # A history
//
// Several hosts, each a [provision.Provisioner] with a store that it shares with others or has to itself, provision a
// few people whose names collide. The directory has three replicas that lag behind, limits, and weather: calls fail
// before and after they take effect, hang, and arrive after their caller has left. Hosts crash between any two calls,
// at any person's, and start again with what the store has. People sign in at several hosts at once, leave, and come
// back. Accounts are there already: the person's own, or somebody else's. Licences are given directly or by groups, which
// the directory works out in its own time.
//
// Some histories have more in them: people who are retired and restored; hosts that share a slow pacer; work in bulk,
// which goes in batches; rules that change, and people who are moved to other licences; hosts that reconcile, with
// policies of what they repair, while administrators take seats, end memberships, and block and delete accounts; rules for
// connections, which refuse or skip people, or give them licences of their own.
//
// When the storm is over every host provisions everybody, those that reconcile do so once more, and the judge looks at
// what there is. The flag -h lists the rules.
//
// # A seed is a history
//
// A seed decides everything, so that a history that breaks a rule can be studied: the plan (see drawPlan), and then each
// single call. A history runs in a bubble of virtual time (package bubble), in which all goroutines that could notice
// each other wake up at instants of their own: whoever calls the directory or a store sleeps first, for a time drawn
// from dice that are made of the seed, the life of the host, the person, and the number of that person's call, and on
// to the next nanosecond of the microsecond that belongs to that caller alone. Which goroutine the scheduler runs first,
// and on how many processors, then makes no difference.
//
// # What it does not do
//
// The directory is a light one in memory, without HTTP: package entratest is the faithful one. Whether an account is
// ready at the sign-in service is not simulated.
//
// # Adding to it
//
// Something new that happens is a row of kinds and a method; where it is not for all histories, drawWork says for which.
// Something new that must not happen is a constant beside the other rules, a call of violate, and a line in the help. A
// feature of the rules is drawn in drawRules, and what somebody must have then is said in lacks.
//
// Two calls that wait for one and the same run of a person at one host would go on at the same instant, in any order. Type
// away keeps those apart for which the order would matter.
//
// The mutations of mutation_test.go break the pipeline on purpose and must be noticed: whoever changes the lines that
// they replace is told to adapt them.
//
// # JSON
//
// With -json the result is one object:
//
//	{"histories":100000,"violations":0,"first_bad_seed":null}
//
// violations counts broken rules, one per rule and history; first_bad_seed is the lowest seed whose history broke one.
package main
