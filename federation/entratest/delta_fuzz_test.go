package entratest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
)

// FuzzDeltaToken: no token makes the tenant panic or fail, and only a token of its own begins a round.
func FuzzDeltaToken(f *testing.F) {
	tenant := Start(f, Config{Clock: NewClock(clockOrigin), Throttle: Throttle{Off: true},
		Users: []User{{UPN: "ada@contoso.com", Enabled: true}}})
	good := tenant.deltaToken(deltaState{Kind: "delta", Issued: clockOrigin.UnixNano(), Since: &deltaMark{}})
	for _, seed := range []string{
		"", "latest", "x", good, good[:20], good + "A", "eA", base64.RawURLEncoding.EncodeToString(make([]byte, 16)),
		tenant.deltaToken(deltaState{Kind: "skip", Issued: 1}),
		tenant.deltaToken(deltaState{Kind: "delta", Issued: clockOrigin.UnixNano(), Filter: "x", Since: &deltaMark{}}),
		tenant.deltaToken(deltaState{Kind: "skip", Issued: clockOrigin.UnixNano(), After: "x", Select: []string{"", "id"}}),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		for _, option := range []string{"$deltatoken", "$skiptoken"} {
			w := tenant.change(t, http.MethodGet, "users/delta?"+option+"="+url.QueryEscape(token), "")
			switch {
			case w.Code == http.StatusGone, w.Code == http.StatusBadRequest:
			case w.Code != http.StatusOK:
				t.Fatalf("status %d: %s", w.Code, w.Body)
			case token != "" && token != "latest":
				raw, err := base64.RawURLEncoding.DecodeString(token)
				if err != nil || len(raw) < 16 || string(raw[:16]) != string(tenant.deltaMAC(raw[16:])) {
					t.Fatalf("a token that is not the tenant's was taken: %q", token)
				}
			}
		}
	})
}
