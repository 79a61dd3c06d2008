package graph

import (
	"context"
	"errors"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// UserPage is a page of users.
type UserPage struct {
	Users []User
	Next  string // the cursor of the next page; empty on the last one
}

// largestPage is how many users a page has at most.
const largestPage = "999"

// Users calls GET /users: https://learn.microsoft.com/graph/api/user-list. The first page has the cursor "".
func (c *Client) Users(ctx context.Context, cursor string) (UserPage, error) {
	if cursor == "" {
		cursor = "$select=" + strings.Join(userProperties(), ",") + "&$top=" + largestPage
	}
	target, err := c.page("/users", cursor)
	if err != nil {
		return UserPage{}, err
	}
	var page UserPage
	err = c.do(ctx, "GET /users", func(ctx context.Context) error {
		callOf(ctx).limit = maxPage
		answer, err := c.users().WithUrl(target.String()).Get(ctx, nil)
		if err != nil {
			return err
		}
		users, err := readUsers(answer, func(User) bool { return true })
		if err != nil {
			return err
		}
		next, err := c.next(value(answer.GetOdataNextLink()), cursor, version+"/users")
		page = UserPage{users, next}
		return err
	})
	if err != nil {
		return UserPage{}, err
	}
	return page, nil
}

// next is the cursor of the page that the link leads to, or empty if there is none.
func (c *Client) next(link, current string, paths ...string) (string, error) {
	if link == "" {
		return "", nil
	}
	next, err := c.cursorOf(link, paths...)
	if err == nil && next == current {
		return "", errors.New("its link to the next page leads to this one")
	}
	return next, err
}

// ChangePage is a page of changes.
type ChangePage struct {
	Changed []string // object IDs
	Removed []RemovedUser
	Next    string // the cursor of the next page of this round; empty on the last one
	Cursor  string // on the last page: that of the next round
}

// RemovedUser is a user who was deleted.
type RemovedUser struct {
	ObjectID string
	Purged   bool
}

// CursorNow is the cursor of UserChanges that skips everything that happened until now.
const CursorNow = "latest"

// UserChanges calls GET /users/delta: https://learn.microsoft.com/graph/api/user-delta. The cursor "" lists everybody.
func (c *Client) UserChanges(ctx context.Context, cursor string) (ChangePage, error) {
	track := "$select=" + strings.Join(trackedProperties(), ",")
	switch cursor {
	case "":
		cursor = track
	case CursorNow:
		cursor = track + "&$deltatoken=latest"
	}
	target, err := c.page("/users/delta", cursor)
	if err != nil {
		return ChangePage{}, err
	}
	var page ChangePage
	err = c.do(ctx, "GET /users/delta", func(ctx context.Context) error {
		callOf(ctx).limit = maxPage
		r := request(abstractions.GET, "/users/delta", nil)
		r.SetUri(*target)
		var answer deltaAnswer
		if err := c.readJSON(ctx, r, &answer); err != nil {
			return err
		}
		read, err := c.readChanges(answer, cursor)
		page = read
		return err
	})
	if err != nil {
		return ChangePage{}, err
	}
	return page, nil
}

// deltaAnswer is what is read of the answer to a delta query: who changed, not what. The SDK has no field for @removed.
type deltaAnswer struct {
	Value     []deltaEntry `json:"value"`
	NextLink  string       `json:"@odata.nextLink"`
	DeltaLink string       `json:"@odata.deltaLink"`
}

type deltaEntry struct {
	ID      string `json:"id"`
	Removed *struct {
		Reason string `json:"reason"`
	} `json:"@removed"`
}

func (c *Client) readChanges(answer deltaAnswer, current string) (ChangePage, error) {
	if answer.Value == nil {
		return ChangePage{}, errors.New("it holds no list of changes")
	}
	var page ChangePage
	for _, entry := range answer.Value {
		switch {
		case entry.ID == "":
			return ChangePage{}, errors.New("it holds a change without an id")
		case entry.Removed != nil:
			page.Removed = append(page.Removed, RemovedUser{entry.ID, entry.Removed.Reason == "deleted"})
		default:
			page.Changed = append(page.Changed, entry.ID)
		}
	}
	if (answer.NextLink == "") == (answer.DeltaLink == "") {
		return ChangePage{}, errors.New("it must link either to the next page or to the next round")
	}
	var err, roundErr error
	page.Next, err = c.next(answer.NextLink, current, deltaPaths()...)
	page.Cursor, roundErr = c.next(answer.DeltaLink, "", deltaPaths()...)
	return page, errors.Join(err, roundErr)
}

// deltaPaths are the ways in which Graph writes the path of a delta query, in lower case.
func deltaPaths() []string {
	const users = version + "/users/"
	return []string{users + "delta", users + "delta()", users + "microsoft.graph.delta", users + "microsoft.graph.delta()"}
}
