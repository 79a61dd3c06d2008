package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// The cursors that a reconciliation keeps.
const (
	cursorDelta = "users/delta" // where the next page of changes begins
	cursorNext  = "users/next"  // where the round after this one begins: where the last one ended
	cursorFull  = "users/full"  // how far a walk through everybody has come; empty when none is under way
	cursorAgain = "users/again" // whom to look at again
)

const (
	walkPage = 100  // people of the store
	maxAgain = 1000 // people to look at again: about 40 kB of object IDs
)

// round is one reconciliation.
type round struct {
	Reconciliation
	p       *Provisioner
	index   Index
	cursors Cursors
	lists   UserLists
	repairs bool // some drifts may be repaired
	result  Reconciled
	again   []string // the object IDs of those to look at again
}

// walk is how far a walk through everybody has come. Delta is where the changes begin that happened since it did.
type walk struct {
	Delta string
	After PersonKey
}

// do takes the round.
func (rd *round) do(ctx context.Context) error {
	if err := rd.authorize(ctx); err != nil {
		return err
	}
	if err := rd.lookAgain(ctx); err != nil {
		return err
	}
	under, err := rd.loadWalk(ctx)
	if err != nil {
		return err
	}
	cursor, err := rd.loadCursor(ctx, cursorDelta)
	if err != nil {
		return err
	}
	if under == nil && cursor != "" && !rd.Full {
		err := rd.delta(ctx, cursor)
		if !errors.Is(err, ErrCursorExpired) {
			return err
		}
		rd.p.logger.InfoContext(ctx, "the list of changes does not reach back so far: looking at everybody")
	}
	return rd.full(ctx, under)
}

func (rd *round) authorize(ctx context.Context) error {
	r, ctx, end := rd.work(ctx, PersonKey{})
	defer end()
	_, err := r.token(ctx)
	return err
}

// delta looks at the people who changed since the cursor. What is new begins after a page only when all of the page has
// been handled. Each round begins where the last but one ended, so that every change is looked at in two rounds: the list
// may be ahead of the replicas that are read, by more than a few reads can bridge.
func (rd *round) delta(ctx context.Context, cursor string) error {
	for {
		page, err := rd.changes(ctx, cursor)
		if err != nil {
			return err
		}
		people, err := rd.known(ctx, page)
		if err != nil {
			return err
		}
		if _, err := rd.lookAt(ctx, people, rd.p.settle.Reads); err != nil {
			return err
		}
		if page.Next == "" {
			return rd.endDelta(ctx, page.Cursor)
		}
		if err := rd.saveProgress(ctx, cursorDelta, page.Next); err != nil {
			return err
		}
		cursor = page.Next
	}
}

// endDelta saves where the next two rounds begin.
func (rd *round) endDelta(ctx context.Context, end string) error {
	next, err := rd.loadCursor(ctx, cursorNext)
	if err != nil {
		return err
	}
	if next == "" {
		next = end
	}
	if err := rd.saveProgress(ctx, cursorDelta, next); err != nil {
		return err
	}
	return rd.saveCursor(ctx, cursorNext, end)
}

// changes reads one page of changes.
func (rd *round) changes(ctx context.Context, cursor string) (page ChangePage, err error) {
	r, ctx, end := rd.work(ctx, PersonKey{})
	defer end()
	err = r.retry(ctx, opUserChanges, reading, temporary, func(ctx context.Context) (err error) {
		page, err = rd.lists.UserChanges(ctx, cursor)
		return err
	})
	switch {
	case err != nil:
		return ChangePage{}, fmt.Errorf("reading the list of changes: %w", err)
	case page.Next == "" && page.Cursor == "":
		return ChangePage{}, errors.New("the directory's list of changes does not say where the next round begins")
	case page.Next != "" && page.Next == cursor:
		return ChangePage{}, errors.New("a page of the directory's list of changes leads to itself")
	}
	return page, nil
}

// now is the cursor of what changes from now on.
func (rd *round) now(ctx context.Context) (string, error) {
	cursor := CursorNow
	for {
		page, err := rd.changes(ctx, cursor)
		if err != nil || page.Next == "" {
			return page.Cursor, err
		}
		cursor = page.Next
	}
}

// suspect is somebody to look at.
type suspect struct {
	rec     Record
	deleted bool // the list of changes says that the account is among the deleted users
}

