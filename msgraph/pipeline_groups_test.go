package msgraph_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/provision"
)

const project = "bbbbbbbb-0000-4000-8000-000000000003"

// departments are two groups, and somebody who can be a manager.
func departments() entratest.Config {
	return entratest.Config{
		Groups: []entratest.Group{
			{ObjectID: project, DisplayName: "Project"},
			{ObjectID: staff, DisplayName: "Staff", UniqueName: "staff"},
		},
		Users: []entratest.User{{ObjectID: boss, UPN: "boss@contoso.com", ImmutableID: "b1", Enabled: true}},
	}
}

func joining(groups ...string) provision.Config {
	return provision.Config{Rules: provision.Rules{Groups: groups}}
}

// read reads a path of Graph as an administrator.
func (w *world) read(path string) map[string]any {
	w.Helper()
	token, err := secret{w.entra, adminApp}.GetToken(w.Context(), policy.TokenRequestOptions{
		Scopes: []string{w.entra.Cloud().Graph + "/.default"},
	})
	require.NoError(w, err)
	req, err := http.NewRequest(http.MethodGet, w.entra.Cloud().Graph+"/v1.0"+path, nil)
	require.NoError(w, err)
	req.Header.Set("Authorization", "Bearer "+token.Token)
	resp, err := w.entra.Client().Do(req)
	require.NoError(w, err)
	defer resp.Body.Close()
	var body map[string]any
	require.NoError(w, json.NewDecoder(resp.Body).Decode(&body))
	require.Equal(w, http.StatusOK, resp.StatusCode, "%v", body)
	return body
}

// upns are those of n contractors, sorted.
func upns(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("contractor%d@contoso.com", i))
	}
	slices.Sort(list)
	return list
}

func TestPipelineEverybodyJoinsTheGroups(t *testing.T) {
	t.Parallel()
	for name, join := range map[string]func(*world, int){
		"one by one": func(w *world, n int) {
			for i := range n {
				w.ensure(contractor(i))
			}
		},
		"all at once": func(w *world, n int) { w.together(n, func(i int) { w.ensure(contractor(i)) }) },
		"in a bulk": func(w *world, n int) {
			report, err := w.EnsureAll(w.Context(), contractors(n), provision.Bulk{})
			require.NoError(w, err)
			require.Equal(w, n, report.Outcomes[provision.BulkCreated])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, departments(), joining("staff", strings.ToUpper(project)), func(w *world) {
				const n = 30
				join(w, n)
				for _, group := range w.entra.Groups() {
					require.Equal(w, upns(n), group.Members, group.DisplayName)
				}
				writes := len(w.calls(http.MethodPatch, "/groups/"))
				if name == "in a bulk" {
					require.Less(w, writes, n, "one write adds several people")
				} else {
					require.Less(w, writes, 4*n, "a person does not wait for company, nor until every replica knows them")
				}
				require.LessOrEqual(w, len(w.calls(http.MethodGet, "/groups")), 2*(n/10), "a group is read once in a while")
			})
		})
	}
}

// contractors are the first n of them.
func contractors(n int) func(func(provision.Person, error) bool) {
	return func(yield func(provision.Person, error) bool) {
		for i := range n {
			if !yield(contractor(i), nil) {
				return
			}
		}
	}
}

// Somebody who is a member already, and a write whose answer is lost.
func TestPipelineJoiningIsIdempotent(t *testing.T) {
	t.Parallel()
	inWorld(t, departments(), joining("staff"), func(w *world) {
		w.entra.Inject(entratest.Fault{
			Method: http.MethodPatch, Path: "/v1.0/groups/*", Status: http.StatusGatewayTimeout, AfterCommit: true, Times: 2,
		})
		w.together(5, func(i int) { w.ensure(contractor(i)) })
		require.Equal(w, upns(5), w.entra.Groups()[1].Members)

		rec := w.record(contractor(0))
		rec.JoinedAt, rec.ReadyAt = time.Time{}, time.Time{} // as after a crash
		_, err := w.store.Save(w.Context(), rec)
		require.NoError(w, err)
		w.ensure(contractor(0))
		require.Equal(w, upns(5), w.entra.Groups()[1].Members)
	})
}

