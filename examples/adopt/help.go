package main

import (
	"fmt"
	"io"

	"github.com/entrafed/entrafed/examples/internal/environment"
)

const helpHead = `adopt gives the users of a domain the ImmutableIDs by which an identity provider will know them.

  adopt plan  [flags]                      read everything, change nothing, and say what would change
  adopt apply [flags] PLAN -undo FILE      carry out a plan
  adopt undo  [flags] FILE                 make the users as they were before

Try it without a tenant. The file keeps the users of a simulated one:

  go run ./examples/adopt plan -simulate tenant.json -by mail -out plan.json
  go run ./examples/adopt apply plan.json -simulate tenant.json -undo undo.jsonl -detour
  go run ./examples/adopt undo undo.jsonl -simulate tenant.json

Flags, before or after the file:

`

const helpTail = `
Exactly one of AZURE_CLIENT_SECRET, AZURE_CLIENT_CERTIFICATE_PATH and AZURE_FEDERATED_TOKEN_FILE says how the
application proves itself to Entra. plan needs the permission User.Read.All, apply and undo need User.ReadWrite.All.
With -simulate no variable is needed.

Examples:

  Everybody's address, or what the HR system says:
    adopt plan -domain contoso.com -by mail -out plan.json
    adopt plan -domain contoso.com -table ids.csv -out plan.json

  What examples/provision would choose for people of the connection hr whose IDs are employee IDs:
    adopt plan -domain contoso.com -by employeeid -connection hr -out plan.json

  Who is left as they are, and why?
    jq -r '.Items[] | select(.Action == "leave") | [.UPN, .Problem] | @tsv' plan.json

  Go on after Ctrl-C, a crash, or failures whose cause is mended:
    adopt apply plan.json -undo undo.jsonl -resume

  In a script:
    adopt apply plan.json -undo undo.jsonl -yes -json | jq .results

Whom a plan leaves as they are: users whom a directory sync owns, who have no value or one that Entra refuses, who
would get the same ImmutableID as somebody else, or who have another one, without -replace. The users of subdomains are
not of the domain.

Each user is read again before the change, and left alone if somebody changed them since. What undoes the change is on
the disk before it is made. apply and undo can be repeated after any end. -json is printed once, at the end.

-detour: a federated domain may refuse to change an ImmutableID. Then the user's UPN is moved to the tenant's initial
domain, the ImmutableID is set, and the UPN is moved back. Meanwhile, some seconds, the user cannot sign in, and an
address in the initial domain may be left behind. Somebody whose way back failed is brought home by the same apply with
-detour and -resume, or by undo. Best of all, adopt before the domain is federated.

A federated domain may also refuse to remove an ImmutableID. undo then says so for each user who had none, and leaves
it.

Ctrl-C stops after the user who is being changed; a second Ctrl-C stops at once, and may leave that user at a detour.
In either case the undo file has all that was changed, and -resume goes on.

Exit codes:

  0  everybody is as wanted; for plan: or would be
  1  some users could not be changed; for plan: are left as they are, or at a detour, or in the table only
  2  the flags, the configuration or a file cannot be used, or the answer was not yes: nothing was done
  3  it ended early, and can be gone on with
`

func printHelp(w io.Writer) {
	fmt.Fprint(w, helpHead)
	new(flags).list().Print(w)
	fmt.Fprint(w, "\nEnvironment variables:\n\n")
	environment.Print(w, variables())
	fmt.Fprint(w, helpTail)
}

func variables() []environment.Variable {
	return append([]environment.Variable{
		{Name: environment.Domain, Need: environment.Optional, Meaning: "the domain, where -domain does not say it"},
	}, environment.OfTheTenant()...)
}
