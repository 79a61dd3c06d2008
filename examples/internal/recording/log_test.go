package recording_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/recording"
)

// answering is a transport that answers with what it is told, and reads the request.
type answering struct {
	kind string
	body io.Reader
	err  error
	read string // of the request
}

func (a *answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		a.read = string(sent)
	}
	if a.err != nil {
		return nil, a.err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {a.kind}}, Body: io.NopCloser(a.body),
	}, nil
}

// exchange sends one request through a log, and returns its line, the answer's body and the error of reading it.
func exchange(t *testing.T, a *answering, kind, sent string) (line recording.Exchange, received string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	log, err := recording.Create(path)
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://graph.microsoft.com/v1.0/domains",
		strings.NewReader(sent))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer a.b.c")
	request.Header.Set("Cookie", "a=b")
	request.Header.Set("Content-Type", kind)
	response, err := log.Transport(a).RoundTrip(request)
	if err == nil {
		var body []byte
		body, err = io.ReadAll(response.Body)
		received = string(body)
	}
	require.NoError(t, log.Close())
	text, readErr := os.ReadFile(path)
	require.NoError(t, readErr)
	require.Equal(t, 1, bytes.Count(text, []byte("\n")), "an exchange is a line")
	require.NoError(t, json.Unmarshal(text, &line))
	return line, received, err
}

const jsonKind, formKind = "application/json", "application/x-www-form-urlencoded"

func TestAnExchangeIsKeptAndPassedOnAsItIs(t *testing.T) {
	t.Parallel()
	a := &answering{kind: jsonKind, body: strings.NewReader(`{"id":1.50}`)}
	line, received, err := exchange(t, a, jsonKind, `{"b":1, "a":2}`)
	require.NoError(t, err)
	require.Equal(t, `{"b":1, "a":2}`, a.read)
	require.Equal(t, `{"id":1.50}`, received)
	require.Equal(t, recording.Exchange{
		Method: http.MethodPost, URL: "https://graph.microsoft.com/v1.0/domains",
		RequestHeaders: map[string]string{"Content-Type": jsonKind}, Request: json.RawMessage(`{"b":1,"a":2}`),
		Status: http.StatusOK, Response: json.RawMessage(`{"id":1.50}`),
	}, line)
}

func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, kind, body, want string }{
		{"of a new account", jsonKind, `{"passwordProfile":{"password":"s3cret","forceChangePasswordNextSignIn":true}}`,
			`{"passwordProfile":{"forceChangePasswordNextSignIn":true,"password":"(left out)"}}`},
		{"of a batch", jsonKind, `{"requests":[{"headers":{"Authorization":"Bearer s3cret"}}]}`,
			`{"requests":[{"headers":{"Authorization":"(left out)"}}]}`},
		{"a token", jsonKind, `{"access_token":"s3cret","expires_in":3599}`, `{"access_token":"(left out)","expires_in":3599}`},
		{"of the application", formKind, "client_id=a&client_secret=s3cret", `"client_id=a\u0026client_secret=%28left+out%29"`},
		{"in a form that is broken", formKind, "client_secret=s3cret%", `"(left out)"`},
		{"of a person who signs in", formKind, "code=s3cret", `"code=%28left+out%29"`},
		{"but not what an error is", jsonKind, `{"error":{"code":"Request_BadRequest"}}`,
			`{"error":{"code":"Request_BadRequest"}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sent, _, err := exchange(t, &answering{body: strings.NewReader("")}, c.kind, c.body)
			require.NoError(t, err)
			require.Equal(t, c.want, string(sent.Request))
			received, text, err := exchange(t, &answering{kind: c.kind, body: strings.NewReader(c.body)}, jsonKind, "{}")
			require.NoError(t, err)
			require.Equal(t, c.body, text)
			require.Equal(t, c.want, string(received.Response))
		})
	}
}

func TestWhatIsNoJSONIsText(t *testing.T) {
	t.Parallel()
	line, _, err := exchange(t, &answering{body: strings.NewReader("<html>")}, "text/plain", "hello")
	require.NoError(t, err)
	require.Equal(t, `"hello"`, string(line.Request))
	require.Equal(t, `"\u003chtml\u003e"`, string(line.Response))
}

func TestAnAnswerThatDoesNotComeIsKeptToo(t *testing.T) {
	t.Parallel()
	lost := errors.New("no route to host")
	line, _, err := exchange(t, &answering{err: lost}, jsonKind, "{}")
	require.ErrorIs(t, err, lost)
	require.Equal(t, "no route to host", line.Error)
	require.Zero(t, line.Status)

	line, received, err := exchange(t, &answering{
		body: io.MultiReader(strings.NewReader("half"), iotest.ErrReader(lost)),
	}, jsonKind, "{}")
	require.ErrorIs(t, err, lost)
	require.Equal(t, "half", received)
	require.Equal(t, "no route to host", line.Error)
	require.Equal(t, `"half"`, string(line.Response))
}

func TestAHugeBodyIsPassedOnWholeAndNotKept(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("a", 5<<20)
	a := &answering{body: strings.NewReader(huge)}
	line, received, err := exchange(t, a, "text/plain", huge)
	require.NoError(t, err)
	require.Equal(t, len(huge), len(received))
	require.Equal(t, len(huge), len(a.read))
	require.Equal(t, `"(more than 4194304 bytes)"`, string(line.Request))
	require.Equal(t, `"(more than 4194304 bytes)"`, string(line.Response))
}

func TestTheFileIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	require.NoError(t, os.WriteFile(path, []byte("of an earlier run"), 0o644))
	log, err := recording.Create(path)
	require.NoError(t, err)
	require.NoError(t, log.Close())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.Zero(t, info.Size())
	_, err = recording.Create(filepath.Join(path, "file"))
	require.Error(t, err)
}

func TestALogThatCannotBeWrittenSaysSoAtItsEnd(t *testing.T) {
	t.Parallel()
	log, err := recording.Create(filepath.Join(t.TempDir(), "log.jsonl"))
	require.NoError(t, err)
	require.NoError(t, log.Close())
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://graph.microsoft.com/v1.0/users", nil)
	require.NoError(t, err)
	response, err := log.Transport(&answering{body: strings.NewReader("{}")}).RoundTrip(request)
	require.NoError(t, err, "the command goes on")
	require.NoError(t, response.Body.Close())
	require.ErrorIs(t, log.Close(), os.ErrClosed)
}

func TestWithoutALogNothingIsBetween(t *testing.T) {
	t.Parallel()
	var log *recording.Log
	next := &answering{}
	require.Same(t, next, log.Transport(next))
}
