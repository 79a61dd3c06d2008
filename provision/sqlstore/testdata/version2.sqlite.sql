-- entrafed, version 2 of the schema: nothing.
BEGIN;

INSERT INTO entrafed_migrations (version) VALUES (2);

COMMIT;
