-- What nodes tell each other: something was configured. Whoever reads along reads again what is younger than the
-- longest transaction, since a lower `seq` may be committed after a higher one.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL
);
CREATE INDEX event_by_time ON event (at);
