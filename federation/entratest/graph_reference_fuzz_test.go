package entratest

import "testing"

// FuzzReference: no address of an object makes the tenant panic, and what it takes for one ends in an object ID.
func FuzzReference(f *testing.F) {
	tenant := Start(f, Config{Clock: NewClock(clockOrigin)})
	for _, seed := range []string{
		"https://graph.microsoft.com/v1.0/users/aaaaaaaa-0000-4000-8000-000000000001",
		"HTTPS://GRAPH.MICROSOFT.COM/V1.0/directoryObjects('aaaaaaaa-0000-4000-8000-000000000001')",
		"https://graph.microsoft.com/v1.0/", "https://graph.microsoft.com/v1.0/users/%zz", "://", "", "users/x", "%",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if id, ok := tenant.referredID(address); ok != isGUID(id) {
			t.Fatalf("%q, %v", id, ok)
		}
	})
}
