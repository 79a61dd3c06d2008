package adaptertest

// Rules are the rules, in the order in which they are checked.
func Rules() []Rule {
	return []Rule{
		{Name: "a first sign-in provisions the person as the host knows them, and Entra lets them in", check: firstSignIn},
		{Name: "a wrong password and an empty one sign nobody in", Needs: []Capability{Passwords}, check: wrongPassword},
		{Name: "a session is used again without a page, and the time stated is that of its sign-in",
			Needs: []Capability{Sessions}, check: sessionUsedAgain},
		{Name: "who must sign in again gets a page, and the time stated is the new one", check: signInAgain},
		{Name: "who must sign in again and comes back without having done so is not signed in",
			Needs: []Capability{Sessions}, check: comesBackWithout},
		{Name: "who signs in again as somebody else is not taken for the one whose session it was",
			Needs: []Capability{Sessions, PeopleWithoutEmail}, check: somebodyElse},

		{Name: "a second factor that was proved is stated", Needs: []Capability{SecondFactor}, check: factorProved},
		{Name: "a second factor that was not proved is not stated", check: factorNotProved},
		{Name: "a wrong second factor is none", Needs: []Capability{SecondFactor}, check: wrongFactor},
		{Name: "a second factor of an earlier sign-in is not stated of a new one",
			Needs: []Capability{Sessions, SecondFactor}, check: factorOfEarlier},
		{Name: "a session without a second factor does not serve where one is asked for",
			Needs: []Capability{Sessions, SecondFactor}, check: sessionWithoutFactor},

		{Name: "a passive request is declined without a page where nobody is signed in", check: passiveDeclined},
		{Name: "a passive request is answered without a page where there is a session",
			Needs: []Capability{Sessions}, check: passiveAnswered},
		{Name: "a passive request for a new sign-in is not answered with an old one",
			Needs: []Capability{Sessions}, check: passiveAndFresh},
		{Name: "whom Entra expects is not thereby signed in", check: hintIsNoProof},

		{Name: "after a sign-out the next sign-in asks again", Needs: []Capability{Logout, Sessions}, check: signOutEnds},
		{Name: "a sign-out is answered", Needs: []Capability{Logout}, check: signOutAnswered},
		{Name: "a sign-out leads to the provider behind the host",
			Needs: []Capability{UpstreamLogout}, check: signOutUpstream},
		{Name: "a sign-out ends no other browser's session", Needs: []Capability{Logout, Sessions}, check: signOutElsewhere},
		{Name: "a sign-out ends the session, and not only the browser's cookie",
			Needs: []Capability{Logout, Sessions, Revocation}, check: copiedCookie},

		{Name: "of two tabs at once each ends at its own request", check: twoTabs},
		{Name: "a cancelled sign-in ends at a page that says so", Needs: []Capability{Cancelling}, check: cancelled},
		{Name: "whom Entra expects is handed on", Needs: []Capability{LoginHints}, check: loginHint},

		{Name: "a failure before the sign-in page signs nobody in and is logged, and passes", Needs: []Capability{Failing},
			check: func(w *world) { fails(w, false) }},
		{Name: "a failure at the return signs nobody in and is logged, and passes", Needs: []Capability{Failing},
			check: func(w *world) { fails(w, true) }},
		{Name: "a person without a stable ID gets a page that says so, and no account",
			Needs: []Capability{PeopleWithoutID}, check: withoutID},
		{Name: "a person without an address gets a page that says so, and no account",
			Needs: []Capability{PeopleWithoutEmail}, check: withoutEmail},

		{Name: "another browser's return signs nobody in, now or later", check: returnElsewhere},
		{Name: "another browser's answer does not serve in one's own sign-in", check: answerElsewhere},
		{Name: "a cookie that somebody planted before the sign-in lets nobody else in",
			Needs: []Capability{Sessions}, check: plantedCookie},
		{Name: "a return that is made twice is answered once", check: returnTwice},
		{Name: "the way back leads nowhere else", check: leadsNowhereElse},

		{Name: "a restart between the sign-in page and the return does no harm",
			Needs: []Capability{Replicas}, check: restart},
		{Name: "replicas that take turns do no harm", Needs: []Capability{Replicas}, check: replicas},
		{Name: "a proxy that cuts off the path and speaks HTTP does no harm", base: prefixBase, check: behindProxy},
		{Name: "no secret is in the log", check: noSecretInLog},
	}
}
