//! Backups of the embedded store: made while others write, and no store until a restore has made one of them.
//!
//! `VACUUM INTO` copies one state of the store. In WAL mode a reader holds up no writer, and unlike SQLite's
//! page-by-page backup it does not begin anew with every commit of another process, and leaves deleted rows behind.
//!
//! A backup that is opened as it is would bring tokens back to life that were ended since. So its table
//! `schema_version` has another name, and every Jeton refuses a file without one.

mod changed;
pub(crate) mod epoch;
mod restore;

use std::fs::File;
use std::path::{Path, PathBuf};

use jeton_core::time::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};

pub use self::changed::{Changed, How, Noun};
pub use self::restore::{Claim, Unpacked};
use crate::error::Error;
use crate::sqlite::open::connect;

/// What is in a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Whatever was acknowledged before this instant is in it.
    pub taken_at: Timestamp,
    /// How many realms.
    pub realms: i64,
    /// How many people.
    pub people: i64,
    /// How many clients.
    pub clients: i64,
    /// How many API keys.
    pub api_keys: i64,
    /// How many sessions that were live when it was taken.
    pub sessions: i64,
    /// How large it is, in bytes.
    pub bytes: u64,
}

/// Copies the store at `store` into the new file `file`, for its owner alone. Others may write meanwhile, and are not
/// held up. The file appears under its name once it is whole, checked and on the disk. `now` is before the copy begins.
///
/// # Errors
/// [`Error::Open`] if there is no store, or the file is there already or cannot be made; [`Error::Corrupt`] if the
/// store is damaged; [`Error::Unavailable`] if it cannot be read or the disk is full.
pub fn backup(store: &Path, file: &Path, now: Timestamp) -> Result<Backup, Error> {
    if !store.is_file() {
        return Err(Error::Open(format!("there is no store at {}: see `data` in the configuration", store.display())));
    }
    if file.symlink_metadata().is_ok() {
        return Err(taken(file));
    }
    let part = tempfile::Builder::new().prefix(".jeton-backup-").tempfile_in(folder_of(file));
    let part = part.map_err(|error| cannot_make(file, &error))?;
    copy(store, part.path())?;
    let db = open(part.path())?;
    let made = mark(&db, now)?;
    check_sound(&db)?;
    drop(db);
    let bytes = sync(part.path())?;
    part.persist_noclobber(file).map_err(|failed| match file.symlink_metadata() {
        Ok(_) => taken(file),
        Err(_) => cannot_make(file, &failed.error),
    })?;
    sync_folder(file)?;
    Ok(Backup { bytes, ..made })
}

fn copy(store: &Path, to: &Path) -> Result<(), Error> {
    let Some(name) = to.to_str() else {
        return Err(Error::Open(format!("{} is no UTF-8: name another folder", to.display())));
    };
    connect(store)?.execute("VACUUM INTO $1", [name])?;
    Ok(())
}

/// Makes a backup of a copy: says when it was taken, and that it is no store.
fn mark(db: &Connection, taken_at: Timestamp) -> Result<Backup, Error> {
    if !has_table(db, "schema_version")? {
        return Err(Error::Open("the file is no store of Jeton: see `data` in the configuration".to_owned()));
    }
    let checksum = checksum(db)?;
    db.execute_batch(
        "BEGIN;
         ALTER TABLE schema_version RENAME TO backup_schema_version;
         CREATE TABLE backup (taken_at BIGINT NOT NULL, checksum BIGINT NOT NULL)",
    )?;
    db.execute("INSERT INTO backup (taken_at, checksum) VALUES ($1, $2)", (taken_at.as_micros(), checksum))?;
    db.execute_batch("COMMIT")?;
    count(db, taken_at)
}

