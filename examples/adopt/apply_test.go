package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/examples/internal/command"
	"github.com/entrafed/entrafed/examples/internal/commandtest"
	"github.com/entrafed/entrafed/federation/entratest"
)

func TestTheSimulatedTenantNeedsADetour(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	p.planned(t, f, "-simulate", f.tenant)
	got := p.command(t, t.Context(), "apply", f.plan, "-simulate", f.tenant, "-undo", f.undo, "-yes")
	require.Equal(t, command.ExitFailed, got.Code)
	require.Contains(t, got.Stderr, "-detour")
	require.Contains(t, got.Stdout, "24  failed")

	got = p.command(t, t.Context(), "apply", f.plan, "-simulate", f.tenant, "-undo", f.undo, "-yes", "-resume", "-detour")
	require.Equal(t, command.ExitFailed, got.Code, "an administrator is beyond the application's reach")
	golden(t, "apply", got.Stdout+"---\n"+got.Stderr)

	got = p.command(t, t.Context(), "undo", f.undo, "-simulate", f.tenant, "-yes")
	require.Equal(t, command.ExitFailed, got.Code, "a federated domain lets nobody be without an ImmutableID")
	golden(t, "undo", got.Stdout+"---\n"+got.Stderr)
}

func TestUndoRestoresExactlyWhatWasBefore(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	p.planned(t, f, "-replace", "-simulate", f.tenant, "-simulate-managed")
	before := commandtest.Read(t, f.tenant)
	got := p.command(t, t.Context(), "apply", f.plan, "-simulate", f.tenant, "-undo", f.undo, "-yes", "-json")
	require.Equal(t, command.ExitFailed, got.Code, "an administrator is beyond the application's reach")
	var s summary
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &s))
	require.Equal(t, []int{24, 1, 6, 1}, []int{s.Changed, s.Kept, s.Left, s.Failed})
	require.Len(t, s.Results, 25)
	require.True(t, s.Finished)
	require.NotEqual(t, before, commandtest.Read(t, f.tenant))

	got = p.command(t, t.Context(), "undo", f.undo, "-simulate", f.tenant, "-yes")
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Equal(t, before, commandtest.Read(t, f.tenant))
}

func TestApplyingTwiceChangesNothingMore(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	tenant := p.tenant(t, false, employee("a", ""), employee("b", "b@contoso.com"))
	p = p.at(tenant)
	p.planned(t, f)
	got := p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes")
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Empty(t, got.Stderr)
	require.Equal(t, "changed  a@contoso.com\n1  changed\n1  were as wanted already\n", got.Stdout)
	p.Clock.Advance(time.Minute) // every replica shows it
	got = p.command(t, t.Context(), "apply", "-resume", "-undo", f.undo, "-yes", f.plan)
	require.Equal(t, command.ExitOK, got.Code)
	require.Equal(t, "kept     a@contoso.com\n2  were as wanted already\n", got.Stdout)
	require.Equal(t, map[string]string{"a@contoso.com": "a@contoso.com", "b@contoso.com": "b@contoso.com"}, ids(tenant))
	info, err := os.Stat(f.undo)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
}

func TestWhereNothingIsToBeChangedNothingIsAsked(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	p = p.at(p.tenant(t, false, employee("b", "b@contoso.com")))
	p.planned(t, f)
	got := p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Contains(t, got.Stderr, "nothing is to be changed")
	require.NoFileExists(t, f.undo)
}

func TestNothingChangesBeforeSomebodySaysYes(t *testing.T) {
	t.Parallel()
	const question = "1 users of contoso.com get ImmutableIDs; 0 of them have another one now. Planned 0s ago."
	commandtest.OnlyAYesGoesOn(t, question, func(t *testing.T, answer commandtest.Answer) {
		f, p := newFiles(t), newProgram()
		tenant := p.tenant(t, false, employee("a", ""))
		p = p.at(tenant)
		p.planned(t, f)
		answer.Give(&p.Program)
		got := p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo)
		require.Equal(t, answer.Code, got.Code, got.Stderr)
		require.Contains(t, got.Stderr, answer.Says)
		if answer.Yes() {
			require.Equal(t, map[string]string{"a@contoso.com": "a@contoso.com"}, ids(tenant))
			return
		}
		require.Equal(t, map[string]string{"a@contoso.com": ""}, ids(tenant))
		require.NoFileExists(t, f.undo)
	})
}

func TestTheQuestionCanBeInterrupted(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	p = p.at(p.tenant(t, false, employee("a", "")))
	p.planned(t, f)
	ctx, cancel := context.WithCancel(t.Context())
	p.InTerminal, p.Stdin = true, commandtest.Silent{Leave: cancel}
	got := p.command(t, ctx, "apply", f.plan, "-undo", f.undo)
	require.Equal(t, command.ExitStopped, got.Code)
	require.Contains(t, got.Stderr, "nothing was changed")
	require.NoFileExists(t, f.undo)
}

