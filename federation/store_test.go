package federation_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// What every store must do.
func TestStores(t *testing.T) {
	t.Parallel()
	stores := map[string]func(t *testing.T) federation.Store{
		"memory": func(*testing.T) federation.Store { return federation.NewMemoryStore() },
		"files":  func(t *testing.T) federation.Store { return newFileStore(t, t.TempDir()) },
	}
	rules := map[string]func(t *testing.T, s federation.Store){
		"a document that is not there is nil": func(t *testing.T, s federation.Store) {
			require.Nil(t, load(t, s, "contoso.com"))
		},
		"what was saved is loaded": func(t *testing.T, s federation.Store) {
			require.NoError(t, s.Save(t.Context(), "contoso.com", nil, []byte("one")))
			require.Equal(t, "one", string(load(t, s, "contoso.com")))
			require.NoError(t, s.Save(t.Context(), "contoso.com", []byte("one"), []byte("two")))
			require.Equal(t, "two", string(load(t, s, "contoso.com")))
		},
		"documents do not touch each other": func(t *testing.T, s federation.Store) {
			names := []string{"contoso.com", "guests/contoso.com", "contoso.net", "sub.contoso.com", "guests-contoso.com", "guests%2fcontoso.com"}
			for _, name := range names {
				require.NoError(t, s.Save(t.Context(), name, nil, []byte(name)))
			}
			for _, name := range names {
				require.Equal(t, name, string(load(t, s, name)))
			}
		},
		"a new document over one that is there is stale": func(t *testing.T, s federation.Store) {
			require.NoError(t, s.Save(t.Context(), "contoso.com", nil, []byte("one")))
			require.ErrorIs(t, s.Save(t.Context(), "contoso.com", nil, []byte("two")), federation.ErrStale)
			require.Equal(t, "one", string(load(t, s, "contoso.com")))
		},
		"a change of another document than the one that is there is stale": func(t *testing.T, s federation.Store) {
			require.NoError(t, s.Save(t.Context(), "contoso.com", nil, []byte("one")))
			require.ErrorIs(t, s.Save(t.Context(), "contoso.com", []byte("none"), []byte("two")), federation.ErrStale)
			require.Equal(t, "one", string(load(t, s, "contoso.com")))
		},
		"a change of one that is not there is stale": func(t *testing.T, s federation.Store) {
			require.ErrorIs(t, s.Save(t.Context(), "contoso.com", []byte("one"), []byte("two")), federation.ErrStale)
			require.Nil(t, load(t, s, "contoso.com"))
		},
		"what is loaded is the caller's": func(t *testing.T, s federation.Store) {
			document := []byte("one")
			require.NoError(t, s.Save(t.Context(), "contoso.com", nil, document))
			document[0] = 'X'
			load(t, s, "contoso.com")[0] = 'Y'
			require.Equal(t, "one", string(load(t, s, "contoso.com")))
		},
		"of many who change it at once, each one's change is there": func(t *testing.T, s federation.Store) {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					for range 25 {
						if err := countUp(t.Context(), s); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			require.Equal(t, "100", string(load(t, s, "contoso.com")))
		},
	}
	for kind, open := range stores {
		for name, rule := range rules {
			t.Run(kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				rule(t, open(t))
			})
		}
	}
}

func newFileStore(t *testing.T, directory string) federation.Store {
	t.Helper()
	s, err := federation.NewFileStore(directory)
	require.NoError(t, err)
	return s
}

func load(t *testing.T, s federation.Store, name string) []byte {
	t.Helper()
	document, err := s.Load(t.Context(), name)
	require.NoError(t, err)
	return document
}

// countUp adds one to the number that the document is, however many others do the same.
func countUp(ctx context.Context, s federation.Store) error {
	for {
		old, err := s.Load(ctx, "contoso.com")
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(string(old))
		err = s.Save(ctx, "contoso.com", old, []byte(strconv.Itoa(n+1)))
		if !errors.Is(err, federation.ErrStale) {
			return err
		}
	}
}

// counterDirectory tells this program, started again, to be one of several processes that count up.
const counterDirectory = "FEDERATION_TEST_COUNTER"

func TestOneOfSeveralProcesses(t *testing.T) {
	directory := os.Getenv(counterDirectory)
	if directory == "" {
		t.Skip("this process is the only one")
	}
	s := newFileStore(t, directory)
	for range 50 {
		require.NoError(t, countUp(t.Context(), s))
	}
}

