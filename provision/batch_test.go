package provision_test

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func newBatchTenant() *batchTenant { return &batchTenant{groupTenant: newGroupTenant()} }

// everybodyOnce requires that everybody has the one account that is theirs.
func everybodyOnce(t testing.TB, dir *tenant, store provision.Store, people []provision.Person) {
	t.Helper()
	mine := dir.mine()
	require.Len(t, mine, len(people))
	byID := make(map[string]*tenantUser)
	for _, u := range mine {
		byID[u.ObjectID] = u
	}
	for _, person := range people {
		rec, err := store.Load(t.Context(), person.Key())
		require.NoError(t, err)
		require.Contains(t, byID, rec.ObjectID)
		require.Equal(t, rec.ImmutableID, byID[rec.ObjectID].ImmutableID)
		require.Equal(t, provision.ImmutableIDFromSubject(person.Connection, person.ID), rec.ImmutableID)
	}
}

func TestBulkWorkCreatesTwentyAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store, began := newBatchTenant(), provision.NewMemoryStore(), time.Now()
		p := newProvisioner(t, quick(config(dir, store)))
		for _, err := range ensureLow(t.Context(), p, hires(45)) {
			require.NoError(t, err)
		}
		require.Equal(t, []string{"Batch 20", "Batch 20", "Batch 5"}, callsOf(dir.calls, "Batch"))
		everybodyOnce(t, dir.tenant, store, hires(45))
		require.LessOrEqual(t, time.Since(began), 15*time.Second+500*time.Millisecond, "half a second of company")
	})
}

func TestAPersonWhoWaitsIsCreatedAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newBatchTenant()
		account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Zero(t, dir.count("Batch"))
		require.Equal(t, 15*time.Second, account.ReadyAt.Sub(account.CreatedAt))
	})
}

func TestADirectoryWithoutBatchesCreatesOneByOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		for _, err := range ensureLow(t.Context(), newProvisioner(t, quick(config(dir, store))), hires(5)) {
			require.NoError(t, err)
		}
		require.Equal(t, 5, dir.count("CreateUser"))
		everybodyOnce(t, dir, store, hires(5))
	})
}

func TestProvisionersDoNotShareABatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newBatchTenant()
		var all sync.WaitGroup
		for i, person := range hires(2) {
			all.Go(func() {
				p := newProvisioner(t, config(dir, nil))
				_, err := p.EnsureLow(t.Context(), person)
				require.NoError(t, err, "%d", i)
			})
		}
		all.Wait()
		require.Equal(t, []string{"Batch 1", "Batch 1"}, callsOf(dir.calls, "Batch"))
	})
}

// A batch in which something goes wrong for one, or for all. Whatever happens, everybody gets the one account.
func TestABatchInWhichSomethingGoesWrong(t *testing.T) {
	t.Parallel()
	ten := hires(10)
	for name, tc := range map[string]struct {
		prepare func(*batchTenant)
		batches int // at most
	}{
		"one is throttled": {func(dir *batchTenant) {
			dir.next("CreateUser", fault{}, fault{err: throttled(5 * time.Second)})
		}, 2},
		"one clashes in the UPN": {func(dir *batchTenant) { dir.has("foreign", "person3@contoso.com") }, 2},
		"one is created, and its answer is lost": {func(dir *batchTenant) {
			dir.next("CreateUser", fault{}, fault{err: status(504), commit: true})
		}, 1},
		"one fails":               {func(dir *batchTenant) { dir.next("CreateUser", fault{err: status(503)}) }, 2},
		"the round trip is lost":  {func(dir *batchTenant) { dir.next("Batch", fault{err: dropped()}) }, 4},
		"its answer is lost":      {func(dir *batchTenant) { dir.next("Batch", fault{err: dropped(), commit: true}) }, 1},
		"it is throttled":         {func(dir *batchTenant) { dir.next("Batch", fault{err: throttled(5 * time.Second)}) }, 2},
		"an answer is missing":    {func(dir *batchTenant) { dir.short = true }, 1},
		"the answer names nobody": {func(dir *batchTenant) { dir.next("Batch", fault{err: status(502), commit: true}) }, 1},
		"everything fails twice": {func(dir *batchTenant) {
			dir.next("Batch", fault{err: status(500)}, fault{err: status(500)})
		}, 6},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newBatchTenant(), provision.NewMemoryStore()
				tc.prepare(dir)
				for _, err := range ensureLow(t.Context(), newProvisioner(t, quick(config(dir, store))), ten) {
					require.NoError(t, err)
				}
				everybodyOnce(t, dir.tenant, store, ten)
				require.LessOrEqual(t, dir.count("Batch"), tc.batches)
			})
		})
	}
}

func TestAThrottledItemHoldsBackAllWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newBatchTenant()
		p := newProvisioner(t, quick(config(dir, nil)))
		dir.next("CreateUser", fault{err: throttled(30 * time.Second)})
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.EnsureLow(t.Context(), contractor())
			require.NoError(t, err)
		})
		time.Sleep(2 * time.Second)
		account, err := p.Ensure(t.Context(), partner())
		require.NoError(t, err)
		require.GreaterOrEqual(t, account.CreatedAt.Sub(began), 30*time.Second)
		all.Wait()
	})
}

func TestABatchIsPacedAsTheWritesThatItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newBatchTenant()
		c := config(dir, nil)
		c.Pace = provision.Pace{WritesPerSecond: 10, WriteBurst: 20, Reserve: -1}
		p := newProvisioner(t, c)
		began := time.Now()
		var last time.Time
		for range 3 {
			dir.next("Batch", fault{before: func(context.Context) { last = time.Now() }})
		}
		for _, err := range ensureLow(t.Context(), p, hires(60)) {
			require.NoError(t, err)
		}
		require.GreaterOrEqual(t, last.Sub(began), 3900*time.Millisecond, "20 writes at once and 40 at 10 a second")
	})
}

func TestWhoLeavesABatchBeforeItIsSentIsNotCreated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newBatchTenant(), provision.NewMemoryStore()
		p := newProvisioner(t, quick(config(dir, store)))
		leaving, leave := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer leave()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.EnsureLow(leaving, contractor())
			require.Error(t, err)
		})
		all.Go(func() {
			for _, err := range ensureLow(t.Context(), p, hires(3)) {
				require.NoError(t, err)
			}
		})
		all.Wait()
		require.Equal(t, []string{"Batch 3"}, callsOf(dir.calls, "Batch"))
	})
}

// Who is cancelled while the batch is under way is recorded all the same: nobody has to look for the account later.
func TestWhoIsCancelledWhileABatchIsUnderWayIsRecorded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newBatchTenant(), provision.NewMemoryStore()
		p := newProvisioner(t, quick(config(dir, store)))
		dir.next("Batch", fault{before: func(context.Context) { time.Sleep(5 * time.Second) }})
		leaving, leave := context.WithCancel(t.Context())
		time.AfterFunc(2*time.Second, leave)
		_, err := p.EnsureLow(leaving, contractor())
		require.Error(t, err)
		rec, err := store.Load(t.Context(), contractor().Key())
		require.NoError(t, err)
		require.NotEmpty(t, rec.ObjectID)
		require.False(t, rec.CreatedAt.IsZero())
	})
}

func TestMailNicknamesObeyTheirRuleForEveryUPN(t *testing.T) {
	t.Parallel()
	for upn, want := range map[string]string{
		"contractor@contoso.com":   "contractor",
		".contractor@contoso.com":  "contractor",
		"con..tractor@contoso.com": "con.tractor",
		"A'.-_!#^~9@contoso.com":   "A'.-_!#^~9",
	} {
		t.Run(upn, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, person := newTenant(), contractor()
				person.UPN = upn
				account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), person)
				require.NoError(t, err)
				require.Equal(t, upn, account.UPN)
				require.Equal(t, want, oneAccount(t, dir, account).created.MailNickname)
			})
		})
	}
}

func FuzzMailNickname(f *testing.F) {
	for _, local := range []string{"contractor", ".a", "..a..b", "#", "A'.-_!#^~9", strings.Repeat("x", 64)} {
		f.Add(local)
	}
	f.Fuzz(func(t *testing.T, local string) {
		upn := local + "@contoso.com"
		if provision.ValidateUPN(upn) != nil {
			return
		}
		nickname := provision.MailNickname(upn)
		require.NotEmpty(t, nickname)
		require.LessOrEqual(t, len(nickname), 64)
		require.False(t, strings.ContainsAny(nickname, `@()\[]";:<>, `), strconv.Quote(nickname))
		require.False(t, strings.ContainsFunc(nickname, func(r rune) bool { return r <= ' ' || r > '~' }))
		require.False(t, strings.HasPrefix(nickname, "."))
		require.False(t, strings.HasSuffix(nickname, "."))
		require.NotContains(t, nickname, "..")
	})
}
