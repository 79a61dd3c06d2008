package msgraph_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/internal/certtest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
)

// The files pipeline_*_test.go walk people through package provision, this package, and a simulated tenant that lags as
// tenants do, whose domain is federated. Time is virtual.

// The applications in a world: the pipeline's own, which holds no role, and an administrator's.
const (
	pipelineApp = "11111111-2222-4333-8444-555555555555"
	adminApp    = "66666666-7777-4888-8999-000000000000"
)

// latency is how long every call is on the wire.
const latency = 50 * time.Millisecond

// world is a tenant, and a pipeline in front of it.
type world struct {
	*testing.T
	entra *entratest.Tenant
	dir   *msgraph.Tenant // as the pipeline's application has it
	admin *msgraph.Tenant // as an administrator's has it
	store *provision.MemoryStore
	*provision.Provisioner
}

// inWorld runs a test in virtual time, once for each of a few seeds. cfg and config need say only what matters to it.
func inWorld(t *testing.T, cfg entratest.Config, config provision.Config, test func(w *world)) {
	t.Helper()
	inWorlds(t, 3, cfg, config, test)
}

// inWorlds is inWorld for so many seeds.
func inWorlds(t *testing.T, last uint64, cfg entratest.Config, config provision.Config, test func(w *world)) {
	t.Helper()
	certificate := someCertificate(t)
	first := uint64(1)
	if *replay != 0 {
		first, last = *replay, *replay
	}
	for seed := first; seed <= last; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := populated(cfg, certificate)
				cfg.Seed = seed
				w := &world{T: t, entra: entratest.Start(t, cfg), store: provision.NewMemoryStore()}
				w.dir, w.admin = w.tenant(pipelineApp), w.tenant(adminApp)
				w.Provisioner = w.pipeline(config)
				test(w)
			})
		})
	}
}

// Replay one seed: go test -run Pipeline -seed 42. The seed decides what lags for how long, and which replica answers.
var replay = flag.Uint64("seed", 0, "run the pipeline tests with this seed only")

// populated fills in a federated domain and the applications.
func populated(cfg entratest.Config, certificate *x509.Certificate) entratest.Config {
	if cfg.Domains == nil {
		cfg.Domains = []entratest.Domain{{Name: "contoso.com", Federation: &entratest.Federation{
			Issuer: "https://id.contoso.com/entra", SignInURL: "https://id.contoso.com/entra/sso",
			Certificates: []*x509.Certificate{certificate},
		}}}
	}
	own, administrator := entratest.DefaultApp(), entratest.DefaultApp()
	administrator.ClientID, administrator.AdminRole = adminApp, true
	cfg.Apps = []entratest.App{own, administrator}
	return cfg
}

// pipeline is one more Provisioner on the world's store: another process.
func (w *world) pipeline(config provision.Config) *provision.Provisioner {
	w.Helper()
	if config.Directory == nil {
		config.Directory = w.dir
	}
	if config.Store == nil {
		config.Store = w.store
	}
	config.Rules.Domain, config.Rules.UsageLocation = "contoso.com", "DE"
	config.Rand = mathrand.NewChaCha8([32]byte{byte(w.entra.Config().Seed)})
	p, err := provision.New(config)
	require.NoError(w, err)
	return p
}

// tenant is the tenant as an application has it.
func (w *world) tenant(clientID string) *msgraph.Tenant {
	w.Helper()
	tenant, err := msgraph.New(msgraph.Config{
		Cloud: w.entra.Cloud(), Credential: secret{w.entra, clientID}, Transport: wire{w.entra.Transport()},
	})
	require.NoError(w, err)
	return tenant
}

// wire takes its time.
type wire struct{ far http.RoundTripper }

func (l wire) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(latency):
		return l.far.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// secret is the credential of one of a tenant's applications.
type secret struct {
	tenant   *entratest.Tenant
	clientID string
}

func (s secret) GetToken(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	cfg := s.tenant.Config()
	resp, err := s.tenant.Client().PostForm(s.tenant.Cloud().Login+"/"+cfg.TenantID+"/oauth2/v2.0/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {s.clientID}, "client_secret": {cfg.Apps[0].Secret},
		"scope": {strings.Join(options.Scopes, " ")},
	})
	if err != nil {
		return azcore.AccessToken{}, err
	}
	defer resp.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&answer)
	if err == nil && answer.Token == "" {
		err = errors.New("no token")
	}
	return azcore.AccessToken{Token: answer.Token, ExpiresOn: time.Now().Add(time.Hour)}, err
}

// someCertificate is a certificate for a federation with which nobody signs in here.
func someCertificate(t *testing.T) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return certtest.SelfSigned(key, "federation", time.Time{}, time.Time{})
}

// contractor is one of many people.
func contractor(i int) provision.Person {
	id := fmt.Sprintf("contractor%d", i)
	return provision.Person{Connection: "google", ID: id, Email: id + "@example.net"}
}

// ensure signs somebody in who must get through.
func (w *world) ensure(person provision.Person) provision.Account {
	w.Helper()
	account, err := w.Ensure(w.Context(), person)
	require.NoError(w, err)
	return account
}

// together does something for each of n people at the same time.
func (w *world) together(n int, do func(i int)) {
	done := make(chan struct{})
	for i := range n {
		go func() { defer func() { done <- struct{}{} }(); do(i) }()
	}
	for range n {
		<-done
	}
}

// calm lets everything reach every replica.
func (w *world) calm() { time.Sleep(5 * time.Minute) }

// user is the account as every replica has it.
func (w *world) user(objectID string) provision.User {
	w.Helper()
	w.calm()
	user, err := w.admin.FindUser(w.Context(), provision.UserKey{ObjectID: objectID})
	require.NoError(w, err)
	return user
}

// person is the account with the ImmutableID, as the tenant itself has it.
func (w *world) person(immutableID string) entratest.User {
	w.Helper()
	for _, user := range w.entra.Users() {
		if user.ImmutableID == immutableID {
			return user
		}
	}
	require.Failf(w, "nobody has the ImmutableID", "%q", immutableID)
	return entratest.User{}
}

// record is what the store remembers.
func (w *world) record(person provision.Person) provision.Record {
	w.Helper()
	rec, err := w.store.Load(w.Context(), person.Key())
	require.NoError(w, err)
	return rec
}

// calls are those that the pipeline made, of a method (or of any), to paths that have the part.
func (w *world) calls(method, part string) (calls []entratest.GraphCall) {
	for _, call := range w.entra.GraphCalls() {
		if call.ClientID == pipelineApp && (method == "" || call.Method == method) && strings.Contains(call.Path, part) {
			calls = append(calls, call)
		}
	}
	return calls
}

// give are licences, each by the name of a SKU.
func give(skus ...string) (licenses []provision.License) {
	for _, sku := range skus {
		licenses = append(licenses, provision.License{SKU: sku})
	}
	return licenses
}
