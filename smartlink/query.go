package smartlink

import (
	"net/url"
	"slices"
	"strings"
)

// escape encodes one value for a query. Unlike [url.QueryEscape] it writes a space as %20, which readers of forms and
// readers of plain URLs understand alike.
func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// parts is a URL cut at its first # and its first ?, without decoding anything.
type parts struct {
	base     string
	query    string
	hasQuery bool // also true for an empty query
	fragment string
	hasFrag  bool
}

func cut(raw string) parts {
	var p parts
	raw, p.fragment, p.hasFrag = strings.Cut(raw, "#")
	p.base, p.query, p.hasQuery = strings.Cut(raw, "?")
	return p
}

// String puts the URL together again, byte for byte.
func (p parts) String() string {
	raw := p.base
	if p.hasQuery {
		raw += "?" + p.query
	}
	if p.hasFrag {
		raw += "#" + p.fragment
	}
	return raw
}

// with returns the URL with name=value at the end of its query.
func (p parts) with(name, value string) parts {
	if p.hasQuery {
		p.query += "&"
	}
	p.query += name + "=" + escape(value)
	p.hasQuery = true
	return p
}

// without returns the URL with no parameter of these names; what is left of its query stays as it is written.
func (p parts) without(names ...string) parts {
	if !p.hasQuery {
		return p
	}
	var rest []string
	for _, parameter := range readQuery(p.query).parameters {
		if !slices.Contains(names, parameter.name) {
			rest = append(rest, parameter.raw)
		}
	}
	p.query, p.hasQuery = strings.Join(rest, "&"), len(rest) > 0
	return p
}

// parameter is one part of a query between two ampersands.
type parameter struct {
	raw   string
	name  string // decoded, in lower case: the services that read these links do not care for case
	value string // as written
}

// query reads parameters one by one and remembers the first thing that was wrong.
type query struct {
	parameters []parameter
	err        *LinkError
}

func readQuery(raw string) *query {
	q := &query{}
	for _, part := range strings.Split(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		q.parameters = append(q.parameters, parameter{raw: part, name: strings.ToLower(name), value: value})
	}
	return q
}

// has reports whether the parameter is there, even if empty.
func (q *query) has(name string) bool {
	return slices.ContainsFunc(q.parameters, func(p parameter) bool { return p.name == name })
}

// get returns the decoded value of the parameter, or "". A parameter that is there twice, or that cannot be decoded, is
// an error.
func (q *query) get(name string) string {
	var found []string
	for _, p := range q.parameters {
		if p.name == name {
			found = append(found, p.value)
		}
	}
	switch len(found) {
	case 0:
		return ""
	case 1:
		return q.decode(name, found[0])
	}
	q.fail(&LinkError{Field: name, Reason: "is given more than once", Err: ErrRepeated,
		Remedy: "remove all but one: readers differ on which one counts"})
	return ""
}

func (q *query) decode(name, value string) string {
	decoded, err := url.QueryUnescape(value)
	if err != nil {
		q.fail(&LinkError{Field: name, Reason: "holds a % that does not begin an escape", Err: ErrEncoding,
			Remedy: "percent-encode the value once"})
	}
	return decoded
}

// getURL is get for a parameter that holds a URL. If that URL was put in without encoding, its own parameters stand
// beside those of the link, and nobody can tell which belong to which: unless known names them all, it is an error.
func (q *query) getURL(name string, known ...string) string {
	value := q.get(name)
	at := slices.IndexFunc(q.parameters, func(p parameter) bool { return p.name == name })
	if at < 0 || !strings.Contains(q.parameters[at].value, "?") {
		return value
	}
	for _, later := range q.parameters[at+1:] {
		if later.raw != "" && !slices.Contains(known, later.name) {
			q.fail(&LinkError{Field: name, Reason: "holds a URL with a query that is not percent-encoded",
				Err: ErrEncoding, Remedy: "encode the whole URL once, so that its & does not end it"})
		}
	}
	return value
}

func (q *query) fail(err *LinkError) {
	if q.err == nil {
		q.err = err
	}
}
