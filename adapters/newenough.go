package adapters

import "time"

// NewEnough reports whether a sign-in at that time will do: any, or one since Entra asked if Fresh is set. Hosts note
// times in whole seconds, as tokens do, and so the whole second in which Entra asked counts. The Bridge refuses a
// SignedIn.At that is not new enough; a host that looks at it first can ask the person again.
func (a Ask) NewEnough(at time.Time) bool {
	return !a.Fresh || !at.Before(a.Asked.Truncate(time.Second))
}
