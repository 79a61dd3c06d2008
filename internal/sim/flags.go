package main

import (
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
)

const defaultHistories = 10_000

type options struct {
	histories int
	seed      uint64
	workers   int
	json      bool
	verbose   bool
}

func parseFlags(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("sim", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are printed by run, once
	set.IntVar(&o.histories, "n", defaultHistories, "")
	set.Uint64Var(&o.seed, "seed", 1, "")
	set.IntVar(&o.workers, "workers", runtime.GOMAXPROCS(0), "")
	set.BoolVar(&o.json, "json", false, "")
	set.BoolVar(&o.verbose, "v", false, "")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	switch {
	case set.NArg() > 0:
		return o, fmt.Errorf("there are no arguments, only flags: %q", set.Arg(0))
	case o.histories < 1:
		return o, fmt.Errorf("-n is %d: at least one history is needed", o.histories)
	case uint64(o.histories-1) > math.MaxUint64-o.seed:
		return o, fmt.Errorf("-seed is %d: there are not %d seeds from there on", o.seed, o.histories)
	case o.workers < 1:
		return o, fmt.Errorf("-workers is %d: at least one is needed", o.workers)
	case o.verbose && o.json:
		return o, fmt.Errorf("-v prints events and -json prints one object: they do not go together")
	}
	return o, nil
}

func printHelp(w io.Writer) { fmt.Fprintf(w, help, defaultHistories) }

const help = `sim runs made-up histories of provisioning, each in virtual time and wholly decided by its seed, and checks
after each one that no rule was broken.

usage: sim [flags]

  -n N         how many histories to run (default %d)
  -seed S      the seed of the first one (default 1); the others have the seeds after it
  -workers N   how many to run at once (default: one per core). It changes the time it takes and nothing else.
  -v           print the events of every history, in their order
  -json        print one object: {"histories":N,"violations":V,"first_bad_seed":S}
  -h           print this

violations counts broken rules: a history that breaks two rules counts as two. first_bad_seed is the lowest seed whose
history breaks one, or null. The exit code is 0 if no rule was broken, 1 if one was, 2 if the flags are wrong, 3 if
the run was interrupted. What was broken and how goes to standard error. Ctrl-C ends the run and prints the result of
the histories that are complete.

what happens in a history
  Two or three hosts, which share a store or do not, provision two to four people, whose names collide, in a directory
  of three replicas that lag behind. Calls fail before and after they take effect, are throttled, hang, and arrive after
  their caller has left; hosts crash between any two calls and start again; people leave and come back; seats are
  scarce, and given directly or by groups; accounts are there already, the person's own or somebody else's. In some
  histories hosts share a slow pacer, provision people in bulk, or reconcile while administrators take seats, end
  memberships, and block and delete accounts. Where hosts share a store with leases, people are also retired and
  restored, and in some the rules change, and people are moved to other licences. In some, rules for connections refuse
  people, skip them, or give them licences of their own. At last the weather calms down, every
  host provisions everybody, and those that reconcile do so once more.

rules
  one-account   no person has two accounts
  orphan        no account that was created lacks its person
  seats         no seat is used that was not bought, and nobody has two where one is enough
  identity      ImmutableID, UPN and object ID never change once they were recorded or told
  reserved      nothing is created before its identity is in the store
  ready         who is told to sign in has the account, the seats and the groups, and has waited long enough
  refused       who is refused never gets in; whom the rules refuse or skip gets no account, and is told nothing else
  arrives       everybody else does, once the weather is calm, and whoever was retired as soon as they are restored
  retired       who was retired has no enabled account and is not provisioned, until they are restored
  ends          nothing and nobody waits for ever; who leaves is let go at once
  lease         hosts that share leases do not write for one person at once, except for several people in one write
  foreign       no account is written to that was neither created nor adopted, and no reconciliation reads one
  pace          hosts that share a pacer together keep to its pace, and nobody calls while the directory wants silence
  reconciled    what a reconciliation repairs is what its policy names, and once the weather is calm all of that
  swapped       who was moved to other licences has those, and none that the old rules gave
  password      no password is sent twice, and none is weak
  typed-errors  every failure is one of those that package provision documents

  sim                         a first look
  sim -n 1000000              a long one
  sim -seed 42 -n 1 -v        study one history
`
