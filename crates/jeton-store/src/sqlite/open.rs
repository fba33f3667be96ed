//! The file: made if it is not there, for its owner alone, and connected to as durability asks.

use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::Error;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(5);

/// Makes the file (0600) and its folders (0700) if they are missing. Refuses one that others can read.
pub(crate) fn prepare_file(path: &Path) -> Result<(), Error> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| {
            Error::Open(format!(
                "cannot make the folder {}: {error}; name another place for the store",
                folder.display()
            ))
        })?;
    }
    // Only a file that was not there is opened here: closing one that SQLite has open would drop its locks.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            let path = path.display();
            return Err(Error::Open(format!("cannot make the store {path}: {error}; name another place for it")));
        }
        _ => {}
    }
    let found = path.metadata().map_err(|error| {
        Error::Open(format!("cannot look at the store {}: {error}; check who owns it", path.display()))
    })?;
    let mode = found.permissions().mode() & 0o777;
    let path = path.display();
    if !found.is_file() {
        return Err(Error::Open(format!("{path} is not a file: name a file for the store")));
    }
    if mode & 0o077 != 0 {
        return Err(Error::Open(format!(
            "others than its owner can open the store {path} (mode {mode:04o}); run: chmod 600 '{path}'"
        )));
    }
    Ok(())
}

/// The connection that writes.
pub(crate) fn connect(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(128);
    // A statement is planned once, whatever is bound to it: planning anew costs twenty times what running it does.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: the log is on the disk before a commit returns.
    db.pragma_update(None, "synchronous", "FULL")?;
    db.pragma_update(None, "foreign_keys", true)?;
    db.pragma_update(None, "trusted_schema", false)?;
    // Two MiB of pages each, so that a server at rest stays small.
    db.pragma_update(None, "cache_size", -2000)?;
    // After a burst the log shrinks to this at the next checkpoint.
    db.pragma_update(None, "journal_size_limit", 16 << 20)?;
    Ok(db)
}

/// A connection that only reads.
pub(crate) fn connect_reader(path: &Path) -> Result<Connection, Error> {
    let db = connect(path)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

#[cfg(test)]
mod tests {
    use super::{connect, connect_reader, prepare_file};

    /// What durability and integrity rest on; every connection sets it anew, since the file keeps none of it but WAL.
    #[test]
    fn what_every_connection_is_set_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        prepare_file(&path).expect("a file");
        for open in [connect, connect_reader] {
            let db = open(&path).expect("a connection");
            let number = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).expect("a number");
            // 2 is FULL: the log is synced before a commit returns.
            assert_eq!([number("synchronous"), number("foreign_keys"), number("trusted_schema")], [2, 1, 0]);
            let mode: String = db.pragma_query_value(None, "journal_mode", |row| row.get(0)).expect("a mode");
            assert_eq!(mode, "wal");
        }
    }
}
