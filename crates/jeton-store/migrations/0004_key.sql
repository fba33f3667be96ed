-- When a key signs and for how long what it signed must verify. To a version that does not know of next keys, one is
-- `retired`: published, and signing nothing; `signs_until` is what tells them apart. What such a version makes signs
-- from the beginning, and, since it does not say what, tokens that may have to verify for seven days.
ALTER TABLE signing_key ADD COLUMN signs_from BIGINT;
ALTER TABLE signing_key ADD COLUMN signs_until BIGINT;
ALTER TABLE signing_key ADD COLUMN token_secs BIGINT NOT NULL DEFAULT 604800;
CREATE UNIQUE INDEX signing_key_next ON signing_key (realm_id, alg) WHERE state = 'retired' AND signs_until IS NULL;
