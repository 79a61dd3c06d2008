package provision_test

import (
	"context"
	"fmt"

	"github.com/entrafed/entrafed/provision"
)

// A page shows a new person what they are waiting for.
func ExampleProvisioner_EnsureWithProgress() {
	clock := newClock()
	directory := newTenant() // stands in for the client of package msgraph
	directory.now = clock.Now

	people, err := provision.New(provision.Config{
		Directory: directory,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Now:       clock.Now, // leave out both in production
		Sleep:     clock.Sleep,
	})
	if err != nil {
		fmt.Println(err)
		return
	}

	person := provision.Person{Connection: "linkedin", ID: "p-7", Email: "partner@example.org"}
	_, err = people.EnsureWithProgress(context.Background(), person, func(e provision.Event) {
		switch e.State {
		case provision.Started:
			fmt.Printf("%3v %s\n", e.Elapsed, e.Message)
		case provision.Waiting:
			fmt.Printf("%3v … for %v\n", e.Elapsed, e.Wait)
		}
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	//  0s Checking who you are
	//  0s Looking for your account
	//  0s Contacting the directory
	//  0s Choosing your sign-in name
	//  0s Creating your account
	//  0s Assigning your licence
	//  0s Waiting until your account is ready everywhere
	//  0s … for 14s
	// 14s … for 500ms
	// 14.5s … for 500ms
}
