package provision_test

import (
	"bytes"
	"context"
	"encoding/json"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

// records is a log that is kept.
type records struct {
	mu    sync.Mutex
	lines bytes.Buffer
}

func (r *records) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.Write(b)
}

func (r *records) Text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lines.String()
}

// of are the records with a message.
func (r *records) of(t *testing.T, message string) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(r.Text()) {
		var record map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &record))
		if record["msg"] == message {
			list = append(list, record)
		}
	}
	return list
}

// logged is a configuration whose log is kept, from a level on.
func logged(c provision.Config, level slog.Level) (provision.Config, *records) {
	kept := new(records)
	c.Logger = slog.New(slog.NewJSONHandler(kept, &slog.HandlerOptions{Level: level}))
	return c, kept
}

func TestEachStepIsOneRecordAtLevelDebug(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.always("ChangeLicenses", fault{err: status(403)})
		c, log := logged(licensed(config(dir, nil), standardSKU), slog.LevelDebug)
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, provision.ErrForbidden)
		var steps []string
		for _, record := range log.of(t, "step ended") {
			require.Equal(t, "DEBUG", record["level"])
			require.Equal(t, "google", record["connection"])
			require.Equal(t, "104", record["person"])
			require.Contains(t, record, "duration")
			reason, _ := record["reason"].(string)
			steps = append(steps, strings.TrimSpace(record["step"].(string)+" "+record["outcome"].(string)+" "+reason))
		}
		require.Equal(t, []string{"select done", "known skipped", "token skipped", "reserve done", "create done",
			"license failed forbidden"}, steps)
		require.Len(t, log.of(t, "person not provisioned"), 1)
	})
}

func TestAThrottleIsWarnedOfOnceForEachHold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers []fault // to as many people who come at once, and then to each alone
		want    int
	}{
		"several 429s at once are one hold":     {[]fault{{err: throttled(20 * time.Second)}, {err: throttled(9 * time.Second)}, {err: throttled(0)}}, 1},
		"one that says no time is a hold":       {[]fault{{err: throttled(0)}}, 1},
		"no 429":                                {[]fault{{err: status(503)}}, 0},
		"the next 429 after a hold begins anew": {[]fault{{err: throttled(20 * time.Second)}, {err: throttled(20 * time.Second)}, {}, {}, {err: throttled(9 * time.Second)}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				slow := func(ctx context.Context) {
					provision.CallTraceOf(ctx).Scope = "Tenant_Application/Write"
					time.Sleep(time.Second)
				}
				for _, f := range tc.answers {
					f.before = slow
					dir.next("CreateUser", f)
				}
				c, log := logged(config(dir, nil), slog.LevelInfo)
				p := newProvisioner(t, c)
				var all sync.WaitGroup
				for i := range min(3, len(tc.answers)) {
					all.Go(func() { _, _ = p.Ensure(t.Context(), member(i)) })
				}
				all.Wait()
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				warnings := log.of(t, "the directory is throttling")
				require.Len(t, warnings, tc.want, "%s", log.Text())
				for _, record := range warnings {
					require.Equal(t, "WARN", record["level"])
					require.Equal(t, "Tenant_Application/Write", record["scope"])
					require.Contains(t, record, "retry_after")
					require.Contains(t, record, "person")
				}
			})
		})
	}
}

// The messages that the documentation tells operators to watch are those that are logged.
func TestTheDocumentedMessagesAreLogged(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var source strings.Builder
	for _, name := range files {
		if name != "doc.go" && !strings.HasSuffix(name, "_test.go") {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			source.Write(text)
		}
	}
	_, table, found := strings.Cut(packageDoc(t), "worth an alert:\n")
	require.True(t, found)
	messages := 0
	for line := range strings.Lines(strings.TrimLeft(table, "\n")) {
		if !strings.HasPrefix(line, "\t") {
			break
		}
		message, _, _ := strings.Cut(strings.TrimSpace(line), "  ")
		require.True(t, strings.Contains(source.String(), `"`+message+`"`), "nothing logs %q", message)
		messages++
	}
	require.Equal(t, 15, messages)
}

// packageDoc is the documentation of package provision.
func packageDoc(t *testing.T) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	require.NoError(t, err)
	return file.Doc.Text()
}

// Without providers of its own the package uses none: it never asks for the global ones.
func TestTheGlobalProvidersAreOutOfReach(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	imports := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, imported := range file.Imports {
			require.NotEqual(t, `"go.opentelemetry.io/otel"`, imported.Path.Value, name)
			imports++
		}
	}
	require.Positive(t, imports)
}
