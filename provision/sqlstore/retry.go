package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// How long what another process prevented is tried again, and how often. The delays double.
const (
	patience   = 30 * time.Second
	firstDelay = 2 * time.Millisecond
	lastDelay  = 250 * time.Millisecond
)

// errAgain is an attempt that showed nothing, because the rows changed between two statements.
var errAgain = errors.New("other processes changed the rows meanwhile")

// retry makes attempts until one succeeds or fails for good. Each is one statement that takes effect, or a transaction,
// so that nothing of an attempt that another process prevented has taken effect.
func (s *Store) retry(ctx context.Context, doing string, attempt func(context.Context) error) error {
	delay, waited := firstDelay, time.Duration(0)
	for {
		err := attempt(ctx)
		var schema *SchemaError
		switch {
		case err == nil:
			return nil
		case isAnswer(err), errors.As(err, &schema):
			return err
		case ctx.Err() != nil:
			return stopped(ctx, doing, err)
		case !s.config.Dialect.prevented(err):
			return fmt.Errorf("sqlstore: %s: %w", doing, err)
		case waited >= patience:
			return fmt.Errorf("sqlstore: %s: prevented by other processes for %v: %w", doing, patience, err)
		}
		if !sleep(ctx, delay) {
			return stopped(ctx, doing, err)
		}
		waited += delay
		delay = min(2*delay, lastDelay)
	}
}

// isAnswer reports whether err is one of those that the contract knows, and not a failure.
func isAnswer(err error) bool {
	for _, answer := range []error{
		provision.ErrNoRecord, provision.ErrStaleRecord, provision.ErrImmutableIDTaken, provision.ErrUPNTaken,
		provision.ErrLeaseHeld, provision.ErrLeaseLost,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// stopped is the error of a call whose context ended. Drivers do not agree on what they return then.
func stopped(ctx context.Context, doing string, err error) error {
	if errors.Is(err, ctx.Err()) {
		return fmt.Errorf("sqlstore: %s: %w", doing, err)
	}
	return fmt.Errorf("sqlstore: %s: %w: %w", doing, ctx.Err(), err)
}

// sleep waits, and reports whether ctx has not ended meanwhile.
func sleep(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// prevented reports whether a statement failed only because of what another process did at the same time, and has not
// taken effect.
func (d Dialect) prevented(err error) bool {
	if errors.Is(err, errAgain) {
		return true
	}
	if d == SQLite {
		return locked(err)
	}
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return false
	}
	switch state.SQLState() {
	case "40001", // serialization_failure
		"40P01", // deadlock_detected
		"23505": // unique_violation: somebody took the value after the statement had found it free
		return true
	}
	return false
}

// locked reports whether err is SQLITE_BUSY or SQLITE_LOCKED. Some drivers have the code, all keep SQLite's texts:
// "database is locked", "database table is locked: …", "database schema is locked: …".
func locked(err error) bool {
	var coded interface{ Code() int }
	if errors.As(err, &coded) {
		const busy, locked, primary = 5, 6, 0xff
		return coded.Code()&primary == busy || coded.Code()&primary == locked
	}
	text := err.Error()
	return strings.Contains(text, "database is locked") ||
		strings.Contains(text, "database table is locked") || strings.Contains(text, "database schema is locked")
}
