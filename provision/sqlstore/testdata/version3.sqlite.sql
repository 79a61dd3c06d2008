-- entrafed, version 3 of the schema: the budget of calls that processes share.
BEGIN;

CREATE TABLE entrafed_pace (
    id             INTEGER PRIMARY KEY,
    version        BIGINT NOT NULL,
    writes_full_at TEXT,
    units_full_at  TEXT,
    held_until     TEXT,
    writes_refused BIGINT NOT NULL,
    units_refused  BIGINT NOT NULL
);

INSERT INTO entrafed_migrations (version) VALUES (3);

COMMIT;
