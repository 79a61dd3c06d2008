-- entrafed, version 1 of the schema: people and leases.
BEGIN;

CREATE TABLE entrafed_migrations (
    version    INTEGER PRIMARY KEY,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE entrafed_people (
    connection    TEXT COLLATE "C" NOT NULL,
    id            TEXT COLLATE "C" NOT NULL,
    version       BIGINT NOT NULL,
    immutable_id  TEXT COLLATE "C" NOT NULL UNIQUE,
    upn           TEXT COLLATE "C" NOT NULL,
    upn_folded    TEXT COLLATE "C" NOT NULL UNIQUE,
    upn_attempt   BIGINT NOT NULL,
    object_id     TEXT COLLATE "C" NOT NULL,
    directory_upn TEXT COLLATE "C" NOT NULL,
    adopted       BOOLEAN NOT NULL,
    reserved_at   TIMESTAMPTZ,
    created_at    TIMESTAMPTZ,
    licensed_at   TIMESTAMPTZ,
    ready_at      TIMESTAMPTZ,
    PRIMARY KEY (connection, id)
);

CREATE TABLE entrafed_leases (
    token      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection TEXT COLLATE "C" NOT NULL,
    id         TEXT COLLATE "C" NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    UNIQUE (connection, id)
);

INSERT INTO entrafed_migrations (version) VALUES (1);

COMMIT;
