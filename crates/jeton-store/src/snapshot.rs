//! Reading: one state of the store, whichever engine holds it.

use crate::db::{Row, Sql, Value};
use crate::error::Error;
use crate::{postgres, sqlite};

/// One state of the store. It is over when this is dropped.
pub(crate) enum Snapshot {
    Sqlite(sqlite::Reading),
    Postgres(postgres::Reading),
}

impl Snapshot {
    /// The first row, if there is one.
    pub(crate) async fn one<T>(
        &mut self,
        sql: Sql,
        values: &[Value],
        read: impl FnOnce(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        match self {
            Self::Sqlite(reading) => reading.one(sql, values, read),
            Self::Postgres(reading) => reading.one(sql, values, read).await,
        }
    }

    /// Every row.
    pub(crate) async fn all<T>(
        &mut self,
        sql: Sql,
        values: &[Value],
        read: impl Fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        match self {
            Self::Sqlite(reading) => reading.all(sql, values, read),
            Self::Postgres(reading) => reading.all(sql, values, read).await,
        }
    }

    /// Whether the store was lost on the way, so that reading once more may succeed.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(reading) => reading.is_lost(),
        }
    }
}
