-- entrafed, version 2 of the schema: leaving, the object ID's index, and cursors.
BEGIN;

ALTER TABLE entrafed_people ADD COLUMN licenses TEXT COLLATE "C" NOT NULL DEFAULT '';

ALTER TABLE entrafed_people ADD COLUMN joined_at TIMESTAMPTZ;

ALTER TABLE entrafed_people ADD COLUMN retiring_at TIMESTAMPTZ;

ALTER TABLE entrafed_people ADD COLUMN blocked_at TIMESTAMPTZ;

ALTER TABLE entrafed_people ADD COLUMN unlicensed_at TIMESTAMPTZ;

ALTER TABLE entrafed_people ADD COLUMN deleted_at TIMESTAMPTZ;

ALTER TABLE entrafed_people ADD COLUMN purged_at TIMESTAMPTZ;

CREATE INDEX entrafed_people_object_id ON entrafed_people (object_id);

CREATE TABLE entrafed_cursors (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

INSERT INTO entrafed_migrations (version) VALUES (2);

COMMIT;
