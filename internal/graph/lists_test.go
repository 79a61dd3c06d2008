package graph_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/internal/graph"
)

const globalGraph = "https://graph.microsoft.com"

func TestListsAreReadPageByPage(t *testing.T) {
	t.Parallel()
	const token = "$skiptoken=RFNwdAoAAQAA%2B%2f_x~y&$top=999"
	s := newServer(t, nil)
	s.Config.Handler = recording(s, func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RawQuery, "$skiptoken") {
			says(http.StatusOK, `{"value":[]}`)(w, r)
			return
		}
		says(http.StatusOK, `{"value":[`+wholeUser+`],"@odata.nextLink":"`+s.URL+`/v1.0/users?`+token+`"}`)(w, r)
	})
	client := newClient(t, graph.Config{Cloud: s.cloud()})

	first, err := client.Users(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, graph.UserPage{Users: []graph.User{readWholeUser()}, Next: token}, first)
	last, err := client.Users(t.Context(), first.Next)
	require.NoError(t, err)
	require.Equal(t, graph.UserPage{Users: []graph.User{}}, last)

	require.Len(t, s.requests, 2)
	require.Equal(t, "GET /v1.0/users?"+selectUser+"&$top=999", s.requests[0].Method+" "+s.requests[0].RequestURI)
	require.Equal(t, "GET /v1.0/users?"+token, s.requests[1].Method+" "+s.requests[1].RequestURI, "as Graph wrote it")
}

func TestChangesAreReadRoundByRound(t *testing.T) {
	t.Parallel()
	const link = globalGraph + "/v1.0/users/delta?"
	for name, test := range map[string]struct {
		cursor, query, body string
		want                graph.ChangePage
	}{
		"everybody": {
			"", selectTracked, `{"value":[{"id":"a","displayName":7},{"id":"b"},{"id":"a"}],
				"@odata.nextLink":"` + link + `$skiptoken=n1"}`,
			graph.ChangePage{Changed: []string{"a", "b", "a"}, Next: "$skiptoken=n1"},
		},
		"from now on": {
			graph.CursorNow, selectTracked + "&$deltatoken=latest",
			`{"value":[],"@odata.deltaLink":"` + link + `$deltatoken=d1"}`, graph.ChangePage{Cursor: "$deltatoken=d1"},
		},
		"the next page": {
			"$skiptoken=n1", "$skiptoken=n1", `{"value":[],"@odata.nextLink":"` + link + `$skiptoken=n2"}`,
			graph.ChangePage{Next: "$skiptoken=n2"},
		},
		"the next round": {
			"$deltatoken=d1", "$deltatoken=d1", `{"value":[{"id":"a","@removed":{"reason":"changed"}},
				{"id":"b","@removed":{"reason":"deleted"}},{"id":"c","@removed":{}},{"id":"d"}],
				"@odata.deltaLink":"` + link + `$deltatoken=d2"}`,
			graph.ChangePage{
				Changed: []string{"d"},
				Removed: []graph.RemovedUser{{ObjectID: "a"}, {ObjectID: "b", Purged: true}, {ObjectID: "c"}},
				Cursor:  "$deltatoken=d2",
			},
		},
		"a round in which nothing happened": {
			"$deltatoken=d1", "$deltatoken=d1", `{"value":[],"@odata.deltaLink":"` + link + `$deltatoken=d1"}`,
			graph.ChangePage{Cursor: "$deltatoken=d1"},
		},
		"the path may be written out": {
			"$deltatoken=d1", "$deltatoken=d1",
			`{"value":[],"@odata.deltaLink":"` + globalGraph + `:443/v1.0/Users/microsoft.graph.delta()?$deltatoken=d2"}`,
			graph.ChangePage{Cursor: "$deltatoken=d2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked string
			client := newClient(t, graph.Config{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
				asked = req.Method + " " + req.URL.String()
				return answer{status: http.StatusOK, body: test.body}.response(req), nil
			})})
			page, err := client.UserChanges(t.Context(), test.cursor)
			require.NoError(t, err)
			require.Equal(t, test.want, page)
			require.Equal(t, "GET "+link+test.query, asked)
		})
	}
}

// A list never leads anywhere else than where it began, whoever wrote the link.
func TestLinksThatLeadElsewhereAreErrors(t *testing.T) {
	t.Parallel()
	users, changes := globalGraph+"/v1.0/users", globalGraph+"/v1.0/users/delta"
	type links struct{ users, changes string }
	elsewhere := func(origin string) links { return links{origin + "/v1.0/users?x=y", origin + "/v1.0/users/delta?x=y"} }
	for name, test := range map[string]links{
		"another host":     elsewhere("https://example.net"),
		"another cloud":    elsewhere("https://graph.microsoft.us"),
		"a host like it":   elsewhere(globalGraph + ".example.net"),
		"its name as user": elsewhere(globalGraph + "@example.net"),
		"a user":           elsewhere("https://a@graph.microsoft.com"),
		"without TLS":      elsewhere("http://graph.microsoft.com"),
		"another port":     elsewhere(globalGraph + ":444"),
		"a relative one":   elsewhere(""),
		"another version":  {globalGraph + "/beta/users?x=y", globalGraph + "/beta/users/delta?x=y"},
		"another list":     {changes + "?x=y", users + "?x=y"},
		"a way out":        {users + "/../groups?x=y", changes + "/..?x=y"},
		"without a query":  {users, changes},
		"this page again":  {users + "?$skiptoken=x", changes + "?$skiptoken=x"},
		"a query too long": {users + "?x=" + strings.Repeat("y", 16<<10), changes + "?x=" + strings.Repeat("y", 16<<10)},
		"no URL":           {"https://graph.microsoft.com:x/v1.0/users?x=y", "%zz"},
		"beyond ASCII":     {users + "?x=é", changes + "?x=é"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, leadingTo(test.users))
			page, err := client.Users(t.Context(), "$skiptoken=x")
			require.Zero(t, asError(t, err).Status)
			require.Zero(t, page)

			client, _ = answering(t, leadingTo(test.changes))
			changed, err := client.UserChanges(t.Context(), "$skiptoken=x")
			require.Zero(t, asError(t, err).Status)
			require.Zero(t, changed)
		})
	}
}

