package sqlstore

import (
	"fmt"
	"strconv"
	"strings"
)

// Dialect is the database that Config.DB leads to.
type Dialect int

// The dialects. The zero value is none: which database it is must be said.
const (
	SQLite     Dialect = 1
	PostgreSQL Dialect = 2
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	}
	return fmt.Sprintf("Dialect(%d)", int(d))
}

// query writes a statement with ? for its parameters as the dialect wants it. No statement has a ? elsewhere.
func (d Dialect) query(statement string) string {
	if d == SQLite {
		return statement
	}
	var b strings.Builder
	for i, part := range strings.Split(statement, "?") {
		if i > 0 {
			b.WriteString("$" + strconv.Itoa(i))
		}
		b.WriteString(part)
	}
	return b.String()
}

// begin starts a transaction that writes. On SQLite it takes the lock for writing at once, because one that reads first
// cannot always become one that writes. On PostgreSQL it sees what was committed until each statement: the lock is the
// first statement, and what was done under it before must be visible after it.
func (d Dialect) begin() string {
	if d == SQLite {
		return "BEGIN IMMEDIATE"
	}
	return "BEGIN ISOLATION LEVEL READ COMMITTED"
}
