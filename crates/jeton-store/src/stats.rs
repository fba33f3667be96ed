//! What is stored, and how it grows: for an operator, beside running servers. Counting reads whole tables, holds up
//! nobody, and is never part of a request.

use std::time::Duration;

use jeton_core::time::Timestamp;

use crate::db::{Row, Sql, Value, statements};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::sweep;

/// Rows of a passing kind: how many, when the last goes, and how many go by $1, $2 and $3.
macro_rules! leaving {
    ($column:literal) => {
        concat!("COUNT(*), MAX(", $column, "), ", count_where!($column, "<=", "$1", "$2", "$3"))
    };
}

/// The oldest and newest of them, and how many began after $4, $5 and $6.
macro_rules! begun {
    ($column:literal) => {
        concat!(", MIN(", $column, "), MAX(", $column, "), ", count_where!($column, ">", "$4", "$5", "$6"))
    };
}

macro_rules! count_where {
    ($column:literal, $is:literal, $first:literal, $second:literal, $third:literal) => {
        concat!(
            count_where!($column, $is, $first),
            ", ",
            count_where!($column, $is, $second),
            ", ",
            count_where!($column, $is, $third)
        )
    };
    ($column:literal, $is:literal, $bound:literal) => {
        concat!("COUNT(CASE WHEN ", $column, " ", $is, " ", $bound, " THEN 1 END)")
    };
}

statements! {
    LASTING = "SELECT (SELECT COUNT(*) FROM realm), (SELECT COUNT(*) FROM principal WHERE kind = 'person'), \
        (SELECT COUNT(*) FROM principal WHERE kind = 'service'), (SELECT COUNT(*) FROM client), \
        (SELECT COUNT(*) FROM api_key), (SELECT COUNT(*) FROM secret), (SELECT COUNT(*) FROM target), \
        (SELECT COUNT(*) FROM signing_key)";
    SESSIONS = "SELECT ", leaving!("expires_at"), begun!("started_at"), " FROM session";
    // Live at $1; ended before its time; the rest has expired.
    SESSIONS_NOW = "SELECT COUNT(CASE WHEN ended_at IS NULL AND expires_at > $1 \
        AND (idle_secs IS NULL OR last_used_at + idle_secs * 1000000 > $1) THEN 1 END), COUNT(ended_at) FROM session";
    TOKENS = "SELECT ", leaving!("forget_at"), begun!("issued_at"), " FROM token";
    ENDED_TOKENS = "SELECT ", leaving!("expires_at"), " FROM ended_token";
    REVOCATIONS = "SELECT ", leaving!("expires_at"), begun!("at"), " FROM revocation";
    NONCES = "SELECT ", leaving!("expires_at"), " FROM nonce";
    DEVICES = "SELECT ", leaving!("expires_at"), " FROM device";
    INITIAL_ACCESS_TOKENS = "SELECT ", leaving!("expires_at"), " FROM initial_access_token";
    COUNTERS = "SELECT ", leaving!("forget_at"), " FROM throttle";
    AUDIT = "SELECT ", leaving!("at"), begun!("at"), " FROM audit";
    EVENTS = "SELECT ", leaving!("at"), begun!("at"), " FROM event";
    SCHEMA = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
}

/// Pages in use, pages given back, and the file, whose log lies beside it.
const SQLITE_SIZE: Sql = Sql::new(
    "SELECT (page_count - freelist_count) * page_size, freelist_count * page_size, d.file FROM pragma_page_count, \
     pragma_freelist_count, pragma_page_size, pragma_database_list AS d WHERE d.name = 'main'",
);
/// Tables with their indexes; what rows leave behind in them is used again by others.
const POSTGRES_SIZE: Sql = Sql::new(
    "SELECT CAST(COALESCE(SUM(pg_total_relation_size(c.oid)), 0) AS BIGINT) FROM pg_class c \
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND n.nspname = current_schema()",
);

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// What a store held at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// `SQLite` or `PostgreSQL`.
    pub engine: &'static str,
    /// The tables' version.
    pub schema: i64,
    /// Rows that stay until somebody removes them.
    pub lasting: Lasting,
    /// Sessions that are live.
    pub live_sessions: i64,
    /// Sessions that were ended before their time.
    pub ended_sessions: i64,
    /// Rows that leave by themselves, by kind.
    pub passing: Vec<Passing>,
    /// What all this takes up.
    pub size: Size,
}