func TestPipelineAGroupThatIsNotThere(t *testing.T) {
	t.Parallel()
	inWorld(t, departments(), joining("nobody"), func(w *world) {
		_, err := w.Ensure(w.Context(), contractor(0))
		var missing *provision.GroupError
		require.ErrorAs(w, err, &missing)
		require.Equal(w, "nobody", missing.Group)
	})
}

// salespeople is a tenant in which a rule decides who is in a group, and with it who has a licence.
func salespeople() entratest.Config {
	cfg := departments()
	cfg.SKUs = subscriptions(5, 5, 5).SKUs
	cfg.Groups[0].MembershipRule, cfg.Groups[0].SKUIDs = `user.department -eq "Sales"`, []string{standard}
	return cfg
}

// Nobody has to ask for what a rule gives.
func TestPipelineADynamicGroupFindsItsMembers(t *testing.T) {
	t.Parallel()
	config := provision.Config{}
	config.Rules.Attributes = map[string]string{"department": "department"}
	inWorld(t, salespeople(), config, func(w *world) {
		seller, other := contractor(0), contractor(1)
		seller.Claims, other.Claims = map[string]string{"department": "sales"}, map[string]string{"department": "Research"}
		w.ensure(other)
		account := w.ensure(seller)
		w.calm()
		require.Equal(w, []string{account.UPN}, w.entra.Groups()[0].Members)
		w.active(account.ObjectID, standard)
	})
}

// A dynamic group among those that people are to join is a mistake in the configuration, and known as a missing right.
func TestPipelineADynamicGroupCannotBeJoined(t *testing.T) {
	t.Parallel()
	inWorld(t, salespeople(), joining(project), func(w *world) {
		_, err := w.Ensure(w.Context(), contractor(0))
		require.ErrorIs(w, err, provision.ErrForbidden)
		require.Empty(w, w.entra.Groups()[0].Members)
	})
}

func TestPipelineSetsTheManager(t *testing.T) {
	t.Parallel()
	for name, manager := range map[string]string{"by object ID": boss, "by UPN": "Boss@contoso.com"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inWorld(t, departments(), provision.Config{}, func(w *world) {
				person := contractor(0)
				person.Manager = manager
				account := w.ensure(person)
				w.calm()
				require.Equal(w, boss, w.read("/users/" + account.ObjectID + "/manager")["id"])
			})
		})
	}
	t.Run("who does not exist", func(t *testing.T) {
		t.Parallel()
		inWorld(t, departments(), provision.Config{}, func(w *world) {
			person := contractor(0)
			person.Manager = nobody
			w.ensure(person)
		})
	})
}

// Every property that a rule may name is one that Graph takes, and keeps.
func TestPipelineSetsEveryAttribute(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"ageGroup": "Adult", "consentProvidedForMinor": "NotRequired", "preferredLanguage": "de-DE",
		"otherMails": "contractor@example.net", "employeeId": "4711",
	}
	config, person := provision.Config{}, contractor(0)
	config.Rules.Attributes, person.Claims = map[string]string{}, map[string]string{}
	for _, name := range provision.AttributeNames() {
		config.Rules.Attributes[name] = "claim " + name
		person.Claims["claim "+name] = values[name]
		if values[name] == "" {
			person.Claims["claim "+name] = "the " + name
		}
	}
	inWorld(t, departments(), config, func(w *world) {
		account := w.ensure(person)
		w.calm()
		read := w.read("/users/" + account.ObjectID + "?$select=" + strings.Join(provision.AttributeNames(), ","))
		for _, name := range provision.AttributeNames() {
			want := any(person.Claims["claim "+name])
			if name == "businessPhones" || name == "otherMails" {
				want = []any{want}
			}
			require.Equal(w, want, read[name], name)
		}
	})
}
