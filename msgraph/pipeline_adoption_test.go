package msgraph_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

// The users of a company that was there before: 50, of whom some cannot be adopted.
const (
	plain     = 36 // have no ImmutableID
	twins     = 4  // two pairs whom the table takes for one
	synced    = 3
	admins    = 2
	adopted   = 2 // have theirs
	otherwise = 3 // have another one
)

// village is that company.
func village(cfg entratest.Config) (entratest.Config, provision.AdoptionRules) {
	rules := provision.AdoptionRules{Domain: "contoso.com", Table: map[string]string{}}
	add := func(kind string, n int, change func(i int, u *entratest.User)) {
		for i := range n {
			u := entratest.User{
				ObjectID: fmt.Sprintf("eeeeeeee-0000-4000-8000-%012d", len(cfg.Users)), Enabled: true, UsageLocation: "DE",
				UPN: fmt.Sprintf("%s%d@contoso.com", kind, i),
			}
			rules.Table[u.UPN] = fmt.Sprintf("%s-%d", kind, i)
			change(i, &u)
			cfg.Users = append(cfg.Users, u)
		}
	}
	add("plain", plain, func(int, *entratest.User) {})
	add("twin", twins, func(i int, u *entratest.User) { rules.Table[u.UPN] = fmt.Sprintf("twin-%d", i/2) })
	add("synced", synced, func(_ int, u *entratest.User) { u.DirectorySynced = true })
	add("admin", admins, func(_ int, u *entratest.User) { u.AdminRole = true })
	add("adopted", adopted, func(i int, u *entratest.User) { u.ImmutableID = fmt.Sprintf("adopted-%d", i) })
	add("otherwise", otherwise, func(i int, u *entratest.User) { u.ImmutableID = fmt.Sprintf("old-%d", i) })
	rules.Table["nobody@contoso.com"] = "nobody"
	return cfg, rules
}

// plan is an Adoption and its plan.
func (w *world) plan(rules provision.AdoptionRules) (*provision.Adoption, provision.AdoptionPlan) {
	w.Helper()
	adoption, err := w.Adoption(rules)
	require.NoError(w, err)
	plan, err := adoption.Plan(w.Context())
	require.NoError(w, err)
	return adoption, plan
}

// apply applies the plan.
func (w *world) apply(
	adoption *provision.Adoption, plan provision.AdoptionPlan,
) (undo []byte, done provision.AdoptionDone, results []provision.AdoptionResult) {
	w.Helper()
	var file bytes.Buffer
	done, err := adoption.Apply(w.Context(), plan, &file, func(r provision.AdoptionResult) { results = append(results, r) })
	require.NoError(w, err)
	return file.Bytes(), done, results
}

