package provision

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// undoRecord is a line of an undo file: how a user was before an adoption, and what it was about to do.
type undoRecord struct {
	At          time.Time
	ObjectID    string
	UPN         string // before
	ImmutableID string // before; empty for none
	Set         string // the ImmutableID that was to be set
	Detour      string `json:",omitempty"` // the UPN that the user may have had meanwhile

	sets []string // what all records of the user were to set
}

// knows reports whether an ImmutableID is that of before, or one that was to be set.
func (r undoRecord) knows(id string) bool { return id == r.ImmutableID || slices.Contains(r.sets, id) }

// undoError is an undo file that could not be written.
type undoError struct{ err error }

func (e *undoError) Error() string { return fmt.Sprintf("writing what would undo it: %v", e.err) }
func (e *undoError) Unwrap() error { return e.err }

// write adds the record to an undo file, as a line of its own. If the file ends in the middle of a line, because a
// crash cut it off, the empty line in front keeps this one whole.
func (r undoRecord) write(w io.Writer) error {
	line, err := json.Marshal(r)
	if err == nil {
		_, err = w.Write(slices.Concat([]byte("\n"), line, []byte("\n")))
	}
	if file, ok := w.(interface{ Sync() error }); ok && err == nil {
		err = file.Sync()
	}
	if err != nil {
		return &undoError{err}
	}
	return nil
}

func (r undoRecord) validate() error {
	var problems []error
	if r.ObjectID == "" {
		problems = append(problems, errors.New("it names no user"))
	}
	problems = append(problems, ValidateUPN(r.UPN), ValidateImmutableID(r.Set))
	if r.Detour != "" {
		problems = append(problems, ValidateUPN(r.Detour))
	}
	return errors.Join(problems...)
}

// readUndo reads an undo file. Of several records of one user the first counts: how the user was before all of them.
// What a crash has cut off is passed over: the change that it was to precede was not made.
func readUndo(r io.Reader) ([]undoRecord, error) {
	lines := bufio.NewScanner(&capped{r, maxAdoptionFile})
	lines.Buffer(nil, 1<<20)
	var records []undoRecord
	met := make(map[string]int)
	for number := 1; lines.Scan(); number++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var record undoRecord
		if err := json.Unmarshal(line, &record); err != nil {
			if line[len(line)-1] != '}' {
				continue // cut off
			}
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if err := record.validate(); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		first, ok := met[record.ObjectID]
		if !ok {
			first = len(records)
			met[record.ObjectID] = first
			records = append(records, record)
		}
		records[first].sets = append(records[first].sets, record.Set)
		if record.Detour != "" {
			records[first].Detour = record.Detour
		}
	}
	return records, lines.Err()
}

// Undo makes the users as they were before [Adoption.Apply], according to what it wrote. The file may hold the records
// of several calls, and may end in the middle of a line. At most 64 MiB are read. It can be called again after any
// error or crash.
//
// A user who is as before is left alone, and so, with [ErrUserChanged], is one whom somebody else has changed since.
// The last ones are undone first. progress and the error are as in Apply; AdoptionRules.Domain is not looked at.
//
// A federated domain may not let an ImmutableID be removed. Then that is the user's error, and the UPN is as before. A
// user whom it did not let Apply change either is one who is as before: Settle.Reads consecutive reads must show that.
func (a *Adoption) Undo(
	ctx context.Context, undo io.Reader, progress func(AdoptionResult),
) (done AdoptionDone, err error) {
	records, err := readUndo(undo)
	if err != nil {
		return done, fmt.Errorf("provision: reading the undo file: %w", err)
	}
	for _, record := range slices.Backward(records) {
		result, err := a.workOn(ctx, record, func(ctx context.Context, u *adoptee) error { return u.undo(ctx) })
		if err != nil {
			return done, fmt.Errorf("provision: undoing the adoption of %q: %w", record.UPN, err)
		}
		done.count(result)
		a.tell(ctx, result, progress)
	}
	return done, nil
}

// undo brings one user from as wanted, or from wherever an attempt stopped, to as before.
func (u *adoptee) undo(ctx context.Context) error {
	user, err := u.see(ctx)
	if err != nil {
		return err
	}
	away := u.away(user)
	switch {
	case !away && !u.asRecorded(user), !u.record.knows(user.ImmutableID):
		return fmt.Errorf("%w: UPN %q, ImmutableID %q", ErrUserChanged, user.UserPrincipalName, user.ImmutableID)
	case !away && user.DirectorySynced && user.ImmutableID == u.record.ImmutableID:
		return nil
	}
	u.result.Changed = away || user.ImmutableID != u.record.ImmutableID
	if away {
		return u.undoAway(ctx)
	}
	err = u.undoAtHome(ctx)
	switch {
	case u.result.Changed:
		return err
	case errors.Is(err, ErrForbidden):
		return nil // nor was the adoption allowed to change the user
	case refused(err):
		return u.unlessAsBefore(ctx, err)
	}
	return err
}

// unlessAsBefore returns the refusal of what would undo an adoption, or nil if consecutive reads show that there is nothing
// to undo.
func (u *adoptee) unlessAsBefore(ctx context.Context, refusal error) error {
	for range u.p.settle.Reads {
		if err := u.wait(ctx, u.p.settle.Interval, 0, nil); err != nil {
			return err
		}
		user, err := u.find(ctx, UserKey{ObjectID: u.record.ObjectID})
		switch {
		case err != nil && !errors.Is(err, ErrNotFound):
			return err
		case err != nil, !u.asRecorded(user), user.ImmutableID != u.record.ImmutableID:
			return refusal
		}
	}
	return nil
}

// undoAtHome brings one user back whose UPN is seen to be as before. It writes even if all is: a replica that lags shows
// so of a user who was adopted a moment ago, and of one who is away.
func (u *adoptee) undoAtHome(ctx context.Context) error {
	if u.record.Detour != "" {
		if err := u.move(ctx, u.record.UPN); refused(err) {
			return u.undoAway(ctx)
		} else if err != nil {
			return err
		}
	}
	err := u.set(ctx, &u.record.ImmutableID)
	if !refused(err) || u.record.Detour == "" || u.record.ImmutableID == "" {
		return err
	}
	return u.undoAway(ctx)
}

// undoAway brings a user back by way of the detour: from there, or from home, since a replica that lags may show the user
// there who is back already. A federated domain takes nobody in without an ImmutableID: one that is to be removed is
// removed at home.
func (u *adoptee) undoAway(ctx context.Context) error {
	u.result.Changed, u.result.Detour = true, true
	if err := u.move(ctx, u.record.Detour); err != nil {
		return fmt.Errorf("moving the UPN away: %w", err)
	}
	before := &u.record.ImmutableID
	if *before == "" {
		before = &u.record.Set
	}
	if err := u.setAway(ctx, before); err != nil {
		return u.stranded(err)
	}
	if err := u.moveBack(ctx); err != nil || *before == u.record.ImmutableID {
		return err
	}
	return u.set(ctx, &u.record.ImmutableID)
}
