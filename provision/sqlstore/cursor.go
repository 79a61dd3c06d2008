package sqlstore

import (
	"context"
	"database/sql"
	"errors"

	"github.com/entrafed/entrafed/provision"
)

// LoadCursor implements [provision.Cursors].
func (s *Store) LoadCursor(ctx context.Context, name string) (value string, err error) {
	if err := provision.ValidateCursor(name, ""); err != nil {
		return "", err
	}
	err = s.retry(ctx, "loading a cursor", func(ctx context.Context) error {
		err := s.config.DB.QueryRowContext(ctx, s.sql.loadCursor, name).Scan(&value)
		if errors.Is(err, sql.ErrNoRows) {
			value, err = "", nil
		}
		return err
	})
	return value, err
}

// SaveCursor implements [provision.Cursors].
func (s *Store) SaveCursor(ctx context.Context, name, value string) error {
	if err := provision.ValidateCursor(name, value); err != nil {
		return err
	}
	return s.retry(ctx, "saving a cursor", func(ctx context.Context) error {
		_, err := s.exec(ctx, s.sql.saveCursor, name, value)
		return err
	})
}
