package provision_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestAPersonBecomesAMemberOfTheGroupsOfTheRules(t *testing.T) {
	t.Parallel()
	for name, groups := range map[string][]string{
		"by object ID":              {staffGroup},
		"by uniqueName":             {"staff"},
		"by either":                 {"partners", staffGroup},
		"by both of the same":       {"staff", staffGroup},
		"by an upper-case objectID": {"11111111-0000-4000-8000-000000000001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store, began := newGroupTenant(), provision.NewMemoryStore(), time.Now()
				p := newProvisioner(t, inGroups(config(dir, store), groups...))
				account, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				require.Equal(t, []string{account.ObjectID}, dir.in(staffGroup))
				require.Equal(t, slices.Contains(groups, "partners"), len(dir.in(partnerGroup)) == 1)
				require.Zero(t, dir.failed)
				rec, err := store.Load(t.Context(), contractor().Key())
				require.NoError(t, err)
				require.Equal(t, began.UTC(), rec.JoinedAt, "nothing is waited for")
			})
		})
	}
}

func TestNobodyJoinsTwiceAcrossRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newGroupTenant(), provision.NewMemoryStore()
		dir.next("SKUs", fault{err: status(403)})
		p := newProvisioner(t, licensed(inGroups(config(dir, store), "staff"), standardSKU))
		_, err := p.Ensure(t.Context(), contractor())
		requireStep(t, err, provision.StepLicense)
		_, err = p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Len(t, dir.writes, 1)
	})
}

func TestAGroupIsLookedUpOnceForAllRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		dir.next("FindGroup", fault{before: func(context.Context) { time.Sleep(time.Second) }})
		p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
		var all sync.WaitGroup
		for _, person := range hires(10) {
			all.Go(func() {
				_, err := p.Ensure(t.Context(), person)
				require.NoError(t, err)
			})
		}
		all.Wait()
		require.Equal(t, 1, dir.count("FindGroup"))
		time.Sleep(10 * time.Minute)
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, 2, dir.count("FindGroup"), "after ten minutes it is read again")
	})
}

func TestAGroupThatWasMadeAnewIsFoundAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		p := newProvisioner(t, inGroups(config(dir, nil), "staff"))
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.groups[0].ObjectID = "11111111-0000-4000-8000-000000000009"
		account, err := p.Ensure(t.Context(), partner())
		require.NoError(t, err)
		require.Equal(t, []string{account.ObjectID}, dir.in("11111111-0000-4000-8000-000000000009"))
	})
}

func TestAGroupThatCannotBeJoinedIsAnErrorThatNamesItAndTheRemedy(t *testing.T) {
	t.Parallel()
	external := "Unable to update the specified properties for objects that have originated within an external service."
	for name, tc := range map[string]struct {
		group  string
		change func(*groupTenant)
		want   []string
		reason provision.Reason
		writes int
	}{
		"no such uniqueName": {"nobody", func(*groupTenant) {},
			[]string{`"nobody"`, "no group with this uniqueName", "correct the name"}, provision.ReasonRefused, 0},
		"no such object ID": {"11111111-0000-4000-8000-00000000000f", func(*groupTenant) {},
			[]string{"no group with this object ID"}, provision.ReasonRefused, 0},
		"dynamic, or for roles": {"staff", func(g *groupTenant) { g.refuses[staffGroup] = status(403) },
			[]string{"staff (" + staffGroup + ")", "membership rule", "GroupMember.ReadWrite.All"}, provision.ReasonForbidden, 1},
		"synced": {"staff", func(g *groupTenant) { g.refuses[staffGroup] = badRequest(external) },
			[]string{"staff", "directory sync", external}, provision.ReasonRefused, 1},
		"without an object ID": {"staff", func(g *groupTenant) { g.groups[0].ObjectID = "" },
			[]string{"names no object ID"}, provision.ReasonInternal, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				tc.change(dir)
				_, err := newProvisioner(t, inGroups(config(dir, nil), tc.group)).Ensure(t.Context(), contractor())
				requireStep(t, err, provision.StepGroups)
				var failure *provision.Error
				var group *provision.GroupError
				require.ErrorAs(t, err, &group)
				require.ErrorAs(t, err, &failure)
				require.Equal(t, tc.reason, failure.Reason())
				require.NotContains(t, failure.Public(), "staff")
				for _, want := range tc.want {
					require.ErrorContains(t, err, want)
				}
				require.Len(t, dir.writes, tc.writes)
				requireOneSentinel(t, err)
			})
		})
	}
}