func TestAfterAnInterruptionAnywhereResumeFinishesAndUndoRestores(t *testing.T) {
	t.Parallel()
	for _, way := range []struct {
		name   string
		gently bool
		by     func(t *testing.T, p *program, next http.RoundTripper, at int) (ctx context.Context, came func() bool)
	}{
		{"Ctrl-C", true, interruptedAt},
		{"the network fails", false, cutOffAt},
	} {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			strays := 0
			for at := 1; ; at++ {
				f, p := newFiles(t), newProgram()
				tenant := p.tenant(t, true, employee("a", "4711"), employee("b", "4712"), employee("c", "4713"), emergency())
				before := ids(tenant)
				p = p.at(tenant)
				p.planned(t, f, "-replace")
				ctx, came := way.by(t, &p, tenant.Transport(), at)
				apply := []string{"apply", f.plan, "-undo", f.undo, "-yes", "-detour"}
				got := p.command(t, ctx, apply...)
				p.Transport = tenant.Transport()
				if !came() {
					require.Equal(t, command.ExitOK, got.Code, got.Stderr)
					require.Greater(t, at, 20, "there were many places to stop at")
					require.Equal(t, way.gently, strays == 0, "users are at a detour only if the network fails")
					return
				}
				if got.Code != command.ExitOK { // it may have been too late
					require.Equal(t, command.ExitStopped, got.Code, got.Stderr)
					if _, err := os.Stat(f.undo); err == nil {
						require.Contains(t, got.Stderr, "-resume")
						apply = append(apply, "-resume")
					}
					strays += p.countStrays(t, tenant)
					second := p.command(t, t.Context(), apply...)
					require.Equal(t, command.ExitOK, second.Code, second.Stderr)
				}
				require.Equal(t, map[string]string{"a@contoso.com": "a@contoso.com", "b@contoso.com": "b@contoso.com",
					"c@contoso.com": "c@contoso.com", "emergency@contoso.onmicrosoft.com": ""}, ids(tenant))
				undone := p.command(t, t.Context(), "undo", f.undo, "-yes")
				require.Equal(t, command.ExitOK, undone.Code, undone.Stderr)
				require.Equal(t, before, ids(tenant))
			}
		})
	}
}

// interruptedAt presses Ctrl-C at a request.
func interruptedAt(t *testing.T, p *program, next http.RoundTripper, at int) (ctx context.Context, came func() bool) {
	ctx, interrupt := context.WithCancel(t.Context())
	t.Cleanup(interrupt)
	p.Transport = &commandtest.Counting{Next: next, Host: "graph.microsoft.com", Before: func(n int) error {
		if n == at {
			interrupt()
		}
		return nil
	}}
	return ctx, func() bool { return ctx.Err() != nil }
}

// cutOffAt loses Graph at a request.
func cutOffAt(t *testing.T, p *program, next http.RoundTripper, at int) (ctx context.Context, came func() bool) {
	lost := false
	p.Transport = &commandtest.Counting{Next: next, Host: "graph.microsoft.com", Before: func(n int) error {
		if lost = lost || n == at; lost {
			return errors.New("no route to host")
		}
		return nil
	}}
	return t.Context(), func() bool { return lost }
}

// countStrays counts the users at a detour, and checks that a plan names them.
func (p program) countStrays(t *testing.T, tenant *entratest.Tenant) (n int) {
	t.Helper()
	for upn := range ids(tenant) {
		if strings.HasPrefix(upn, "detour-") {
			n++
			p.Clock.Advance(15 * time.Minute) // until every replica shows it
			got := p.command(t, t.Context(), "plan", "-by", "mail", "-replace")
			require.Equal(t, command.ExitFailed, got.Code)
			require.Contains(t, got.Stdout, "1 are at a detour")
			require.Contains(t, got.Stdout, upn)
		}
	}
	return n
}

