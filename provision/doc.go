// Package provision makes sure that a person exists in Microsoft Entra, licensed and ready to sign in, exactly once.
//
// Entra does not create the people of a federated domain when they sign in: their accounts must be there before. This
// package creates them at that moment, out of what the host's identity provider knows:
//
//	people, err := provision.New(provision.Config{
//		Directory: directory, // Microsoft Graph: package msgraph
//		Store:     store,     // durable and shared by all processes: package sqlstore; nil keeps it in memory
//		Rules: provision.Rules{
//			Domain:        "contoso.com",
//			UsageLocation: "DE",
//			Licenses:      []provision.License{{SKU: "O365_BUSINESS_PREMIUM"}},
//		},
//	})
//	account, err := people.Ensure(ctx, provision.Person{Connection: "google", ID: sub, Email: email})
//	// account.ImmutableID and account.UPN are what the assertion says.
//
// [Provisioner.Ensure] is called at every sign-in. For somebody who was ready before it reads one record of the [Store]
// and nothing else. For somebody new it takes a quarter of a minute, most of it waiting: show a page and let
// [Provisioner.EnsureWithProgress] say how far it is.
//
// # Steps
//
// A run takes these steps, each idempotent, in this order:
//
//   - select: a person from a connection that a directory sync owns is let through as the host describes them
//   - known: a person who was ready before is done, and one who has left is refused; for anybody else, a [Leaser] has
//     one process at a time go on
//   - token: the directory grants access, if it is a [TokenSource]
//   - reserve: a new person for whom no seat is left is refused; ImmutableID and UPN are chosen and stored
//   - create: the account with that ImmutableID is found, or created with the person's names and [Rules].Attributes
//   - manager: it gets its manager, if [Person].Manager names one
//   - groups: it becomes a member of [Rules].Groups
//   - license: it gets each [License] of [Rules]
//   - the host's own steps: Config.Extra, where no [PlacedStep] says otherwise
//   - settle: several reads in a row find the account, and 15 seconds have passed since it was created
//
// Whatever may pass by itself is tried again within a budget of two minutes ([Settle]): throttling, failures of the
// directory, lost connections, replicas that lag. Retry-After is obeyed; without it, the delay grows from half a second
// to eight, with full jitter.
//
// The rules count until a person is ready. Who is known when they change keeps the account as it is;
// [Provisioner.SwapLicenses] moves such people to other licences.
//
// # Exactly once
//
// Graph has no idempotency keys, and an answer that was lost may belong to an account that exists. Therefore a person's
// identity is chosen and stored before the first write. The ImmutableID is by default a function of the person alone,
// and the directory accepts each once. After an outcome that is not known, after a uniqueness clash, and in every run
// that finds a reservation, the directory is searched for it. A crash between any two steps, two processes with one
// store, and the loss of the store all end at the one account.
//
// # Licences
//
// A [License] is a seat that is given to the account, or a group that gives its members licences, with fallbacks for the
// time when no seat is left. Seats are given in one call; what a group gives is waited for. The first alternative with a
// free seat is stored in the person's [Record] and then given, so that no crash leads to a second one. What the account
// holds already counts, whoever gave it, and is not changed; only what the record names is ever taken back. Whatever
// stands in the way is a [*LicenseError].
//
// # Groups, attributes, manager
//
// People join [Rules].Groups, which must exist; a group that cannot take them in is a [*GroupError]. Runs that join one
// group at the same time share a write, up to 20 of them. [Rules].Attributes fills properties of a new account from
// [Person].Claims. A manager who is not found is logged and left out.
//
// # Accounts that are in the way
//
// An account that is there already becomes a person's only if its ImmutableID is exactly the person's. [Adopt] says what
// else may: a deleted account with that ImmutableID, or, at a risk, an account without one that has the UPN that the
// host gave.
//
// If the UPN belongs to somebody else the person gets the next one (contractor2@contoso.com), unless the host asked for
// a certain one. What remains in the way is a [*ConflictError], which names both accounts and the remedy. An account
// that disappeared before the person was ready is a [*VanishedError].
//
// # Leaving and coming back
//
// [Provisioner.Retire] ends a person's access: it remembers that the person has left, which Ensure answers with
// [ErrRetired] from then on, blocks the account and ends its sessions, takes back groups and licences, and deletes the
// account if [Leaving] says so. [Provisioner.Restore] takes that back; what is gone for good starts anew. Both are
// idempotent and continue where a crash or an error stopped them.
//
// # Many people
//
// [Provisioner.EnsureAll] does for a sequence of people what Ensure does for one, a thousand at once and in constant
// memory, and can be resumed. For work that must outlive the process or be shared by several,
// [github.com/entrafed/entrafed/provision/river] makes jobs of it, in a queue in PostgreSQL.
//
// # Pace
//
// Graph counts what an application does in a tenant, and refuses what is too much: 20 writes a second in the long run,
// of which a new person takes two or three. Every call therefore waits for its turn, which a [Pacer] gives out. It uses
// 85 % of what Graph allows, and keeps a quarter of each bucket for people who are signing in: bulk work, whose calls
// have [PriorityLow], never takes that quarter, and runs at the full rate all the same when nobody signs in. A 429 holds
// back every call for as long as Graph asks, and a reported load slows down before it comes to that. [Pace] says more.
//
// All who call one tenant under one application should share a pacer: a [MemoryPacer] in one process, the one of package
// sqlstore in many.
//
// # Reconciling
//
// Administrators change accounts, too. [Provisioner.Reconcile], called every few minutes, reads what has changed in the
// directory and compares it with the store: accounts that are deleted, blocked, renamed or unlicensed, or whose
// ImmutableID was changed. It reports each [Drift], and repairs those that the host names: by default none. It never
// looks at accounts that are not the pipeline's.
//
// # Users who are there already
//
// Before a domain is federated its users need ImmutableIDs. [Provisioner.Adoption] plans them from a table or from a
// property of the users, shows the plan, applies it, and undoes it from a file that it wrote before each change. Each
// user is left alone who is not as planned any more.
//
// # Concurrency
//
// All types are safe for concurrent use. Calls for one person in one process share one run, in a goroutine of its own.
// A caller that joins later is told the past events first. A caller whose context ends returns at once; when the last
// one has left, the run is cancelled, except that a write under way is let finish and is recorded. Runs of several
// processes for one person are kept apart by the Store's versions and by the directory's uniqueness.
//
// If the Store is a [Leaser] (package sqlstore is), they do not even meet: a run takes the person's lease in its step
// "known", renews it while it works, and releases it at the end. A run that finds it held waits, with events whose
// Reason is [ReasonBusy], until the other one is done, and goes on itself where that one failed. A process that crashes
// leaves a lease that expires within 30 seconds.
//
// # Errors
//
// Every error of a run is an [*Error]. It matches at most one of the sentinels ([ErrConflict], [ErrNoLicense], …); its
// text is for the operator and names the remedy, [Error.Public] is for the person, [Error.Reason] is a stable code for
// either, and [Error.RetryAfter] says whether trying again is worth it. What the directory answered is kept as a
// [*DirectoryError].
//
// # What is logged
//
// Config.Logger gets a record for everything that was done to an account, at level info ("account created", "licences
// assigned", "account blocked", "reconciled", …), and every wait at level debug. Records about a person have the
// attributes connection and person. These, at level warn unless it says otherwise, are to be watched:
//
//   - "person not provisioned", "person not retired", "person not restored", with step, reason and error; at level info
//     where the caller went away or the person has left
//   - "drift", with kind, want and have; at level info where it was repaired
//   - "reconciliation not finished", "account not read", "user not adopted"
//   - "account taken over by its UPN": [Adopt].InsecureByUPN did
//   - "the person has no manager in the directory: …"
//   - "the account of a person who was retired meanwhile is not blocked: retire the person again"
//   - "the pacer was not told", "the person's lease is not renewed any more: …": the store fails
//   - "panic", at level error: in code of the host
//
// # Security
//
// An account is taken over only if its ImmutableID is byte for byte the person's. The same UPN, address or name is not
// enough, unless [Adopt].InsecureByUPN is set: whoever could choose one of these at some identity provider could
// otherwise sign in as somebody else. It follows that a rule for ImmutableIDs must use nothing that a person can choose
// or pass on; see [ImmutableIDFromEmail] before using it.
//
// Accounts of a federated domain do not use a password, but Graph requires one. It is 32 random characters, goes into
// the request and nowhere else: not into the store, an error, an event or the log.
//
// Names such as admin or postmaster are never given bare by the default rule, because their mailboxes can obtain
// certificates for the domain.
//
// Events and [Error.Public] hold nothing of the tenant. [Error.Error], the log and the store hold personal data.
package provision
