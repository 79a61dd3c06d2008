package adaptertest_test

// What can be wrong with the hosts of these tests.
const (
	faultNoVerifier    = "no verifier"
	faultOwnCallback   = "a callback of its own that knows no state"
	faultStaysUpstream = "the provider is not signed out of"
	faultNoWayBack     = "no way back from the provider's sign-out"
)