// leadingTo is an empty page with a link to the next one.
func leadingTo(link string) answer {
	return answer{status: http.StatusOK, body: `{"value":[],"@odata.nextLink":"` + link + `"}`}
}

func TestChangesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const round = `"@odata.deltaLink":"` + globalGraph + `/v1.0/users/delta?$deltatoken=d"`
	for name, body := range map[string]string{
		"no list":                  `{` + round + `}`,
		"a list that is null":      `{"value":null,` + round + `}`,
		"a list that is none":      `{"value":{},` + round + `}`,
		"a change that is null":    `{"value":[null],` + round + `}`,
		"a change without an id":   `{"value":[{"@removed":{"reason":"deleted"}}],` + round + `}`,
		"an id of another type":    `{"value":[{"id":7}],` + round + `}`,
		"@removed of another type": `{"value":[{"id":"x","@removed":true}],` + round + `}`,
		"no link":                  `{"value":[]}`,
		"both links":               `{"value":[],` + round + `,` + strings.Replace(round, "deltaLink", "nextLink", 1) + `}`,
		"cut short":                `{"value":[],` + round,
		"two answers":              `{"value":[],` + round + `}{}`,
	} {
		client, _ := answering(t, answer{status: http.StatusOK, body: body})
		page, err := client.UserChanges(t.Context(), "")
		require.Zero(t, asError(t, err).Status, name)
		require.Zero(t, page, name)
	}
}

func TestCursorsThatAreNoneAreNotSent(t *testing.T) {
	t.Parallel()
	client, requests := answering(t, answer{status: http.StatusOK, body: `{"value":[]}`})
	for _, cursor := range []string{"x=y#z", "x y", "x=é", "x\r\ny", strings.Repeat("x", 16<<10+1)} {
		_, usersErr := client.Users(t.Context(), cursor)
		_, changesErr := client.UserChanges(t.Context(), cursor)
		for _, err := range []error{usersErr, changesErr} {
			require.ErrorContains(t, err, "graph: the cursor")
		}
	}
	require.Zero(t, *requests)
}

// A whole page of people with many subscriptions is far larger than any other answer.
func TestLargePagesAreRead(t *testing.T) {
	t.Parallel()
	entry := `{"id":"` + objectID + `","displayName":"` + strings.Repeat("x", 8<<10) + `"},`
	client, _ := answering(t, answer{
		status: http.StatusOK, body: `{"value":[` + strings.TrimSuffix(strings.Repeat(entry, 999), ",") + `]}`,
	})
	page, err := client.Users(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, page.Users, 999)
}

// FuzzCursor says that no cursor, and no link in an answer, takes a request away from the list it is of.
func FuzzCursor(f *testing.F) {
	f.Add("", globalGraph+"/v1.0/users?$skiptoken=x")
	f.Add("latest", globalGraph+"/v1.0/users/delta?$deltatoken=x")
	f.Add("$skiptoken=x", "https://graph.microsoft.com@example.net/v1.0/users?x")
	f.Add("x#y", globalGraph+"/v1.0/users/../groups?x=%2e%2E/")
	f.Add("//example.net", "//example.net/v1.0/users?x")
	f.Add("?x=%zz;", globalGraph+"/v1.0/users?x=%zz;")
	f.Fuzz(func(t *testing.T, cursor, link string) {
		quoted, err := json.Marshal(link)
		require.NoError(t, err)
		client := newClient(t, graph.Config{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
			require.Equal(t, globalGraph, req.URL.Scheme+"://"+req.URL.Host)
			require.Contains(t, []string{"/v1.0/users", "/v1.0/users/delta"}, req.URL.EscapedPath())
			require.Nil(t, req.URL.User)
			body := `{"value":[],"@odata.nextLink":` + string(quoted) + `}`
			return answer{status: http.StatusOK, body: body}.response(req), nil
		})})
		for range 3 {
			page, err := client.Users(t.Context(), cursor)
			require.NotErrorIs(t, err, graph.ErrSDKPanic)
			changes, err := client.UserChanges(t.Context(), cursor)
			require.NotErrorIs(t, err, graph.ErrSDKPanic)
			if cursor = page.Next + changes.Next; cursor == "" {
				return
			}
		}
	})
}

// FuzzChanges says that a page of changes is either whole or an error.
func FuzzChanges(f *testing.F) {
	f.Add(`{"value":[{"id":"a","@removed":{"reason":"changed"}},{"id":"b"}],` +
		`"@odata.deltaLink":"https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x"}`)
	f.Add(`{"value":[{"ID":"a","@removed":null}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users/delta?x"}`)
	f.Add(`{"value":[null]}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, body string) {
		client, requests := answering(t, answer{status: http.StatusOK, body: body})
		page, err := client.UserChanges(t.Context(), "")
		require.Equal(t, 1, *requests)
		if err != nil {
			require.Zero(t, asError(t, err).Status)
			require.NotErrorIs(t, err, graph.ErrSDKPanic)
			require.Zero(t, page)
			return
		}
		require.NotEqual(t, page.Next == "", page.Cursor == "", "there is either another page or another round")
		require.NotContains(t, page.Changed, "")
	})
}
