package sqlstore

import (
	"database/sql"
	"errors"

	"github.com/entrafed/entrafed/provision"
)

// fields are the columns of a record beside its key and its version.
const fields = "immutable_id, upn, upn_attempt, object_id, directory_upn, adopted, licenses, " +
	"reserved_at, created_at, licensed_at, joined_at, ready_at, " +
	"retiring_at, blocked_at, unlicensed_at, deleted_at, purged_at"

// values are what the columns get, in their order.
func values(rec provision.Record) []any {
	return []any{
		rec.ImmutableID, rec.UPN, rec.UPNAttempt, rec.ObjectID, rec.DirectoryUPN, rec.Adopted, rec.Licenses,
		timestamp{rec.ReservedAt}, timestamp{rec.CreatedAt}, timestamp{rec.LicensedAt}, timestamp{rec.JoinedAt},
		timestamp{rec.ReadyAt},
		timestamp{rec.RetiringAt}, timestamp{rec.BlockedAt}, timestamp{rec.UnlicensedAt}, timestamp{rec.DeletedAt},
		timestamp{rec.PurgedAt},
	}
}

// scanner is one row of an answer.
type scanner interface{ Scan(dest ...any) error }

// scan reads a row of connection, id, version and fields.
func scan(row scanner) (provision.Record, error) {
	var rec provision.Record
	var reserved, created, licensed, joined, ready, retiring, blocked, unlicensed, deleted, purged timestamp
	err := row.Scan(&rec.Key.Connection, &rec.Key.ID, &rec.Version,
		&rec.ImmutableID, &rec.UPN, &rec.UPNAttempt, &rec.ObjectID, &rec.DirectoryUPN, &rec.Adopted, &rec.Licenses,
		&reserved, &created, &licensed, &joined, &ready, &retiring, &blocked, &unlicensed, &deleted, &purged)
	if errors.Is(err, sql.ErrNoRows) {
		err = provision.ErrNoRecord
	}
	if err != nil {
		return provision.Record{}, err
	}
	rec.ReservedAt, rec.CreatedAt, rec.LicensedAt, rec.JoinedAt = reserved.Time, created.Time, licensed.Time, joined.Time
	rec.ReadyAt, rec.RetiringAt, rec.BlockedAt = ready.Time, retiring.Time, blocked.Time
	rec.UnlicensedAt, rec.DeletedAt, rec.PurgedAt = unlicensed.Time, deleted.Time, purged.Time
	return rec, nil
}
