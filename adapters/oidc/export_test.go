package oidc

import "time"

// Replays remembers logout tokens.
type Replays struct{ *replays }

// NewReplays makes one with room for so many.
func NewReplays(now func() time.Time, room int) Replays {
	made := newReplays(now)
	made.room = room
	return Replays{made}
}

// Claim is claim.
func (r Replays) Claim(id string, until time.Time) bool { return r.claim(id, until) }

// Len is how many are remembered.
func (r Replays) Len() int { return len(r.seen) }
