-- entrafed, version 1 of the schema: people and leases.
BEGIN;

CREATE TABLE entrafed_migrations (
    version    INTEGER PRIMARY KEY,
    applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE entrafed_people (
    connection    TEXT NOT NULL,
    id            TEXT NOT NULL,
    version       BIGINT NOT NULL,
    immutable_id  TEXT NOT NULL UNIQUE,
    upn           TEXT NOT NULL,
    upn_folded    TEXT NOT NULL UNIQUE,
    upn_attempt   BIGINT NOT NULL,
    object_id     TEXT NOT NULL,
    directory_upn TEXT NOT NULL,
    adopted       BOOLEAN NOT NULL,
    reserved_at   TEXT,
    created_at    TEXT,
    licensed_at   TEXT,
    ready_at      TEXT,
    PRIMARY KEY (connection, id)
);

CREATE TABLE entrafed_leases (
    token      INTEGER PRIMARY KEY AUTOINCREMENT,
    connection TEXT NOT NULL,
    id         TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    UNIQUE (connection, id)
);

INSERT INTO entrafed_migrations (version) VALUES (1);

COMMIT;
