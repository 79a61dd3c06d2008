package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/federation"
	"github.com/entrafed/entrafed/provision"
)

// The sub-commands.
const (
	commandPlan   = "plan"
	commandApply  = "apply"
	commandVerify = "verify"
	commandRotate = "rotate"
	commandRevert = "revert"
	commandDoctor = "doctor"
	commandDomain = "domain"
	commandGuests = "guests"
)

func commands() []string {
	return []string{
		commandPlan, commandApply, commandVerify, commandRotate, commandRevert, commandDoctor, commandDomain,
		commandGuests,
	}
}

// The verbs of sub-commands that have several.
const (
	rotateStatus  = "status"
	rotateStep    = "step"
	rotateAbandon = "abandon"

	domainAdd     = "add"
	domainShow    = "show"
	domainVerify  = "verify"
	domainPromote = "promote"
	domainDefault = "default"

	guestsPlan   = "plan"
	guestsApply  = "apply"
	guestsRevert = "revert"
)

// verbs are those of a sub-command, the first of them the one that is meant where none is said; empty: one must be said.
func verbs(command string) []string {
	switch command {
	case commandRotate:
		return []string{rotateStatus, rotateStep, rotateAbandon}
	case commandDomain:
		return []string{"", domainAdd, domainShow, domainVerify, domainPromote, domainDefault}
	case commandGuests:
		return []string{"", guestsPlan, guestsApply, guestsRevert}
	}
	return nil
}

// flags are what the command line says.
type flags struct {
	command string
	verb    string
	file    string            // the plan
	more    []string          // of guests: further domains of the partner
	given   map[string]string // the flags that the command line has, by name

	domain string
	provider
	displayName      string
	signOutURL       string
	activeSignInURL  string
	metadataURL      string
	passwordResetURL string
	protocol         string
	mfa              string // of plan: what Entra makes of a second factor
	promptLogin      string
	signedRequests   bool
	defaultDomain    string
	replace          string
	noAdministrator  bool
	out              string

	secondFactor string // of doctor: whether the identity provider tells of one
	user         string
	undo         string
	ways         bool

	retiredCertificate bool

	wait   bool
	yes    bool
	dryRun bool

	state    string
	json     bool
	verbose  bool
	dump     string
	simulate string
	later    time.Duration
}

// provider is what the command line says of the identity provider.
type provider struct {
	metadata        string
	issuer          string
	signInURL       string
	certificate     string
	nextCertificate string
	immutableID     string
	connection      string
}

// sources are the values of -immutable-id.
func sources() map[string]func(provision.User) string {
	return map[string]func(provision.User) string{
		"upn": provision.ByUPN, "mail": provision.ByMail, "employee-id": provision.ByEmployeeID,
	}
}

func protocols() map[string]federation.Protocol {
	return map[string]federation.Protocol{"saml": federation.SAML, "wsfed": federation.WSFed}
}

func mfaBehaviors() map[string]federation.MFABehavior {
	return map[string]federation.MFABehavior{
		"accept": federation.AcceptMFA, "enforce": federation.EnforceMFA, "reject": federation.RejectMFA,
	}
}

func promptLogins() map[string]federation.PromptLogin {
	return map[string]federation.PromptLogin{
		"translate": federation.TranslatePrompt, "native": federation.NativePrompt, "disabled": federation.DisabledPrompt,
	}
}

