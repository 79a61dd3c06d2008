// Package demonstrationtest checks the examples that put a host behind the Bridge.
package demonstrationtest

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/accounts"
	"github.com/entrafed/entrafed/examples/internal/demonstration"
	"github.com/entrafed/entrafed/federation/entratest"
)

// SignsIn opens the host's smart link as somebody who has never been there, follows it to the document, and opens it again.
// The demonstration and the browser can be used until the test ends.
func SignsIn(
	t *testing.T, host func(context.Context, *demonstration.Demonstration) (http.Handler, error),
) (*demonstration.Demonstration, *entratest.Browser) {
	t.Helper()
	demo, err := demonstration.Open("127.0.0.1:0", entratest.LagNone)
	require.NoError(t, err)
	ctx := t.Context()
	handler, err := host(ctx, demo)
	require.NoError(t, err)
	Serve(t, demo, handler)

	browser := entratest.NewBrowser(&http.Transport{DisableKeepAlives: true})
	page, err := browser.Open(ctx, demo.Origin)
	require.NoError(t, err)
	require.Contains(t, string(page.Body), `<a href="/entra/go">`, "the home page leads on")
	page, err = browser.Open(ctx, demo.SmartLink())
	require.NoError(t, err)
	person := accounts.Known()[0]
	action, err := fill(page, person.Name)
	require.NoError(t, err)
	page, err = browser.Continue(ctx, page, action)
	require.NoError(t, err)
	require.Contains(t, page.URL, "/sharepoint/sites/welcome")
	require.Contains(t, string(page.Body), person.Name+"@"+demonstration.Domain)

	page, err = browser.Open(ctx, demo.SmartLink())
	require.NoError(t, err)
	require.Contains(t, page.URL, "/sharepoint/", "a session is enough")
	require.Len(t, demo.Tenant().Users(), 1)
	return demo, browser
}

// Serve serves the host until the test ends.
func Serve(t *testing.T, demo *demonstration.Demonstration, host http.Handler) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- demo.Serve(ctx, host) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-served)
	})
}

// AddsAtMost counts the lines between the marks "entrafed: begin" and "entrafed: end" of a file, without empty ones and
// comments.
func AddsAtMost(t *testing.T, most int, file string) {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	var lines int
	var counting bool
	for line := range bytes.Lines(source) {
		text := strings.TrimSpace(string(line))
		switch {
		case text == "// entrafed: begin":
			counting = true
		case text == "// entrafed: end":
			counting = false
		case counting && text != "" && !strings.HasPrefix(text, "//"):
			lines++
		}
	}
	require.Positive(t, lines, "nothing is marked")
	require.False(t, counting, "a mark without an end")
	require.LessOrEqual(t, lines, most)
}

// fill types the name and the password into the host's form, whatever it calls them.
func fill(page entratest.Page, name string) (entratest.Action, error) {
	form, err := page.Form("")
	if err != nil {
		return entratest.Action{}, err
	}
	typed := map[string]string{}
	for _, field := range form.Fields {
		switch field.Type {
		case "text":
			typed[field.Name] = name
		case "password":
			typed[field.Name] = accounts.Password
		}
	}
	return page.Submit("", typed)
}
