package graph

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	abstractions "github.com/microsoft/kiota-abstractions-go"
)

// list is a list that is read without the SDK's models, whole: domains, administrators, federations.
type list struct {
	operation string
	template  string
	path      map[string]string
	query     map[string]string
}

// maxPages ends a list that leads on for ever. A page has 100 objects or more.
const maxPages = 100

func readAll[T any](ctx context.Context, c *Client, l list) (all []T, err error) {
	var cursor string
	for range maxPages {
		var page []T
		if page, cursor, err = readPage[T](ctx, c, l, cursor); err != nil {
			return nil, err
		}
		all = append(all, page...)
		if cursor == "" {
			return all, nil
		}
	}
	return nil, &Error{Operation: l.operation, Err: fmt.Errorf("its list does not end after %d pages", maxPages)}
}

// readPage reads the page at the cursor; that of the first page is "".
func readPage[T any](ctx context.Context, c *Client, l list, cursor string) (objects []T, next string, err error) {
	err = c.do(ctx, l.operation, func(ctx context.Context) error {
		callOf(ctx).limit = maxPage
		target, err := l.address(c, cursor)
		if err != nil {
			return err
		}
		r := getAt(target)
		if strings.Contains(target.RawQuery, "count=true") {
			r.Headers.Add("ConsistencyLevel", "eventual") // advanced queries need it on every page
		}
		var answer struct {
			Value    []T    `json:"value"`
			NextLink string `json:"@odata.nextLink"`
		}
		if err := c.readJSON(ctx, r, &answer); err != nil {
			return err
		}
		objects = answer.Value
		next, err = c.next(answer.NextLink, target.RawQuery, strings.ToLower(target.EscapedPath()))
		return err
	})
	return objects, next, err
}

// address is the URL of a page.
func (l list) address(c *Client, cursor string) (*url.URL, error) {
	first := request(abstractions.GET, l.template, l.path)
	first.PathParameters["baseurl"] = c.access.origin.String() + version
	for name, value := range l.query {
		first.QueryParameters[name] = value
	}
	target, err := first.GetUri()
	if err != nil || cursor == "" {
		return target, err
	}
	if err := checkCursor(cursor); err != nil {
		return nil, err
	}
	next := *target
	next.RawQuery = cursor
	return &next, nil
}
