package federation_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// What an operator reads when a write did not go well: which one it was, what became of it, how the domain is now, and what
// to do.
func TestWhatAnOperatorReadsWhenAWriteGoesWrong(t *testing.T) {
	t.Parallel()
	const (
		create  = "create configuration contoso.com"
		refused = "create configuration contoso.com: 400 Bad Request, Request_BadRequest: no (request-id a-request-id)"
		failed  = "create configuration contoso.com: 503 Service Unavailable, ServiceUnavailable: try again later (request-id a-request-id)"
		lost    = "create configuration contoso.com: no answer: context deadline exceeded"
		brick   = "contoso.com is federated, but its configuration cannot be read. If that stays so for some minutes, Graph has " +
			"federated it in part: nobody of contoso.com can sign in, and no plan can be made. Then sign in to Graph as a Global " +
			"Administrator whose account is in another domain, with Directory.AccessAsUser.All, and send PATCH /domains/contoso.com with " +
			`{"authenticationType":"Managed"}; if that is refused, remove the domain from the tenant and add it again, or ask Microsoft's ` +
			"support with the request-id"
	)
	first := configured(newCertificate(t, "first"))
	foreign := configured(newCertificate(t, "foreign"))
	foreign.ID, foreign.SigningCertificate, foreign.IssuerURI = "foreign", first.SigningCertificate, "https://other.example.net"

	for name, test := range map[string]struct {
		spoil   func(*tenant)
		reads   func(*tenant) federation.Directory // nil: the tenant
		matches error
		says    string
		written int // how often the write was done
		done    int
	}{
		"refused": {
			spoil: func(dir *tenant) {
				dir.refuse = always(create, func(call string) error { return answer(call, 400, "Request_BadRequest", "no") })
			},
			says: "federation: write 1 of 1 (create configuration contoso.com) was refused, with 0 of 1 write done; contoso.com is managed: " +
				"its people sign in at Entra. Mend what the answer says, and apply the plan again or make a new one: " + refused,
		},
		"refused, because the issuer is taken": {
			spoil: func(dir *tenant) {
				dir.refuse = always(create, func(call string) error {
					return answer(call, 409, "Request_MultipleObjectsWithSameKeyValue", "taken")
				})
			},
			says: "federation: write 1 of 1 (create configuration contoso.com) was refused, with 0 of 1 write done; contoso.com is managed: " +
				"its people sign in at Entra. Something else in Entra has the same value, most likely the issuer: make a plan with another one: " +
				"create configuration contoso.com: 409 Conflict, Request_MultipleObjectsWithSameKeyValue: taken (request-id a-request-id)",
		},
		"refused for want of a permission": {
			spoil: func(dir *tenant) {
				dir.refuse = always(create, func(call string) error { return answer(call, 403, "Authorization_RequestDenied", "no") })
			},
			matches: federation.ErrForbidden,
			says: "federation: write 1 of 1 (create configuration contoso.com) was refused, with 0 of 1 write done; contoso.com is managed: " +
				"its people sign in at Entra. Grant the credential Domain-InternalFederation.ReadWrite.All and Domain.ReadWrite.All, and if " +
				"that is not enough, the role Domain Name Administrator or Hybrid Identity Administrator; then apply the plan again: " +
				"create configuration contoso.com: 403 Forbidden, Authorization_RequestDenied: no (request-id a-request-id)",
		},
		"refused with the credential": {
			spoil: func(dir *tenant) {
				dir.refuse = always(create, func(call string) error { return answer(call, 401, "InvalidAuthenticationToken", "no") })
			},
			matches: federation.ErrUnauthorized,
			says: "federation: write 1 of 1 (create configuration contoso.com) was refused, with 0 of 1 write done; contoso.com is managed: " +
				"its people sign in at Entra. Renew the credential, and apply the plan again: " +
				"create configuration contoso.com: 401 Unauthorized, InvalidAuthenticationToken: no (request-id a-request-id)",
		},
		"throttled for too long": {
			spoil: func(dir *tenant) {
				dir.refuse = always(create, func(call string) error { return answer(call, 429, "TooManyRequests", "no") })
			},
			matches: federation.ErrThrottled,
			says: "federation: write 1 of 1 (create configuration contoso.com) was refused, with 0 of 1 write done; contoso.com is managed: " +
				"its people sign in at Entra. Apply the plan again when the tenant is less busy: " +
				"create configuration contoso.com: 429 Too Many Requests, TooManyRequests: no (request-id a-request-id)",
		},
		"not done, twice": {
			spoil:   func(dir *tenant) { dir.refuse = always(create, unavailable) },
			matches: federation.ErrUnavailable,
			says: "federation: write 1 of 1 (create configuration contoso.com) was not done, in 2 attempts; contoso.com is managed: its people " +
				"sign in at Entra. Apply the plan again later: " + failed,
		},
		"the tenant cannot be read after a lost answer": {
			spoil: func(dir *tenant) {
				dir.lose = func(call string) error {
					dir.refuse = always("domains", unavailable)
					return noAnswer(call)
				}
			},
			matches: federation.ErrUnavailable, written: 1,
			says: "federation: it is not known whether write 1 of 1 (create configuration contoso.com) was done, because contoso.com cannot be " +
				"read since (domains: 503 Service Unavailable, ServiceUnavailable: try again later (request-id a-request-id)). Apply the plan " +
				"again when it can be: " + lost,
		},
		"the tenant cannot be read after an answer": {
			spoil: func(dir *tenant) {
				dir.lose = func(string) error {
					dir.refuse = always("domains", unavailable)
					return nil
				}
			},
			matches: federation.ErrUnavailable, written: 1,
			says: "federation: write 1 of 1 (create configuration contoso.com) was accepted, but contoso.com cannot be read since. Apply the " +
				"plan again to see it: domains: 503 Service Unavailable, ServiceUnavailable: try again later (request-id a-request-id)",
		},
		"the domain is left federated, and its configuration cannot be read": {
			spoil: func(dir *tenant) {
				dir.refuse = once(create, func(call string) error {
					dir.domains["contoso.com"].AuthenticationType = federation.Federated
					dir.bricked["contoso.com"] = true
					return answer(call, 500, "Service_InternalServerError", "internal server error")
				})
			},
			matches: federation.ErrUnavailable,
			says: "federation: write 1 of 1 (create configuration contoso.com) failed half-way. " + brick + ": create configuration contoso.com: " +
				"500 Internal Server Error, Service_InternalServerError: internal server error (request-id a-request-id)",
		},
		"the domain is left federated without a configuration": {
			spoil: func(dir *tenant) {
				dir.refuse = once(create, func(call string) error {
					dir.domains["contoso.com"].AuthenticationType = federation.Federated
					return unavailable(call)
				})
			},
			matches: federation.ErrUnavailable,
			says:    "federation: write 1 of 1 (create configuration contoso.com) failed half-way. " + brick + ": " + failed,
		},
		"accepted, and not shown": {
			reads:   func(dir *tenant) federation.Directory { return newReplica(dir, 1000) },
			matches: federation.ErrNotLive, written: 1,
			says: "federation: the change is not in force yet: write 1 of 1 (create configuration contoso.com) was accepted, but Graph does " +
				"not show it after 1m0s; as Graph shows it, contoso.com is managed: its people sign in at Entra. Apply the plan again in some " +
				"minutes: it goes on after what was done",
		},
		"accepted, and shown in part": {
			spoil:   func(dir *tenant) { dir.lag = 1000 },
			matches: federation.ErrNotLive, written: 1,
			says: "federation: the change is not in force yet: write 1 of 1 (create configuration contoso.com) was accepted, but Graph does " +
				"not show it after 1m0s; as Graph shows it, contoso.com is federated, but without a configuration that can be read. Apply the " +
				"plan again in some minutes: it goes on after what was done",
		},
		"failed, and shown in part": {
			spoil: func(dir *tenant) {
				dir.refuse = once(create, func(call string) error {
					c := first
					dir.replace("contoso.com", &c)
					dir.domains["contoso.com"].AuthenticationType = federation.Managed
					return unavailable(call)
				})
			},
			matches: federation.ErrNotLive,
			says: "federation: the change is not in force yet: write 1 of 1 (create configuration contoso.com) failed, and Graph shows it in " +
				"part after 1m0s: contoso.com is managed and not federated. Apply the plan again in some minutes: " + failed,
		},
		"somebody else changed it at the same time": {
			spoil: func(dir *tenant) {
				dir.lose = func(string) error {
					dir.configurations["contoso.com"] = &foreign
					return nil
				}
			},
			matches: federation.ErrChanged, written: 1,
			says: "federation: the tenant was changed since the plan was made: write 1 of 1 (create configuration contoso.com) was accepted, " +
				`but then issuerUri is "https://other.example.net" and not "https://id.contoso.com/entra/contoso.com"; contoso.com is federated ` +
				"with https://other.example.net (configuration foreign). Look who else changes the tenant, and make a new plan",
		},
		"somebody else was faster": {
			spoil: func(dir *tenant) {
				dir.refuse = once(create, func(call string) error {
					dir.federated("contoso.com", foreign)
					return answer(call, 400, "Request_BadRequest", "no")
				})
			},
			matches: federation.ErrChanged,
			says: "federation: the tenant was changed since the plan was made: write 1 of 1 (create configuration contoso.com) failed, and now " +
				"contoso.com is federated and not managed; there is a federation with https://other.example.net; contoso.com is federated " +
				"with https://other.example.net (configuration foreign). Make a new plan: " + refused,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := newTenant()
			w := newWorld(t, dir)
			plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", first))
			var reads federation.Directory = dir
			if test.spoil != nil {
				test.spoil(dir)
			}
			if test.reads != nil {
				reads = test.reads(dir)
			}
			outcome, err := w.federator(t, reads).Apply(t.Context(), plan, nil)
			require.EqualError(t, err, test.says)
			if test.matches != nil {
				require.ErrorIs(t, err, test.matches)
			}
			require.Len(t, dir.writes, test.written)
			require.Equal(t, test.done, outcome.Done)
			require.NotNil(t, outcome.State.Domain, "the outcome has what was read last")
			require.Equal(t, planID, outcome.Undo)
		})
	}
}

func TestABrickedDomainIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	w := newWorld(t, dir)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	dir.domains["contoso.com"].AuthenticationType, dir.bricked["contoso.com"] = federation.Federated, true
	outcome, err := w.fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, federation.ErrUnavailable)
	require.ErrorContains(t, err, "federation: contoso.com is federated, but its configuration cannot be read")
	require.Equal(t, federation.Federated, outcome.State.Domain.AuthenticationType)
	require.Empty(t, dir.writes)

	_, err = w.fed.PlanRevert(t.Context(), federation.RevertSettings{Domain: "contoso.com"})
	require.ErrorContains(t, err, `send PATCH /domains/contoso.com with {"authenticationType":"Managed"}`)
}

func TestATenantThatCannotBeReadIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"domains", "configuration contoso.com"} {
		dir := newTenant()
		w := newWorld(t, dir)
		plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
		dir.refuse = always(call, func(call string) error { return answer(call, 403, "Authorization_RequestDenied", "no") })
		_, err := w.fed.Apply(t.Context(), plan, nil)
		require.ErrorIs(t, err, federation.ErrForbidden)
		require.EqualError(t, err, "federation: contoso.com cannot be read, so nothing was written by this run: "+call+
			": 403 Forbidden, Authorization_RequestDenied: no (request-id a-request-id)")
		require.Empty(t, dir.writes)
	}
}

