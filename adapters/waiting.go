package adapters

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// A provisioning that ended because its budget of time ran out, or because the directory could not serve it, is begun again
// by the page itself: after a pause that is a quarter of the time that the person has waited so far, so that pauses grow
// and every replica knows how long the next one is without remembering anything.
const (
	minPause   = 5 * time.Second
	maxPause   = time.Minute
	pauseShare = 4

	// lastChance is what must be left of the sign-in's time when an attempt begins, so that it can end in a sign-in.
	lastChance = time.Minute
)

// notProvisioned shows why there is no account yet, or goes on trying as long as that can help.
func (b *Bridge) notProvisioned(w http.ResponseWriter, r *http.Request, handle string, p pending, person identified, err error) {
	again := b.signInURL(handle) + "?" + parameterRetry
	f := provisionFailure(err, again)
	var stopped *provision.Error
	if errors.As(err, &stopped) && !errors.Is(err, errHost) {
		if asked, temporary := stopped.RetryAfter(); temporary {
			f = b.waiting(f, p, person, again, asked)
		}
	}
	b.fail(w, r, f)
}

// waiting is the page that tries again by itself; without the time for another attempt, the page that says what to do.
func (b *Bridge) waiting(f failure, p pending, person identified, again string, asked time.Duration) failure {
	f.Status, f.Title, f.NoAction = http.StatusServiceUnavailable, msgWaitingTitle, false
	pause := nextPause(b.now().Sub(person.Since), asked)
	reserve := min(lastChance, b.signInTime/pauseShare)
	if b.now().Add(pause + reserve).After(p.Began.Add(b.signInTime)) {
		f.More = msgWaitingEnd
		return f
	}
	f.Action, f.Label, f.Pause = again, msgTryAgain, pause
	return f
}

// nextPause is how long to wait before the next attempt, in whole seconds: never less than the directory asked for.
func nextPause(waited, asked time.Duration) time.Duration {
	pause := max(min(max(waited/pauseShare, minPause), maxPause), asked)
	return (pause + time.Second - 1).Truncate(time.Second)
}

// when says in words how long a pause is.
func (l Language) when(pause time.Duration) string {
	if minutes := int((pause + time.Minute - 1) / time.Minute); pause >= 2*time.Minute {
		return strings.ReplaceAll(l.say(msgWaitingMinutes), placeholder(msgWaitingMinutes), strconv.Itoa(minutes))
	}
	return strings.ReplaceAll(l.say(msgWaitingSeconds), placeholder(msgWaitingSeconds), strconv.Itoa(int(pause/time.Second)))
}