func TestAMissingGroupIsLookedForThreeTimesForAllRunsTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		dir.groups = nil
		p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
		for _, err := range ensureLow(t.Context(), p, hires(30)) {
			require.ErrorContains(t, err, "create it")
		}
		require.LessOrEqual(t, dir.count("FindGroup"), 6, "the first look-up, and one for all others")
	})
}

func TestAGroupThatIsDeletedMeanwhileIsSaidToBe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
		_, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		dir.groups = nil
		for _, err := range ensureLow(t.Context(), p, hires(20)) {
			require.ErrorContains(t, err, `"staff"`)
			require.ErrorContains(t, err, "no group with this uniqueName")
		}
		require.Len(t, dir.writes, 2, "one write finds it out")
	})
}

func TestAPersonWhoWaitsIsNotWrittenBeforeARead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		dir.replicas = func() [3]time.Duration { return [3]time.Duration{4 * time.Second, 4 * time.Second, 4 * time.Second} }
		account, err := newProvisioner(t, inGroups(config(dir, nil), "staff")).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, []string{account.ObjectID}, dir.in(staffGroup))
		require.Zero(t, dir.failed, "a read costs no write")
		require.Equal(t, 15*time.Second, account.ReadyAt.Sub(account.CreatedAt), "within the dwell")
	})
}

func TestPeopleWhoWaitGoTogetherOnlyWhileAWriteIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		dir.took = 300 * time.Millisecond
		p := newProvisioner(t, inGroups(config(dir, nil), "staff"))
		var all sync.WaitGroup
		for _, person := range hires(9) {
			all.Go(func() {
				_, err := p.Ensure(t.Context(), person)
				require.NoError(t, err)
			})
		}
		all.Wait()
		require.ElementsMatch(t, objectIDs(t, dir.tenant), dir.in(staffGroup))
		require.Len(t, dir.writes, 2)
		require.Equal(t, 9, len(dir.writes[0])+len(dir.writes[1]))
		require.False(t, dir.crowded, "one write at a time for one group")
	})
}

func TestBulkWorkJoinsTwentyAtATimeAndNoAccountYoungerThanTwelveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, began := newGroupTenant(), time.Now()
		p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
		dir.next("AddMembers", fault{before: func(context.Context) {
			require.GreaterOrEqual(t, time.Since(began), 12*time.Second)
		}})
		for _, err := range ensureLow(t.Context(), p, hires(45)) {
			require.NoError(t, err)
		}
		require.Equal(t, []int{20, 20, 5}, dir.sizes())
		require.ElementsMatch(t, objectIDs(t, dir.tenant), dir.in(staffGroup))
		require.Less(t, time.Since(began), 16*time.Second, "all within the dwell")
	})
}

