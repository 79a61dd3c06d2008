package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
)

// asProgram is the environment variable by which this program knows that it is the quickstart, in a process of its own
// that can be killed, and not a test.
const asProgram = "ENTRAFED_QUICKSTART_ARGS"

func TestMain(m *testing.M) {
	if args := os.Getenv(asProgram); args != "" {
		os.Exit(run(context.Background(), strings.Fields(args), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// killAfter runs the quickstart until it prints something, and kills it as a crash would.
func killAfter(t *testing.T, printed string, args ...string) {
	t.Helper()
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), asProgram+"="+strings.Join(args, " "))
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	lines, seen := bufio.NewScanner(out), false
	for !seen && lines.Scan() {
		seen = strings.Contains(lines.Text(), printed)
	}
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait(), "it was killed")
	require.True(t, seen, "it never printed %q", printed)
}

// kept are the users of the tenant that have this UPN.
func kept(t *testing.T, dir, upn string) (found []entratest.User) {
	t.Helper()
	var users []entratest.User
	require.NoError(t, json.Unmarshal(read(t, dir, fileTenant), &users))
	for _, user := range users {
		if user.UPN == upn {
			found = append(found, user)
		}
	}
	return found
}

func TestKilledInTheMiddleOfAProvisioningItFinishesItTheNextTime(t *testing.T) {
	t.Parallel()
	const upn = "google.contractor@contoso.com"
	dir := filepath.Join(t.TempDir(), "state")
	killAfter(t, "  create", "-once", "-lag", "fast", "-state", dir)
	before := kept(t, dir, upn)
	require.Len(t, before, 1, "the account was made")

	code, stdout, stderr := runWith(t, "-once", "-lag", "fast", "-state", dir)
	require.Zero(t, code, stderr)
	require.Contains(t, stdout, "Microsoft 365 (simulated) says: "+upn)
	require.Regexp(t, `create +.*\(skipped`, stdout, "it went on where the first one stopped")
	after := kept(t, dir, upn)
	require.Len(t, after, 1)
	require.Equal(t, before[0].ObjectID, after[0].ObjectID)
	require.Equal(t, before[0].ImmutableID, after[0].ImmutableID)
	require.NotEmpty(t, after[0].SKUIDs)

	info, err := os.Stat(filepath.Join(dir, fileSigner))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestWhatWasBegunIsFinishedAlsoIfThePersonDoesNotComeBack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	killAfter(t, "  create", "-once", "-lag", "none", "-state", dir, "-person", "linkedin")

	s := setting{Origin: "https://" + idpHost, Lag: entratest.LagNone, Logger: (options{}).logger(nil), StateDir: dir}
	w, err := newWorld(t.Context(), s)
	require.NoError(t, err)
	var begun []string
	require.NoError(t, w.finish(t.Context(), func(a actor) { begun = append(begun, a.Name) }))
	require.Equal(t, []string{"linkedin"}, begun)
	who, err := find(w.actors, "linkedin")
	require.NoError(t, err)
	account, err := w.people.EnsureWithProgress(t.Context(), who.Person, nil) // joins the run that was begun
	require.NoError(t, err)
	require.False(t, account.ReadyAt.IsZero())
	left, err := w.state.unfinished(t.Context(), w.actors)
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, w.close(t.Context()))
}

func TestADamagedStateIsSaid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{fileSigner, fileTenant} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("damaged"), 0o600))
		code, _, stderr := runWith(t, "-once", "-state", dir)
		require.Equal(t, 1, code)
		require.Contains(t, stderr, name+" is damaged")
	}
}
