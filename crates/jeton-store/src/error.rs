//! Why the store did not do what it was asked.

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_CONSTRAINT_FOREIGNKEY, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};

/// Why the store did not do what it was asked. Whatever it is, nothing of the request was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What a change assumed no longer holds.
    #[error("it changed meanwhile: load, decide and commit again")]
    Conflict,
    /// Something of this name or number is there already, or (for principals) was once.
    #[error("there is such a {0} already: choose another name or number")]
    Exists(&'static str),
    /// What should be changed is not there.
    #[error("there is no such {0}: list what there is")]
    Missing(&'static str),
    /// A value that the store does not take.
    #[error("{0}")]
    Invalid(String),
    /// The store cannot be reached or written now. The same request can be made again later.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// What is stored cannot be understood.
    #[error("the store is damaged: {0}; restore a backup, or report this if the file is sound")]
    Corrupt(String),
    /// The store cannot be opened. The text says what to do.
    #[error("{0}")]
    Open(String),
}

/// A constraint that a statement ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Constraint {
    /// Another row has this key.
    Unique,
    /// The row that this one belongs to is not there.
    Parent,
}

/// The constraint that `error` is about, if it is about one.
pub(crate) fn constraint(error: &rusqlite::Error) -> Option<Constraint> {
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
