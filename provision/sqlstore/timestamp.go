package sqlstore

import (
	"database/sql"
	"database/sql/driver"
	"fmt"
	"time"
)

// timestamp is a time as the databases keep it: text of a fixed width, which sorts as the times do and which PostgreSQL
// reads as a TIMESTAMPTZ. The zero time is NULL.
type timestamp struct{ time.Time }

const timestampLayout = "2006-01-02T15:04:05.000000Z"

var (
	_ driver.Valuer = timestamp{}
	_ sql.Scanner   = (*timestamp)(nil)
)

// Value is for parameters.
func (t timestamp) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.UTC().Format(timestampLayout), nil
}

// Scan takes what the drivers return: text from SQLite, a time in any zone from PostgreSQL.
func (t *timestamp) Scan(value any) (err error) {
	switch v := value.(type) {
	case nil:
		t.Time = time.Time{}
	case time.Time:
		t.Time = v.UTC()
	case string:
		t.Time, err = time.Parse(timestampLayout, v)
	case []byte:
		t.Time, err = time.Parse(timestampLayout, string(v))
	default:
		err = fmt.Errorf("a time as %T", value)
	}
	return err
}
