-- Requests of devices to act for a person, until they are used or over. `verdict` is nothing, `approved` or `denied`.
CREATE TABLE device (
    device_code BLOB NOT NULL PRIMARY KEY,
    user_code BLOB NOT NULL UNIQUE,
    realm_id TEXT NOT NULL REFERENCES realm (id) ON DELETE CASCADE,
    client_id TEXT NOT NULL REFERENCES client (id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    bounds TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    polled_at BIGINT,
    interval_secs BIGINT NOT NULL,
    verdict TEXT CHECK (verdict IN ('approved', 'denied')),
    principal_id TEXT REFERENCES principal (id) ON DELETE CASCADE,
    principal_version BIGINT
) WITHOUT ROWID;
CREATE INDEX device_by_realm ON device (realm_id, created_at);
CREATE INDEX device_by_client ON device (client_id);
CREATE INDEX device_by_principal ON device (principal_id) WHERE principal_id IS NOT NULL;
CREATE INDEX device_by_end ON device (expires_at);