// known are the people among the changed users whom the store knows and who are looked at, each once.
func (rd *round) known(ctx context.Context, page ChangePage) ([]suspect, error) {
	var people []suspect
	deleted := make(map[string]bool)
	ids := slices.Clone(page.Changed)
	for _, removed := range page.Removed {
		ids = append(ids, removed.ObjectID)
		deleted[removed.ObjectID] = !removed.Purged
	}
	met := make(map[string]bool)
	for _, id := range ids {
		if id == "" || met[id] {
			continue
		}
		met[id] = true
		rec, err := rd.index.LoadByObjectID(ctx, id)
		switch {
		case errors.Is(err, ErrNoRecord):
			continue
		case err != nil:
			return nil, fmt.Errorf("finding the person of an account: %w", err)
		}
		if rec.reconciled() {
			people = append(people, suspect{rec, deleted[id]})
		}
	}
	return people, nil
}

// full looks at everybody. What happens meanwhile is in the list of changes that begins before; nothing is lost.
func (rd *round) full(ctx context.Context, under *walk) error {
	if under == nil {
		cursor, err := rd.now(ctx)
		if err != nil {
			return err
		}
		under = &walk{Delta: cursor}
	}
	for {
		records, err := rd.index.List(ctx, under.After, walkPage)
		if err != nil {
			return fmt.Errorf("listing people: %w", err)
		}
		if len(records) == 0 {
			break
		}
		handled, err := rd.lookAt(ctx, suspects(records), 1)
		if handled > 0 {
			under.After = records[handled-1].Key
			err = errors.Join(err, rd.saveWalk(ctx, under))
		}
		if err != nil {
			return err
		}
	}
	if err := rd.saveProgress(ctx, cursorDelta, under.Delta); err != nil {
		return err
	}
	if err := rd.saveCursor(ctx, cursorNext, under.Delta); err != nil {
		return err
	}
	return rd.saveCursor(ctx, cursorFull, "")
}

func suspects(records []Record) []suspect {
	people := make([]suspect, len(records))
	for i, rec := range records {
		people[i].rec = rec
	}
	return people
}

// lookAgain looks at those whose repair failed, or who could not be read, the last time.
func (rd *round) lookAgain(ctx context.Context) error {
	text, err := rd.loadCursor(ctx, cursorAgain)
	if err != nil || text == "" {
		return err
	}
	var ids []string
	_ = json.Unmarshal([]byte(text), &ids) // what cannot be read is nobody
	people, err := rd.known(ctx, ChangePage{Changed: ids})
	if err != nil {
		return err
	}
	if handled, err := rd.lookAt(ctx, people, 1); err != nil {
		for _, s := range people[handled:] {
			rd.again = append(rd.again, s.rec.ObjectID)
		}
		return errors.Join(err, rd.saveAgain(ctx))
	}
	return rd.saveAgain(ctx)
}

// lookAt looks at people. Those with whom all is well are looked at again until so many consecutive reads have said so.
// handled is how many of them, from the first one on, need not be looked at any more.
func (rd *round) lookAt(ctx context.Context, people []suspect, reads int) (handled int, err error) {
	left := make([]int, 0, len(people)) // the places of those to look at
	for i, s := range people {
		if s.rec.reconciled() {
			left = append(left, i)
		}
	}
	for read := 1; len(left) > 0; read++ {
		var well []int
		for n, i := range left {
			drifted, err := rd.look(ctx, people[i], read == 1)
			if err != nil {
				if reads == 1 {
					handled = left[n]
				}
				return handled, err
			}
			if !drifted {
				well = append(well, i)
			}
		}
		if left = well; read == reads || len(left) == 0 {
			break
		}
		if err := rd.p.sleep(ctx, rd.p.settle.Interval); err != nil {
			return 0, err
		}
	}
	return len(people), nil
}

// unread counts somebody whose account could not be read for reasons of the person's own, and returns all other errors.
func (rd *round) unread(ctx context.Context, rec Record, err error) error {
	if err == nil || ctx.Err() != nil || !aboutOne(err) {
		return err
	}
	rd.result.Unread++
	rd.rememberAgain(ctx, rec.ObjectID)
	rd.p.logger.WarnContext(ctx, "account not read", "connection", rec.Key.Connection, "person", rec.Key.ID, "object",
		rec.ObjectID, "error", err)
	return nil
}

