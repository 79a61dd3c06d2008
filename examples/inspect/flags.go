package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation/entratest"
)

// flags are what the command line says.
type flags struct {
	file string // the response

	issuer, domain, request, acs, audience, user, immutableID string

	certificates    []string
	at              time.Time             // zero: now
	mfa             entratest.MFABehavior // empty: the tenant does not ask for MFA
	signInFrequency time.Duration

	decode        string // what to take apart, instead of a response
	lenient, json bool
}

// withDecode marks flags that go with -decode too.
const withDecode = "decode"

// list are the flags.
func (f *flags) list() (all command.Flags) {
	all.Add(&f.issuer, "issuer", "URI", "the domain's issuerUri, byte for byte. Required")
	all.Add(f.addCertificate, "cert", "FILE",
		"a certificate that is registered for the domain: PEM, DER, or base64 as Graph has it. Required;\n"+
			"again for a second. With -decode: of a key that signs Entra's requests", withDecode)
	all.Add(&f.domain, "domain", "NAME", "the federated root domain; rule 12 needs it")
	all.Add(&f.request, "request", "FILE",
		"the AuthnRequest that is answered, in any form that -decode reads; rules 3 and 8 need it")
	all.Add(&f.user, "user", "UPN", "the userPrincipalName of the person, as the directory has it")
	all.Add(&f.immutableID, "immutable-id", "ID", "their onPremisesImmutableId; rules 12, 21 and 29 need both")
	all.Add(f.setTime, "at", "TIME", "when the response arrived, such as 2026-03-02T09:00:00Z. Default: now")
	all.Add(f.setMFA, "mfa", "accept|enforce|reject",
		"the tenant asks for MFA, and this is the domain's federatedIdpMfaBehavior")
	all.Add(&f.signInFrequency, "sign-in-frequency", "DURATION", "how long ago a person may have signed in, such as 1h")
	all.Add(&f.acs, "acs", "URL", "the cloud's login.srf. Default: that of the worldwide cloud")
	all.Add(&f.audience, "audience", "URN", "the cloud's entity ID. Default: that of the worldwide cloud", withDecode)
	all.Add(&f.lenient, "lenient", "", "enforce only what Entra is known to enforce, and warn of the rest", withDecode)
	all.Add(&f.json, "json", "", "print JSON", withDecode)
	all.Add(&f.decode, "decode", "FILE|-|URL",
		"take apart what Entra sends, or a smart link, and say what is odd about it", withDecode)
	return all
}

func (f *flags) addCertificate(file string) error {
	f.certificates = append(f.certificates, file)
	return nil
}

func (f *flags) setTime(text string) (err error) {
	f.at, err = time.Parse(time.RFC3339, text)
	return err
}

func (f *flags) setMFA(text string) (err error) {
	f.mfa, err = mfaBehavior(text)
	return err
}

func parseFlags(args []string) (f flags, err error) {
	set := f.list().Set("inspect", "")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	f.file = set.Arg(0)
	return f, f.validate(set)
}

// mfaBehavior reads a federatedIdpMfaBehavior by its first word or by all of it.
func mfaBehavior(s string) (entratest.MFABehavior, error) {
	for word, behavior := range map[string]entratest.MFABehavior{
		"accept": entratest.AcceptMFA, "enforce": entratest.EnforceMFA, "reject": entratest.RejectMFA,
	} {
		if s == word || s == string(behavior) {
			return behavior, nil
		}
	}
	return "", errors.New("it is accept, enforce or reject")
}

// validate returns everything that is wrong with the command line at once.
func (f flags) validate(set *flag.FlagSet) error {
	var problems command.Problems
	wrong := problems.If
	wrong(set.NArg() > 1, "%q is too much: one response at a time, after the flags", set.Arg(1))
	if isSet(set, "decode") {
		wrong(f.decode == "", "-decode is empty: give a file, - or a URL")
		wrong(set.NArg() == 1, "%q is too much: -decode has its own file", set.Arg(0))
		set.Visit(func(given *flag.Flag) {
			wrong(!goesWithDecode(given.Name), "-%s does not go with -decode", given.Name)
		})
		return problems.Err()
	}
	wrong(f.file == "", "there is no response: give a file, or - for standard input")
	wrong(f.issuer == "", "-issuer is missing: the domain's issuerUri")
	wrong(len(f.certificates) == 0, "-cert is missing: the certificate that is registered for the domain")
	wrong(f.file == "-" && f.request == "-", "only one of the response and -request can come from standard input")
	wrong((f.user == "") != (f.immutableID == ""), "-user and -immutable-id go together")
	wrong(f.user != "" && !strings.Contains(f.user, "@"), "-user %q is no user principal name", f.user)
	wrong(f.signInFrequency < 0, "-sign-in-frequency %s is negative", f.signInFrequency)
	return problems.Err()
}

func isSet(set *flag.FlagSet, name string) (given bool) {
	set.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

func goesWithDecode(name string) bool {
	return slices.ContainsFunc(new(flags).list(), func(f command.Flag) bool {
		return f.Name == name && slices.Contains(f.Of, withDecode)
	})
}

const helpHead = `inspect says what Microsoft Entra would make of a SAML response, rule by rule, and why.
Nothing leaves this machine.

  inspect -issuer URI -cert FILE [flags] FILE|-     check a response
  inspect -decode FILE|-|URL [-json]                take apart what Entra sends

A response is read as XML, as base64, as a form (SAMLResponse=...&RelayState=...) or as a whole HTTP request. The
browser's developer tools show it: the POST to login.srf, its form data.

`

const helpTail = `
Examples:

  Sign-in fails with AADSTS50107, or with any other code. Save the form data of the POST to login.srf, then:
    inspect -issuer https://id.contoso.com/entra -cert idp.pem -at 2026-03-02T09:00:00Z form.txt

  Is it the user? Say what the directory has:
    inspect -issuer ... -cert idp.pem -domain contoso.com -user employee@contoso.com -immutable-id employee0001 form.txt

  Does it answer the request? Save the form that Entra posted, too:
    inspect -issuer ... -cert idp.pem -request entra.txt form.txt

  Would the assertion count as MFA?
    inspect -issuer ... -cert idp.pem -mfa accept form.txt

  What does Entra ask? What does this link do?
    inspect -decode entra.txt
    inspect -decode 'https://login.microsoftonline.com/login.srf?wa=wsignin1.0&whr=contoso.com'

  A program that reads the answer:
    inspect -json -issuer ... -cert idp.pem response.xml | jq -r .verdict.code

Exit code: 0 if nothing speaks against it as far as can be seen from here, 1 if Entra would refuse it (or does not send
it), 2 if the flags are wrong or a file cannot be read.
`

func printHelp(w io.Writer) {
	fmt.Fprint(w, helpHead, "Flags:\n\n")
	for _, f := range new(flags).list() {
		fmt.Fprintf(w, "  %s\n        %s\n", f.Usage(), strings.ReplaceAll(f.Text, "\n", "\n        "))
	}
	fmt.Fprint(w, helpTail)
}
