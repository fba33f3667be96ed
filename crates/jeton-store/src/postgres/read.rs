//! Reading: statements that see one state, on a connection of their own.

use deadpool_postgres::Object;
use tokio::time::timeout;
use tokio_postgres::Row as PgRow;

use super::bind::is_foreign;
use super::error::Failure;
use super::pool::{PATIENCE, Pool};
use crate::db::{EngineRow, Row, Sql, Value};
use crate::error::Error;

/// What begins a reading whose statements see one state.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// One state of the store. It is over when this is dropped.
pub(crate) struct Reading {
    client: Option<Object>,
    begun: bool,
    lost: bool,
}

impl Reading {
    pub(super) async fn begin(pool: &Pool) -> Result<Self, Error> {
        Ok(Self { client: Some(pool.get().await?), begun: false, lost: false })
    }

    /// Whether the connection was lost meanwhile: another reading may succeed.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// The first row, if there is one.
    pub(crate) async fn one<T>(
        &mut self,
        sql: Sql,
        values: &[Value],
        read: impl FnOnce(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let rows = self.rows(sql, values).await?;
        rows.first().map(|row| read(&mut Row::new(EngineRow::Postgres(row)))).transpose()
    }

    /// Every row.
    pub(crate) async fn all<T>(
        &mut self,
        sql: Sql,
        values: &[Value],
        read: impl Fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let rows = self.rows(sql, values).await?;
        rows.iter().map(|row| read(&mut Row::new(EngineRow::Postgres(row)))).collect()
    }

    async fn rows(&mut self, sql: Sql, values: &[Value]) -> Result<Vec<PgRow>, Error> {
        if values.iter().any(is_foreign) {
            return Ok(Vec::new());
        }
        let Some(client) = &self.client else { return Err(Error::Unavailable("this reading is over".to_owned())) };
        // Noted before anything goes out: whoever waits may go away, and what was begun must be ended all the same.
        let rows = match std::mem::replace(&mut self.begun, true) {
            true => within(fetch(client, sql, values)).await,
            false => within(begin_and_fetch(client, sql, values)).await,
        };
        rows.map_err(|failure| {
            self.lost = failure.may_pass();
            failure.into()
        })
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|_| self.begun) else { return };
        if self.lost {
            let _gone = Object::take(client);
            return;
        }
        // Nobody waits for the end of a reading. A connection on which it fails is not used again.
        tokio::spawn(async move {
            if within(async { Ok(client.batch_execute("COMMIT").await?) }).await.is_err() {
                let _gone = Object::take(client);
            }
        });
    }
}

async fn fetch(client: &Object, sql: Sql, values: &[Value]) -> Result<Vec<PgRow>, Failure> {
    let statement = client.prepare_cached(sql.for_postgres()).await?;
    Ok(client.query(&statement, &bound(values)).await?)
}

/// Both go out together, so that beginning costs no turn of its own.
async fn begin_and_fetch(client: &Object, sql: Sql, values: &[Value]) -> Result<Vec<PgRow>, Failure> {
    let statement = client.prepare_cached(sql.for_postgres()).await?;
    let bound = bound(values);
    let (begun, rows) = tokio::join!(client.batch_execute(BEGIN), client.query(&statement, &bound));
    begun?;
    Ok(rows?)
}

/// The values as the driver takes them.
pub(super) fn bound(values: &[Value]) -> Vec<&(dyn tokio_postgres::types::ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn tokio_postgres::types::ToSql + Sync)).collect()
}

/// `work`, unless it takes too long.
pub(super) async fn within<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| {
        Err(Failure::Final(Error::Unavailable(format!("the database did not answer within {} s", PATIENCE.as_secs()))))
    })
}
