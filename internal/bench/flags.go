package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/entrafed/entrafed/internal/bench/pipeline"
)

const (
	defaultRounds = 11                     // odd, so that a median is a value that was measured
	defaultTime   = 300 * time.Millisecond // enough for the garbage collector to run
)

type options struct {
	rounds int
	time   time.Duration // per cell and round
	json   bool

	provision bool // measure the provisioning pipeline instead
	people    int
}

func parseFlags(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are printed by run, once
	set.IntVar(&o.rounds, "rounds", defaultRounds, "")
	set.DurationVar(&o.time, "time", defaultTime, "")
	set.BoolVar(&o.json, "json", false, "")
	set.BoolVar(&o.provision, "provision", false, "")
	set.IntVar(&o.people, "people", pipeline.DefaultPeople, "")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	switch {
	case set.NArg() > 0:
		return o, fmt.Errorf("there are no arguments, only flags: %q", set.Arg(0))
	case o.rounds < 1:
		return o, fmt.Errorf("-rounds is %d: at least one is needed", o.rounds)
	case o.time <= 0:
		return o, fmt.Errorf("-time is %s: a cell needs some time, such as %s", o.time, defaultTime)
	}
	return o, o.foreign(set)
}

// foreign refuses flags that belong to the other measurement, and a number of people that says nothing.
func (o options) foreign(set *flag.FlagSet) (err error) {
	set.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "rounds", "time":
			if o.provision {
				err = fmt.Errorf("-%s is not for -provision: its time is virtual", f.Name)
			}
		case "people":
			if !o.provision {
				err = errors.New("-people is for -provision")
			}
		}
	})
	if err == nil && (o.people < pipeline.LeastPeople || o.people > mostPeople) {
		err = fmt.Errorf("-people is %d: it is at least %d and at most %d", o.people, pipeline.LeastPeople, mostPeople)
	}
	return err
}

// mostPeople keeps a wrong number from running for days.
const mostPeople = 100_000

func printHelp(w io.Writer) {
	fmt.Fprintf(w, help, defaultRounds, defaultTime)
	fmt.Fprintf(w, provisionHelp, pipeline.DefaultPeople)
}

const help = `bench measures what it costs to issue one SAML response: with this library, with goxmldsig and with
crewjam/saml, beside the floor, which is a bare RSA-2048 signature.

usage: bench [flags]
       bench -provision [-people N] [-json]

  -rounds N    how many times to go through all cells (default %d). Odd numbers make the median a measured value.
  -time D      how long one cell takes in one round (default %s), such as 500ms or 1s. Much less leaves out what
               the garbage collector costs.
  -json        print JSON instead of the table: {"rows":[{"name","mode","ns","ratio","bytes","allocs"}, ...]}
  -h           print this

A run takes about twelve times -rounds times -time. Progress goes to standard error. Ctrl-C ends the run and prints the
result of the rounds that are complete.

modes
  serial       one after the other
  parallel     on all cores at once; ns is then the time in which all of them together complete one
  free         serial, with a key that signs at no cost: what is left is the work on XML

paths
  floor        rsa.SignPKCS1v15 over 32 bytes, with the key that all paths use; not in the mode free
  ours         Respond and SAMLResponse of this library
  goxmldsig    the same document built with etree, signed with goxmldsig, serialised
  crewjam      MakeAssertion, MakeResponse, PostBinding of crewjam/saml, with SHA-256; it signs twice
  read         ParseAuthnRequest of this library, on an unsigned request

How to read it: look at the ratio, not at the nanoseconds. A ratio compares a cell with the floor (in the mode free,
with crewjam) within one round, so that both met the same machine; the median of all rounds is shown, with the lowest
and the highest. If those are far apart, the machine was busy: measure again, or longer. Ratios that differ by less
than about 0.03 are the same.

  bench                        a first look
  bench -rounds 31 -time 1s    a measurement to quote, on a machine that does nothing else
  bench -json | jq '.rows[] | select(.name == "ours")'
`

const provisionHelp = `
bench -provision measures the provisioning pipeline instead, in virtual time and in simulated tenants: minutes of waiting
for Graph cost a moment, and the numbers say nothing about this machine. Calls take no time unless it is said.

  -people N    how many people the bulk has (default %d; 200 to 100000). All else follows from it: one in 25
               of them, but no fewer than 20, sign in during a bulk, and half as many for each lag; a hundred times as
               many are in the stream. With fewer than 3000 the bulk is over before its rate is steady, and a p99 is
               hardly more than the longest wait.
  -json        print one object: {"bulk":{"ours","naive","ceiling"},"signin_during_bulk":{"median_ratio","p99_ratio"},
               "ready_after_lag":[{"lag_s","extra_median_s"}, ...],"stream":{"people","heap_mib"}}

A run of the default size takes three to ten minutes on two cores. Progress goes to standard error. Ctrl-C ends the run, and
then nothing is printed.

what is measured
  bulk         new people a second who end ready with the licence of a group, one account each. Tenant: the documented
               limits, normal lag, the 3,000 writes that are allowed at once spent before. The rate is that of the middle
               four fifths; the table has that of all. ours is EnsureAll with Pace{Share: 1, Size: TenantLarge}; naive
               creates, licenses and adds to a group one person after the other, and waits as Retry-After says, in a
               tenant without lag. ceiling is 20 writes a second by 1 + 1/20 writes a person. Target: 0.95 of it.
  signin_during_bulk
               how long people wait at their first sign-in while a bulk is at work under the same application, by how
               long they wait in the same tenant without it. Target: 1.5.
  ready_after_lag
               every replica, and the sign-in service, show a new account exactly lag_s after its creation. How much later
               Ensure returns, under the settings of a host that measures how long its sign-in service takes, and so needs
               no fixed dwell: Settle{Dwell: -1}. The table also has the default settings, which wait 15 seconds whatever
               the replicas say. Target: 2 seconds.
  stream       the largest heap, after garbage collections, of so many people who go through EnsureAll. Two bytes each
               are the directory's and the store's of the bench. Target: less than 64 MiB.
`
