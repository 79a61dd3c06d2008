package main

import (
	"flag"
	"fmt"
	"io"
	"time"
)

const (
	defaultRounds = 11                     // odd, so that a median is a value that was measured
	defaultTime   = 300 * time.Millisecond // enough for the garbage collector to run
)

type options struct {
	rounds int
	time   time.Duration // per cell and round
	json   bool
}

func parseFlags(args []string) (options, error) {
	var o options
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are printed by run, once
	set.IntVar(&o.rounds, "rounds", defaultRounds, "")
	set.DurationVar(&o.time, "time", defaultTime, "")
	set.BoolVar(&o.json, "json", false, "")
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
	return o, nil
}

func printHelp(w io.Writer) {
	fmt.Fprintf(w, help, defaultRounds, defaultTime)
}

const help = `bench measures what it costs to issue one SAML response: with this library, with goxmldsig and with
crewjam/saml, beside the floor, which is a bare RSA-2048 signature.

usage: bench [flags]

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
