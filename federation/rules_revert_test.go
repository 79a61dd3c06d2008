package federation_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// revertCase is a tenant and a way back.
type revertCase struct {
	begin func(t *testing.T, w *world)
	undo  bool // back to the federation before; otherwise to a managed domain
}

// revertFinding is a rule with a tenant that shows it and one that does not.
type revertFinding struct {
	shows    revertCase
	silent   revertCase
	severity federation.Severity // of the finding, where it is not the rule's
	says     string
	details  []string
}

// toManaged begins with a domain that was federated by a plan.
func toManaged(changes ...func(*world)) revertCase {
	return revertCase{begin: func(t *testing.T, w *world) {
		w.federate(t, "there", creating("contoso.com", configured(newCertificate(t, "first"))))
		for _, change := range changes {
			change(w)
		}
	}}
}

// toOld begins with a domain that had another federation before, with a certificate that is valid for another day.
func toOld(changes ...func(*world)) revertCase {
	return revertCase{undo: true, begin: func(t *testing.T, w *world) {
		old := configured(newCertificate(t, "old", func(c *x509.Certificate) { c.NotAfter = today.AddDate(0, 0, 1) }))
		old.IssuerURI = "https://old.example.net"
		w.federated("contoso.com", old)
		w.federate(t, "there", changing("contoso.com", w.configurations["contoso.com"].ID,
			properties(configured(newCertificate(t, "ours")))))
		for _, change := range changes {
			change(w)
		}
	}}
}

func users(names ...string) func(*world) {
	return func(w *world) {
		for _, name := range names {
			w.users = append(w.users, federation.User{UserPrincipalName: name, Enabled: true})
		}
	}
}

func child(w *world) {
	w.with(federation.Domain{Name: "corp.contoso.com", IsVerified: true, AuthenticationType: federation.Federated})
}

func asItIs(*testing.T, *world) {}

func callerIs(upn string) func(*world) {
	return func(w *world) { w.caller = federation.Caller{User: federation.User{UserPrincipalName: upn}} }
}

func administrators(all ...federation.User) func(*world) {
	return func(w *world) { w.administrators = all }
}

func enabled(upn string) federation.User {
	return federation.User{UserPrincipalName: upn, Enabled: true}
}