func TestSeveralProcessesShareAFileStore(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	var processes []*exec.Cmd
	for range 3 {
		process := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOneOfSeveralProcesses$")
		process.Env = append(os.Environ(), counterDirectory+"="+directory)
		process.Stdout, process.Stderr = os.Stderr, os.Stderr
		require.NoError(t, process.Start())
		processes = append(processes, process)
	}
	for _, process := range processes {
		require.NoError(t, process.Wait())
	}
	require.Equal(t, "150", string(load(t, newFileStore(t, directory), "contoso.com")))
}

// lockedFile is the file of the record of contoso.com.
const lockedFile = "record-contoso.com.json"

func TestALockEndsWithItsProcess(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("flock(1) is not there")
	}
	flock, err := exec.LookPath("flock")
	if err != nil {
		t.Skip("flock(1) is not there")
	}
	t.Parallel()
	directory := t.TempDir()
	s := newFileStore(t, directory)
	require.NoError(t, s.Save(t.Context(), "contoso.com", nil, []byte("one")))

	holder := exec.CommandContext(t.Context(), flock, "--no-fork", filepath.Join(directory, lockedFile+".lock"), "sh", "-c", "echo locked; exec cat")
	stdin, err := holder.StdinPipe()
	require.NoError(t, err)
	defer func() { _ = stdin.Close() }()
	stdout, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "locked\n", line)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.Save(ctx, "contoso.com", []byte("one"), []byte("two")), context.DeadlineExceeded)

	require.NoError(t, holder.Process.Kill())
	_ = holder.Wait()
	require.NoError(t, s.Save(t.Context(), "contoso.com", []byte("one"), []byte("two")))
}

func TestAFileStoreOutlivesItsProcess(t *testing.T) {
	t.Parallel()
	directory := filepath.Join(t.TempDir(), "a", "b")
	s := newFileStore(t, directory)
	require.NoError(t, s.Save(t.Context(), "contoso.com", nil, []byte("one")))
	require.NoError(t, s.Save(t.Context(), "guests/partner.example.net", nil, []byte("two")))
	require.Equal(t, "one", string(load(t, newFileStore(t, directory), "contoso.com")))

	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		info, err := e.Info()
		require.NoError(t, err)
		if runtime.GOOS != "windows" {
			require.Equal(t, os.FileMode(0o600), info.Mode(), e.Name())
		}
	}
	require.Equal(t, []string{
		"record-contoso.com.json", "record-contoso.com.json.lock",
		"record-guests%2fpartner.example.net.json", "record-guests%2fpartner.example.net.json.lock",
	}, names)
	info, err := os.Stat(directory)
	require.NoError(t, err)
	if runtime.GOOS != "windows" {
		require.Equal(t, os.ModeDir|0o700, info.Mode())
	}
}

func TestNoNameLeadsOutOfAFileStore(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	directory := filepath.Join(parent, "store")
	s := newFileStore(t, directory)
	for _, name := range []string{
		"..", ".", "../x", "/etc/passwd", `..\x`, `C:\x`, "con", "NUL", "a:b", ".hidden", "a\x00b", "\n", "CONTOSO.com", "*", "~", "münchen",
	} {
		require.NoError(t, s.Save(t.Context(), name, nil, []byte(name)), name)
		require.Equal(t, name, string(load(t, s, name)))
	}
	require.Nil(t, load(t, s, "contoso.com"), "another name than CONTOSO.com, on every file system")
	entries, err := os.ReadDir(parent)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	entries, err = os.ReadDir(directory)
	require.NoError(t, err)
	for _, e := range entries {
		require.True(t, strings.HasPrefix(e.Name(), "record-"), e.Name())
		require.Regexp(t, `^[a-z0-9.%-]+$`, e.Name())
	}

	for _, name := range []string{"", strings.Repeat("a", 231), strings.Repeat("/", 77)} {
		require.ErrorContains(t, s.Save(t.Context(), name, nil, []byte("x")), "cannot be the name of a document")
		_, err := s.Load(t.Context(), name)
		require.ErrorContains(t, err, "cannot be the name of a document")
	}
	require.NoError(t, s.Save(t.Context(), strings.Repeat("a", 230), nil, []byte("x")))
}

