package adaptertest_test

import (
	"fmt"

	"github.com/entrafed/entrafed/adapters/adaptertest"
)

// What an adapter is checked for.
func ExampleRules() {
	for _, rule := range adaptertest.Rules() {
		fmt.Println(rule.Name)
	}
	// Output:
	// a first sign-in provisions the person as the host knows them, and Entra lets them in
	// a wrong password and an empty one sign nobody in
	// a session is used again without a page, and the time stated is that of its sign-in
	// who must sign in again gets a page, and the time stated is the new one
	// who must sign in again and comes back without having done so is not signed in
	// who signs in again as somebody else is not taken for the one whose session it was
	// a second factor that was proved is stated
	// a second factor that was not proved is not stated
	// a wrong second factor is none
	// a second factor of an earlier sign-in is not stated of a new one
	// a session without a second factor does not serve where one is asked for
	// a passive request is declined without a page where nobody is signed in
	// a passive request is answered without a page where there is a session
	// a passive request for a new sign-in is not answered with an old one
	// whom Entra expects is not thereby signed in
	// after a sign-out the next sign-in asks again
	// a sign-out is answered
	// a sign-out leads to the provider behind the host
	// a sign-out ends no other browser's session
	// a sign-out ends the session, and not only the browser's cookie
	// of two tabs at once each ends at its own request
	// a cancelled sign-in ends at a page that says so
	// whom Entra expects is handed on
	// a failure before the sign-in page signs nobody in and is logged, and passes
	// a failure at the return signs nobody in and is logged, and passes
	// a person without a stable ID gets a page that says so, and no account
	// a person without an address gets a page that says so, and no account
	// another browser's return signs nobody in, now or later
	// another browser's answer does not serve in one's own sign-in
	// a cookie that somebody planted before the sign-in lets nobody else in
	// a return that is made twice is answered once
	// the way back leads nowhere else
	// a restart between the sign-in page and the return does no harm
	// replicas that take turns do no harm
	// a proxy that cuts off the path and speaks HTTP does no harm
	// no secret is in the log
}
