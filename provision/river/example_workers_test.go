package river_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/entrafed/entrafed/provision"
	jobs "github.com/entrafed/entrafed/provision/river"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// A process that works on jobs. Any number of them may share one database.
func ExampleAddWorkers() {
	work := func(ctx context.Context, directory provision.Directory, db *sql.DB, pool *pgxpool.Pool) error {
		config := sqlstore.Config{DB: db, Dialect: sqlstore.PostgreSQL}
		store, err := sqlstore.New(ctx, config)
		if err != nil {
			return err
		}
		pacer, err := sqlstore.NewPacer(ctx, config, provision.Pace{}) // one budget for all processes
		if err != nil {
			return err
		}
		people, err := provision.New(provision.Config{
			Directory: directory, Store: store, Pacer: pacer, Priority: provision.PriorityLow,
			Rules: provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		})
		if err != nil {
			return err
		}
		workers := river.NewWorkers()
		settings := jobs.Config{People: people}
		if err := jobs.AddWorkers(workers, settings); err != nil {
			return err
		}
		riverConfig := &river.Config{Workers: workers, Queues: map[string]river.QueueConfig{jobs.Queue: {MaxWorkers: 200}}}
		settings.Configure(riverConfig)
		client, err := river.NewClient(riverpgxv5.New(pool), riverConfig)
		if err != nil {
			return err
		}
		return client.Start(ctx)
	}
	_ = work // it needs a database

	fmt.Println(jobs.EnsureArgs{}.Kind(), jobs.RetireArgs{}.Kind(), jobs.ReconcileArgs{}.Kind())
	// Output:
	// entrafed_ensure entrafed_retire entrafed_reconcile
}
