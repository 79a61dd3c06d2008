package sqlstore

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// Config is what a [Store] is made of. DB and Dialect are required; every other zero value is a default.
type Config struct {
	// DB is the database. Required. The host opens and closes it, and bounds its connections.
	DB *sql.DB

	// Dialect says which database DB is. Required.
	Dialect Dialect

	// Schema is the PostgreSQL schema that the tables are in; it must exist. Empty: where the search_path of the
	// connection leads, usually "public". SQLite has none.
	Schema string

	// Prefix begins the names of the tables, so that several stores, or other programs, can share a database. Lower-case
	// letters, digits and _, beginning with a letter, at most 40 characters. Empty: "entrafed_".
	Prefix string

	// NoMigrate forbids New to change the schema. If the schema is not up to date, New returns a [*SchemaError] that
	// says what is missing.
	NoMigrate bool

	// Now is the clock by which leases expire. Nil: on PostgreSQL the server's, on SQLite time.Now. It is for tests.
	Now func() time.Time

	// Logger gets a record of each migration, and a warning where the database is set up in a way that costs safety or
	// speed. Nil: nothing is logged.
	Logger *slog.Logger
}

const defaultPrefix = "entrafed_"

// Names are so plain that they mean the same with and without quotes.
var (
	prefixPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	schemaPattern = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)
)

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = defaultPrefix
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c Config) validate() error {
	problems := []error{c.validateNames()}
	if c.DB == nil {
		problems = append(problems, errors.New("Config.DB is required"))
	}
	return badConfig(problems)
}

// validateNames checks what the names of the tables are made of.
func (c Config) validateNames() error {
	var problems []error
	if c.Dialect != SQLite && c.Dialect != PostgreSQL {
		problems = append(problems, errors.New("Config.Dialect is required: sqlstore.SQLite or sqlstore.PostgreSQL"))
	}
	if c.Schema != "" && c.Dialect == SQLite {
		problems = append(problems, errors.New("Config.Schema is for PostgreSQL: on SQLite set Config.Prefix"))
	}
	if c.Schema != "" && !schemaPattern.MatchString(c.Schema) {
		problems = append(problems, fmt.Errorf("Config.Schema %.80q is not lower-case letters, digits and _, with no digit "+
			"first and 63 at most", c.Schema))
	}
	if prefix := c.withDefaults().Prefix; !prefixPattern.MatchString(prefix) {
		problems = append(problems, fmt.Errorf("Config.Prefix %.80q is not lower-case letters, digits and _, with a letter "+
			"first and 40 at most", prefix))
	}
	if strings.HasPrefix(c.Prefix, "sqlite_") {
		problems = append(problems, errors.New(`Config.Prefix begins with "sqlite_", which SQLite keeps for itself`))
	}
	return errors.Join(problems...)
}

func badConfig(problems []error) error {
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("sqlstore: bad configuration: %w", err)
	}
	return nil
}

// table is the full name of one of the tables.
func (c Config) table(name string) string {
	if c.Schema != "" {
		return `"` + c.Schema + `".` + c.Prefix + name
	}
	return c.Prefix + name
}
