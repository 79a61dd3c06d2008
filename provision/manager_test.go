package provision_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func managed(manager string) provision.Person {
	person := contractor()
	person.Manager = manager
	return person
}

func TestTheManagerIsNamed(t *testing.T) {
	t.Parallel()
	for name, manager := range map[string]string{
		"by UPN":       " boss@contoso.com ",
		"by object ID": "00000000-0000-4000-8000-000000000001",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				boss := dir.has("boss", "Boss@contoso.com")
				account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), managed(manager))
				require.NoError(t, err)
				require.Equal(t, map[string]string{account.ObjectID: boss.ObjectID}, dir.managers)
			})
		})
	}
}

func TestNobodyWithoutAManagerTakesTheStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		_, err := newProvisioner(t, config(dir, nil)).EnsureWithProgress(t.Context(), contractor(),
			func(e provision.Event) { require.NotEqual(t, provision.StepManager, e.Step) })
		require.NoError(t, err)
		require.Zero(t, dir.count("SetManager"))
	})
}

func TestTheManagerIsSetAgainWhileTheDirectoryLags(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]error{
		"404": notFound(), "400": badRequest("Not a valid reference update."), "503": status(503),
		"429": throttled(time.Second), "409": concurrencyViolation(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				dir.has("boss", "boss@contoso.com")
				dir.next("SetManager", fault{err: answer}, fault{err: answer}, fault{err: answer})
				_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), managed("boss@contoso.com"))
				require.NoError(t, err)
				require.Len(t, dir.managers, 1)
				require.Equal(t, 4, dir.count("SetManager"))
			})
		})
	}
}

// Nobody is kept from their work because of somebody else's account: the person goes on without a manager, and the
// operator is told.
func TestAManagerWhoCannotBeNamedIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		manager string
		prepare func(*groupTenant)
		want    string
		writes  int
	}{
		"nobody has the UPN":       {"nobody@contoso.com", func(*groupTenant) {}, "not in the directory", 0},
		"nobody has the object ID": {"00000000-0000-4000-8000-00000000000f", func(*groupTenant) {}, "not in the directory", 0},
		"the person themself":      {"contractor@contoso.com", func(*groupTenant) {}, "the person themself", 0},
		"deleted meanwhile": {"boss@contoso.com", func(dir *groupTenant) {
			dir.always("SetManager", fault{err: notFound()})
		}, "refuses the manager", 6},
		"refused": {"boss@contoso.com", func(dir *groupTenant) {
			dir.always("SetManager", fault{err: badRequest("Invalid manager.")})
		}, "refuses the manager", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				dir.has("boss", "boss@contoso.com")
				tc.prepare(dir)
				var logged bytes.Buffer
				c := config(dir, nil)
				c.Logger = slog.New(slog.NewTextHandler(&logged, nil))
				var ended provision.State
				_, err := newProvisioner(t, c).EnsureWithProgress(t.Context(), managed(tc.manager), func(e provision.Event) {
					if e.Step == provision.StepManager {
						ended = e.State
					}
				})
				require.NoError(t, err)
				require.Equal(t, provision.Skipped, ended)
				require.Contains(t, logged.String(), "level=WARN")
				require.Contains(t, logged.String(), tc.want)
				require.Empty(t, dir.managers)
				require.Equal(t, tc.writes, dir.count("SetManager"))
			})
		})
	}
}

func TestAnOperatorsMistakeIsNotTakenForAMissingManager(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		dir.has("boss", "boss@contoso.com")
		dir.always("SetManager", fault{err: status(403)})
		_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), managed("boss@contoso.com"))
		require.ErrorIs(t, err, provision.ErrForbidden)
		requireStep(t, err, provision.StepManager)
		require.ErrorContains(t, err, "User.ReadWrite.All")
	})
}

func TestADirectoryWithoutManagersIsSaidBeforeAnyCall(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	_, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), managed("boss@contoso.com"))
	require.ErrorContains(t, err, "the Directory does not implement Managers")
	require.Empty(t, dir.calls)
}

func TestAManagerOfNoFormIsAnInvalidPerson(t *testing.T) {
	t.Parallel()
	for name, manager := range map[string]string{
		"a name": "The Boss", "an accent": "böss@contoso.com", "a short GUID": "00000000-0000-4000-8000-00000000001",
		"a GUID in braces":         "{00000000-0000-4000-8000-000000000001}",
		"a GUID with a bad digit":  "g0000000-0000-4000-8000-000000000001",
		"a GUID with a bad hyphen": "0000000000000-4000-8000-000000000001",
		"too long":                 strings.Repeat("x", 65) + "@contoso.com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := managed(manager).Validate()
			require.ErrorIs(t, err, provision.ErrInvalidPerson)
			require.ErrorContains(t, err, "the manager is neither an object ID (a GUID) nor a UPN")
		})
	}
	require.NoError(t, managed("Person_example.net#EXT#@contoso.onmicrosoft.com").Validate(), "a guest")
	require.NoError(t, managed("00000000-0000-4000-8000-00000000000F").Validate())
}
