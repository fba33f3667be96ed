//! Reading: in place on the calling thread, since a row in memory costs less than a hop to another thread.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use rusqlite::{Connection, params_from_iter};

use super::open::connect_reader;
use crate::db::{EngineRow, Row, Sql, Value};
use crate::error::Error;

const BEGIN: Sql = Sql::new("BEGIN");
const COMMIT: Sql = Sql::new("COMMIT");

/// At most this many connections wait for work: more only cost memory, since a read holds one for microseconds.
const MOST: usize = 4;

/// The connections that read, as far as nobody uses them.
pub(super) struct Readers {
    path: PathBuf,
    keep: usize,
    free: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let keep = thread::available_parallelism().map_or(MOST, usize::from).clamp(2, MOST);
        let free = (0..keep).map(|_| connect_reader(path)).collect::<Result<_, _>>()?;
        Ok(Self { path: path.to_owned(), keep, free: Mutex::new(free) })
    }

    /// One state of the store, on a connection of its own.
    pub(super) fn begin(this: &Arc<Self>) -> Result<Reading, Error> {
        let free = this.free().pop();
        let db = free.map_or_else(|| connect_reader(&this.path), Ok)?;
        db.prepare_cached(BEGIN.for_sqlite())?.execute([])?;
        Ok(Reading { db: Some(db), home: this.clone() })
    }

    fn free(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One state of the store. The connection goes back when this is dropped.
pub(crate) struct Reading {
    db: Option<Connection>,
    home: Arc<Readers>,
}

impl Reading {
    /// The first row, if there is one.
    pub(crate) fn one<T>(
        &mut self,
        sql: Sql,
        values: &[Value],
        read: impl FnOnce(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut statement = self.db()?.prepare_cached(sql.for_sqlite())?;
        let mut rows = statement.query(params_from_iter(values))?;
        rows.next()?.map(|row| read(&mut Row::new(EngineRow::Sqlite(row)))).transpose()
    }

    /// Every row.
    pub(crate) fn all<T>(
        &mut self,
        sql: Sql,
        values: &[Value],
        read: impl Fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut statement = self.db()?.prepare_cached(sql.for_sqlite())?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&mut Row::new(EngineRow::Sqlite(row)))?);
        }
        Ok(found)
    }

    fn db(&self) -> Result<&Connection, Error> {
        self.db.as_ref().ok_or_else(|| Error::Unavailable("this reading is over".to_owned()))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(db) = self.db.take() else { return };
        // It only read, so that ending it loses nothing; some errors have ended it already.
        let ended =
            db.is_autocommit() || db.prepare_cached(COMMIT.for_sqlite()).and_then(|mut end| end.execute([])).is_ok();
        let mut free = self.home.free();
        if ended && free.len() < self.home.keep {
            free.push(db);
        }
    }
}
