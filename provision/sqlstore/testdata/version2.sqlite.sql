-- entrafed, version 2 of the schema: leaving, the object ID's index, and cursors.
BEGIN;

ALTER TABLE entrafed_people ADD COLUMN licenses TEXT NOT NULL DEFAULT '';

ALTER TABLE entrafed_people ADD COLUMN joined_at TEXT;

ALTER TABLE entrafed_people ADD COLUMN retiring_at TEXT;

ALTER TABLE entrafed_people ADD COLUMN blocked_at TEXT;

ALTER TABLE entrafed_people ADD COLUMN unlicensed_at TEXT;

ALTER TABLE entrafed_people ADD COLUMN deleted_at TEXT;

ALTER TABLE entrafed_people ADD COLUMN purged_at TEXT;

CREATE INDEX entrafed_people_object_id ON entrafed_people (object_id);

CREATE TABLE entrafed_cursors (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

INSERT INTO entrafed_migrations (version) VALUES (2);

COMMIT;