// aboutOne reports whether an error says nothing of other people: the directory refused the one read, or its answers
// disagreed for the whole budget.
func aboutOne(err error) bool {
	switch sentinelOf(err) {
	case ErrUnauthorized, ErrForbidden, ErrThrottled, ErrUnavailable:
		return false
	case ErrNotReady:
		return true
	}
	var answer *DirectoryError
	return errors.As(err, &answer)
}

// report counts a drift and tells it.
func (rd *round) report(ctx context.Context, d Drift) {
	rd.result.Drifts++
	log := rd.p.logger.WarnContext
	switch {
	case d.Repaired:
		rd.result.Repaired++
		log = rd.p.logger.InfoContext
	case d.Err != nil:
		rd.result.Failed++
		rd.rememberAgain(ctx, d.ObjectID)
	}
	rd.p.observer.meters.drifted(ctx, d)
	about := []any{"kind", d.Kind, "connection", d.Person.Connection, "person", d.Person.ID, "object", d.ObjectID,
		"want", d.Want, "have", d.Have, "repaired", d.Repaired}
	if d.Err != nil {
		about = append(about, "error", d.Err)
	}
	log(ctx, "drift", about...)
	rd.Report(d)
}

func (rd *round) rememberAgain(ctx context.Context, objectID string) {
	switch {
	case slices.Contains(rd.again, objectID):
	case len(rd.again) == maxAgain:
		rd.p.logger.WarnContext(ctx, "too many to look at again: a full reconciliation will", "object", objectID)
	default:
		rd.again = append(rd.again, objectID)
	}
}

func (rd *round) loadWalk(ctx context.Context) (*walk, error) {
	text, err := rd.loadCursor(ctx, cursorFull)
	if err != nil || text == "" {
		return nil, err
	}
	under := new(walk)
	if err := json.Unmarshal([]byte(text), under); err != nil || under.Delta == "" {
		rd.p.logger.WarnContext(ctx, "the position of the last walk cannot be read: it begins anew", "error", err)
		return nil, nil
	}
	return under, nil
}

func (rd *round) saveWalk(ctx context.Context, under *walk) error {
	text, err := json.Marshal(under)
	if err != nil {
		return err
	}
	return rd.saveProgress(ctx, cursorFull, string(text))
}

// saveProgress saves whom to look at again, and then that the others need not be looked at any more.
func (rd *round) saveProgress(ctx context.Context, name, value string) error {
	if err := rd.saveAgain(ctx); err != nil {
		return err
	}
	return rd.saveCursor(ctx, name, value)
}

func (rd *round) saveAgain(ctx context.Context) error {
	if len(rd.again) == 0 {
		return rd.saveCursor(ctx, cursorAgain, "")
	}
	text, err := json.Marshal(rd.again)
	if err != nil {
		return err
	}
	return rd.saveCursor(ctx, cursorAgain, string(text))
}

func (rd *round) loadCursor(ctx context.Context, name string) (string, error) {
	value, err := rd.cursors.LoadCursor(ctx, name)
	if err != nil {
		return "", fmt.Errorf("loading the cursor %q: %w", name, err)
	}
	return value, nil
}

// saveCursor records what has been done, even if the round was cancelled.
func (rd *round) saveCursor(ctx context.Context, name, value string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := rd.cursors.SaveCursor(ctx, name, value); err != nil {
		return fmt.Errorf("saving the cursor %q: %w", name, err)
	}
	return nil
}

// work is the background work on one person, or on none.
func (rd *round) work(ctx context.Context, key PersonKey) (*run, context.Context, context.CancelFunc) {
	r, ctx, end := rd.p.background(ctx, StepReconcile)
	r.about(key)
	return r, ctx, end
}

// about says on whom the run works.
func (r *run) about(key PersonKey) {
	r.log = r.log.With("connection", key.Connection, "person", key.ID)
	r.person = Person{Connection: key.Connection, ID: key.ID}
}

// background is a run that takes no steps and that nobody waits for, with a budget of its own.
func (p *Provisioner) background(ctx context.Context, step string) (*run, context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.settle.Budget, errBudget)
	began := p.now()
	r := &run{
		caller: caller{
			p:        p,
			log:      p.logger,
			priority: PriorityLow,
			budget:   p.settle.Budget,
			deadline: began.Add(p.settle.Budget),
			step:     step,
			waiting:  func(Event) {},
		},
		rules:   p.rules,
		publish: func(Event) {},
		began:   began,
		unlease: func() {},
	}
	return r, ctx, func() {
		r.unlease()
		cancel()
	}
}
