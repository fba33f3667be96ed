//! A store put back from a backup. All is done on a copy: one `rename` at the end makes it the store.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jeton_core::time::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tempfile::TempDir;

use super::changed::{self, Changed};
use super::{Backup, cannot_make, folder_of, has_table, mark, not_on_disk, open, sync, sync_folder, unmark};
use crate::error::Error;

/// How long a command that has the store open for a moment is waited for.
const BUSY: Duration = Duration::from_secs(1);

/// What SQLite keeps beside a database. A log that stays behind would be played into whatever takes the store's name.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A store made of a backup, in a folder of its own beside the place where it will be. Goes away unless it
/// [replaces](Claim::replace_by) what is there.
pub struct Unpacked {
    path: PathBuf,
    backup: Backup,
    _folder: TempDir,
}

impl Unpacked {
    /// Copies the backup `file` to the folder of `store`, and sees that it is whole.
    ///
    /// # Errors
    /// [`Error::Open`] if it cannot be read, is no backup or is damaged, or the copy cannot be made.
    pub fn new(file: &Path, store: &Path) -> Result<Self, Error> {
        let parent = folder_of(&real(store));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&parent);
        // The folder keeps others out, whatever mode SQLite gives to the files in it.
        let folder = made.and_then(|()| tempfile::Builder::new().prefix(".jeton-restore-").tempdir_in(&parent));
        let folder = folder.map_err(|error| cannot_make(store, &error))?;
        let path = folder.path().join("jeton.db");
        let mut from = fs::File::open(file)
            .map_err(|error| Error::Open(format!("cannot read the backup {}: {error}", file.display())))?;
        let to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let copied = to.and_then(|mut to| io::copy(&mut from, &mut to));
        let bytes = copied.map_err(|error| cannot_make(&path, &error))?;
        let backup = open(&path).and_then(|db| unmark(&db)).map_err(|error| match error {
            Error::Corrupt(what) => {
                Error::Open(format!("the backup {} is damaged: {what}; take another one", file.display()))
            }
            Error::Open(text) => Error::Open(format!("{}: {text}", file.display())),
            other => other,
        })?;
        Ok(Self { path, backup: Backup { bytes, ..backup }, _folder: folder })
    }

    /// Where it is, to be opened as a store. Everything must be closed again before it replaces another.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was in the backup.
    pub fn backup(&self) -> &Backup {
        &self.backup
    }

    /// Brings it into one file, on the disk.
    fn settle(&self) -> Result<(), Error> {
        let db = Connection::open_with_flags(&self.path, flags())?;
        db.busy_timeout(BUSY)?;
        let mode: String = db.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0))?;
        if mode != "delete" {
            return Err(Error::Unavailable("the restored store is still in use".to_owned()));
        }
        drop(db);
        sync(&self.path).map(|_| ())
    }
}

/// The place of a store, where nobody else opens anything while this lasts.
pub struct Claim {
    store: PathBuf,
    found: Found,
}

/// What there is where the store will be.
enum Found {
    /// No file, or an empty one.
    Nothing,
    /// A store, locked.
    Store(Connection),
    /// A file that cannot be read as a store.
    Damaged(String),
}

impl Claim {
    /// Whether there is a file at `store` with something in it.
    pub fn is_taken(store: &Path) -> bool {
        store.metadata().is_ok_and(|found| found.len() > 0 || !found.is_file())
    }

    /// Locks the place of a store, and what is there.
    ///
    /// # Errors
    /// [`Error::Open`] if another process has the store open, or the file is another program's.
    pub fn new(store: &Path) -> Result<Self, Error> {
        let store = real(store);
        let found = match Self::is_taken(&store) {
            false => Found::Nothing,
            true => match lock(&store) {
                Ok(db) => Found::Store(db),
                Err(Error::Corrupt(what)) => Found::Damaged(what),
                Err(error) => return Err(error),
            },
        };
        Ok(Self { store, found })
    }