/// Rows that stay until somebody removes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// Realms.
    pub realms: i64,
    /// People, of all realms; so with all that follow.
    pub people: i64,
    /// Services: whom clients and API keys speak for.
    pub services: i64,
    /// Clients.
    pub clients: i64,
    /// API keys.
    pub api_keys: i64,
    /// Secrets of clients and API keys.
    pub secrets: i64,
    /// Targets.
    pub targets: i64,
    /// Signing keys, retired ones included.
    pub signing_keys: i64,
}

/// Rows of a kind that leave by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// `sessions`, `tokens`, `ended tokens`, `revocations`, `nonces`, `devices`, `initial access tokens`, `counters`,
    /// `audit lines` or `events`.
    pub kind: &'static str,
    /// How many there are.
    pub rows: i64,
    /// How many of them can go now: the next sweeps remove them.
    pub due_now: i64,
    /// How many of them go within an hour, those of now included.
    pub due_in_hour: i64,
    /// How many of them go within a day.
    pub due_in_day: i64,
    /// When the last of them goes.
    pub last_due: Option<Timestamp>,
    /// When they began, for kinds whose rows say so.
    pub begun: Option<Begun>,
}

/// When the rows of a kind that are there now began. Those that have left meanwhile are not counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The oldest.
    pub oldest: Option<Timestamp>,
    /// The newest.
    pub newest: Option<Timestamp>,
    /// How many began in the last hour.
    pub in_hour: i64,
    /// How many began in the last day.
    pub in_day: i64,
    /// How many began in the last week.
    pub in_week: i64,
}

/// Space on the disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// What tables and indexes take up.
    pub used: i64,
    /// What rows that left gave back, and is used again before the file grows. PostgreSQL counts it as used.
    pub free: Option<i64>,
    /// What is written and not yet where it belongs. PostgreSQL's log is the whole cluster's.
    pub log: Option<i64>,
}

impl Store {
    /// What is stored at `now`, all of one moment.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn stats(&self, now: Timestamp) -> Result<Stats, Error> {
        let mut tx = self.snapshot().await?;
        let mut passing = Vec::new();
        for (kind, sql, kept, begun) in [
            ("sessions", SESSIONS, sweep::SESSIONS_KEPT, true),
            ("tokens", TOKENS, Duration::ZERO, true),
            ("ended tokens", ENDED_TOKENS, Duration::ZERO, false),
            ("revocations", REVOCATIONS, Duration::ZERO, true),
            ("nonces", NONCES, Duration::ZERO, false),
            ("devices", DEVICES, Duration::ZERO, false),
            ("initial access tokens", INITIAL_ACCESS_TOKENS, Duration::ZERO, false),
            ("counters", COUNTERS, Duration::ZERO, false),
            ("audit lines", AUDIT, sweep::AUDIT_KEPT, true),
            ("events", EVENTS, sweep::EVENTS_KEPT, true),
        ] {
            let mut bounds: Vec<Value> = [now, now + HOUR, now + DAY].map(|by| (by - kept).into()).into();
            if begun {
                bounds.extend([now - HOUR, now - DAY, now - WEEK].map(Value::from));
            }
            passing.extend(tx.one(sql, &bounds, |row| read_passing(row, kind, kept, begun)).await?);
        }
        let missing = || Error::Corrupt("a count gave no row".to_owned());
        let sessions = tx.one(SESSIONS_NOW, &[now.into()], |row| Ok((row.take()?, row.take()?))).await?;
        let (live_sessions, ended_sessions) = sessions.ok_or_else(missing)?;
        Ok(Stats {
            engine: engine(&tx),
            schema: tx.one(SCHEMA, &[], |row| row.take()).await?.ok_or_else(missing)?,
            lasting: tx.one(LASTING, &[], read_lasting).await?.ok_or_else(missing)?,
            live_sessions,
            ended_sessions,
            passing,
            size: size(&mut tx).await?.ok_or_else(missing)?,
        })
    }
}