func TestARecordThatCannotBeKeptAfterAWrite(t *testing.T) {
	t.Parallel()
	dir := newTenant()
	store := federation.NewMemoryStore()
	full := errors.New("the disk is full")
	w := newWorld(t, dir)
	w.store = store
	saved := 0
	fed, err := federation.New(federation.Config{Directory: dir, Discovery: dir, Store: saving(func(ctx context.Context, save func() error) error {
		if saved++; saved > 1 {
			return full
		}
		return save()
	}, store)})
	require.NoError(t, err)
	plan := planned(t, dir, federation.PurposeFederate, "contoso.com", creating("contoso.com", configured(newCertificate(t, "first"))))
	outcome, err := fed.Apply(t.Context(), plan, nil)
	require.ErrorIs(t, err, full)
	require.EqualError(t, err, "federation: the record of contoso.com cannot be saved: the disk is full, with 1 of 1 write done. The way "+
		"back is stored. Mend the store, and apply the plan again")
	require.Equal(t, 1, outcome.Done)

	_, err = w.federator(t, dir).Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.Equal(t, "configuration-1", w.record(t, "contoso.com").Configuration)
	require.Len(t, dir.writes, 1)
}

// saver is a store whose Save is decided by a function.
type saver struct {
	federation.Store
	decide func(ctx context.Context, save func() error) error
}

func saving(decide func(context.Context, func() error) error, store federation.Store) saver {
	return saver{store, decide}
}

func (s saver) Save(ctx context.Context, name string, old, document []byte) error {
	return s.decide(ctx, func() error { return s.Store.Save(ctx, name, old, document) })
}