/// Makes a store of a backup again, if every row is as it was.
fn unmark(db: &Connection) -> Result<Backup, Error> {
    if !has_table(db, "backup")? {
        return Err(Error::Open("the file is no backup of Jeton: name one that `jeton backup` made".to_owned()));
    }
    check_sound(db)?;
    let (taken_at, expected): (i64, i64) =
        db.query_row("SELECT taken_at, checksum FROM backup", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if checksum(db)? != expected {
        return Err(Error::Corrupt("its rows are not those that were written".to_owned()));
    }
    db.execute_batch("BEGIN; DROP TABLE backup; ALTER TABLE backup_schema_version RENAME TO schema_version; COMMIT")?;
    count(db, Timestamp::from_micros(taken_at))
}

fn count(db: &Connection, taken_at: Timestamp) -> Result<Backup, Error> {
    let one = |sql: &str| db.query_row(sql, [], |row| row.get(0));
    let live = "SELECT count(*) FROM session WHERE expires_at > $1 AND ended_at IS NULL";
    Ok(Backup {
        taken_at,
        realms: one("SELECT count(*) FROM realm")?,
        people: one("SELECT count(*) FROM principal WHERE kind = 'person'")?,
        clients: one("SELECT count(*) FROM client")?,
        api_keys: one("SELECT count(*) FROM api_key")?,
        sessions: db.query_row(live, [taken_at.as_micros()], |row| row.get(0))?,
        bytes: 0,
    })
}

/// Looks at every page and every index.
fn check_sound(db: &Connection) -> Result<(), Error> {
    let found: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(Error::Corrupt(found)) }
}

/// A sum over all rows: `integrity_check` does not see a flipped bit inside a value.
fn checksum(db: &Connection) -> Result<i64, Error> {
    let tables: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'backup'")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut sum = 0_i64;
    for table in tables {
        let mut query = db.prepare(&format!("SELECT * FROM \"{}\"", table.replace('"', "\"\"")))?;
        let columns = query.column_count();
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let mut hasher = crc32fast::Hasher::new();
            for column in 0..columns {
                add(&mut hasher, row.get_ref(column)?);
            }
            // Added up, since the order of rows is up to the engine.
            sum = sum.wrapping_add(i64::from(hasher.finalize()));
        }
    }
    Ok(sum)
}

/// Each value with its type and length, so that no two rows look alike.
fn add(hasher: &mut crc32fast::Hasher, value: ValueRef<'_>) {
    let mut part = |kind: u8, bytes: &[u8]| {
        hasher.update(&[kind]);
        hasher.update(&bytes.len().to_le_bytes());
        hasher.update(bytes);
    };
    match value {
        ValueRef::Null => part(0, &[]),
        ValueRef::Integer(number) => part(1, &number.to_le_bytes()),
        ValueRef::Real(number) => part(2, &number.to_le_bytes()),
        ValueRef::Text(text) => part(3, text),
        ValueRef::Blob(bytes) => part(4, bytes),
    }
}

fn has_table(db: &Connection, name: &str) -> Result<bool, Error> {
    Ok(db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1")?.exists([name])?)
}

/// A file that nobody else has open, without a log beside it: whoever ends half way throws it away.
fn open(path: &Path) -> Result<Connection, Error> {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "journal_mode", "MEMORY")?;
    db.pragma_update(None, "synchronous", "OFF")?;
    Ok(db)
}

/// Waits until a file is on the disk. Returns its size.
fn sync(path: &Path) -> Result<u64, Error> {
    let synced = File::open(path).and_then(|file| file.sync_all().and_then(|()| file.metadata()));
    synced.map(|found| found.len()).map_err(|error| not_on_disk(path, &error))
}

/// Waits until the name of a file is on the disk.
fn sync_folder(file: &Path) -> Result<(), Error> {
    let folder = folder_of(file);
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|error| not_on_disk(&folder, &error))
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn taken(file: &Path) -> Error {
    Error::Open(format!("{} is there already, and a backup overwrites nothing: name another file", file.display()))
}

fn cannot_make(file: &Path, error: &std::io::Error) -> Error {
    Error::Open(format!("cannot make {}: {error}; name another place for it", file.display()))
}

fn not_on_disk(path: &Path, error: &std::io::Error) -> Error {
    Error::Unavailable(format!("{} could not be brought to the disk: {error}; see whether it is full", path.display()))
}