// list are the flags, and the sub-commands that have them.
func (f *flags) list() (all command.Flags) {
	planning := []string{commandPlan, commandApply}
	alike := append(slices.Clone(planning), commandGuests)
	asking := append(slices.Clone(alike), commandDoctor)
	rotating := append(slices.Clone(asking), commandRotate)
	changing := []string{commandApply, commandRotate, commandRevert, commandDomain, commandGuests}
	every := commands()
	all.Add(&f.domain, "domain", "DOMAIN", "the domain, where it is no argument. Default: ENTRAFED_DOMAIN", every...)
	all.Add(&f.metadata, "metadata", "URL|FILE", "the identity provider's metadata: its issuer, URL and certificates",
		rotating...)
	all.Add(&f.issuer, "issuer", "URI", "the Issuer of its assertions, byte for byte", asking...)
	all.Add(&f.signInURL, "sign-in-url", "URL", "where Entra sends the browser, by HTTP-POST", asking...)
	all.Add(&f.certificate, "certificate", "FILE", "the certificate of the key that signs, as PEM, base64 or DER", rotating...)
	all.Add(&f.nextCertificate, "next-certificate", "FILE", "the certificate of the key that signs next",
		commandPlan, commandApply, commandDoctor, commandRotate)
	all.Add(&f.immutableID, "immutable-id", "RULE", "the NameID is the user's upn, mail or employee-id: look who differs",
		commandPlan, commandApply, commandDoctor)
	all.Add(&f.connection, "connection", "NAME", "that value is an ID of people who come from there: see examples/provision",
		commandPlan, commandApply, commandDoctor)
	all.Add(&f.displayName, "display-name", "TEXT", "what people see meanwhile. Default: the domain", alike...)
	all.Add(&f.signOutURL, "sign-out-url", "URL", "where Entra sends the browser to sign out", planning...)
	all.Add(&f.activeSignInURL, "active-sign-in-url", "URL", "for clients that send a password, by ECP or WS-Trust", planning...)
	all.Add(&f.metadataURL, "metadata-exchange-url", "URL", "for clients that look for a WS-Trust endpoint", alike...)
	all.Add(&f.passwordResetURL, "password-reset-url", "URL", "where people change their password", planning...)
	all.Add(&f.protocol, "protocol", "NAME", "saml or wsfed. Default: saml", alike...)
	all.Add(&f.mfa, "mfa", "HOW", "Entra is to accept, enforce or reject the provider's second factor. Default: reject",
		planning...)
	all.Add(&f.promptLogin, "prompt-login", "HOW", "on a fresh sign-in: translate, native or disabled", planning...)
	all.Add(&f.signedRequests, "signed-requests", "", "Entra signs its AuthnRequests", planning...)
	all.Add(&f.defaultDomain, "default-domain", "DOMAIN", "becomes the tenant's default one, if this one is it now", planning...)
	all.Add(&f.replace, "replace", "ID", "overwrite the federation with this ID, which somebody else made", alike...)
	all.Add(&f.noAdministrator, "insecure-no-administrator", "",
		"go on without a Global Administrator in a managed domain. Read federation.Settings first", planning...)
	all.Add(&f.out, "out", "FILE", "write the plan, for apply. A file that exists is not overwritten",
		commandPlan, commandRevert, commandGuests)
	all.Add(&f.user, "user", "UPN", "somebody who cannot sign in", commandDoctor)
	all.Add(&f.secondFactor, "mfa", "yes|no", "whether the identity provider tells Entra of a second factor", commandDoctor)
	all.Add(&f.undo, "undo", "ID", "become as before the plan with this ID. Default: become managed", commandRevert)
	all.Add(&f.retiredCertificate, "insecure-retired-certificate", "",
		"-undo may bring back a key that was replaced. Read federation.RevertSettings first", commandRevert)
	all.Add(&f.ways, "list", "", "list the ways back that are kept", commandRevert)
	all.Add(&f.wait, "wait", "", "wait until it is so: up to two hours, for a DNS record up to 72",
		commandApply, commandVerify, commandRotate, commandRevert, commandDomain)
	all.Add(&f.yes, "yes", "", "do not ask", changing...)
	all.Add(&f.dryRun, "dry-run", "", "show what would be written, and write nothing", changing...)
	all.Add(&f.state, "state", "DIR", "what is kept: ways back, rotations. Default: in your configuration directory", every...)
	all.Add(&f.json, "json", "", "print JSON", every...)
	all.Add(&f.verbose, "v", "", "print what is logged", every...)
	all.Add(&f.dump, "dump", "FILE", "write down the requests to Graph, as JSON lines without secrets", every...)
	all.Add(&f.simulate, "simulate", "FILE", "use a simulated tenant, which is kept in FILE. It is made if needed", every...)
	all.Add(&f.later, "later", "DURATION", "the simulated tenant's clock is moved forward first, such as 2h", every...)
	return all
}

