package main

import (
	"crypto/sha256"
	"sync"
	"time"
)

// How many passwords may be tried. The program as a whole must not spend its time hashing, and one account must not be
// guessed at: after a burst of 10 there is one attempt a minute, about 1,450 a day.
//
// Somebody who keeps trying can thereby keep the owner of a login out. A limit by address would not prevent it, because
// attackers have many; it belongs to the proxy, which knows the addresses.
const (
	loginBurst    = 10
	loginInterval = time.Minute
	allBurst      = 100
	allInterval   = time.Second / 10

	// maxLogins is more than the logins that can have attempts to work off at once: the burst of all, and what comes at
	// their rate while one login recovers, 100 + 10 × 600.
	maxLogins = 8192
)

// attempts limits how often passwords are tried, whoever tries them. Its memory is bounded: a login is forgotten once
// its attempts have been worked off.
type attempts struct {
	now func() time.Time

	mu      sync.Mutex
	all     debt
	byLogin map[[sha256.Size]byte]debt // known logins and others alike, by their hash, which has one size
}

func newAttempts(now func() time.Time) *attempts {
	return &attempts{now: now, byLogin: map[[sha256.Size]byte]debt{}}
}

// take counts an attempt, or returns how long to wait before the next and counts nothing.
func (a *attempts) take(login string) (wait time.Duration) {
	key, now := sha256.Sum256([]byte(login)), a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sweep(now)
	one := a.byLogin[key]
	wait = max(one.wait(now, loginBurst, loginInterval), a.all.wait(now, allBurst, allInterval))
	if len(a.byLogin) >= maxLogins && one == (debt{}) {
		wait = max(wait, loginInterval)
	}
	if wait == 0 {
		a.byLogin[key] = one.more(now, loginInterval)
		a.all = a.all.more(now, allInterval)
	}
	return wait
}

// succeeded forgets the attempts of a login whose password was right.
func (a *attempts) succeeded(login string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byLogin, sha256.Sum256([]byte(login)))
}

// sweep forgets what is worked off, when it is worth the walk.
func (a *attempts) sweep(now time.Time) {
	if len(a.byLogin) < maxLogins/2 {
		return
	}
	for key, d := range a.byLogin {
		if !d.until.After(now) {
			delete(a.byLogin, key)
		}
	}
}

// debt is a number of attempts that is worked off at a steady rate: the generic cell rate algorithm.
type debt struct{ until time.Time } // when it is worked off

// wait is how long until another attempt fits into the burst.
func (d debt) wait(now time.Time, burst int, interval time.Duration) time.Duration {
	if !d.until.After(now) {
		return 0 // also of the zero debt, whose distance from now does not fit a Duration
	}
	return max(0, d.until.Sub(now)-time.Duration(burst-1)*interval)
}

func (d debt) more(now time.Time, interval time.Duration) debt {
	if d.until.Before(now) {
		d.until = now
	}
	return debt{d.until.Add(interval)}
}