impl Stats {
    /// Sessions that are neither live nor were ended.
    pub fn expired_sessions(&self) -> i64 {
        let stored = self.passing.iter().find(|passing| passing.kind == "sessions").map_or(0, |passing| passing.rows);
        stored - self.live_sessions - self.ended_sessions
    }

    /// All rows that leave by themselves.
    pub fn passing_rows(&self) -> i64 {
        self.passing.iter().map(|passing| passing.rows).sum()
    }

    /// What a day adds and what it takes away again, in bytes: the rows that began in the last day, and those that go
    /// within the next, at the average size of a row. An estimate: rows that began and left within the day are in
    /// neither.
    pub fn bytes_a_day(&self) -> (i64, i64) {
        let began = self.passing.iter().filter_map(|passing| passing.begun.as_ref()).map(|begun| begun.in_day).sum();
        let leave = self.passing.iter().map(|passing| passing.due_in_day).sum();
        (self.bytes_of(began), self.bytes_of(leave))
    }

    /// About what this many rows take up.
    fn bytes_of(&self, rows: i64) -> i64 {
        let all = self.passing_rows().max(1);
        i64::try_from(i128::from(self.size.used) * i128::from(rows) / i128::from(all)).unwrap_or(i64::MAX)
    }
}

fn engine(tx: &Snapshot) -> &'static str {
    match tx {
        Snapshot::Sqlite(_) => "SQLite",
        Snapshot::Postgres(_) => "PostgreSQL",
    }
}

async fn size(tx: &mut Snapshot) -> Result<Option<Size>, Error> {
    match tx {
        Snapshot::Sqlite(_) => tx.one(SQLITE_SIZE, &[], read_sqlite_size).await,
        Snapshot::Postgres(_) => {
            tx.one(POSTGRES_SIZE, &[], |row| Ok(Size { used: row.take()?, free: None, log: None })).await
        }
    }
}

fn read_sqlite_size(row: &mut Row<'_>) -> Result<Size, Error> {
    let (used, free, file): (i64, i64, String) = (row.take()?, row.take()?, row.take()?);
    // There is none while nobody has the store open.
    let log = std::fs::metadata(format!("{file}-wal")).map_or(0, |found| found.len());
    Ok(Size { used, free: Some(free), log: Some(i64::try_from(log).unwrap_or(i64::MAX)) })
}

fn read_lasting(row: &mut Row<'_>) -> Result<Lasting, Error> {
    Ok(Lasting {
        realms: row.take()?,
        people: row.take()?,
        services: row.take()?,
        clients: row.take()?,
        api_keys: row.take()?,
        secrets: row.take()?,
        targets: row.take()?,
        signing_keys: row.take()?,
    })
}

fn read_passing(row: &mut Row<'_>, kind: &'static str, kept: Duration, begun: bool) -> Result<Passing, Error> {
    let rows = row.take()?;
    let last: Option<Timestamp> = row.take()?;
    Ok(Passing {
        kind,
        rows,
        last_due: last.map(|last| last + kept),
        due_now: row.take()?,
        due_in_hour: row.take()?,
        due_in_day: row.take()?,
        begun: if begun { Some(read_begun(row)?) } else { None },
    })
}

fn read_begun(row: &mut Row<'_>) -> Result<Begun, Error> {
    Ok(Begun {
        oldest: row.take()?,
        newest: row.take()?,
        in_hour: row.take()?,
        in_day: row.take()?,
        in_week: row.take()?,
    })
}
