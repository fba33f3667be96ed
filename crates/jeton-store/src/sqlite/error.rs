//! What SQLite's errors mean to the store.

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

use crate::error::{Constraint, Error};

/// The constraint that `error` is about, if it is about one.
pub(super) fn constraint(error: &rusqlite::Error) -> Option<Constraint> {
    match error.sqlite_error()?.extended_code {
        SQLITE_CONSTRAINT_UNIQUE | SQLITE_CONSTRAINT_PRIMARYKEY => Some(Constraint::Unique),
        SQLITE_CONSTRAINT_FOREIGNKEY => Some(Constraint::Parent),
        _ => None,
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => {
                Self::Unavailable("the disk is full: free some space; no restart is needed".to_owned())
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Unavailable(
                "another process has been writing to it for more than 5 s: see which one holds the file open"
                    .to_owned(),
            ),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}
