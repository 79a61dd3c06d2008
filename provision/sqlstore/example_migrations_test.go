package sqlstore_test

import (
	"fmt"

	"github.com/entrafed/entrafed/provision/sqlstore"
)

// An operator who does not let programs change schemas applies the steps with psql, and sets Config.NoMigrate.
func ExampleConfig_Migrations() {
	migrations, err := sqlstore.Config{Dialect: sqlstore.PostgreSQL, Schema: "signin"}.Migrations()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(migrations[0])
	// Output:
	// -- entrafed, version 1 of the schema: people and leases.
	// BEGIN;
	//
	// CREATE TABLE "signin".entrafed_migrations (
	//     version    INTEGER PRIMARY KEY,
	//     applied_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
	// );
	//
	// CREATE TABLE "signin".entrafed_people (
	//     connection    TEXT COLLATE "C" NOT NULL,
	//     id            TEXT COLLATE "C" NOT NULL,
	//     version       BIGINT NOT NULL,
	//     immutable_id  TEXT COLLATE "C" NOT NULL UNIQUE,
	//     upn           TEXT COLLATE "C" NOT NULL,
	//     upn_folded    TEXT COLLATE "C" NOT NULL UNIQUE,
	//     upn_attempt   BIGINT NOT NULL,
	//     object_id     TEXT COLLATE "C" NOT NULL,
	//     directory_upn TEXT COLLATE "C" NOT NULL,
	//     adopted       BOOLEAN NOT NULL,
	//     reserved_at   TIMESTAMPTZ,
	//     created_at    TIMESTAMPTZ,
	//     licensed_at   TIMESTAMPTZ,
	//     ready_at      TIMESTAMPTZ,
	//     PRIMARY KEY (connection, id)
	// );
	//
	// CREATE TABLE "signin".entrafed_leases (
	//     token      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	//     connection TEXT COLLATE "C" NOT NULL,
	//     id         TEXT COLLATE "C" NOT NULL,
	//     expires_at TIMESTAMPTZ NOT NULL,
	//     UNIQUE (connection, id)
	// );
	//
	// INSERT INTO "signin".entrafed_migrations (version) VALUES (1);
	//
	// COMMIT;
}

// A database that a newer program has migrated is left alone.
func ExampleSchemaError() {
	fmt.Println(&sqlstore.SchemaError{Tables: "entrafed_", Have: 2, Want: 1})
	// Output:
	// sqlstore: the schema of the tables entrafed_* is version 2, and this program knows versions up to 1: run the newer program that made it, or restore a backup from before
}
