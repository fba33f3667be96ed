//! What PostgreSQL's errors mean to the store.

use tokio_postgres::error::SqlState;

use crate::error::{Constraint, Error};

/// Why something could not be done, and whether it may be tried again at once.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was written, and the same may well succeed now: two transactions met.
    Met(Error),
    /// Nothing was written, and the same may well succeed on another connection: this one is of no more use.
    Lost(Error),
    /// Trying again would not help, or might do it twice.
    Final(Error),
}

impl Failure {
    /// Whether trying again may help, and does no harm.
    pub(super) fn may_pass(&self) -> bool {
        !matches!(self, Self::Final(_))
    }

    /// What a connection that cannot be made means; `told` says what to do about it.
    pub(super) fn of_connecting(error: &tokio_postgres::Error, told: String) -> Self {
        let told = Error::Unavailable(told);
        if is_lost(error) { Self::Lost(told) } else { Self::Final(told) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

/// Before anything was committed: whatever went wrong, nothing was written.
impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match (met_another(&error), is_lost(&error)) {
            (true, _) => Self::Met(error.into()),
            (_, true) => Self::Lost(error.into()),
            _ => Self::Final(error.into()),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Met(error) | Failure::Lost(error) | Failure::Final(error) => error,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(told) = error.as_db_error() else { return Self::Unavailable(shown(&error)) };
        match told.code() {
            &SqlState::DISK_FULL => {
                Self::Unavailable("the database's disk is full: free some space; no restart is needed".to_owned())
            }
            code if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
                Self::Corrupt(told.message().to_owned())
            }
            code => Self::Unavailable(format!("the database says: {} ({})", told.message(), code.code())),
        }
    }
}

/// What the driver says, with the reason that it keeps below.
fn shown(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// The constraint that `error` is about, if it is about one.
pub(super) fn constraint(error: &tokio_postgres::Error) -> Option<Constraint> {
    match *error.code()? {
        SqlState::UNIQUE_VIOLATION => Some(Constraint::Unique),
        SqlState::FOREIGN_KEY_VIOLATION => Some(Constraint::Parent),
        _ => None,
    }
}

/// Whether a transaction was undone for another's sake.
pub(super) fn met_another(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// Whether the connection is gone, or leads to a server that only reads: another one may be the primary by now.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    const GOING: [SqlState; 4] = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::READ_ONLY_SQL_TRANSACTION,
    ];
    match error.code() {
        Some(code) => GOING.contains(code),
        None => {
            error.is_closed() || std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>())
        }
    }
}