// A crowd of bulk work whose writes to the group meet the faults. Whatever happens, everybody is a member in the end.
func TestOneWriteForManyLeavesNobodyOut(t *testing.T) {
	t.Parallel()
	adopted := func(dir *groupTenant, i int) string {
		u := dir.has(provision.ImmutableIDFromSubject("hr", fmt.Sprint(i)), fmt.Sprintf("before%d@contoso.com", i))
		return u.ObjectID
	}
	for name, tc := range map[string]struct {
		prepare func(*groupTenant)
		writes  int // at most
	}{
		"nothing goes wrong": {func(*groupTenant) {}, 1},
		"one is a member already": {func(dir *groupTenant) {
			dir.members[staffGroup] = []string{adopted(dir, 7)}
		}, 4},
		"some may be members and none is": {func(dir *groupTenant) {
			adopted(dir, 3)
			adopted(dir, 7)
		}, 3},
		"the answer is lost": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: dropped(), commit: true})
		}, 22},
		"the answer is lost twice": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: status(504), commit: true}, fault{err: status(502)})
		}, 23},
		"the write is lost": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: status(504)})
		}, 2},
		"the write is lost, and somebody came in between": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: status(504), before: func(context.Context) {
				dir.mu.Lock()
				defer dir.mu.Unlock()
				dir.members[staffGroup] = append(dir.members[staffGroup], dir.writes[0][19])
			}})
		}, 14},
		"the write is lost, and the first one came in between": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: status(504), before: func(context.Context) {
				dir.mu.Lock()
				defer dir.mu.Unlock()
				dir.members[staffGroup] = append(dir.members[staffGroup], dir.writes[0][0])
			}})
		}, 22},
		"throttled": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: throttled(10 * time.Second)})
		}, 2},
		"another write was under way": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: concurrencyViolation()})
		}, 2},
		"a reference lags": {func(dir *groupTenant) {
			dir.next("AddMembers", fault{err: badRequest("Not a valid reference update.")})
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newGroupTenant(), provision.NewMemoryStore()
				tc.prepare(dir)
				p := newProvisioner(t, quick(inGroups(config(dir, store), "staff")))
				// Those who were there before are ready for the group at once; they start later, so that all go together.
				var all sync.WaitGroup
				for _, person := range hires(20) {
					all.Go(func() {
						if _, err := dir.FindUser(t.Context(), provision.UserKey{
							ImmutableID: provision.ImmutableIDFromSubject("hr", person.ID)}); err == nil {
							time.Sleep(12*time.Second + 500*time.Millisecond)
						}
						_, err := p.EnsureLow(t.Context(), person)
						require.NoError(t, err)
						rec, err := store.Load(t.Context(), person.Key())
						require.NoError(t, err)
						require.Contains(t, dir.in(staffGroup), rec.ObjectID)
						require.False(t, rec.JoinedAt.IsZero())
					})
				}
				all.Wait()
				require.LessOrEqual(t, len(dir.writes), tc.writes, "%v", dir.sizes())
				require.Len(t, dir.in(staffGroup), 20)
			})
		})
	}
}

func TestOneLateAccountDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	for name, nameless := range map[string]bool{"the answer names it": false, "the answer names nothing": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				dir.nameless = nameless
				dir.replicas = func() [3]time.Duration { return [3]time.Duration{} }
				p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
				dir.next("AddMembers", fault{before: func(context.Context) { // the replicas forget one of them
					dir.mu.Lock()
					defer dir.mu.Unlock()
					dir.lags[dir.users[4].ObjectID] = [3]time.Duration{40 * time.Second, 40 * time.Second, 40 * time.Second}
				}})
				began := time.Now()
				var all sync.WaitGroup
				for i, person := range hires(20) {
					all.Go(func() {
						_, err := p.EnsureLow(t.Context(), person)
						require.NoError(t, err)
						_ = i
					})
				}
				time.Sleep(14 * time.Second)
				require.Len(t, dir.in(staffGroup), 19)
				all.Wait()
				require.Equal(t, []int{20, 19, 1}, dir.sizes())
				require.Equal(t, 1, dir.failed)
				require.Greater(t, time.Since(began), 40*time.Second)
			})
		})
	}
}

func TestOneWhoIsRefusedDoesNotCostTheOthersTheirPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
		dir.next("AddMembers", fault{before: func(context.Context) {
			dir.mu.Lock()
			defer dir.mu.Unlock()
			dir.refuses[dir.writes[0][11]] = badRequest("The user is out of scope.")
		}})
		failures := 0
		for _, err := range ensureLow(t.Context(), p, hires(20)) {
			if err != nil {
				require.ErrorContains(t, err, "out of scope")
				failures++
			}
		}
		require.Equal(t, 1, failures)
		require.Len(t, dir.in(staffGroup), 19)
		require.LessOrEqual(t, len(dir.writes), 15, "%v", dir.sizes())
	})
}

func TestARefusedGroupCostsABatchThreeWrites(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		dir.refuses[staffGroup] = badRequest("Unable to update the specified properties.")
		p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
		for _, err := range ensureLow(t.Context(), p, hires(20)) {
			require.ErrorContains(t, err, "its members cannot be changed")
		}
		require.Equal(t, []int{20, 1, 1}, dir.sizes())
	})
}

