//! Why the store did not do what it was asked.

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