func parseFlags(args []string) (f flags, err error) {
	if len(args) == 0 {
		return f, fmt.Errorf("say %s first", oneOf(commands()))
	}
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, args[0]) {
		if len(args) > 1 && slices.Contains(commands(), args[1]) {
			f.command = args[1]
		}
		return f, flag.ErrHelp
	}
	if !slices.Contains(commands(), args[0]) {
		return f, fmt.Errorf("%q is not %s", args[0], oneOf(commands()))
	}
	f.command = args[0]
	set := f.list().Set("federate", f.command)
	others, err := command.ParseMixed(set, args[1:])
	if err != nil {
		return f, err
	}
	f.given = map[string]string{}
	set.Visit(func(one *flag.Flag) { f.given[one.Name] = one.Value.String() })
	if others, err = f.takeVerb(others); err != nil {
		return f, err
	}
	return f, f.validate(others)
}

// takeVerb takes the verb of a sub-command that has several.
func (f *flags) takeVerb(others []string) ([]string, error) {
	known := verbs(f.command)
	if known == nil {
		return others, nil
	}
	if f.verb = known[0]; len(others) > 0 && slices.Contains(known, others[0]) {
		f.verb, others = others[0], others[1:]
	}
	if f.verb == "" {
		return nil, fmt.Errorf("%s needs %s", f.command, oneOf(known[1:]))
	}
	return others, nil
}

// validate takes the argument, and returns everything that is wrong with the command line at once.
func (f *flags) validate(others []string) error {
	var problems command.Problems
	wrong := problems.If
	wrong(len(others) > 1 && !f.takesMore(), "%s takes one argument, and got %s", f.command, strings.Join(others, " "))
	switch {
	case len(others) == 0:
		wrong(f.command == commandGuests && f.verb == guestsApply, "guests apply needs a plan: a file that guests plan -out wrote")
	case f.takesPlan():
		f.file = others[0]
		wrong(len(f.settings()) > 0, "apply takes a plan, or the flags of plan, and not both")
	default:
		wrong(f.domain != "" && !strings.EqualFold(f.domain, others[0]), "-domain is %s, and the argument %s", f.domain, others[0])
		f.domain, f.more = others[0], others[1:]
	}
	f.domain = strings.ToLower(strings.TrimSpace(f.domain))
	wrong(f.immutableID != "" && sources()[f.immutableID] == nil, "-immutable-id %q is not upn, mail or employee-id", f.immutableID)
	wrong(f.connection != "" && f.immutableID == "", "-connection goes with -immutable-id")
	wrong(f.protocol != "" && protocols()[f.protocol] == "", "-protocol %q is not saml or wsfed", f.protocol)
	wrong(f.mfa != "" && mfaBehaviors()[f.mfa] == "", "-mfa %q is not accept, enforce or reject", f.mfa)
	wrong(f.promptLogin != "" && promptLogins()[f.promptLogin] == "", "-prompt-login %q is not translate, native or disabled",
		f.promptLogin)
	wrong(!slices.Contains([]string{"", "yes", "no"}, f.secondFactor), "-mfa %q is not yes or no", f.secondFactor)
	wrong(f.later != 0 && f.simulate == "", "-later goes with -simulate: nobody can move Entra's clock")
	wrong(f.later < 0, "-later %v is earlier", f.later)
	wrong(f.ways && f.undo != "", "-list goes without -undo")
	wrong(f.retiredCertificate && f.undo == "", "-insecure-retired-certificate goes with -undo")
	wrong(f.dryRun && f.command == commandDomain && !f.plansDomain(), "domain %s has no -dry-run: look by domain show", f.verb)
	wrong(f.wait && f.command == commandDomain && f.verb != domainVerify, "domain %s has nothing to -wait for", f.verb)
	return problems.Err()
}

// takesPlan reports whether the argument is a plan.
func (f *flags) takesPlan() bool {
	return f.command == commandApply || f.command == commandGuests && f.verb == guestsApply
}

// takesMore reports whether there may be several domains.
func (f *flags) takesMore() bool { return f.command == commandGuests && f.verb == guestsPlan }

// plansDomain reports whether the verb of domain is planned and applied.
func (f *flags) plansDomain() bool { return f.verb == domainPromote || f.verb == domainDefault }

// errNoDomain is a command line that does not say what it is about.
var errNoDomain = errors.New("say which domain: as the argument, by -domain, or in ENTRAFED_DOMAIN")

func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