func TestACallerWhoLeavesDoesNotCancelTheWriteForTheOthers(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]time.Duration{
		"while it gathers":         12*time.Second + 500*time.Millisecond,
		"while it is under way":    13*time.Second + 500*time.Millisecond,
		"before anything was done": 11 * time.Second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				dir.took = 2 * time.Second
				p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
				leaving, leave := context.WithTimeout(t.Context(), after)
				defer leave()
				var all sync.WaitGroup
				all.Go(func() {
					_, err := p.EnsureLow(leaving, contractor())
					require.Error(t, err)
				})
				synctest.Wait() // it is the first
				all.Go(func() {
					for _, err := range ensureLow(t.Context(), p, hires(5)) {
						require.NoError(t, err)
					}
				})
				all.Wait()
				require.Len(t, dir.writes, 1)
				require.GreaterOrEqual(t, len(dir.in(staffGroup)), 5)
			})
		})
	}
}

func TestTheLongestBudgetInABatchCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		dir.replicas = func() [3]time.Duration { // the first account is late, so that both are ripe at the same time
			if len(dir.users) > 1 {
				return [3]time.Duration{}
			}
			return [3]time.Duration{28 * time.Second, 28 * time.Second, 28 * time.Second}
		}
		dir.next("AddMembers", fault{before: func(ctx context.Context) {
			select {
			case <-time.After(5 * time.Second):
			case <-ctx.Done():
			}
		}})
		c := quick(inGroups(config(dir, nil), "staff"))
		c.Settle.Budget = 40 * time.Second
		p := newProvisioner(t, c)
		var all sync.WaitGroup
		all.Go(func() {
			_, err := p.EnsureLow(t.Context(), contractor())
			require.ErrorIs(t, err, provision.ErrNotReady)
		})
		time.Sleep(25 * time.Second)
		all.Go(func() {
			_, err := p.EnsureLow(t.Context(), partner())
			require.NoError(t, err)
		})
		all.Wait()
		require.Equal(t, []int{2}, dir.sizes())
	})
}

// Somebody who may be a member, because the answers to three writes were lost, proves nothing about the next lost write.
func TestWhoMayBeAMemberIsNoProof(t *testing.T) {
	t.Parallel()
	for after := time.Duration(0); after < 4*time.Second; after += 250 * time.Millisecond {
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newGroupTenant()
				dir.next("AddMembers", fault{err: status(504), commit: true}, fault{err: status(504)},
					fault{err: status(504)}, fault{err: status(504)})
				p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
				var all sync.WaitGroup
				all.Go(func() {
					_, err := p.EnsureLow(t.Context(), contractor())
					require.NoError(t, err)
				})
				time.Sleep(time.Second + after)
				all.Go(func() {
					for _, err := range ensureLow(t.Context(), p, hires(10)) {
						require.NoError(t, err)
					}
				})
				all.Wait()
				require.ElementsMatch(t, objectIDs(t, dir.tenant), dir.in(staffGroup))
			})
		})
	}
}

func TestAPanicInAWriteReachesEverybodyInIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newGroupTenant()
		p := newProvisioner(t, quick(inGroups(config(dir, nil), "staff")))
		dir.next("AddMembers", fault{before: func(context.Context) { panic("no memory") }})
		for _, err := range ensureLow(t.Context(), p, hires(5)) {
			require.ErrorContains(t, err, "panic: no memory")
			requireStep(t, err, provision.StepGroups)
		}
		for _, err := range ensureLow(t.Context(), p, hires(5)) {
			require.NoError(t, err)
		}
	})
}

