package provision_test

import (
	"context"
	"fmt"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// Two Provisioners of one process share what the directory allows: one for people who sign in, one for bulk work. The
// limit here is four writes at once and one a minute, so that it is met soon. Bulk work leaves a quarter of it, and
// waits; who signs in does not.
func ExampleMemoryPacer() {
	clock := newClock()
	directory := newTenant() // stands in for the client of package msgraph
	directory.now = clock.Now

	pace := provision.Pace{WritesPerSecond: 1.0 / 60, WriteBurst: 4} // in production: provision.Pace{}
	pacer, err := provision.NewMemoryPacer(pace, clock.Now)          // and nil
	if err != nil {
		fmt.Println(err)
		return
	}
	config := provision.Config{
		Directory: directory,
		Store:     provision.NewMemoryStore(),
		Pacer:     pacer,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Now:       clock.Now, // leave out both in production
		Sleep:     clock.Sleep,
	}
	signIns, err := provision.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}
	config.Priority = provision.PriorityLow
	bulk, err := provision.New(config)
	if err != nil {
		fmt.Println(err)
		return
	}

	ensure := func(what string, people *provision.Provisioner, email string) {
		var waited time.Duration
		person := provision.Person{Connection: "google", ID: email, Email: email}
		account, err := people.EnsureWithProgress(context.Background(), person, func(e provision.Event) {
			if e.State == provision.Waiting && e.Reason == provision.ReasonThrottled {
				waited += e.Wait
			}
		})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s waited %v for a turn\n", what, account.UPN, waited.Round(time.Second))
	}
	for i := range 3 {
		ensure("bulk", bulk, fmt.Sprintf("employee%d@example.net", i+1))
	}
	ensure("sign-in", signIns, "contractor@example.net")
	ensure("bulk", bulk, "employee4@example.net")
	// Output:
	// bulk: employee1@contoso.com waited 0s for a turn
	// bulk: employee2@contoso.com waited 0s for a turn
	// bulk: employee3@contoso.com waited 0s for a turn
	// sign-in: contractor@contoso.com waited 0s for a turn
	// bulk: employee4@contoso.com waited 1m0s for a turn
}
