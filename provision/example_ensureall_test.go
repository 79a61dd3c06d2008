package provision_test

import (
	"context"
	"fmt"
	"iter"

	"github.com/entrafed/entrafed/provision"
)

// everybody reads people from wherever they are: a file, a page of a directory after the other. Somebody who cannot be
// read is an error in their place.
func everybody() iter.Seq2[provision.Person, error] {
	return func(yield func(provision.Person, error) bool) {
		_ = yield(provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"}, nil) &&
			yield(provision.Person{}, fmt.Errorf("line 3: 4 fields in place of 7")) &&
			yield(provision.Person{Connection: "linkedin", ID: "p-7", Email: "partner@example.org"}, nil) &&
			yield(provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"}, nil)
	}
}

// Everybody gets their account before they first sign in.
func ExampleProvisioner_EnsureAll() {
	clock := newClock()
	directory := newTenant() // stands in for the client of package msgraph
	directory.now = clock.Now

	pipeline, err := provision.New(provision.Config{
		Directory: directory,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Now:       clock.Now, // leave out both in production
		Sleep:     clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	report, err := pipeline.EnsureAll(context.Background(), everybody(), provision.Bulk{
		Progress: func(e provision.BulkEvent) {
			if e.Err != nil {
				fmt.Println(e.Index, e.Outcome, e.Err.Reason())
				return
			}
			fmt.Println(e.Index, e.Outcome, e.Account.UPN)
		},
	})
	if err != nil {
		fmt.Println("to be resumed with Bulk.Skip:", report.Next, "because", err)
		return
	}
	fmt.Println(report.Failed(), "of", report.Next, "have no account")
	// Output:
	// 0 created contractor@contoso.com
	// 1 refused invalid-person
	// 2 created partner@contoso.com
	// 3 known contractor@contoso.com
	// 1 of 4 have no account
}