// failed are the users whose results are errors, without the numbers.
func failed(results []provision.AdoptionResult) (kinds []string) {
	for _, r := range results {
		if r.Err != nil {
			kinds = append(kinds, strings.TrimRight(strings.TrimSuffix(r.UPN, "@contoso.com"), "0123456789"))
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

func TestPipelineAdoptsACompany(t *testing.T) {
	t.Parallel()
	managed := []entratest.Domain{{Name: "contoso.com"}}
	for name, test := range map[string]struct {
		cfg       entratest.Config
		rules     func(*provision.AdoptionRules)
		changed   int
		failed    []string
		detour    bool
		undone    int
		notUndone []string
	}{
		"before it is federated": {
			cfg: entratest.Config{Domains: managed}, changed: plain, failed: []string{"admin"}, undone: plain,
		},
		"before it is federated, with those who have another one": {
			cfg: entratest.Config{Domains: managed}, rules: func(r *provision.AdoptionRules) { r.Replace = true },
			changed: plain + otherwise, failed: []string{"admin"}, undone: plain + otherwise,
		},
		"federated": { // where nobody can be without an ImmutableID
			rules:   func(r *provision.AdoptionRules) { r.Replace = true },
			changed: plain + otherwise, failed: []string{"admin"}, undone: otherwise, notUndone: []string{"plain"},
		},
		"federated, and frozen": {
			cfg:    entratest.Config{FreezeImmutableID: true},
			rules:  func(r *provision.AdoptionRules) { r.Replace = true },
			failed: []string{"admin", "otherwise", "plain"},
		},
		"federated, and frozen, with the detour": {
			cfg: entratest.Config{FreezeImmutableID: true},
			rules: func(r *provision.AdoptionRules) {
				r.Replace, r.DetourByUPN = true, "contoso.onmicrosoft.com"
			},
			changed: plain + otherwise, failed: []string{"admin"}, detour: true, undone: otherwise,
			notUndone: []string{"plain"},
		},
		"federated, with a detour that is not needed": {
			rules:   func(r *provision.AdoptionRules) { r.DetourByUPN = "contoso.onmicrosoft.com" },
			changed: plain, failed: []string{"admin"}, notUndone: []string{"plain"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, rules := village(test.cfg)
			if test.rules != nil {
				test.rules(&rules)
			}
			inWorld(t, cfg, provision.Config{}, func(w *world) {
				before := w.entra.Users()
				adoption, plan := w.plan(rules)
				require.Len(w, plan.Items, 50)
				require.Equal(w, []string{"nobody@contoso.com"}, plan.Unknown)
				require.Empty(w, w.calls("PATCH", ""), "planning changes nothing")

				undo, done, results := w.apply(adoption, plan)
				require.Equal(w, test.changed, done.Changed)
				require.Equal(w, adopted, done.Kept)
				require.Equal(w, test.failed, failed(results))
				for _, r := range results {
					require.Equal(w, test.detour && r.Err == nil, r.Detour, "%+v", r)
				}
				for i, user := range w.entra.Users() {
					require.Equal(w, before[i].UPN, user.UPN)
					if strings.HasPrefix(user.UPN, "plain") && test.changed > 0 {
						require.Equal(w, rules.Table[user.UPN], user.ImmutableID)
					}
				}
				w.calm()
				_, done, _ = w.apply(adoption, plan)
				require.Zero(w, done.Changed, "nothing but what failed is tried again")

				w.calm()
				var back []provision.AdoptionResult
				_, err := adoption.Undo(w.Context(), bytes.NewReader(undo), func(r provision.AdoptionResult) {
					back = append(back, r)
				})
				require.NoError(w, err)
				require.Equal(w, test.notUndone, failed(back))
				undone := 0
				for i, user := range w.entra.Users() {
					require.Equal(w, before[i].UPN, user.UPN)
					if user.ImmutableID == before[i].ImmutableID {
						undone++
					}
				}
				reverted, stuck := outcomes(back)
				require.GreaterOrEqual(w, undone, 50-stuck)
				require.Equal(w, test.undone, reverted)
			})
		})
	}
}

// outcomes counts those who were changed, and those for whom it failed.
func outcomes(results []provision.AdoptionResult) (changed, failed int) {
	for _, r := range results {
		switch {
		case r.Err != nil:
			failed++
		case r.Changed:
			changed++
		}
	}
	return changed, failed
}

// What is refused says why: the administrator's role, the deleted user who has it, the frozen ImmutableID.
func TestPipelineSaysWhyAUserIsNotAdopted(t *testing.T) {
	t.Parallel()
	cfg, rules := village(entratest.Config{Domains: []entratest.Domain{{Name: "contoso.com"}}})
	cfg.Users = append(cfg.Users, entratest.User{
		ObjectID: nobody, UPN: "left@contoso.com", ImmutableID: "plain-0", Enabled: true,
	})
	inWorld(t, cfg, provision.Config{}, func(w *world) {
		w.remove(nobody)
		adoption, plan := w.plan(rules)
		for _, item := range plan.Items {
			switch kind := strings.TrimRight(strings.TrimSuffix(item.UPN, "@contoso.com"), "0123456789"); kind {
			case "twin":
				require.Contains(w, item.Problem, "2 users would get the ImmutableID")
			case "synced":
				require.Contains(w, item.Problem, "a directory sync owns the user")
			case "otherwise":
				require.Contains(w, item.Problem, "the rules do not say Replace")
			case "adopted":
				require.Equal(w, provision.AdoptKeep, item.Action)
			default:
				require.Equal(w, provision.AdoptSet, item.Action)
			}
		}
		_, _, results := w.apply(adoption, plan)
		for _, r := range results {
			switch {
			case strings.HasPrefix(r.UPN, "admin"):
				require.ErrorIs(w, r.Err, provision.ErrForbidden)
			case r.UPN == "plain0@contoso.com":
				require.ErrorIs(w, r.Err, provision.ErrConflict)
			default:
				require.NoError(w, r.Err)
			}
		}
	})
}

// A run that breaks off at any write is finished by the next one, and can be undone.
func TestPipelineAdoptsThroughFaults(t *testing.T) {
	t.Parallel()
	cfg, rules := village(entratest.Config{FreezeImmutableID: true})
	rules.Replace, rules.DetourByUPN = true, "contoso.onmicrosoft.com"
	inWorld(t, cfg, provision.Config{}, func(w *world) {
		before := w.entra.Users()
		adoption, plan := w.plan(rules)
		for skip := range 40 {
			w.entra.Inject(entratest.Fault{
				Method: "PATCH", Path: "/v1.0/users/*", Skip: 3 * skip, Status: 504, AfterCommit: true,
			})
		}
		var file bytes.Buffer
		broken := errors.New("the disk is full")
		for writes := 5; ; writes += 5 {
			_, err := adoption.Apply(w.Context(), plan, &failing{&file, writes, broken}, nil)
			if err == nil {
				break
			}
			require.ErrorIs(w, err, broken)
		}
		for i, user := range w.entra.Users() {
			require.Equal(w, before[i].UPN, user.UPN)
			if strings.HasPrefix(user.UPN, "plain") || strings.HasPrefix(user.UPN, "otherwise") {
				require.Equal(w, rules.Table[user.UPN], user.ImmutableID)
			}
		}
		w.calm()
		_, err := adoption.Undo(w.Context(), bytes.NewReader(file.Bytes()), nil)
		require.NoError(w, err)
		for i, user := range w.entra.Users() {
			require.Equal(w, before[i].UPN, user.UPN)
			if strings.HasPrefix(user.UPN, "otherwise") {
				require.Equal(w, before[i].ImmutableID, user.ImmutableID)
			}
		}
	})
}

// failing is a file that takes a few records and then no more.
type failing struct {
	*bytes.Buffer
	left int
	err  error
}

func (f *failing) Write(b []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, f.err
	}
	return f.Buffer.Write(b)
}
