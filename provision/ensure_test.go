package provision_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/provision"
)

func TestANewPersonIsCreatedLicensedAndSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		p := newProvisioner(t, licensed(config(dir, nil), "o365_business_premium"))
		began := time.Now()

		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, "contractor@contoso.com", account.UPN)
		require.Equal(t, provision.ImmutableIDFromSubject("google", "104"), account.ImmutableID)
		require.Equal(t, began.UTC(), account.CreatedAt)
		require.Equal(t, 15*time.Second, account.ReadyAt.Sub(account.CreatedAt), "the dwell, and nothing on top of it")
		require.False(t, account.Skipped)

		user := oneAccount(t, dir, account)
		require.Equal(t, []string{standardSKU}, user.SKUIDs)
		user.created.Password = ""
		require.Equal(t, provision.NewUser{
			UserPrincipalName: "contractor@contoso.com", ImmutableID: account.ImmutableID, DisplayName: "Con Tractor",
			MailNickname: "contractor", GivenName: "Con", Surname: "Tractor", UsageLocation: "DE",
		}, user.created)
		require.Equal(t, []string{
			"SKUs",
			"FindUser by ImmutableID",
			"CreateUser contractor@contoso.com",
			"FindUser by object ID",
			"ChangeLicenses",
			"FindUser by ImmutableID",
			"FindUser by ImmutableID",
			"FindUser by ImmutableID",
		}, dir.calls)
	})
}

func TestAPersonWhoWasReadyBeforeContinuesWithoutACallToTheDirectory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, store := newTenant(), provision.NewMemoryStore()
		first, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)

		dir.calls = nil
		began := time.Now()
		second, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
		require.NoError(t, err)
		require.Equal(t, first, second)
		require.Empty(t, dir.calls)
		require.Equal(t, began, time.Now(), "without waiting")
	})
}

func TestThePersonsFieldsBecomeTheAccounts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		person provision.Person
		want   provision.NewUser
	}{
		"display name as given": {
			provision.Person{DisplayName: " The Contractor ", GivenName: "Con"},
			provision.NewUser{DisplayName: "The Contractor", GivenName: "Con", UsageLocation: "DE"}},
		"else the names": {
			provision.Person{GivenName: "Con"},
			provision.NewUser{DisplayName: "Con", GivenName: "Con", UsageLocation: "DE"}},
		"else the address": {
			provision.Person{Email: "c@example.net"},
			provision.NewUser{DisplayName: "c@example.net", UsageLocation: "DE"}},
		"else the UPN": {
			provision.Person{UPN: "con@contoso.com"},
			provision.NewUser{DisplayName: "con@contoso.com", UsageLocation: "DE"}},
		"the person's own country": {
			provision.Person{DisplayName: "C", UsageLocation: "fr"},
			provision.NewUser{DisplayName: "C", UsageLocation: "FR"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir := newTenant()
				tc.person.Connection, tc.person.ID = "ldap", "7"
				account, err := newProvisioner(t, config(dir, nil)).Ensure(t.Context(), tc.person)
				require.NoError(t, err)
				got := oneAccount(t, dir, account).created
				require.Equal(t, account.ImmutableID, got.ImmutableID)
				require.Equal(t, account.UPN, got.UserPrincipalName)
				require.Equal(t, got.MailNickname+"@contoso.com", account.UPN)
				got.Password, got.ImmutableID, got.UserPrincipalName, got.MailNickname = "", "", "", ""
				require.Equal(t, tc.want, got)
			})
		})
	}
}

func TestPasswordsAreStrongAndNeverRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		dir.next("CreateUser", fault{err: status(503)}) // so that one person needs two
		p := newProvisioner(t, config(dir, nil))
		for _, person := range []provision.Person{contractor(), partner()} {
			_, err := p.Ensure(t.Context(), person)
			require.NoError(t, err)
		}
		seen := map[string]bool{}
		for _, password := range dir.passwords {
			require.GreaterOrEqual(t, len(password), 16)
			require.Equal(t, 4, passwordClasses(password))
			require.False(t, seen[password], "a password was used twice")
			seen[password] = true
		}
		require.Len(t, seen, 2)
	})
}

func TestPeopleOfASyncedConnectionAreSkipped(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	c := config(dir, nil)
	c.Rules.SkipConnections = []string{"ldap"}
	p := newProvisioner(t, c)
	person := provision.Person{Connection: "ldap", ID: "7", UPN: "staff@contoso.com",
		ImmutableID: "MyIRAFVEd2aImaq7zN3u/w=="}

	account, err := p.Ensure(t.Context(), person)
	require.NoError(t, err)
	require.Equal(t, provision.Account{UPN: person.UPN, ImmutableID: person.ImmutableID, Skipped: true}, account)
	require.Empty(t, dir.calls)

	for name, change := range map[string]func(*provision.Person){
		"without UPN":         func(p *provision.Person) { p.UPN = "" },
		"without ImmutableID": func(p *provision.Person) { p.ImmutableID = "" },
	} {
		t.Run(name, func(t *testing.T) {
			person := person
			change(&person)
			_, err := p.Ensure(t.Context(), person)
			require.ErrorIs(t, err, provision.ErrInvalidPerson)
			require.ErrorContains(t, err, "is required")
			require.Empty(t, dir.calls)
		})
	}
}

