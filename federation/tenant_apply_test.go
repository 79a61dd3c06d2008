package federation_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation"
)

// planID is that of the plans that are made by hand.
const planID = "000102030405060708090a0b0c0d0e0f"

// stateNow is what a plan for the domain depends on, read of the tenant as anybody reads it.
func stateNow(t *testing.T, dir federation.Directory, domain string) federation.State {
	t.Helper()
	domains, err := dir.Domains(t.Context())
	require.NoError(t, err)
	var s federation.State
	for _, d := range domains {
		if d.Name == domain {
			s.Domain = &d
		}
		if d.IsDefault {
			s.DefaultDomain = d.Name
		}
	}
	s.Configuration, err = dir.Configuration(t.Context(), domain)
	require.NoError(t, err)
	return s
}

// planned is a plan of these writes for the tenant as it is.
func planned(t *testing.T, dir federation.Directory, purpose federation.Purpose, domain string,
	writes ...federation.Write) *federation.Plan {
	t.Helper()
	return &federation.Plan{
		ID: planID, Purpose: purpose, Domain: domain, Made: today, Before: stateNow(t, dir, domain), Writes: writes,
	}
}

// asStored is the plan as another process reads it.
func asStored(t *testing.T, plan *federation.Plan) *federation.Plan {
	t.Helper()
	document, err := json.Marshal(plan)
	require.NoError(t, err)
	var read federation.Plan
	require.NoError(t, json.Unmarshal(document, &read))
	return &read
}

// creating is the write that federates a domain.
func creating(domain string, c federation.Configuration) federation.Write {
	body := properties(c)
	maps.DeleteFunc(body, func(_ string, value any) bool { return value == "" })
	return federation.Write{Operation: federation.CreateConfiguration, Domain: domain, Body: body, Reason: "It is to be federated."}
}

func changing(domain, id string, p federation.Properties) federation.Write {
	return federation.Write{
		Operation: federation.ChangeConfiguration, Domain: domain, ID: id, Body: p, Reason: "It is to be changed.",
	}
}

func deleting(domain, id string) federation.Write {
	return federation.Write{Operation: federation.DeleteConfiguration, Domain: domain, ID: id, Reason: "It is to be managed."}
}

func makingDefault(domain string) federation.Write {
	return federation.Write{
		Operation: federation.ChangeDomain, Domain: domain, Body: federation.Properties{"isDefault": true},
		Reason: "The default domain cannot be federated.",
	}
}

func promoting(domain string) federation.Write {
	return federation.Write{Operation: federation.PromoteDomain, Domain: domain, Reason: "It is to be a root."}
}

// properties are those of a configuration, by Graph's names, read from the JSON that says them.
func properties(c federation.Configuration) federation.Properties {
	c.ID = ""
	document, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	var p federation.Properties
	if err := json.Unmarshal(document, &p); err != nil {
		panic(err)
	}
	return p
}

// withoutID is the configuration without what Entra chose.
func withoutID(c *federation.Configuration) *federation.Configuration {
	if c == nil {
		return nil
	}
	bare := *c
	bare.ID = ""
	return &bare
}

// The answers that tests put in the tenant's place.
func unavailable(call string) error {
	return answer(call, http.StatusServiceUnavailable, "ServiceUnavailable", "try again later")
}

func noAnswer(call string) error {
	return &federation.DirectoryError{Operation: call, Err: context.DeadlineExceeded}
}

// once calls f for the first call that is written so, and for no other one.
func once(call string, f func(call string) error) func(string) error {
	done := false
	return func(is string) error {
		if done || is != call {
			return nil
		}
		done = true
		return f(is)
	}
}

// always calls f for every call that is written so.
func always(call string, f func(call string) error) func(string) error {
	return func(is string) error {
		if is != call {
			return nil
		}
		return f(is)
	}
}

// kinds are the events' kinds, in order.
func kinds(events []federation.Event) (all []federation.EventKind) {
	for _, e := range events {
		all = append(all, e.Kind)
	}
	return all
}

// record is what the store has of a domain.
func (w *world) record(t *testing.T, name string) (r federation.Record) {
	t.Helper()
	document, err := w.store.Load(t.Context(), name)
	require.NoError(t, err)
	if document != nil {
		require.NoError(t, json.Unmarshal(document, &r))
	}
	return r
}

// keep puts a record of contoso.com into the store as set-up.
func (w *world) keep(t *testing.T, record federation.Record) {
	t.Helper()
	present, err := w.store.Load(t.Context(), "contoso.com")
	require.NoError(t, err)
	document, err := json.Marshal(record)
	require.NoError(t, err)
	require.NoError(t, w.store.Save(t.Context(), "contoso.com", present, document))
}

// replica answers reads as the tenant was before the last write, for a number of reads.
type replica struct {
	*tenant
	lag            int
	left           int
	late           bool // the read under way is an old one
	domains        []federation.Domain
	configurations map[string]*federation.Configuration
}

func newReplica(dir *tenant, lag int) *replica {
	r := &replica{tenant: dir, lag: lag}
	next := dir.refuse
	dir.refuse = func(call string) error {
		if slices.Contains([]string{"create", "change", "delete", "promote"}, strings.Fields(call)[0]) {
			r.remember()
		}
		if next != nil {
			return next(call)
		}
		return nil
	}
	return r
}

// remember keeps how the tenant is. It is called while the tenant is locked.
func (r *replica) remember() {
	r.left = r.lag
	r.domains = nil
	for _, name := range slices.Sorted(maps.Keys(r.tenant.domains)) {
		r.domains = append(r.domains, *r.tenant.domains[name])
	}
	r.configurations = maps.Clone(r.tenant.configurations)
}

func (r *replica) Domains(ctx context.Context) ([]federation.Domain, error) {
	domains, err := r.tenant.Domains(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.late = err == nil && r.left > 0; r.late {
		r.left--
		return slices.Clone(r.domains), nil
	}
	return domains, err
}

func (r *replica) Configuration(ctx context.Context, domain string) (*federation.Configuration, error) {
	c, err := r.tenant.Configuration(ctx, domain)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && r.late {
		return r.configurations[domain], nil
	}
	return c, err
}

func beginsWith(s string, any ...string) bool {
	return slices.ContainsFunc(any, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}
