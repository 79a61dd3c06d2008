package main

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// changed is one entry of the directory's list of changes, and when each replica has it.
type changed struct {
	objectID string
	state    state
	at       [replicas]time.Duration
}

// changesPerPage is how many changes one answer has.
const changesPerPage = 3

// userChanges is one page of the list of changes. A cursor is the number of changes that were read. The list is answered
// by a replica, which has only a beginning of it, or is ahead of all of them.
func (t *tenant) userChanges(d *dice, cursor string) (provision.ChangePage, error) {
	known := t.known(d.below(replicas + 1))
	if cursor == provision.CursorNow {
		return provision.ChangePage{Cursor: strconv.Itoa(known)}, nil
	}
	from, err := strconv.Atoi(cursor)
	if err != nil && cursor != "" {
		return provision.ChangePage{}, badRequest(opUserChanges, fmt.Sprintf("Badly formed token %q.", cursor))
	}
	to := max(from, min(from+changesPerPage, known))
	var page provision.ChangePage
	for _, c := range t.changes[from:to] {
		if c.state == active {
			page.Changed = append(page.Changed, c.objectID)
		} else {
			page.Removed = append(page.Removed, provision.RemovedUser{ObjectID: c.objectID, Purged: c.state == purged})
		}
	}
	if to < known {
		page.Next = strconv.Itoa(to)
	} else {
		page.Cursor = strconv.Itoa(to)
	}
	return page, nil
}

// known is how many changes a replica knows of.
func (t *tenant) known(replica int) int {
	if replica == replicas {
		return len(t.changes)
	}
	now := t.now()
	for i, c := range t.changes {
		if c.at[replica] > now {
			return i
		}
	}
	return len(t.changes)
}

// expired is the answer to a cursor that is too old.
func expired(op string) *provision.DirectoryError {
	err := refused(op, http.StatusGone, "syncStateNotFound", "The delta token is no longer valid.")
	err.Err = provision.ErrCursorExpired
	return err
}

// listUsers is all users as one replica has them, on one page.
func (t *tenant) listUsers(d *dice) provision.UserPage {
	replica := d.below(replicas)
	var page provision.UserPage
	for _, o := range t.objects {
		if v, ok := t.seen(o, replica); ok && v.state == active {
			page.Users = append(page.Users, v.user)
		}
	}
	return page
}
