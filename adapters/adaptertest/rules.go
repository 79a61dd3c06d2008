package adaptertest

// Rules are the rules, in the order in which they are checked.
func Rules() []Rule {
	return []Rule{
		{Name: "a first sign-in provisions the person as the host knows them, and Entra lets them in", check: firstSignIn},
	}
}
