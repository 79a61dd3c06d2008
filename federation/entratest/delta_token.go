package entratest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// deltaLifetime is how long a token of a delta query is good for:
// https://learn.microsoft.com/graph/delta-query-overview#token-duration.
const deltaLifetime = 7 * 24 * time.Hour

// deltaState is what a token of a delta query stands for. It is opaque to the caller.
type deltaState struct {
	Kind   string `json:"k"` // "skip" within a round, "delta" between two
	Issued int64  `json:"i"` // nanoseconds since 1970

	// Since is where the round begins, or nil in the round that lists everybody. Of a token between two rounds it is
	// where the next one begins.
	Since *deltaMark `json:"s,omitempty"`
	Until deltaMark  `json:"u"` // where the round after this one begins
	After string     `json:"a,omitempty"`

	Select []string `json:"p,omitempty"`
	Filter string   `json:"f,omitempty"`
}

// deltaMark is a moment in a token.
type deltaMark struct {
	At       int64 `json:"t"`
	Sequence int64 `json:"n"`
}

// deltaToken is the state as a token.
func (t *Tenant) deltaToken(s deltaState) string {
	payload, _ := json.Marshal(s) // strings and integers always marshal
	return base64.RawURLEncoding.EncodeToString(append(t.deltaMAC(payload), payload...))
}

// deltaMAC is what keeps tokens of others, and changed ones, out.
func (t *Tenant) deltaMAC(payload []byte) []byte {
	mac := hmac.New(sha256.New, t.tokenKey)
	mac.Write([]byte("delta\x00"))
	mac.Write(payload)
	return mac.Sum(nil)[:16]
}

// readDeltaToken reads a token of a kind.
func (t *Tenant) readDeltaToken(token, kind string) (deltaState, *graphError) {
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(raw) < 16 || !hmac.Equal(raw[:16], t.deltaMAC(raw[16:])) {
		return deltaState{}, errBadDeltaToken()
	}
	var s deltaState
	if err := json.Unmarshal(raw[16:], &s); err != nil || s.Kind != kind || kind == "delta" && s.Since == nil {
		return deltaState{}, errBadDeltaToken()
	}
	if t.now().Sub(time.Unix(0, s.Issued)) > deltaLifetime {
		return deltaState{}, t.errSyncState()
	}
	return s, nil
}

func errBadDeltaToken() *graphError {
	return requestError("Badly formed token.") // assumed text
}

// errSyncState asks for a new round that lists everybody. Microsoft's page gives the code, and the address to begin anew
// at; the text is assumed.
func (t *Tenant) errSyncState() *graphError {
	return &graphError{
		status: http.StatusGone, code: "syncStateNotFound",
		message: fmt.Sprintf("The sync state is older than %d days. Start again with a full synchronization.",
			int(deltaLifetime.Hours()/24)),
		header: http.Header{"Location": {t.cloud.Graph + graphVersion + "/users/delta?$deltatoken="}},
	}
}
