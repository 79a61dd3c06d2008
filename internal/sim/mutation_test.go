package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutation breaks the pipeline in one way that the simulation must notice.
type mutation struct {
	name  string
	edits []edit
	rules []string // at least one of them must be among those that are broken, and named
}

// edit replaces a text in a file of package provision.
type edit struct{ file, old, new string }

// mutations are the mistakes that the pipeline's design is there to avoid.
func mutations() []mutation {
	return []mutation{
		{
			name: "a retry does not use the reservation",
			edits: []edit{{"reserve.go", `	if r.rec.Version != 0 {
		return skipped, nil
	}
`, `	if r.rec.Version != 0 && !r.rec.CreatedAt.IsZero() {
		return skipped, nil
	}
	if r.rec.Version != 0 {
		b := make([]byte, 16)
		if err := r.p.random(b); err != nil {
			return done, err
		}
		return done, r.save(ctx, func(rec *Record) error {
			rec.ImmutableID, rec.UPN = fmt.Sprintf("%x", b), fmt.Sprintf("u%x@%s", b, r.p.rules.Domain)
			return nil
		})
	}
`}},
			rules: []string{ruleOneAccount, ruleIdentity},
		},
		{
			name: "no lease is taken",
			edits: []edit{{"pipeline.go", `result == complete || !ok {
		return result, err`, `result == complete || true || !ok {
		return result, err`}},
			rules: []string{ruleLease},
		},
		{
			name: "the account is created before its identity is reserved",
			edits: []edit{
				{"reserve.go", `stored, err := r.p.store.Reserve(ctx, rec)`, `stored, err := rec, error(nil)
		stored.Version = 1`},
				{"adopt.go", `	at := r.timestamp()
	return r.save(ctx, func(rec *Record) error {
		if rec.CreatedAt.IsZero() {`, `	at := r.timestamp()
	stored, err := r.p.store.Reserve(ctx, r.rec)
	if err != nil {
		return err
	}
	r.remember(stored)
	return r.save(ctx, func(rec *Record) error {
		if rec.CreatedAt.IsZero() {`},
			},
			rules: []string{ruleReserved},
		},
		{
			name: "a creation whose answer was lost is forgotten",
			edits: []edit{{"create.go", `err = r.lookAgain(ctx, attempt, err)`, `err = r.save(ctx, func(rec *Record) error {
				b := make([]byte, 16)
				if err := r.p.random(b); err != nil {
					return err
				}
				rec.ImmutableID, rec.UPN = fmt.Sprintf("%x", b), fmt.Sprintf("u%x@%s", b, r.p.rules.Domain)
				return nil
			})`}},
			rules: []string{ruleOneAccount},
		},
		{
			name: "nobody looks which seats the account has",
			edits: []edit{{"license.go", `	g.user = user
	return nil`, `	g.user, g.user.SKUIDs, g.user.Licenses = user, nil, nil
	return nil`}},
			rules: []string{ruleArrives},
		},
		{
			name: "an addition to a group whose answer was lost is taken for done",
			edits: []edit{{"batchmembers.go", `if attempt == writesPerLoss || a.c.pause(ctx, attempt, err) != nil {
			break
		}`, `if attempt > 0 {
			err = nil
			break
		}`}},
			rules: []string{ruleReady},
		},
		{
			name: "nobody waits for what a group gives",
			edits: []edit{{"licensegroup.go", `	case pending:
		return errPending
`, `	case pending:
		return nil
`}},
			rules: []string{ruleReady},
		},
		{
			name: "what other rules gave is left when licences are swapped",
			edits: []edit{{"licenseswap.go", `	g.swap = true
`, `	g.swap = len(g.skus) > 0
`}},
			rules: []string{ruleSwapped},
		},
		{
			name: "whom no rule for connections matches is provisioned",
			edits: []edit{{"decision.go", `	if len(r.Connections) > 0 {
		return decision{action: ActionRefuse, rules: r}`, `	if len(r.Connections) > 0 {
		return decision{action: ActionProvision, rules: r}`}},
			rules: []string{ruleRefused},
		},
		{
			name:  "a turn that comes later is used at once",
			edits: []edit{{"turn.go", `if turn.Taken && turn.Wait <= 0 {`, `if turn.Taken {`}},
			rules: []string{rulePace},
		},
		{
			name: "a reconciliation looks at strangers",
			edits: []edit{{"reconcile_round.go", `		case errors.Is(err, ErrNoRecord):
			continue
`, `		case errors.Is(err, ErrNoRecord):
			rec = Record{ObjectID: id, ReadyAt: rd.p.now()}
`}},
			rules: []string{ruleForeign},
		},
		{
			name: "a repair is reported that was not made",
			edits: []edit{{"reconcile_repair.go", `		return l.change(ctx, "enabling the account", user, UserChange{AccountEnabled: &enabled})
`, `		_ = UserChange{AccountEnabled: &enabled}
		return nil
`}},
			rules: []string{ruleReconciled},
		},
	}
}

