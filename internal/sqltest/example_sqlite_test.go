package sqltest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "modernc.org/sqlite"

	"github.com/entrafed/entrafed/provision"
	"github.com/entrafed/entrafed/provision/sqlstore"
)

// A host on one machine keeps its people in a file. After a restart, somebody who was ready before is known at once.
func Example() {
	dir, err := os.MkdirTemp("", "entrafed-example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	directory := newTenant().local() // stands in for the client of package msgraph

	for range 2 {
		if err := signInOnce(filepath.Join(dir, "entrafed.db"), directory); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// reserve, create, settle: contractor@contoso.com
	// nothing to do: contractor@contoso.com
}

// signInOnce is one life of the host's process.
func signInOnce(file string, directory provision.Directory) error {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=journal_mode(WAL)&_pragma=busy_timeout(1000)")
	if err != nil {
		return err
	}
	defer db.Close()

	ctx := context.Background()
	store, err := sqlstore.New(ctx, sqlstore.Config{DB: db, Dialect: sqlstore.SQLite})
	if err != nil {
		return err
	}
	people, err := provision.New(provision.Config{
		Directory: directory,
		Store:     store,
		Rules:     provision.Rules{Domain: "contoso.com", UsageLocation: "DE"},
		Settle:    provision.Settle{Dwell: -1, Interval: time.Millisecond}, // leave this out in production
	})
	if err != nil {
		return err
	}

	did := ""
	contractor := provision.Person{Connection: "google", ID: "104", Email: "contractor@example.net"}
	account, err := people.EnsureWithProgress(ctx, contractor, func(e provision.Event) {
		switch e.Step {
		case provision.StepReserve, provision.StepCreate, provision.StepSettle:
			if e.State == provision.Done {
				did += ", " + e.Step
			}
		}
	})
	if did == "" {
		did = ", nothing to do"
	}
	fmt.Printf("%s: %s\n", did[2:], account.UPN)
	return err
}
