-- Portable words only: BIGINT (times are microseconds since 1970, truths are 0 or 1), TEXT (ids are UUIDs,
-- lists and settings are JSON), BLOB (digests, sealed keys). What each table means: docs/data-model.md.

-- Goes up with every change of what may be cached (everything but sessions, tokens and counters).
CREATE TABLE config (
    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    version BIGINT NOT NULL
);
INSERT INTO config (id, version) VALUES (1, 1);

CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

CREATE TABLE realm (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    enabled BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    settings TEXT NOT NULL,
    next_number BIGINT NOT NULL
) WITHOUT ROWID;

-- Outlives its principal, so that neither the id nor the number is given to another.
CREATE TABLE principal_number (
    principal_id TEXT NOT NULL PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    UNIQUE (realm_id, number)
) WITHOUT ROWID;

CREATE TABLE principal (
    id TEXT NOT NULL PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('person', 'service')),
    number BIGINT NOT NULL,
    username TEXT NOT NULL,
    username_key TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    profile TEXT NOT NULL,
    password TEXT,
    version BIGINT NOT NULL,
    UNIQUE (realm_id, username_key),
    UNIQUE (realm_id, number)
) WITHOUT ROWID;

CREATE TABLE target (
    id TEXT NOT NULL PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (realm_id, number)
) WITHOUT ROWID;

CREATE TABLE membership (
    target_id TEXT NOT NULL REFERENCES target (id) ON DELETE CASCADE,
    principal_id TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    level TEXT NOT NULL,
    password TEXT,
    PRIMARY KEY (target_id, principal_id)
) WITHOUT ROWID;
CREATE INDEX membership_by_principal ON membership (principal_id);

CREATE TABLE client (
    id TEXT NOT NULL PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    not_before BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    settings TEXT NOT NULL,
    service_id TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    UNIQUE (realm_id, client_id)
) WITHOUT ROWID;
CREATE INDEX client_by_service ON client (service_id);

CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    key_id TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    service_id TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    UNIQUE (realm_id, key_id)
) WITHOUT ROWID;
CREATE INDEX api_key_by_service ON api_key (service_id);

CREATE TABLE secret (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT REFERENCES client (id) ON DELETE CASCADE,
    api_key_id TEXT REFERENCES api_key (id) ON DELETE CASCADE,
    digest BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    CHECK ((client_id IS NULL) <> (api_key_id IS NULL))
) WITHOUT ROWID;
CREATE INDEX secret_by_client ON secret (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX secret_by_api_key ON secret (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX secret_by_end ON secret (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE session (
    id TEXT NOT NULL PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    principal_id TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    actor_id TEXT REFERENCES principal (id) ON DELETE CASCADE,
    api_key_id TEXT REFERENCES api_key (id) ON DELETE CASCADE,
    client_id TEXT REFERENCES client (id) ON DELETE CASCADE,
    target_id TEXT REFERENCES target (id) ON DELETE CASCADE,
    dialect TEXT NOT NULL,
    scope TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    idle_secs BIGINT,
    generation BIGINT NOT NULL,
    renewed_at BIGINT,
    ended_at BIGINT
) WITHOUT ROWID;
CREATE INDEX session_by_realm ON session (realm_id, started_at);
CREATE INDEX session_by_principal ON session (principal_id, started_at);
CREATE INDEX session_by_actor ON session (actor_id) WHERE actor_id IS NOT NULL;
CREATE INDEX session_by_api_key ON session (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX session_by_client ON session (client_id) WHERE client_id IS NOT NULL;
CREATE INDEX session_by_target ON session (target_id) WHERE target_id IS NOT NULL;
CREATE INDEX session_by_end ON session (expires_at);

-- Sessions that begin in the same second can hold the very same JWT: the digest alone is not a key.
CREATE TABLE token (
    digest BLOB NOT NULL,
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('access', 'refresh')),
    generation BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    forget_at BIGINT NOT NULL,
    PRIMARY KEY (digest, session_id)
) WITHOUT ROWID;
CREATE INDEX token_by_session ON token (session_id, generation, issued_at);
CREATE INDEX token_by_end ON token (forget_at);

CREATE TABLE ended_token (
    digest BLOB NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX ended_token_by_end ON ended_token (expires_at);

CREATE TABLE nonce (
    digest BLOB NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX nonce_by_end ON nonce (expires_at);

CREATE TABLE throttle (
    digest BLOB NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    succeeded_at BIGINT,
    forget_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX throttle_by_end ON throttle (forget_at);

CREATE TABLE signing_key (
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    kid TEXT NOT NULL,
    alg TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('current', 'retired')),
    public_jwk TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (realm_id, kid)
) WITHOUT ROWID;
CREATE UNIQUE INDEX signing_key_current ON signing_key (realm_id, alg) WHERE state = 'current';

-- Refers to nothing: the trail outlives what it tells of. `line` orders the records of one transaction.
CREATE TABLE audit (
    at BIGINT NOT NULL,
    line BIGINT NOT NULL,
    realm_id TEXT,
    event TEXT NOT NULL,
    principal_id TEXT,
    session_id TEXT,
    source TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at, line);