// revertFindings has each rule at least once.
func revertFindings() map[string]revertFinding {
	return map[string]revertFinding{
		"revert-domain": {
			shows:  revertCase{begin: func(_ *testing.T, w *world) { delete(w.domains, "contoso.com") }},
			silent: revertCase{begin: asItIs},
			says:   "The tenant does not have the domain contoso.com.",
		},
		"revert-domain, which is not verified": {
			shows: toOld(func(w *world) {
				w.replace("contoso.com", nil)
				w.domains["contoso.com"].IsVerified = false
			}),
			silent: toOld(),
			says:   "contoso.com is not verified, so it cannot be federated again.",
		},
		"revert-child": {
			shows: revertCase{begin: func(t *testing.T, w *world) {
				w.with(federation.Domain{Name: "com", IsRoot: true}, federation.Domain{
					Name: "contoso.com", IsVerified: true, AuthenticationType: federation.Federated,
				})
			}},
			silent: revertCase{begin: asItIs},
			says:   "contoso.com signs in as com does, and has no federation of its own to go back from.",
		},
		"revert-promotion": {
			shows: revertCase{undo: true, begin: func(t *testing.T, w *world) {
				w.domains["contoso.com"].IsRoot = false
				w.federate(t, "there", promoting("contoso.com"))
			}},
			silent: revertCase{undo: true, begin: func(t *testing.T, w *world) { w.federate(t, "there", makingDefault("contoso.com")) }},
			says:   "contoso.com was promoted to a root domain, which Entra does not take back.",
		},
		"revert-certificate": {
			shows:   toOld(func(w *world) { w.clock.pass(48 * time.Hour) }),
			silent:  toOld(),
			says:    "The federation with https://old.example.net cannot be restored with its certificate: it expired on 2026-03-03.",
			details: []string{`the certificate "CN=old" until 2026-03-03`},
		},
		"revert-retired-certificate": {
			shows: revertCase{undo: true, begin: func(t *testing.T, w *world) {
				toOld().begin(t, w)
				record := w.record(t, "contoso.com")
				record.Retired = []string{record.Undo[0].Before.Configuration.SigningCertificate}
				w.keep(t, record)
			}},
			silent:  toOld(),
			says:    "The federation of contoso.com would have the certificate of then again, whose key a rotation has replaced",
			details: []string{`the certificate "CN=old" until 2026-03-03`},
		},
		"revert-issuer": {
			shows: toOld(func(w *world) {
				w.with(federation.Domain{Name: "contoso.net", IsRoot: true, IsVerified: true})
				w.federated("contoso.net", federation.Configuration{IssuerURI: "https://old.example.net"})
			}),
			silent: toOld(),
			says:   "The issuer https://old.example.net is that of contoso.net now, and Entra has each issuer once.",
		},
		"revert-default, which cannot be federated": {
			shows: toOld(func(w *world) {
				w.replace("contoso.com", nil)
				delete(w.domains, "contoso.onmicrosoft.com")
				w.domains["contoso.com"].IsDefault = true
			}),
			silent: toOld(func(w *world) { w.replace("contoso.com", nil) }),
			says:   "contoso.com is the tenant's default domain, which cannot be federated.",
		},
		"revert-default": {
			shows: revertCase{undo: true, begin: func(t *testing.T, w *world) {
				w.with(federation.Domain{Name: "contoso.net", IsRoot: true, IsVerified: true, IsDefault: true})
				w.domains["contoso.onmicrosoft.com"].IsDefault = false
				w.federate(t, "there", makingDefault("contoso.com"))
				w.federated("contoso.net", federation.Configuration{IssuerURI: "https://x"})
			}},
			silent: revertCase{undo: true, begin: func(t *testing.T, w *world) { w.federate(t, "there", makingDefault("contoso.com")) }},
			says: "The default domain stays contoso.com. It was contoso.net, but it is federated, and a default domain must be " +
				"managed.",
			severity: federation.SeverityNotice,
		},
		"revert-default, which is not verified any more": {
			shows: revertCase{undo: true, begin: func(t *testing.T, w *world) {
				w.federate(t, "there", makingDefault("contoso.com"))
				w.domains["contoso.onmicrosoft.com"].IsVerified = false
			}},
			silent:   revertCase{undo: true, begin: func(t *testing.T, w *world) { w.federate(t, "there", makingDefault("contoso.com")) }},
			says:     "The default domain stays contoso.com. It was contoso.onmicrosoft.com, but it is not verified.",
			severity: federation.SeverityNotice,
		},
		"revert-passwords": {
			shows: toManaged(users("one@contoso.com", "two@CONTOSO.com", "other@contoso.onmicrosoft.com"), func(w *world) {
				w.users = append(w.users, federation.User{UserPrincipalName: "blocked@contoso.com"})
			}),
			silent: toManaged(users("other@contoso.onmicrosoft.com")),
			says: "2 people of contoso.com must sign in at Entra with a password. Who has never had one there, or does not know it, cannot " +
				"sign in.",
			details: []string{"one@contoso.com", "two@CONTOSO.com"},
		},
		"revert-passwords, not when the domain stays federated": {
			shows:  toManaged(users("one@contoso.com")),
			silent: toOld(users("one@contoso.com")),
			says:   "1 person of contoso.com must sign in at Entra with a password.",
		},
		"revert-passwords, of people whom a sync brought": {
			shows: toManaged(func(w *world) {
				w.users = []federation.User{{UserPrincipalName: "one@contoso.com", Enabled: true, Synced: true}}
			}),
			silent: revertCase{begin: asItIs},
			says:   "1 account of them came from a directory sync, and have one if it brings password hashes.",
		},
		"revert-passwords, of children": {
			shows:  toManaged(child),
			silent: toManaged(func(w *world) { w.with(federation.Domain{Name: "corp.contoso.com", IsVerified: true, IsRoot: true}) }),
			says:   "So must those of corp.contoso.com, who are not counted here.",
		},
		"revert-passwords, of people who cannot be counted": {
			shows: toManaged(func(w *world) {
				w.refuse = always("users contoso.com", func(call string) error { return answer(call, 403, "Authorization_RequestDenied", "no") })
			}),
			silent: toManaged(),
			says:   "Everybody of contoso.com must sign in at Entra with a password, and who has none cannot sign in. How many they are is not known: ",
		},
		"revert-administrators": {
			shows: toManaged(child, administrators(enabled("a@contoso.com"), enabled("b@corp.contoso.com"),
				federation.User{UserPrincipalName: "blocked@contoso.onmicrosoft.com"})),
			silent:  toManaged(administrators(enabled("a@contoso.com"), enabled("b@contoso.onmicrosoft.com"))),
			says:    "No Global Administrator can sign in without contoso.com: all of them are in it or blocked.",
			details: []string{"a@contoso.com", "b@corp.contoso.com", "blocked@contoso.onmicrosoft.com"},
		},
		"revert-administrators, who cannot be listed": {
			shows: toOld(administrators(enabled("a@contoso.com"))),
			silent: toOld(administrators(enabled("a@contoso.com")), func(w *world) {
				w.refuse = always("administrators", func(call string) error { return answer(call, 403, "", "") })
			}),
			says: "No Global Administrator can sign in without contoso.com",
		},
		"revert-caller": {
			shows:  toManaged(callerIs("a@contoso.com")),
			silent: toManaged(callerIs("a@contoso.onmicrosoft.com")),
			says:   "You are a@contoso.com: your own next sign-in is one of those that change.",
		},
		"revert-caller, which is an application": {
			shows:  toOld(callerIs("a@contoso.com")),
			silent: toOld(),
			says:   "You are a@contoso.com",
		},
		"revert-foreign": {
			shows: revertCase{begin: func(t *testing.T, w *world) {
				w.federated("contoso.com", configured(newCertificate(t, "foreign")))
			}},
			silent:  toManaged(),
			says:    "The federation with https://id.contoso.com/entra/contoso.com is not one that was made with this store.",
			details: []string{"passiveSignInUri: https://id.contoso.com/entra/sso", `signingCertificate: the certificate "CN=foreign" until`},
		},
		"revert-rotation": {
			shows: toManaged(func(w *world) {
				_ = w.store.Save(context.Background(), "contoso.com", mustLoad(w, "contoso.com"), []byte(`{"rotation":{"old":"a","new":"b"}}`))
			}),
			silent: toManaged(),
			says:   "A change of the signing key of contoso.com is under way, and ends with this.",
		},
		"revert-outage": {
			shows:  toManaged(),
			silent: revertCase{begin: asItIs},
			says:   "For up to two hours, people of contoso.com may be led to the old sign-in or to the new one",
		},
		"revert-identity-provider": {
			shows:   toOld(),
			silent:  toManaged(),
			says:    "People of contoso.com will sign in at https://id.contoso.com/entra/sso again",
			details: []string{"issuerUri: https://old.example.net", `signingCertificate: the certificate "CN=old" until 2026-03-03`},
		},
		"revert-nothing": {
			shows:  revertCase{begin: asItIs},
			silent: toManaged(),
			says:   "contoso.com is managed already.",
		},
		"revert-nothing, because it is so": {
			shows: revertCase{undo: true, begin: func(t *testing.T, w *world) {
				w.federate(t, "there", creating("contoso.com", configured(newCertificate(t, "first"))))
				w.replace("contoso.com", nil)
			}},
			silent: toOld(),
			says:   "contoso.com is as it was before that plan.",
		},
	}
}

