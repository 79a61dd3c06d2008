package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// Pacer is a [provision.Pacer] in a database: all processes that use the database with one Schema and Prefix share one
// budget, and are held back together. It is safe for concurrent use. It holds no connection between calls and needs no
// closing.
//
// The limits are those of one application in one tenant: give each tenant a Prefix of its own.
//
// It counts by the clock of leases: on PostgreSQL the server's, on SQLite the machine's, or Config.Now. A turn is one
// statement that reads and one that writes; another one of each for whoever had to wait for it. Those who meet other
// processes at the row try again.
//
// If the database fails, Turn returns the error, and the pipeline treats it as it treats a directory that is
// unavailable: it tries again within its budget. There is no local pace to fall back to, because it would not see that
// the directory asked for silence, and what the pipeline does next needs the database too.
type Pacer struct {
	store  *Store
	pace   provision.Pace
	sql    pacerStatements
	asking chan struct{} // holds a token while one call of this process works on the row
	rough  atomic.Bool   // the row counts 429s, which a success must end
}

var (
	_ provision.Pacer     = (*Pacer)(nil)
	_ provision.PaceGauge = (*Pacer)(nil)
)

// NewPacer checks the configuration, the pace and the database, brings the schema up to date as [New] does, and returns
// a Pacer. All processes must give the same pace. The error lists all that is wrong with the configuration and the pace;
// it is a [*SchemaError] if the schema is too new, or may not be changed.
func NewPacer(ctx context.Context, config Config, pace provision.Pace) (*Pacer, error) {
	if err := badConfig([]error{pace.Validate()}); err != nil {
		return nil, errors.Join(config.validate(), err)
	}
	store, err := New(ctx, config)
	if err != nil {
		return nil, err
	}
	return &Pacer{store: store, pace: pace, sql: store.config.pacerStatements(), asking: make(chan struct{}, 1)}, nil
}

// Turn implements [provision.Pacer].
func (p *Pacer) Turn(ctx context.Context, request provision.TurnRequest) (turn provision.Turn, err error) {
	err = p.change(ctx, "asking for a turn", func(state provision.PaceState, now time.Time) provision.PaceState {
		state, turn = p.pace.Turn(state, now, request)
		return state
	})
	if err != nil {
		return provision.Turn{}, err
	}
	return turn, nil
}

// Report implements [provision.Pacer]. A success that says nothing new asks nothing of the database.
func (p *Pacer) Report(ctx context.Context, report provision.TurnReport) error {
	if news := report.Unused || report.Throttled || report.Load != 0; !news && !p.rough.Load() && ctx.Err() == nil {
		return nil
	}
	return p.change(ctx, "reporting on a turn", func(state provision.PaceState, now time.Time) provision.PaceState {
		return p.pace.Report(state, now, report)
	})
}

// Left implements [provision.PaceGauge]. It is one statement that reads.
func (p *Pacer) Left(ctx context.Context) (left provision.PaceLeft, err error) {
	err = p.store.retry(ctx, "asking what is left of the pace", func(ctx context.Context) error {
		row, err := p.load(ctx)
		switch {
		case errors.Is(err, sql.ErrNoRows): // nobody has asked for a turn yet
			row = pacerRow{}
		case err != nil:
			return err
		}
		left = p.pace.Left(row.state, row.now)
		return nil
	})
	if err != nil {
		return provision.PaceLeft{}, err
	}
	return left, nil
}

// change replaces the state by what change makes of it, as one step: if another process was faster, change is called
// again with what that one left.
func (p *Pacer) change(
	ctx context.Context, doing string, change func(provision.PaceState, time.Time) provision.PaceState,
) error {
	select {
	case p.asking <- struct{}{}:
		defer func() { <-p.asking }()
	case <-ctx.Done():
		return stopped(ctx, doing, ctx.Err())
	}
	return p.store.retry(ctx, doing, func(ctx context.Context) error {
		row, err := p.load(ctx)
		if errors.Is(err, sql.ErrNoRows) {
			if _, err = p.store.exec(ctx, p.sql.begin); err == nil {
				err = errAgain
			}
		}
		if err != nil {
			return err
		}
		next := change(row.state, row.now)
		p.rough.Store(next.WritesRefused > 0 || next.UnitsRefused > 0)
		if next == row.state {
			return nil
		}
		return p.save(ctx, next, row.version)
	})
}

// pacerRow is the row, and the time at which it was read.
type pacerRow struct {
	state   provision.PaceState
	version int64
	now     time.Time
}

func (p *Pacer) load(ctx context.Context) (pacerRow, error) {
	var row pacerRow
	var writes, units, held, now timestamp
	to := []any{&row.version, &writes, &units, &held, &row.state.WritesRefused, &row.state.UnitsRefused}
	serverTells := p.store.config.Dialect == PostgreSQL
	if serverTells {
		to = append(to, &now)
	}
	if err := p.store.config.DB.QueryRowContext(ctx, p.sql.load).Scan(to...); err != nil {
		return pacerRow{}, err
	}
	row.state.WritesFull, row.state.UnitsFull, row.state.HeldUntil = writes.Time, units.Time, held.Time
	if row.now = now.Time; !serverTells || p.store.config.Now != nil {
		var err error
		row.now, err = p.store.now(ctx)
		return row, err
	}
	return row, nil
}

func (p *Pacer) save(ctx context.Context, state provision.PaceState, version int64) error {
	saved, err := p.store.exec(ctx, p.sql.save, roundUp(state.WritesFull), roundUp(state.UnitsFull),
		roundUp(state.HeldUntil), state.WritesRefused, state.UnitsRefused, version)
	if err == nil && !saved {
		err = errAgain
	}
	return err
}

// roundUp is a time as the databases keep it, to the microsecond, and never too early.
func roundUp(t time.Time) timestamp {
	if t.IsZero() {
		return timestamp{}
	}
	return timestamp{t.Add(time.Microsecond - 1).Truncate(time.Microsecond)}
}

// pacerStatements are all that a Pacer asks of the database after NewPacer. There is one row, so that the buckets change
// together in one statement.
type pacerStatements struct{ load, begin, save string }

func (c Config) pacerStatements() pacerStatements {
	query := func(statement string) string {
		return c.Dialect.query(strings.ReplaceAll(statement, "{pace}", c.table("pace")))
	}
	now := ""
	if c.Dialect == PostgreSQL {
		now = ", clock_timestamp()"
	}
	return pacerStatements{
		load: query(`SELECT version, writes_full_at, units_full_at, held_until, writes_refused, units_refused` + now + `
			FROM {pace} WHERE id = 1`),

		begin: query(`INSERT INTO {pace} (id, version, writes_refused, units_refused) VALUES (1, 1, 0, 0)
			ON CONFLICT DO NOTHING`),

		save: query(`UPDATE {pace} SET version = version + 1, writes_full_at = ?, units_full_at = ?, held_until = ?,
			writes_refused = ?, units_refused = ? WHERE id = 1 AND version = ?`),
	}
}

func (c Config) createPace() string {
	return c.fill(`CREATE TABLE ` + c.table("pace") + ` (
    id             INTEGER PRIMARY KEY,
    version        BIGINT NOT NULL,
    writes_full_at {time},
    units_full_at  {time},
    held_until     {time},
    writes_refused BIGINT NOT NULL,
    units_refused  BIGINT NOT NULL
)`)
}
