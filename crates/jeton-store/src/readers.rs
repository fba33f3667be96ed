//! Reading: in place on the calling thread, since a row in memory costs less than a hop to another thread.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;

use rusqlite::{Connection, params_from_iter};

use crate::db::{Row, Sql, Value, statements};
use crate::error::Error;
use crate::open::connect_reader;

statements! {
    BEGIN = "BEGIN";
    COMMIT = "COMMIT";
}

/// At most this many connections: more only cost memory, since a read holds one for microseconds.
const MOST: usize = 4;

/// The connections that read.
pub(crate) struct Readers(Vec<Mutex<Connection>>);

impl Readers {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let count = thread::available_parallelism().map_or(MOST, usize::from).clamp(2, MOST);
        (0..count).map(|_| connect_reader(path).map(Mutex::new)).collect::<Result<_, _>>().map(Self)
    }

    /// Does `work`, all of which sees one state of the store.
    pub(crate) fn snapshot<T>(&self, work: impl FnOnce(&Snapshot<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let db = self.free();
        db.prepare_cached(BEGIN.text())?.execute([])?;
        let outcome = work(&Snapshot { db: &db });
        // It only read, so that ending it loses nothing whatever the outcome; some errors have ended it already.
        if !db.is_autocommit() {
            db.prepare_cached(COMMIT.text())?.execute([])?;
        }
        outcome
    }

    /// A connection nobody uses, or the first once it is free.
    fn free(&self) -> MutexGuard<'_, Connection> {
        for reader in &self.0 {
            match reader.try_lock() {
                Ok(db) => return db,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        self.0[0].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One state of the store.
pub(crate) struct Snapshot<'c> {
    db: &'c Connection,
}

impl Snapshot<'_> {
    /// The first row, if there is one.
    pub(crate) fn one<T>(
        &self,
        sql: Sql,
        values: &[Value],
        read: impl FnOnce(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut statement = self.db.prepare_cached(sql.text())?;
        let mut rows = statement.query(params_from_iter(values))?;
        rows.next()?.map(|row| read(&mut Row::new(row))).transpose()
    }

    /// Every row.
    pub(crate) fn all<T>(
        &self,
        sql: Sql,
        values: &[Value],
        read: impl Fn(&mut Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut statement = self.db.prepare_cached(sql.text())?;
        let mut rows = statement.query(params_from_iter(values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(&mut Row::new(row))?);
        }
        Ok(found)
    }
}
