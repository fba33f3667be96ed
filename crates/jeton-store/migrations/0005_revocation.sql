-- Tokens that were ended before their time and that somebody may judge without asking. A lower `seq` may be committed
-- after a higher one. What each kind's `name` is: docs/data-model.md.
CREATE TABLE revocation (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    issued_before BIGINT,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revocation_by_realm ON revocation (realm_id, seq);
CREATE INDEX revocation_by_time ON revocation (at);
CREATE INDEX revocation_by_end ON revocation (expires_at);

ALTER TABLE api_key ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;
