package storetest_test

import (
	"fmt"

	"github.com/entrafed/entrafed/provision/storetest"
)

// What a pacer is checked for.
func ExamplePacerRules() {
	for _, rule := range storetest.PacerRules() {
		fmt.Println(rule.Name)
	}
	// Output:
	// what a full bucket holds is taken without a wait, and no more
	// writes and resource units are counted apart, and a call takes of both
	// a call that costs more than a bucket holds gets its turn from a full one
	// a call that costs nothing takes nothing
	// a turn beyond the limit is not taken
	// high priority books turns, one after the other
	// nothing is booked more than an hour ahead
	// who has waited for a booked turn is let through, and pays no second time
	// low priority leaves the reserve to high priority
	// low priority never books
	// what a turn took is given back when it was not used
	// a full bucket gets no fuller by what is given back
	// a 429 holds back everybody for as long as it asked
	// a hold lasts for an hour at most
	// a shorter Retry-After does not shorten a hold
	// a turn that was booked before a hold is booked anew
	// what is given back during a hold is not there afterwards
	// a 429 empties the bucket that its scope names
	// a 429 without a scope empties both buckets
	// after a 429 there is room for the call that was refused
	// a reported load leaves no more in the bucket than it says
	// a reported load never fills a bucket
	// a load without a scope is that of the call's kind
	// a success changes nothing
	// of many who ask at once, as many as the bucket holds get a turn
	// a PaceGauge says what is left of the writes, and takes nothing
	// both methods stop when the context ends
}
