package entratest

import (
	"encoding/json"
	"net/http"
	"testing"
)

// FuzzBatch: no body makes the tenant panic or fail; it answers a batch with an answer to each request, or refuses it.
func FuzzBatch(f *testing.F) {
	for _, seed := range []string{
		`{"requests": [{"id": "1", "method": "GET", "url": "/users"}]}`,
		`{"requests": [{"id": "1", "method": "GET", "url": "users/a"}, {"id": "2", "dependsOn": ["1"], "method": "DELETE",
			"url": "/users/b"}]}`,
		`{"requests": [{"id": "1", "method": "POST", "url": "/users", "headers": {"Content-Type": "application/json"},
			"body": ` + adaJSON + `}, {"id": "2", "method": "GET", "url": "/users?$filter=city eq null"}]}`,
		`{"requests": [{"id": "1", "method": "POST", "url": "/$batch", "headers": {"content-type": "text/plain"},
			"body": "eA=="}]}`,
		`{"requests": [{"id": "1", "method": "PATCH", "url": "/groups(uniqueName='x')", "headers":
			{"Content-Type": "application/json", "Prefer": "create-if-missing"}, "body": {"members@odata.bind": [1]}}]}`,
		`{"requests": [{"id": "1", "method": "\u0000", "url": "/\u0000", "headers": {"\n": "\r\n"}}]}`,
		`{"requests": [{"id": "a", "dependsOn": ["b"]}, {"id": "b", "dependsOn": ["a"]}]}`,
		`{"requests": [{"id": "1", "method": "GET", "url": "%zz"}]}`, `{"requests": [null]}`, `{"requests": {}}`, `[]`, ``,
		`{"requests": [{"id": "1", "method": "GET", "url": "?"}]}`,
		`{"requests": [{"id": "1", "method": "GET", "url": "/beta"}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		tenant := Start(t, Config{Clock: NewClock(clockOrigin), Lag: LagNone})
		w := tenant.change(t, http.MethodPost, "$batch", body)
		if w.Code >= 400 && w.Code < 500 {
			return
		}
		if w.Code != http.StatusOK {
			t.Fatalf("status %d: %s", w.Code, w.Body)
		}
		var sent struct{ Requests []json.RawMessage }
		var answer struct {
			Responses []struct {
				ID     string
				Status int
			}
		}
		if err := json.Unmarshal([]byte(body), &sent); err != nil {
			t.Fatalf("a batch that is not readable was accepted: %v", err)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Responses) != len(sent.Requests) {
			t.Fatalf("%d requests, %d answers: %v", len(sent.Requests), len(answer.Responses), err)
		}
		for _, r := range answer.Responses {
			if r.ID == "" || r.Status < 200 || r.Status >= 500 {
				t.Fatalf("request %q was answered with %d", r.ID, r.Status)
			}
		}
		if len(tenant.busy) > 0 {
			t.Fatalf("still busy: %v", tenant.busy)
		}
	})
}
