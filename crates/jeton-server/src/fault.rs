//! What the operator is told when something broke. The peer is told only that it should come back later.

use std::fmt;

/// Something that is nobody's fault who asked: an unreachable store, a damaged row, overload. Never holds a secret.
#[derive(Debug)]
pub struct Fault {
    what: String,
}

impl Fault {
    /// A fault in plain words.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Fault {}

impl From<jeton_store::Error> for Fault {
    fn from(error: jeton_store::Error) -> Self {
        Self::new(error.to_string())
    }
}

impl From<crate::sealing::SealError> for Fault {
    fn from(error: crate::sealing::SealError) -> Self {
        Self::new(error.to_string())
    }
}