func mustLoad(w *world, name string) []byte {
	document, err := w.store.Load(context.Background(), name)
	if err != nil {
		panic(err)
	}
	return document
}

func (c revertCase) findings(t *testing.T, rule string) (found []federation.Finding) {
	t.Helper()
	w := newWorld(t, newTenant())
	c.begin(t, w)
	var undo string
	if c.undo {
		undo = "there"
	}
	plan, err := w.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "Contoso.com", Undo: undo})
	require.NoError(t, err)
	for _, f := range plan.Findings {
		if f.Rule == rule {
			found = append(found, f)
		}
	}
	return found
}

func TestEachRevertRuleHasATenantThatShowsItAndOneThatDoesNot(t *testing.T) {
	t.Parallel()
	shown := map[string]bool{}
	for name, test := range revertFindings() {
		rule, _, _ := strings.Cut(name, ",")
		shown[rule] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := test.shows.findings(t, rule)
			require.Len(t, found, 1)
			severity := test.severity
			if severity == "" {
				severity = severityOf(t, rule)
			}
			require.Equal(t, severity, found[0].Severity)
			require.Contains(t, found[0].Summary, test.says)
			require.True(t, found[0].Remedy != "" || severity == federation.SeverityNotice)
			for i, detail := range test.details {
				require.Contains(t, found[0].Details[i], detail)
			}
			require.Empty(t, test.silent.findings(t, rule))
		})
	}
	for _, r := range federation.Rules() {
		if isFor(r, federation.PurposeRevert) {
			require.True(t, shown[r.Name], "%s is not tested", r.Name)
			require.NotEmpty(t, r.Meaning)
		}
	}
}

func severityOf(t *testing.T, name string) federation.Severity {
	t.Helper()
	for _, r := range federation.Rules() {
		if r.Name == name {
			return r.Severity
		}
	}
	t.Fatal(fmt.Sprint("there is no rule ", name))
	return ""
}

// Nothing that a way back costs keeps it from being applied: it must be there when the identity provider is lost.
func TestNoCostOfAWayBackIsAnError(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newTenant())
	toManaged(users("one@contoso.com"), child, administrators(enabled("a@contoso.com")), callerIs("a@contoso.com")).begin(t, w)
	plan := w.reverting(t, "")
	require.Equal(t, []string{"revert-passwords", "revert-administrators", "revert-caller", "revert-outage"}, ruleNames(plan))
	_, err := w.fed.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
}
