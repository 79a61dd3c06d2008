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
//   - select: [Rules].Connections decide; a person whose account a directory sync owns is let through as the host describes
//     them
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
// # Who gets in
//
// [Rules].Connections say which people are provisioned, skipped because a directory sync owns them, or refused, and who
// gets other licences, groups, attributes, another domain or usage location than everybody. Each [ConnectionRule] looks at
// the connection, and may look at the address's domain and at claims; the first that matches decides, and who is matched by
// none is refused with [ErrRefused]. This is decided at every sign-in, also of people who were ready before.
//
// [Provisioner.Explain] says what would happen for a person now and why, and writes nothing.
//
// The record does not keep which rule was a person's. Where only the key is known, [Provisioner.Retire] takes the account
// out of the groups of all rules for the connection; [Provisioner.SwapLicenses], and [Provisioner.Reconcile] where a
// licence is missing, go by the rules for the connection if these agree on the licences, and change nothing if they do
// not: [Provisioner.SwapLicensesOf] is told the person. Nobody is blocked because a rule refuses them: Retire does that.
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
// # Observing
//
// Config.TracerProvider, Config.MeterProvider and Config.Logger are optional, and each is used without the others. Spans
// and metrics hold no text of an error. Neither holds a UPN, an address, a name, a claim, a password or a token, nor the
// person's ID, which may be an address. A span may have the connection, and the account's object ID, which says nothing
// to whoever has no access to the tenant; metrics have neither. The log has personal data: connection and person in every
// record about one person. A handler that writes the trace ID of its context joins the two.
//
// The spans of a run:
//
//	provision ensure                the run; also: retire, restore, swap-licenses, repair
//	  step create                   each step; the host's own by their names
//	    directory CreateUser        each call, by the name of the method
//	provision bulk                  a call of EnsureAll
//	provision reconcile             a round, with its calls for lists below it
//	reconcile person                the look at one person in a round, with the run that repairs below it
//
// A run's span is a child of the span of the caller who started it, and is linked to the spans of those who joined it. A
// bulk and a round may be about a million people: the runs and looks that they begin are traces of their own, linked to
// theirs. A call that several runs share is a child of the step of one and linked to those of the others. An [Adoption]
// has no span: its calls are children of the caller's. A span that fails has the status Error, with error.type as its
// description.
//
//	attribute                   of                   meaning
//	error.type                  run, step, call      a Reason; of a call that was answered, the status
//	http.response.status_code   call                 if the directory says so in CallTrace
//	azure.service.request.id    call                 the request-id, to quote to Microsoft's support
//	entrafed.errand             run                  ensure, retire, restore, swap-licenses, repair,
//	                                                 reconcile, bulk
//	entrafed.outcome            run                  created, known, adopted, skipped, refused, failed; done
//	                            step                 done, skipped, failed
//	                            drift                repaired, failed, reported
//	entrafed.step               run, step, retry     the step; of a run, its last
//	entrafed.connection         run, look            Person.Connection
//	entrafed.object_id          run, look            the account's object ID
//	entrafed.people             bulk, reconcile      how many were reported, or looked at
//	entrafed.drifts             reconcile            how many were found
//	entrafed.drift.kind         look, drift          a DriftKind; of a look, all that it found
//	entrafed.operation          call                 the method: CreateUser
//	entrafed.status_class       call (metric)        2xx, 3xx, 4xx, 5xx; 429; none: no answer came
//	entrafed.attempt            call                 which call of its kind it is in the step, from 1
//	entrafed.priority           call, turn           high, low
//	entrafed.turn.wait          call                 seconds that it waited for its turn
//	entrafed.load               call                 share of a limit that is used, if the directory says so
//	entrafed.reason             retry                what it waited for: a Reason
//
// The metrics; all names begin with "entrafed.provision.", and no attribute can have more values than there are steps,
// methods or codes:
//
//	step.duration       histogram, s      step, outcome, error.type
//	runs                counter           errand, outcome, error.type
//	run.duration        histogram, s      errand, outcome, error.type
//	directory.duration  histogram, s      operation, status_class
//	retries             counter           step, reason
//	turn.wait           histogram, s      priority
//	people              up-down counter   errand; how many people are worked on
//	drifts              counter           drift.kind, outcome
//	budget.writes       gauge             how many writes the pacer would let through at once; see PaceGauge
//	budget.share        gauge             the same as a share of the most there can be
//
// Messages of the log that are worth an alert:
//
//	person not provisioned          warn    reason unauthorized or forbidden: nobody gets in; no-license: seats are out
//	person not retired              warn    somebody may still have access
//	person not restored             warn
//	licences not swapped            warn
//	the directory is throttling     warn    once for each hold, with scope and retry_after
//	the pacer was not told          warn    the pacer's database fails
//	the person's lease is not renewed any more: another process may do the same again    warn
//	the person has no manager in the directory    warn
//	account taken over by its UPN   warn    only with Adopt.InsecureByUPN
//	the account of a person who was retired meanwhile is not blocked: retire the person again    warn
//	drift                           warn    one that was not repaired
//	reconciliation not finished     warn
//	account not read                warn    by a reconciliation, which looks again the next time
//	user not adopted                warn
//	panic                           error   in a rule, a step, the store or the directory
//
// At level Debug there are "step ended" with outcome and duration for each step, and "waiting" before each retry.
//
// # Security
//
// An account is taken over only if its ImmutableID is byte for byte the person's. The same UPN, address or name is not
// enough, unless [Adopt].InsecureByUPN is set: whoever could choose one of these at some identity provider could
// otherwise sign in as somebody else. It follows that a rule for ImmutableIDs must use nothing that a person can choose
// or pass on; see [ImmutableIDFromEmail] before using it.
//
// Accounts of a federated domain do not use a password, but Graph requires one. It is 32 random characters, goes into
// the request and nowhere else: not into the store, an error, an event, a span or the log. An answer that repeats it is
// kept without it.
//
// Names such as admin or postmaster are never given bare by the default rule, because their mailboxes can obtain
// certificates for the domain.
//
// Events and [Error.Public] hold nothing of the tenant. [Error.Error], the log and the store hold personal data.
package provision
