package sqlstore

import (
	"fmt"
	"slices"
	"strings"
)

// Migration is one step of the schema, from the version before it to its own.
type Migration struct {
	Version int    // 1 for the first
	Name    string // what it brings

	// Statements make the change and record it, in this order and in one transaction. They have no parameters and no
	// semicolon at their end.
	Statements []string
}

// String returns the migration as a script for the tools of the database, in a transaction.
func (m Migration) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- entrafed, version %d of the schema: %s.\nBEGIN;\n\n", m.Version, m.Name)
	for _, statement := range m.Statements {
		fmt.Fprintf(&b, "%s;\n\n", statement)
	}
	b.WriteString("COMMIT;\n")
	return b.String()
}

// Migrations lists all steps of the schema in their order, for operators who do not let programs change schemas. It
// needs the Dialect, and Schema and Prefix where they are set; nothing is asked of the database.
func (c Config) Migrations() ([]Migration, error) {
	if err := badConfig([]error{c.validateNames()}); err != nil {
		return nil, err
	}
	return c.withDefaults().migrations(), nil
}

// migrations lists all steps. Those that were released are never changed.
func (c Config) migrations() []Migration {
	return []Migration{
		c.migration(1, "people and leases", c.createMigrations(), c.createPeople(), c.createLeases()),
		c.migration(2, "leaving, the object ID's index, and cursors",
			slices.Concat(c.addColumns(), []string{c.createObjectIDIndex(), c.createCursors()})...),
		c.migration(3, "the budget of calls that processes share", c.createPace()),
	}
}

// migration completes a step with the statement that records it.
func (c Config) migration(version int, name string, statements ...string) Migration {
	record := fmt.Sprintf("INSERT INTO %s (version) VALUES (%d)", c.table("migrations"), version)
	return Migration{Version: version, Name: name, Statements: append(statements, record)}
}

func (c Config) createMigrations() string {
	return c.fill(`CREATE TABLE {migrations} (
    version    INTEGER PRIMARY KEY,
    applied_at {time} NOT NULL DEFAULT CURRENT_TIMESTAMP
)`)
}

func (c Config) createPeople() string {
	return c.fill(`CREATE TABLE {people} (
    connection    {text} NOT NULL,
    id            {text} NOT NULL,
    version       BIGINT NOT NULL,
    immutable_id  {text} NOT NULL UNIQUE,
    upn           {text} NOT NULL,
    upn_folded    {text} NOT NULL UNIQUE,
    upn_attempt   BIGINT NOT NULL,
    object_id     {text} NOT NULL,
    directory_upn {text} NOT NULL,
    adopted       BOOLEAN NOT NULL,
    reserved_at   {time},
    created_at    {time},
    licensed_at   {time},
    ready_at      {time},
    PRIMARY KEY (connection, id)
)`)
}

func (c Config) createLeases() string {
	return c.fill(`CREATE TABLE {leases} (
    token      {serial},
    connection {text} NOT NULL,
    id         {text} NOT NULL,
    expires_at {time} NOT NULL,
    UNIQUE (connection, id)
)`)
}

// addColumns adds one column in each statement, as SQLite wants it. What programs of version 1 insert meanwhile gets
// the defaults.
func (c Config) addColumns() []string {
	statements := []string{c.fill(`ALTER TABLE {people} ADD COLUMN licenses {text} NOT NULL DEFAULT ''`)}
	for _, name := range []string{
		"joined_at", "retiring_at", "blocked_at", "unlicensed_at", "deleted_at", "purged_at",
	} {
		statements = append(statements, c.fill(`ALTER TABLE {people} ADD COLUMN `+name+` {time}`))
	}
	return statements
}

// createObjectIDIndex has no schema before the index's name: it is in that of its table.
func (c Config) createObjectIDIndex() string {
	return c.fill(`CREATE INDEX ` + c.Prefix + `people_object_id ON {people} (object_id)`)
}

func (c Config) createCursors() string {
	return c.fill(`CREATE TABLE {cursors} (
    name  {text} NOT NULL PRIMARY KEY,
    value {text} NOT NULL
)`)
}

// fill puts in names and types.
//
// Text is compared byte for byte in either dialect. On PostgreSQL that is said explicitly: a collation of the operating
// system may change with an upgrade of it, and indexes built on it are wrong afterwards. Times are text on SQLite,
// which has no type for them, in a form that sorts as they do. Tokens are never used twice, also not after a row is
// deleted.
func (c Config) fill(statement string) string {
	types := []string{"{text}", "TEXT", "{time}", "TEXT", "{serial}", "INTEGER PRIMARY KEY AUTOINCREMENT"}
	if c.Dialect == PostgreSQL {
		types = []string{"{text}", `TEXT COLLATE "C"`, "{time}", "TIMESTAMPTZ",
			"{serial}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"}
	}
	return strings.NewReplacer(append(types,
		"{migrations}", c.table("migrations"), "{people}", c.table("people"), "{leases}", c.table("leases"),
		"{cursors}", c.table("cursors"),
	)...).Replace(statement)
}
