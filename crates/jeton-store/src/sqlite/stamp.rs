//! Whether anybody has committed since: told by the head of SQLite's WAL index, without a transaction.
//!
//! In WAL mode every commit, by whatever connection of whatever process, rewrites the first 96 bytes of the
//! `-shm` file beside the store: a change counter, the length of the log and checksums, all twice
//! (<https://www.sqlite.org/walformat.html#the_wal_index_file_format>). While these bytes stand, what was read
//! before is what would be read now, and one `pread` says so.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// The bytes that every commit changes.
pub(crate) type Head = [u8; 96];

/// Reads the head of one store's WAL index.
pub(crate) struct Stamp(&'static File);

impl Stamp {
    /// For the store at `path`, which is open already. Nothing where there is no such file: then every question
    /// goes to the database.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let mut index = OsString::from(path);
        index.push("-shm");
        let file = File::open(index).ok()?;
        // Never closed: closing any descriptor of a file drops all locks that this process has on it, and
        // SQLite's are there (fcntl(2), "Advisory record locking").
        Some(Self(Box::leak(Box::new(file))))
    }

    /// The head now.
    pub(crate) fn read(&self) -> Option<Head> {
        let mut head = [0; 96];
        self.0.read_exact_at(&mut head, 0).ok()?;
        Some(head)
    }
}