func TestUndoAfterAnInterruptionRestoresToo(t *testing.T) {
	t.Parallel()
	for at := 1; ; at += 2 {
		f, p := newFiles(t), newProgram()
		tenant := p.tenant(t, true, employee("a", "4711"), employee("b", "4712"), emergency())
		before := ids(tenant)
		p = p.at(tenant)
		p.planned(t, f, "-replace")
		require.Equal(t, command.ExitOK, p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes", "-detour").Code)
		ctx, came := cutOffAt(t, &p, tenant.Transport(), at)
		got := p.command(t, ctx, "undo", f.undo, "-yes")
		p.Transport = tenant.Transport()
		if !came() {
			require.Equal(t, command.ExitOK, got.Code, got.Stderr)
			require.Greater(t, at, 10)
			return
		}
		require.Equal(t, command.ExitStopped, got.Code)
		require.Contains(t, got.Stderr, "to go on: adopt undo")
		second := p.command(t, t.Context(), "undo", f.undo, "-yes")
		require.Equal(t, command.ExitOK, second.Code, second.Stderr)
		require.Equal(t, before, ids(tenant))
	}
}

func TestAFailureInTheMiddleIsThatUsersAlone(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	tenant := p.tenant(t, false, employee("a", ""), employee("b", ""), employee("c", ""))
	p = p.at(tenant)
	p.planned(t, f)
	tenant.Inject(entratest.Fault{Method: http.MethodPatch, Skip: 1, Status: http.StatusForbidden})
	got := p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes")
	require.Equal(t, command.ExitFailed, got.Code)
	require.Contains(t, got.Stdout, "failed   b@contoso.com: ")
	require.Contains(t, got.Stdout, "2  changed")
	require.Contains(t, got.Stderr, "-resume")
	got = p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes", "-resume")
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Contains(t, got.Stdout, "changed  b@contoso.com")
}

func TestWhereNobodyGetsPastItEndsEarly(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	tenant := p.tenant(t, false, employee("a", ""), employee("b", ""))
	p = p.at(tenant)
	p.planned(t, f)
	remove := tenant.Inject(entratest.Fault{Method: http.MethodPatch, Skip: 1, Times: -1, Status: http.StatusUnauthorized})
	got := p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes", "-json")
	require.Equal(t, command.ExitStopped, got.Code)
	var s summary
	require.NoError(t, json.Unmarshal([]byte(got.Stdout), &s))
	require.Equal(t, 1, s.Changed)
	require.False(t, s.Finished)
	require.Contains(t, s.Stopped, "b@contoso.com")
	remove()
	got = p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes", "-resume")
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
}

func TestTheInitialDomain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		users []entratest.User
		args  []string
		code  int
		want  string
	}{
		{"of a user", []entratest.User{emergency()}, nil, command.ExitOK, "the UPN is in contoso.onmicrosoft.com meanwhile"},
		{"of nobody", nil, nil, command.ExitUsage, "no user is in an onmicrosoft.com domain"},
		{"of nobody, but given", nil, []string{"-initial-domain", "contoso.onmicrosoft.com"}, command.ExitOK, "contoso.onmicrosoft.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, p := newFiles(t), newProgram()
			p = p.at(p.tenant(t, true, append(c.users, employee("a", ""))...))
			p.planned(t, f)
			p.InTerminal, p.Stdin = true, strings.NewReader("yes\n")
			got := p.command(t, t.Context(), append([]string{"apply", f.plan, "-undo", f.undo, "-detour"}, c.args...)...)
			require.Equal(t, c.code, got.Code, got.Stderr)
			require.Contains(t, got.Stderr, c.want)
		})
	}
}

func TestInitialDomainsOfAllClouds(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]bool{
		"contoso.onmicrosoft.com": true, "contoso.onmicrosoft.us": true, "contoso.partner.onmschina.cn": true,
		"contoso.mail.onmicrosoft.com": false, "onmicrosoft.com": false, "contoso.com": false, "": false,
	} {
		require.Equal(t, want, isInitial(domain), domain)
	}
}

func TestAnUndoFileOfNobody(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n\n", `{"ObjectID":"1","UPN":"a@cont`} {
		got := newProgram().command(t, t.Context(), "undo", commandtest.Keep(t, "undo.jsonl", text))
		require.Equal(t, command.ExitOK, got.Code)
		require.Contains(t, got.Stderr, "has nothing to undo")
	}
}

func TestUndoAsksToo(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	tenant := p.tenant(t, false, employee("a", ""))
	p = p.at(tenant)
	p.planned(t, f)
	require.Equal(t, command.ExitOK, p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes").Code)
	require.Equal(t, command.ExitUsage, p.command(t, t.Context(), "undo", f.undo).Code)
	p.InTerminal, p.Stdin = true, strings.NewReader("yes\n")
	got := p.command(t, t.Context(), "undo", f.undo)
	require.Equal(t, command.ExitOK, got.Code, got.Stderr)
	require.Contains(t, got.Stderr, "1 users of contoso.com become as they were; 1 of them had no ImmutableID")
	require.Equal(t, map[string]string{"a@contoso.com": ""}, ids(tenant))
}

func TestWhatSomebodyElseChangedIsLeftAlone(t *testing.T) {
	t.Parallel()
	f, p := newFiles(t), newProgram()
	tenant := p.tenant(t, false, employee("a", ""))
	p = p.at(tenant)
	p.planned(t, f)
	table := commandtest.Keep(t, "ids.csv", "a@contoso.com,other\n")
	other := newFiles(t)
	require.Equal(t, command.ExitOK, p.command(t, t.Context(), "plan", "-table", table, "-out", other.plan).Code)
	require.Equal(t, command.ExitOK, p.command(t, t.Context(), "apply", other.plan, "-undo", other.undo, "-yes").Code)
	p.Clock.Advance(time.Minute) // every replica shows it
	got := p.command(t, t.Context(), "apply", f.plan, "-undo", f.undo, "-yes")
	require.Equal(t, command.ExitFailed, got.Code)
	require.Contains(t, got.Stdout, "the user changed meanwhile")
	require.Equal(t, map[string]string{"a@contoso.com": "other"}, ids(tenant))
}