// A process that ended while it wrote has left a part of a file beside the document.
func TestACrashLeavesTheDocumentAsItWas(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	s := newFileStore(t, directory)
	require.NoError(t, s.Save(t.Context(), "contoso.com", nil, []byte("one")))
	left := filepath.Join(directory, lockedFile+".new")
	require.NoError(t, os.WriteFile(left, []byte("half of a docu"), 0o600))

	again := newFileStore(t, directory)
	require.Equal(t, "one", string(load(t, again, "contoso.com")))
	require.NoError(t, again.Save(t.Context(), "contoso.com", []byte("one"), []byte("two")))
	require.Equal(t, "two", string(load(t, again, "contoso.com")))
	require.NoFileExists(t, left)
}

func TestADocumentThatCannotBeWrittenLeavesTheOldOne(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	s := newFileStore(t, directory)
	require.NoError(t, s.Save(t.Context(), "contoso.com", nil, []byte("one")))
	require.NoError(t, os.MkdirAll(filepath.Join(directory, lockedFile+".new", "in the way"), 0o700))
	require.Error(t, s.Save(t.Context(), "contoso.com", []byte("one"), []byte("two")))
	require.Equal(t, "one", string(load(t, s, "contoso.com")))

	tooLong := make([]byte, 1<<20+1)
	require.ErrorContains(t, s.Save(t.Context(), "contoso.com", []byte("one"), tooLong), "more than 1048576 bytes")
	require.NoError(t, os.WriteFile(filepath.Join(directory, lockedFile), tooLong, 0o600))
	_, err := s.Load(t.Context(), "contoso.com")
	require.ErrorContains(t, err, "more than 1048576 bytes")
}

// What is in a record decides what a domain goes back to: one that cannot be understood is not overwritten.
func TestACorruptedRecordIsKept(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"empty": "", "cut off": `{"undo":[{"plan":"x`, "another": `["x"]`} {
		t.Run(name, func(t *testing.T) {
			directory := t.TempDir()
			path := filepath.Join(directory, lockedFile)
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			dir := newTenant()
			fed, err := federation.New(federation.Config{Directory: dir, Discovery: dir, Store: newFileStore(t, directory)})
			require.NoError(t, err)
			plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))

			_, err = fed.Apply(t.Context(), plan, nil)
			require.ErrorContains(t, err, "federation: the record of contoso.com is not one: ")
			_, err = fed.UndoRecords(t.Context(), "contoso.com")
			require.ErrorContains(t, err, "is not one")
			_, err = fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
			require.ErrorContains(t, err, "is not one")
			require.Empty(t, dir.writes)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, content, string(after))
		})
	}
}

func TestNewFileStore(t *testing.T) {
	t.Parallel()
	_, err := federation.NewFileStore("")
	require.EqualError(t, err, "federation: the directory of the store is empty: name one that is kept, and backed up")

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = federation.NewFileStore(file)
	require.ErrorContains(t, err, "federation: the directory of the store cannot be made")

	if runtime.GOOS != "windows" {
		open := t.TempDir()
		require.NoError(t, os.Chmod(open, 0o777)) //nolint:gosec // that is what is refused
		_, err = federation.NewFileStore(open)
		require.ErrorContains(t, err, "everybody may write to "+open)
	}
}

func TestARecordStaysSmall(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	for i := range 60 {
		c := configured(newCertificate(t, fmt.Sprint("certificate ", i)))
		plan := planned(t, dir, federation.PurposeFederate, "contoso.com")
		plan.ID = fmt.Sprint("plan ", i)
		if plan.Before.Configuration == nil {
			plan.Writes = []federation.Write{creating("contoso.com", c)}
		} else {
			plan.Writes = []federation.Write{changing("contoso.com", plan.Before.Configuration.ID, properties(c))}
		}
		_, err := w.fed.Apply(t.Context(), plan, nil)
		require.NoError(t, err)
	}
	r := w.record(t, "contoso.com")
	require.Len(t, r.Undo, 50)
	require.Equal(t, "plan 10", r.Undo[0].Plan)
	require.Len(t, r.Certificates, 20)
	require.Equal(t, dir.configurations["contoso.com"].SigningCertificate, r.Certificates[19])
	document, err := json.Marshal(r)
	require.NoError(t, err)
	require.Less(t, len(document), 300_000)

	undo, err := w.fed.UndoRecords(t.Context(), "CONTOSO.com")
	require.NoError(t, err)
	require.Len(t, undo, 50)
	require.Equal(t, "plan 59", undo[0].Plan, "the newest is the first")
	none, err := w.fed.UndoRecords(t.Context(), "contoso.net")
	require.NoError(t, err)
	require.Empty(t, none)
}