// mutatedHistories is how many histories a mutation has to be noticed in.
const mutatedHistories = 1000

func TestWithoutAMutationTheSameSeedsBreakNoRule(t *testing.T) {
	t.Parallel()
	code, stdout, stderr := command(t, "-json", "-n", fmt.Sprint(mutatedHistories))
	require.Equal(t, exitOK, code, stderr)
	require.Equal(t, fmt.Sprintf("{\"histories\":%d,\"violations\":0,\"first_bad_seed\":null}\n", mutatedHistories), stdout)
}

// TestEveryMutationIsNoticed builds the simulation with a broken pipeline, once for each mutation, and expects it to name
// the rule.
func TestEveryMutationIsNoticed(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the simulation once for each mutation")
	}
	t.Parallel()
	for _, m := range mutations() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			sim := m.build(t)
			result, said, code := runSim(t, sim, "-json", "-n", fmt.Sprint(mutatedHistories))
			require.Equal(t, exitViolation, code, "the simulation does not notice the mutation")
			require.NotNil(t, result.FirstBadSeed)
			require.Positive(t, result.Violations)
			require.Condition(t, func() bool { return namesOne(said, m.rules) }, "none of %v is named in:\n%.2000s", m.rules, said)
			t.Logf("%d violations in %d histories", result.Violations, result.Histories)

			seed := fmt.Sprint(*result.FirstBadSeed)
			_, first, code := runSim(t, sim, "-seed", seed, "-n", "1", "-v")
			require.Equal(t, exitViolation, code, "the seed alone is as bad")
			require.Contains(t, first, "VIOLATION")
			_, second, _ := runSim(t, sim, "-seed", seed, "-n", "1", "-v")
			require.Equal(t, first, second, "a bad history is the same each time")
		})
	}
}

func namesOne(said string, rules []string) bool {
	for _, rule := range rules {
		if strings.Contains(said, " breaks "+rule+" at ") {
			return true
		}
	}
	return false
}

// build builds the simulation with the mutation in it, by an overlay: no file of the repository is touched, and of the
// build cache only what depends on package provision is new.
func (m mutation) build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	replace := make(map[string]string)
	for _, e := range m.edits {
		original, err := filepath.Abs(filepath.Join("..", "..", "provision", e.file))
		require.NoError(t, err)
		mutated := filepath.Join(dir, e.file)
		from := original
		if replace[original] != "" { // another edit of the same file came before
			from = mutated
		}
		source, err := os.ReadFile(from)
		require.NoError(t, err)
		require.Equal(t, 1, strings.Count(string(source), e.old),
			"the source of %s changed: adapt the mutation, whose text it must have once:\n%s", e.file, e.old)
		require.NoError(t, os.WriteFile(mutated, []byte(strings.Replace(string(source), e.old, e.new, 1)), 0o600))
		replace[original] = mutated
	}
	overlay := filepath.Join(dir, "overlay.json")
	content, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, content, 0o600))
	sim := filepath.Join(dir, "sim")
	said, err := exec.Command("go", "build", "-overlay", overlay, "-ldflags=-s -w", "-o", sim, ".").CombinedOutput()
	require.NoError(t, err, string(said))
	return sim
}

// simResult is the JSON object.
type simResult struct {
	Histories    int     `json:"histories"`
	Violations   int     `json:"violations"`
	FirstBadSeed *uint64 `json:"first_bad_seed"`
}

// runSim runs a built simulation, and returns what it said on both outputs where that is not the JSON object.
func runSim(t *testing.T, sim string, args ...string) (result simResult, said string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.Command(sim, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		require.NoError(t, err)
	}
	if args[0] != "-json" {
		return result, stdout.String() + stderr.String(), code
	}
	require.NoError(t, json.Unmarshal(stdout.Bytes(), &result), stdout.String())
	return result, stderr.String(), code
}