// The share of writes that come to nothing bounds how fast bulk work can be: 20 writes a second, of which a person
// needs one, and the twentieth part of another.
func TestBulkWorkWastesFewWritesOnLag(t *testing.T) {
	t.Parallel()
	jitter := func(dir *groupTenant, seconds int) time.Duration {
		return time.Duration(dir.draw.IntN(seconds*1000)) * time.Millisecond
	}
	for name, replicas := range map[string]func(*groupTenant) [3]time.Duration{
		"up to 10 seconds, and nothing is named": func(dir *groupTenant) [3]time.Duration {
			dir.nameless = true
			return [3]time.Duration{jitter(dir, 10), jitter(dir, 10), jitter(dir, 10)}
		},
		"up to 2 seconds on every replica": func(dir *groupTenant) [3]time.Duration {
			return [3]time.Duration{jitter(dir, 2), jitter(dir, 2), jitter(dir, 2)}
		},
		"up to 2, 10 and 30 seconds": func(dir *groupTenant) [3]time.Duration {
			return [3]time.Duration{jitter(dir, 2), jitter(dir, 10), jitter(dir, 30)}
		},
		"up to 10 seconds, 1 in 20 longer": func(dir *groupTenant) (lags [3]time.Duration) {
			for i := range lags {
				if lags[i] = jitter(dir, 10); dir.draw.IntN(20) == 0 {
					lags[i] += jitter(dir, 30)
				}
			}
			return lags
		},
		"up to 30 seconds on every replica": func(dir *groupTenant) [3]time.Duration {
			return [3]time.Duration{jitter(dir, 30), jitter(dir, 30), jitter(dir, 30)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const people = 900
				dir := &batchTenant{groupTenant: newGroupTenant()}
				dir.took = 300 * time.Millisecond
				dir.replicas = func() [3]time.Duration { return replicas(dir.groupTenant) }
				c := inGroups(config(dir, nil), "staff")
				c.Pace = provision.Pace{WritesPerSecond: 20, WriteBurst: 20, Reserve: -1, Size: provision.TenantLarge}
				p := newProvisioner(t, c)
				var all sync.WaitGroup
				for i, person := range hires(people) {
					all.Go(func() {
						time.Sleep(time.Duration(i) * time.Second / 19)
						_, err := p.EnsureLow(t.Context(), person)
						require.NoError(t, err)
					})
				}
				all.Wait()
				require.Len(t, dir.in(staffGroup), people)
				wasted := float64(dir.failed) / people
				total := float64(people+len(dir.writes)) / people
				t.Logf("%.4f wasted writes, %.4f writes and %.1f reads for each person", wasted, total,
					float64(dir.count("FindUser"))/people)
				require.LessOrEqual(t, wasted, 0.02)
				require.GreaterOrEqual(t, 1.05/total, 0.95, "of the ceiling")
			})
		})
	}
}

func TestLeavingAGroup(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault fault
		looks int
		stays bool
		want  error
	}{
		"a member":                      {fault: fault{}},
		"no member":                     {fault: fault{err: notFound()}, looks: 3, stays: true},
		"no member, says one that lags": {fault: fault{err: notFound()}, looks: 2},
		"the directory is busy":         {fault: fault{err: status(503)}, looks: 1},
		"forbidden":                     {fault: fault{err: status(403)}, looks: 1, stays: true, want: provision.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := newGroupTenant(), provision.NewMemoryStore()
				p := newProvisioner(t, config(dir, store))
				_, err := p.Ensure(t.Context(), contractor())
				require.NoError(t, err)
				for range tc.looks {
					dir.next("RemoveMember", tc.fault)
				}
				joined, left := p.JoinAndLeave(t.Context(), contractor(), "staff")
				require.NoError(t, joined)
				require.ErrorIs(t, left, tc.want)
				var group *provision.GroupError
				require.Equal(t, tc.want != nil, errors.As(left, &group))
				require.Equal(t, tc.stays, len(dir.in(staffGroup)) == 1)
			})
		})
	}
}

func TestRulesWithGroupsNeedADirectoryThatHasThem(t *testing.T) {
	t.Parallel()
	_, err := provision.New(inGroups(config(newTenant(), nil), "staff"))
	require.ErrorContains(t, err, "Rules.Groups: the Directory does not implement Groups")
}

func TestNamesOfGroupsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		groups []string
		want   string
	}{
		"empty":             {[]string{"staff", " "}, "Rules.Groups[1] is empty"},
		"white space":       {[]string{"staff "}, "white space"},
		"twice":             {[]string{"staff", "Staff"}, "Rules.Groups[1], \"Staff\", is there twice"},
		"control character": {[]string{"st\x00aff"}, "control character"},
		"too long":          {[]string{domainOf(257)}, "256 are allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := provision.New(inGroups(config(newGroupTenant(), nil), tc.groups...))
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), "\n", "nothing else is wrong")
		})
	}
}
