package ldap

import (
	"container/list"
	"crypto/sha256"
	"strings"
	"sync"
	"time"
)

// maxNames is how many names are remembered. Beyond it the oldest is forgotten.
const maxNames = 100_000

// attempts counts the failed attempts of each name, within a time that begins with the first. It is safe for concurrent
// use.
type attempts struct {
	most int
	time time.Duration
	now  func() time.Time

	mu    sync.Mutex
	names map[[sha256.Size]byte]*list.Element
	order *list.List // of *tally, the oldest first
}

type tally struct {
	name  [sha256.Size]byte
	began time.Time
	count int
}

func newAttempts(most int, within time.Duration, now func() time.Time) *attempts {
	return &attempts{most: most, time: within, now: now, names: map[[sha256.Size]byte]*list.Element{}, order: list.New()}
}

// nameKey is the name as directories compare it: without regard to case, and to spaces.
func nameKey(name string) [sha256.Size]byte {
	return sha256.Sum256([]byte(strings.Join(strings.Fields(strings.ToLower(name)), " ")))
}

// take counts an attempt before it is made, so that many at once are no more than one after the other. It reports
// whether there was one left. One that did not fail is given back with forgive.
func (a *attempts) take(name string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forgetOld()
	key := nameKey(name)
	known, found := a.names[key]
	if !found {
		if len(a.names) >= maxNames {
			a.forget(a.order.Front())
		}
		known = a.order.PushBack(&tally{name: key, began: a.now()})
		a.names[key] = known
	}
	t := known.Value.(*tally)
	if t.count >= a.most {
		return false
	}
	t.count++
	return true
}

// forgive takes an attempt back that says nothing of the password.
func (a *attempts) forgive(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, found := a.names[nameKey(name)]; found && known.Value.(*tally).count > 0 {
		known.Value.(*tally).count--
	}
}

// clear forgets the attempts of somebody who knew the password.
func (a *attempts) clear(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, found := a.names[nameKey(name)]; found {
		a.forget(known)
	}
}

func (a *attempts) forgetOld() {
	for oldest := a.order.Front(); oldest != nil; oldest = a.order.Front() {
		if a.now().Sub(oldest.Value.(*tally).began) < a.time {
			return
		}
		a.forget(oldest)
	}
}

func (a *attempts) forget(known *list.Element) {
	delete(a.names, known.Value.(*tally).name)
	a.order.Remove(known)
}
