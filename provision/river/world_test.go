package river_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/stretchr/testify/require"

	"github.com/entrafed/entrafed"
	"github.com/entrafed/entrafed/federation/entratest"
	"github.com/entrafed/entrafed/msgraph"
	"github.com/entrafed/entrafed/provision"
	jobs "github.com/entrafed/entrafed/provision/river"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// company is a simulated tenant that answers on loopback, and a database of its own.
type company struct {
	Tenant   *entratest.Tenant
	Database string // its address
	pool     *pgxpool.Pool
	access   access
}

// access is all that a worker in another process needs of a company.
type access struct {
	Database string
	Graph    string
	Token    string
	Scale    float64 // of the tenant's limits
}

func newCompany(t testing.TB, config entratest.Config) *company {
	t.Helper()
	var tenant *entratest.Tenant
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { tenant.ServeHTTP(w, r) }))
	t.Cleanup(web.Close)
	config.BaseURL, config.SignInLag = web.URL, -1
	config.Throttle.Size = entratest.TenantLarge
	if config.Throttle.Scale == 0 {
		config.Throttle.Scale = 1
	}
	if config.Domains == nil {
		config.Domains = []entratest.Domain{{Name: "contoso.com"}}
	}
	tenant, err := entratest.New(config)
	require.NoError(t, err)
	token, err := tenant.Credential().GetToken(t.Context(), policy.TokenRequestOptions{
		Scopes: []string{tenant.Cloud().Graph + "/.default"},
	})
	require.NoError(t, err)

	c := &company{Tenant: tenant, Database: server.Database(t)}
	c.access = access{Database: c.Database, Graph: tenant.Cloud().Graph, Token: token.Token, Scale: config.Throttle.Scale}
	c.pool, err = pgxpool.New(t.Context(), c.Database)
	require.NoError(t, err)
	t.Cleanup(c.pool.Close)
	migrator, err := rivermigrate.New(riverpgxv5.New(c.pool), nil)
	require.NoError(t, err)
	_, err = migrator.Migrate(t.Context(), rivermigrate.DirectionUp, nil)
	require.NoError(t, err)
	return c
}

// staticToken stands where a credential of azidentity would.
type staticToken string

func (s staticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(s), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// worker is a process, or part of one, that works on jobs.
type worker struct {
	people *provision.Provisioner
	client *river.Client[pgx.Tx]
}

// open connects a worker to the tenant and the database.
func (a access) open(ctx context.Context, rules provision.Rules, timeout time.Duration,
	changes ...func(*provision.Config, *river.Config)) (*worker, func(), error) {
	pool, err := pgxpool.New(ctx, a.Database)
	if err != nil {
		return nil, nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	closeAll := func() { db.Close(); pool.Close() }
	w, err := a.worker(ctx, pool, sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL}, rules, timeout, changes)
	if err != nil {
		closeAll()
		return nil, nil, err
	}
	return w, closeAll, nil
}

func (a access) worker(ctx context.Context, pool *pgxpool.Pool, config sqlstore.Config, rules provision.Rules,
	timeout time.Duration, changes []func(*provision.Config, *river.Config)) (*worker, error) {
	store, err := sqlstore.New(ctx, config)
	if err != nil {
		return nil, err
	}
	cloud := entrafed.Global()
	cloud.Graph, cloud.InsecureLoopback = a.Graph, true
	directory, err := msgraph.New(msgraph.Config{Cloud: cloud, Credential: staticToken(a.Token)})
	if err != nil {
		return nil, err
	}
	pacer, err := sqlstore.NewPacer(ctx, config, a.pace())
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	pipeline := provision.Config{
		Directory: directory, Store: store, Pacer: pacer, Priority: provision.PriorityLow, Rules: rules,
		Settle: provision.Settle{Dwell: time.Second, Reads: 2, Interval: 100 * time.Millisecond, Budget: timeout - time.Second},
	}
	riverConfig := &river.Config{
		Workers: workers, Queues: map[string]river.QueueConfig{jobs.Queue: {MaxWorkers: 100}},
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), JobTimeout: timeout, FetchPollInterval: 200 * time.Millisecond,
	}
	for _, change := range changes {
		change(&pipeline, riverConfig)
	}
	people, err := provision.New(pipeline)
	if err != nil {
		return nil, err
	}
	settings := jobs.Config{People: people, Timeout: timeout}
	if err := jobs.AddWorkers(workers, settings); err != nil {
		return nil, err
	}
	settings.Configure(riverConfig)
	client, err := river.NewClient(riverpgxv5.New(pool), riverConfig)
	return &worker{people, client}, err
}

// pace is the default one for a large tenant, at the scale of this one.
func (a access) pace() provision.Pace {
	return provision.Pace{
		WritesPerSecond: 17 * a.Scale, WriteBurst: int(2550 * a.Scale),
		UnitsPerSecond: 680 * a.Scale, UnitBurst: int(6800 * a.Scale),
	}
}

func rules() provision.Rules {
	return provision.Rules{Domain: "contoso.com", UsageLocation: "DE"}
}
