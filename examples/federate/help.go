package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/environment"
)

// topic is what -h says of a sub-command.
type topic struct {
	command string
	usage   []string
	short   string
	text    string
}

func topics() []topic {
	return []topic{
		{commandPlan, []string{"plan DOMAIN [flags]"}, "say what would be written, and change nothing", `
Prints the requests that would be made, with each property before and after, and what was found on the way. A finding of
severity error stands in the way: the exit code is then 1, and apply refuses the plan.

What is said of the identity provider is kept in the directory of -state: "federate plan contoso.com" plans with it
again, and a flag that is given changes that one thing.

  What the identity provider publishes is enough:
    federate plan contoso.com -metadata https://id.contoso.com/metadata -out plan.json
  Everything by hand:
    federate plan contoso.com -issuer https://id.contoso.com/contoso -sign-in-url https://id.contoso.com/sso \
      -certificate signing.crt -out plan.json
  Whose ImmutableID is not what the identity provider will send?
    federate plan contoso.com -metadata idp.xml -immutable-id mail
  contoso.com is the tenant's default domain, which cannot be federated:
    federate plan contoso.com -metadata idp.xml -default-domain contoso.onmicrosoft.com
  What stands in the way?
    federate plan contoso.com -json | jq -r '.findings[] | select(.severity == "error") | .summary'
`},
		{commandApply, []string{"apply PLAN [flags]", "apply -domain DOMAIN [flags of plan]"}, "carry out a plan", `
Shows the plan, asks, and makes exactly its writes, if the tenant is still as it was when the plan was made. How the
domain was is on the disk first. Ctrl-C stops between two writes; a write that has begun is finished. The same command
goes on after Ctrl-C, a crash or a failure, and says what was done before.

Entra may take up to two hours to act on it, in which people may or may not be sent to the identity provider, and up
to 24 hours for a domain that had users. -wait asks its public realm discovery until it does. That tells neither the
issuer nor the certificate: only a sign-in does, and a link for it is printed.

  federate apply plan.json -wait
  In a script:
    federate apply plan.json -yes -wait -json | jq .outcome.undo
  Plan and apply in one go:
    federate apply -domain contoso.com -metadata idp.xml
`},
		{commandVerify, []string{"verify DOMAIN [-wait]"}, "does Entra act on it?", `
Compares what Entra's public realm discovery says of the domain with what Graph shows. The exit code is 1 if it differs.

  federate verify contoso.com -wait
`},
		{commandRotate, []string{"rotate [status] DOMAIN [flags]", "rotate step DOMAIN [flags]", "rotate abandon DOMAIN [flags]"},
			"replace the signing key without locking anybody out", `
A rotation is made of steps, over some hours or days: Entra is told of the next certificate (step), two hours pass,
the identity provider's operator switches to the new key, its certificate becomes the first (step), two hours pass,
the old one is removed (step). A step that would lock people out, or comes too early, is refused. status says what to
do now, and what not before when; -wait lets step wait by itself. abandon withdraws the new certificate as long as the
old key signs.

Which key signs is said by -metadata, whose first certificate is taken for the one that signs, or by -certificate (signs
now) and -next-certificate (the other one). After the switch the two files are exchanged.

  federate rotate contoso.com -certificate old.crt -next-certificate new.crt
  federate rotate step contoso.com -certificate old.crt -next-certificate new.crt
  Two hours later, the operator has switched the key:
    federate rotate step contoso.com -certificate new.crt -next-certificate old.crt
`},
		{commandRevert, []string{"revert DOMAIN [-undo ID] [flags]", "revert DOMAIN -list"}, "back to managed, or to what was before", `
Without -undo the domain becomes a managed one: its people need passwords at Entra, and the plan says how many have to
be told. With -undo it becomes what it was before the plan with that ID. Shows the plan and asks, as apply does.

  federate revert contoso.com -list
  federate revert contoso.com -undo 0123456789abcdef0123456789abcdef
`},
		{commandDoctor, []string{"doctor DOMAIN [-user UPN] [flags]"}, "why does sign-in not work?", `
Looks at the tenant, at realm discovery and, as far as it is told, at the identity provider and one person. Each
finding has the error that people see, what to do, and the command that does it. The exit code is 1 if there is one of
severity error.

  federate doctor contoso.com -metadata https://id.contoso.com/metadata -mfa yes -user employee@contoso.com
`},
		{commandDomain, []string{"domain add|show|verify|promote|default DOMAIN [flags]"}, "the domains themselves", `
add adds a domain to the tenant and prints the DNS record that proves whose it is; show prints it again. verify lets
the tenant look for the record: with -wait for up to 72 hours. promote makes a child domain a root of its own, which
is managed from then on. default makes a domain the tenant's default one, which cannot be federated. promote and
default show a plan and ask, as apply does.

  federate domain add contoso.com
  federate domain verify contoso.com -wait
  federate domain default contoso.onmicrosoft.com
`},
		{commandGuests, []string{"guests plan DOMAIN... [flags]", "guests apply PLAN [flags]", "guests revert DOMAIN [flags]"},
			"guests who sign in at their own organization", `
The people of a partner, who are guests in the tenant, sign in at the partner's identity provider. The domains are the
partner's. revert shows the plan and asks; the guests then sign in by a one-time passcode. Nothing public tells whether
Entra acts on it: let a guest try, within two hours.

  federate guests plan partner.example.org -metadata partner.xml -out guests.json
  federate guests apply guests.json
`},
	}
}

