package sqlstore

import (
	"context"

	"github.com/entrafed/entrafed/provision"
)

// LoadByObjectID implements [provision.Index].
func (s *Store) LoadByObjectID(ctx context.Context, objectID string) (rec provision.Record, err error) {
	if err := (provision.Record{ObjectID: objectID}).Validate(); err != nil {
		return provision.Record{}, err
	}
	err = s.retry(ctx, "loading a record by its object ID", func(ctx context.Context) (err error) {
		rec, err = scan(s.config.DB.QueryRowContext(ctx, s.sql.loadByObjectID, objectID))
		return err
	})
	return rec, err
}

// List implements [provision.Index].
func (s *Store) List(
	ctx context.Context, after provision.PersonKey, limit int,
) (records []provision.Record, err error) {
	if err := after.Validate(); err != nil {
		return nil, err
	}
	err = s.retry(ctx, "listing records", func(ctx context.Context) (err error) {
		records, err = s.list(ctx, after, max(0, limit))
		return err
	})
	return records, err
}

func (s *Store) list(
	ctx context.Context, after provision.PersonKey, limit int,
) (records []provision.Record, err error) {
	rows, err := s.config.DB.QueryContext(ctx, s.sql.list, after.Connection, after.ID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		rec, err := scan(rows)
		if err != nil {
			return nil, err
		}
		records = append(records, rec)
	}
	return records, rows.Err()
}