    /// Why the store that is there cannot be read, if it is damaged.
    pub fn damage(&self) -> Option<&str> {
        match &self.found {
            Found::Damaged(what) => Some(what),
            Found::Nothing | Found::Store(_) => None,
        }
    }

    /// What was changed in the store that is there since the backup, as of `now`. Nothing if there is none to compare
    /// with. Numbers of principals that were given out since are taken in the restored store, too.
    ///
    /// # Errors
    /// [`Error::Corrupt`] or [`Error::Unavailable`] if either cannot be read.
    pub fn changed_since(&self, restored: &Unpacked, now: Timestamp) -> Result<Option<Vec<Changed>>, Error> {
        match &self.found {
            Found::Store(db) => changed::compare(db, &restored.path, now).map(Some),
            Found::Nothing | Found::Damaged(_) => Ok(None),
        }
    }

    /// Puts `by` in the place, in one step. What was there is kept as the file that is returned: a store as a backup of
    /// `now`, so that it can be restored as well, and a damaged one as it is.
    ///
    /// # Errors
    /// [`Error::Open`] or [`Error::Unavailable`] if something cannot be moved: the store is then what it was.
    pub fn replace_by(self, by: Unpacked, now: Timestamp) -> Result<Option<PathBuf>, Error> {
        by.settle()?;
        let Self { store, found } = self;
        let time: String = now.whole_secs().to_string().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let aside = beside(&store, &format!(".replaced-{time}"));
        for end in BESIDE {
            // Only a damaged store, or one whose file was removed by hand, has left any.
            move_aside(&beside(&store, end), &beside(&aside, end))?;
        }
        let kept = !matches!(found, Found::Nothing);
        if kept {
            // A second name first, so that the store's own is never without a file.
            fs::hard_link(&store, &aside).map_err(|error| cannot_make(&aside, &error))?;
            sync_folder(&store)?;
        }
        fs::rename(&by.path, &store).map_err(|error| cannot_make(&store, &error))?;
        sync_folder(&store)?;
        if let Found::Store(db) = found {
            drop(db);
            // It is done: that the old one can be opened by mistake is no reason to say that it is not.
            if let Err(error) = set_aside(&aside, now) {
                tracing::warn!(%error, file = %aside.display(), "the replaced store could not be made a backup");
            }
        }
        Ok(kept.then_some(aside))
    }
}

/// Makes a backup of a store that was replaced.
fn set_aside(aside: &Path, now: Timestamp) -> Result<(), Error> {
    let db = Connection::open_with_flags(aside, flags())?;
    mark(&db, now).map(|_| ())
}

/// Opens a store so that nobody else can, with its log brought in.
fn lock(store: &Path) -> Result<Connection, Error> {
    let db = Connection::open_with_flags(store, flags())?;
    db.busy_timeout(BUSY)?;
    db.pragma_update(None, "trusted_schema", false)?;
    // Whoever has it open in WAL mode holds a lock that forbids to leave that mode, at rest too.
    db.pragma_update(Some("main"), "locking_mode", "EXCLUSIVE")?;
    let locked = db.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()));
    let locked = locked.and_then(|()| db.execute_batch("BEGIN EXCLUSIVE; COMMIT"));
    locked.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::Open(format!(
            "the store {} is in use: stop the server and every other command on it first",
            store.display()
        )),
        _ => error.into(),
    })?;
    match has_table(&db, "schema_version")? {
        true => Ok(db),
        false => Err(Error::Open(format!(
            "{} is no store of Jeton, and is not replaced: see `data` in the configuration",
            store.display()
        ))),
    }
}

/// Where the file really is: a link in its place stays one.
fn real(store: &Path) -> PathBuf {
    store.canonicalize().unwrap_or_else(|_| store.to_owned())
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

fn move_aside(from: &Path, to: &Path) -> Result<(), Error> {
    match fs::rename(from, to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(not_on_disk(from, &error)),
        _ => Ok(()),
    }
}

/// A file whose name goes on where that of `path` ends.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    PathBuf::from(name)
}