const helpHead = `federate makes a domain of a Microsoft Entra tenant a federated one, and keeps it so.

`

const helpTry = `
federate help SUB-COMMAND, or SUB-COMMAND -h, says more, with examples.

Try it without a tenant. The file keeps a simulated one, its clock included, which -wait and -later move:

  go run ./examples/federate plan contoso.com -simulate tenant.json -metadata idp.xml \
    -default-domain contoso.onmicrosoft.com -out plan.json
  go run ./examples/federate apply plan.json -simulate tenant.json -wait
  go run ./examples/federate revert contoso.com -simulate tenant.json

The simulated tenant has contoso.com, managed, with users who have no ImmutableID yet, and hr.contoso.com. The DNS
record of a domain that is added is there an hour later. What -state keeps is in tenant.json.state.

Environment variables:

`

const helpTail = `
One of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE says how the application
proves itself to Entra; AZURE_TENANT_ID and AZURE_CLIENT_ID are required with it. Where none is set, it is
azidentity's chain: a managed identity, az login, azd auth login or Azure PowerShell; no variable is required then.
With -simulate none is needed.

To read: Domain.Read.All, Domain-InternalFederation.Read.All, User.Read.All, RoleManagement.Read.Directory and
Policy.Read.All; for guests IdentityProvider.Read.All. To write: Domain-InternalFederation.ReadWrite.All, for domain and
-default-domain Domain.ReadWrite.All, for guests IdentityProvider.ReadWrite.All. Who may write federations may become
anybody in the domain: give the application no more than it needs, and no longer.

The directory of -state has the ways back and the rotations under way. Keep it, back it up, and use the same one
always. It has no secret, but who can change it decides where people sign in.

Exit codes:

  0  done, or nothing is to be done, or a plan that can be applied
  1  it is not as it should be: a finding of severity error, a domain that Entra does not act on as Graph has it, a plan
     that does not fit the tenant any more, a step that would lock people out
  2  the flags, the configuration or a file cannot be used, or the answer was not yes: nothing was done
  3  it ended early, and can be gone on with: an interruption, a tenant that failed or refused, a wait that is not over,
     a step that comes too early or is made by hand
`

// printHelp explains a sub-command, or all of it.
func printHelp(w io.Writer, sub string) {
	all := topics()
	if i := slices.IndexFunc(all, func(t topic) bool { return t.command == sub }); i >= 0 {
		printTopic(w, all[i])
		return
	}
	fmt.Fprint(w, helpHead)
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, t := range all {
		for i, usage := range t.usage {
			short := t.short
			if i > 0 {
				short = ""
			}
			fmt.Fprintf(table, "  federate %s\t%s\n", usage, short)
		}
	}
	_ = table.Flush() // an error of w is the terminal's
	fmt.Fprint(w, helpTry)
	environment.Print(w, variables())
	fmt.Fprint(w, helpTail)
}

func printTopic(w io.Writer, t topic) {
	for _, usage := range t.usage {
		fmt.Fprintf(w, "federate %s\n", usage)
	}
	fmt.Fprintf(w, "\n%s\n%s\nFlags, before or after the argument:\n\n", t.short, t.text)
	var own command.Flags
	for _, f := range new(flags).list() {
		if slices.Contains(f.Of, t.command) {
			f.Of = nil
			own = append(own, f)
		}
	}
	own.Print(w)
}

func variables() []environment.Variable {
	all := []environment.Variable{
		{Name: environment.Domain, Need: environment.Optional, Meaning: "the domain, where the command line does not say it"},
	}
	for _, v := range environment.OfTheTenant() {
		v.Need = environment.Optional
		if v.Name == environment.TenantID || v.Name == environment.ClientID {
			v.Need = "see text"
		}
		all = append(all, v)
	}
	return all
}
