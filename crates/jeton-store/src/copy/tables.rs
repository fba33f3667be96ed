//! What a copy consists of: every table, in an order in which what a row refers to comes before it.

use crate::db::{Cell, Column, Sql, Value};
use crate::error::Error;
use crate::snapshot::Snapshot;

/// How many rows are read and written together: a transaction of some tens of milliseconds.
const PAGE: usize = 500;

/// A table that is copied.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The columns that rows are ordered by, which come first.
    pub(super) key: &'static [&'static str],
    /// What comes before every key.
    start: &'static [Value],
    pub(super) columns: &'static [&'static str],
    /// The rows behind a key, so many of them.
    page: Sql,
    /// Adds a row.
    pub(super) put: Sql,
}

const TEXT: Value = Value::Text(String::new());
const BYTES: Value = Value::Bytes(Vec::new());
const TIME: Value = Value::Int(i64::MIN);

/// Lists tables: name, key, the other columns, which rows come next, and a place for each value.
macro_rules! tables {
    ($($table:ident [$($key:ident: $start:ident),+] [$($column:ident),+] $next:literal $places:literal;)+) => {
        pub(super) const TABLES: &[Table] = &[$(Table {
            name: stringify!($table),
            key: &[$(stringify!($key)),+],
            start: &[$($start),+],
            columns: &[$(stringify!($key),)+ $(stringify!($column)),+],
            page: $table::PAGE,
            put: $table::PUT,
        }),+];

        $(mod $table {
            $crate::db::statements! {
                PAGE = "SELECT ", listed!($($key)+ $($column)+), " FROM ", stringify!($table), " WHERE ", $next;
                PUT = "INSERT INTO ", stringify!($table), " (", listed!($($key)+ $($column)+), ") VALUES (", $places, ")";
            }
        })+

        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, &[(&str, Sql)])] =
            &[$((concat!("copy/tables/", stringify!($table)), $table::STATEMENTS)),+];
    };
}

/// `a, b, c`
macro_rules! listed {
    ($first:ident $($more:ident)*) => { concat!(stringify!($first) $(, ", ", stringify!($more))*) };
}

tables! {
    config [id: TIME] [version] "id > $1 ORDER BY id LIMIT $2" "$1, $2";
    meta [name: TEXT] [value] "name > $1 ORDER BY name LIMIT $2" "$1, $2";
    realm [id: TEXT] [name, enabled, not_before, created_at, settings, next_number]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6, $7";
    principal_number [principal_id: TEXT] [realm_id, number]
        "principal_id > $1 ORDER BY principal_id LIMIT $2" "$1, $2, $3";
    principal [id: TEXT] [realm_id, kind, number, username, username_key, enabled, not_before, created_at, profile,
        password, version]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12";
    target [id: TEXT] [realm_id, number, name, enabled, created_at]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6";
    membership [target_id: TEXT, principal_id: TEXT] [level, password]
        "(target_id, principal_id) > ($1, $2) ORDER BY target_id, principal_id LIMIT $3" "$1, $2, $3, $4";
    client [id: TEXT] [realm_id, client_id, enabled, not_before, created_at, settings, service_id, registration,
        registration_token]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10";
    initial_access_token [id: TEXT] [realm_id, digest, bounds, uses_left, created_at, expires_at]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6, $7";
    api_key [id: TEXT] [realm_id, key_id, enabled, not_before, expires_at, created_at, service_id]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6, $7, $8";
    secret [id: TEXT] [client_id, api_key_id, digest, created_at, expires_at]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6";
    session [id: TEXT] [realm_id, principal_id, actor_id, api_key_id, client_id, target_id, dialect, scope, started_at,
        expires_at, last_used_at, idle_secs, generation, renewed_at, ended_at, bounds]
        "id > $1 ORDER BY id LIMIT $2" "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17";
    token [digest: BYTES, session_id: TEXT] [kind, generation, issued_at, expires_at, forget_at, bounds]
        "(digest, session_id) > ($1, $2) ORDER BY digest, session_id LIMIT $3" "$1, $2, $3, $4, $5, $6, $7, $8";
    ended_token [digest: BYTES] [expires_at] "digest > $1 ORDER BY digest LIMIT $2" "$1, $2";
    nonce [digest: BYTES] [expires_at] "digest > $1 ORDER BY digest LIMIT $2" "$1, $2";
    device [device_code: BYTES] [user_code, realm_id, client_id, scope, bounds, created_at, expires_at, polled_at,
        interval_secs, verdict, principal_id, principal_version]
        "device_code > $1 ORDER BY device_code LIMIT $2" "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13";
    throttle [digest: BYTES] [failures, first_at, last_at, succeeded_at, forget_at]
        "digest > $1 ORDER BY digest LIMIT $2" "$1, $2, $3, $4, $5, $6";
    signing_key [realm_id: TEXT, kid: TEXT] [alg, state, public_jwk, sealed, created_at, signs_from, signs_until,
        token_secs]
        "(realm_id, kid) > ($1, $2) ORDER BY realm_id, kid LIMIT $3" "$1, $2, $3, $4, $5, $6, $7, $8, $9, $10";
    revocation [seq: TIME] [realm_id, at, kind, name, issued_before, expires_at]
        "seq > $1 ORDER BY seq LIMIT $2" "$1, $2, $3, $4, $5, $6, $7";
    // It has no key: a page ends with the last line of an instant.
    audit [at: TIME] [line, realm_id, event, principal_id, session_id, source, detail]
        "at > $1 AND at <= (SELECT MAX(at) FROM (SELECT at FROM audit WHERE at > $1 ORDER BY at LIMIT $2) AS page) \
        ORDER BY at, line"
        "$1, $2, $3, $4, $5, $6, $7, $8";
}

impl Table {
    /// Which row of which table, for people. Nothing beyond its key: other columns may be secret.
    pub(super) fn shown(&self, row: &[Value]) -> String {
        let key: Vec<_> = self.key.iter().zip(row).map(|(name, value)| format!("{name} {}", shown(value))).collect();
        format!("the row of {} with {}", self.name, key.join(", "))
    }
}

fn shown(value: &Value) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Digest(bytes) => hex(bytes),
        Value::Bytes(bytes) => hex(bytes),
    }
}

/// A table as it is read, page after page. Text is in the engine's own order, which is another on each.
pub(super) struct Pages<'a> {
    table: &'a Table,
    after: Vec<Value>,
    over: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn of(table: &'a Table) -> Self {
        Self { table, after: table.start.to_vec(), over: false }
    }

    /// The next rows; none if there are no more.
    pub(super) async fn next(&mut self, tx: &mut Snapshot) -> Result<Vec<Vec<Value>>, Error> {
        if self.over {
            return Ok(Vec::new());
        }
        let Table { name, key, columns, page, .. } = self.table;
        let mut values = self.after.clone();
        values.push(i64::try_from(PAGE).unwrap_or(i64::MAX).into());
        let rows = tx.all(*page, &values, |row| columns.iter().map(|_| row.take::<Value>()).collect()).await;
        let rows: Vec<Vec<Value>> = rows.map_err(|error| Error::Invalid(format!("the table {name}: {error}")))?;
        self.over = rows.len() < PAGE;
        if let Some(last) = rows.last() {
            self.after = last.iter().take(key.len()).cloned().collect();
        }
        Ok(rows)
    }
}

impl Column for Value {
    fn read(cell: Cell<'_>) -> Option<Self> {
        Some(match cell {
            Cell::Null => Self::Null,
            Cell::Int(number) => Self::Int(number),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Bytes(bytes) => Self::Bytes(bytes.to_vec()),
        })
    }
}