// tokenTenant is a directory that must be granted access first.
type tokenTenant struct {
	*tenant
	answers []error
	asked   int
}

func (t *tokenTenant) Authorize(context.Context) error {
	t.asked++
	if t.asked > len(t.answers) {
		return nil
	}
	return t.answers[t.asked-1]
}

func TestTheTokenComesBeforeAnythingIsReserved(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answers []error
		want    error
		asked   int
	}{
		"granted":              {nil, nil, 1},
		"refused by status":    {[]error{status(401)}, provision.ErrUnauthorized, 1},
		"refused in any words": {[]error{errors.New("AADSTS7000215: invalid client secret")}, provision.ErrUnauthorized, 1},
		"down at first":        {[]error{dropped(), status(502), throttled(time.Second)}, nil, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dir, store := &tokenTenant{tenant: newTenant(), answers: tc.answers}, provision.NewMemoryStore()
				_, err := newProvisioner(t, config(dir, store)).Ensure(t.Context(), contractor())
				require.Equal(t, tc.asked, dir.asked)
				if tc.want == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, tc.want)
				requireStep(t, err, provision.StepToken)
				require.Empty(t, dir.calls)
				_, err = store.Load(t.Context(), contractor().Key())
				require.ErrorIs(t, err, provision.ErrNoRecord)
			})
		})
	}
}

// ownStep is a step of the host's own.
type ownStep struct {
	name string
	run  func(ctx context.Context, person provision.Person, account provision.Account) error
}

func (s ownStep) Name() string { return s.name }
func (s ownStep) Run(ctx context.Context, person provision.Person, account provision.Account) error {
	return s.run(ctx, person, account)
}

func TestTheHostsOwnStepsRunBetweenLicenseAndSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := newTenant()
		lagging := []error{notFound(), badRequest("Not a valid reference update."), status(503)}
		c := licensed(config(dir, nil), standardSKU)
		c.Extra = []provision.Step{
			ownStep{"group", func(_ context.Context, person provision.Person, account provision.Account) error {
				require.Equal(t, contractor(), person)
				require.Equal(t, dir.mine()[0].ObjectID, account.ObjectID)
				if len(lagging) == 0 {
					return nil
				}
				err := lagging[0]
				lagging = lagging[1:]
				return err
			}},
			ownStep{"crm", func(context.Context, provision.Person, provision.Account) error { return nil }},
		}
		var ended []string
		_, err := newProvisioner(t, c).EnsureWithProgress(t.Context(), contractor(), func(e provision.Event) {
			if e.State == provision.Done || e.State == provision.Skipped {
				ended = append(ended, e.Step+" "+string(e.State))
			}
		})
		require.NoError(t, err)
		require.Equal(t, []string{"select done", "known skipped", "token skipped", "reserve done", "create done",
			"license done", "group done", "crm done", "settle done"}, ended)
		require.Empty(t, lagging, "what is worth trying again was tried again")
	})
}

func TestAFailingStepOfTheHostEndsTheRunAndIsRunAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir, broken, runs := newTenant(), errors.New("the CRM said no"), 0
		c := config(dir, nil)
		c.Extra = []provision.Step{ownStep{"crm", func(context.Context, provision.Person, provision.Account) error {
			if runs++; runs == 1 {
				return broken
			}
			return nil
		}}}
		p := newProvisioner(t, c)
		_, err := p.Ensure(t.Context(), contractor())
		require.ErrorIs(t, err, broken)
		requireStep(t, err, "crm")
		account, err := p.Ensure(t.Context(), contractor())
		require.NoError(t, err)
		oneAccount(t, dir, account)
		require.Equal(t, 1, dir.count("CreateUser"))
	})
}

func TestAPanicOfTheHostsCodeIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := config(newTenant(), nil)
		c.Rules.UPN = func(provision.Person, int) (string, error) { panic("no such template") }
		_, err := newProvisioner(t, c).Ensure(t.Context(), contractor())
		require.ErrorContains(t, err, "no such template")
		requireStep(t, err, provision.StepReserve)
	})
}

func requireStep(t testing.TB, err error, step string) {
	t.Helper()
	var failure *provision.Error
	require.ErrorAs(t, err, &failure)
	require.Equal(t, step, failure.Step)
}
