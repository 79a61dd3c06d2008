package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/entrafed/entrafed/provision"
)

// Acquire implements [provision.Leaser].
func (s *Store) Acquire(
	ctx context.Context, key provision.PersonKey, ttl time.Duration,
) (lease provision.Lease, err error) {
	if err := key.Validate(); err != nil {
		return provision.Lease{}, err
	}
	err = s.retry(ctx, "acquiring a lease", func(ctx context.Context) (err error) {
		lease, err = s.acquire(ctx, key, ttl)
		return err
	})
	return lease, err
}

// Renew implements [provision.Leaser]. A lease that expired can be renewed for as long as nobody else acquired one.
func (s *Store) Renew(ctx context.Context, lease provision.Lease, ttl time.Duration) error {
	if err := lease.Key.Validate(); err != nil {
		return err
	}
	return s.retry(ctx, "renewing a lease", func(ctx context.Context) error {
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		renewed, err := s.exec(ctx, s.sql.renew, timestamp{now.Add(ttl)}, lease.Token, lease.Key.Connection, lease.Key.ID)
		if err == nil && !renewed {
			err = provision.ErrLeaseLost
		}
		return err
	})
}

// Release implements [provision.Leaser].
func (s *Store) Release(ctx context.Context, lease provision.Lease) error {
	if err := lease.Key.Validate(); err != nil {
		return err
	}
	return s.retry(ctx, "releasing a lease", func(ctx context.Context) error {
		_, err := s.exec(ctx, s.sql.release, lease.Token, lease.Key.Connection, lease.Key.ID)
		return err
	})
}

// acquire removes the lease that expired and inserts a new one. Between the two another process may do so as well; the
// database then accepts one of them.
func (s *Store) acquire(ctx context.Context, key provision.PersonKey, ttl time.Duration) (provision.Lease, error) {
	now, err := s.now(ctx)
	if err != nil {
		return provision.Lease{}, err
	}
	if _, err := s.exec(ctx, s.sql.expire, key.Connection, key.ID, timestamp{now}); err != nil {
		return provision.Lease{}, err
	}
	lease := provision.Lease{Key: key}
	err = s.write(ctx, func() error {
		return s.config.DB.QueryRowContext(ctx, s.sql.acquire, key.Connection, key.ID, timestamp{now.Add(ttl)}).
			Scan(&lease.Token)
	})
	if errors.Is(err, sql.ErrNoRows) {
		err = provision.ErrLeaseHeld
	}
	if err != nil {
		return provision.Lease{}, err
	}
	return lease, nil
}

// now is the time by which leases expire: on PostgreSQL the server's, so that the machines need not agree.
func (s *Store) now(ctx context.Context) (time.Time, error) {
	switch {
	case s.config.Now != nil:
		return s.config.Now(), nil
	case s.config.Dialect == SQLite:
		return time.Now(), nil
	}
	var now timestamp
	err := s.config.DB.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&now)
	return now.Time, err
}
