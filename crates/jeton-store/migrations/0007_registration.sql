-- Who shows one of these registers clients, as many as are left. `bounds`: what they may have, JSON.
CREATE TABLE initial_access_token (
    id TEXT NOT NULL PRIMARY KEY,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    digest BLOB NOT NULL UNIQUE,
    bounds TEXT NOT NULL,
    uses_left BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
) WITHOUT ROWID;
CREATE INDEX initial_access_token_by_realm ON initial_access_token (realm_id, created_at);
CREATE INDEX initial_access_token_by_end ON initial_access_token (expires_at);

-- Of a client that registered itself: its name and bounds as JSON, and what it manages that with.
ALTER TABLE client ADD COLUMN registration TEXT;
ALTER TABLE client ADD COLUMN registration_token BLOB;
