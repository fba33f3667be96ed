//! The two engines under one store: SQLite in a file of this machine, PostgreSQL for many nodes.

use crate::cache::Head;
use crate::database::Database;
use crate::error::Error;
use crate::migrate::Taken;
use crate::postgres::Postgres;
use crate::snapshot::Snapshot;
use crate::sqlite::Sqlite;
use crate::step::{Reply, Step};

/// An engine that is open.
pub(crate) enum Engine {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Engine {
    pub(crate) async fn open(database: &Database) -> Result<Self, Error> {
        match database {
            Database::File(path) => Sqlite::open(path).map(Self::Sqlite),
            Database::Postgres(place) => Postgres::open(place).await.map(Self::Postgres),
        }
    }

    /// The steps that the tables there were made by. Changes nothing.
    pub(crate) async fn taken(database: &Database) -> Result<Taken, Error> {
        match database {
            Database::File(path) => Sqlite::taken(path),
            Database::Postgres(place) => Postgres::taken(place).await,
        }
    }

    /// What is known without asking of what others committed: while it stands, memory may answer.
    pub(crate) fn head(&self) -> Option<Head> {
        match self {
            Self::Sqlite(sqlite) => sqlite.head().map(Head::Wal),
            Self::Postgres(postgres) => postgres.head(),
        }
    }

    /// One state of the store, to read from.
    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Error> {
        match self {
            Self::Sqlite(sqlite) => sqlite.reading().map(Snapshot::Sqlite),
            Self::Postgres(postgres) => postgres.reading().await.map(Snapshot::Postgres),
        }
    }

    /// Writes `steps`, all or none; they are durable when this returns.
    pub(crate) async fn write(&self, steps: Vec<Step>) -> Reply {
        match self {
            Self::Sqlite(sqlite) => sqlite.write(steps).await,
            Self::Postgres(postgres) => postgres.write(steps).await,
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}
