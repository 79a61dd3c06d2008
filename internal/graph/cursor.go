package graph

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// maxCursor is the length of the longest cursor that is taken, in bytes. Graph's are a few kilobytes at most.
const maxCursor = 16 << 10

// cursorOf is the query of a link to the next page. Nothing else of the link is used again, so that whatever an answer
// says, and whoever keeps a cursor, the next request goes to the same place as this one. A link that leads elsewhere is
// an error all the same: without its host its query means nothing.
func (c *Client) cursorOf(link string, paths ...string) (string, error) {
	target, err := url.Parse(link)
	if err != nil {
		return "", errors.New("its link to the next page is not a URL")
	}
	if !sameOrigin(target, c.access.origin) {
		return "", fmt.Errorf("its link to the next page leads to %q, and not to %s", clip(target.Host), c.access.origin)
	}
	if !slices.Contains(paths, strings.ToLower(target.EscapedPath())) {
		return "", fmt.Errorf("its link to the next page leads to the path %q", clip(target.EscapedPath()))
	}
	return target.RawQuery, checkCursor(target.RawQuery)
}

func sameOrigin(a, b *url.URL) bool { return a.User == nil && originOf(a) == originOf(b) }

// originOf leaves out the port that needs no saying.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if u.Scheme == "https" {
		host = strings.TrimSuffix(host, ":443")
	}
	return u.Scheme + "://" + host
}

// checkCursor keeps what is not a query out of a URL.
func checkCursor(cursor string) error {
	beyond := func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }
	switch {
	case cursor == "":
		return errors.New("graph: the cursor is empty")
	case len(cursor) > maxCursor:
		return fmt.Errorf("graph: the cursor is longer than %d bytes", maxCursor)
	case strings.ContainsFunc(cursor, beyond):
		return errors.New("graph: the cursor is not one that was returned: it is not the query of a URL")
	}
	return nil
}

// page is the URL of a page: of the first one, or of the one at the cursor.
func (c *Client) page(path, cursor string) (*url.URL, error) {
	if err := checkCursor(cursor); err != nil {
		return nil, err
	}
	page := *c.access.origin
	page.Path, page.RawQuery = version+path, cursor
	return &page, nil
}
