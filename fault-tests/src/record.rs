//! What is written down of an act.

use serde::{Deserialize, Serialize};

/// One act and its answer: a line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Before the request was sent, in microseconds since the epoch.
    pub(crate) begun: u64,
    /// After the answer had come, or was given up.
    pub(crate) ended: u64,
    /// The number of the node that was asked.
    pub(crate) node: usize,
    /// The sign-in that the act belongs to.
    pub(crate) family: u64,
    /// What was asked.
    pub(crate) act: Act,
    /// The token that was shown; for `Issue` and `Replay` the nonce.
    pub(crate) shown: String,
    /// What came back.
    pub(crate) answer: Answer,
}

/// What a client can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Act {
    /// An API key and a fresh nonce for the first token of a family.
    Issue,
    /// The same with the nonce of a family that is there: must be refused.
    Replay,
    /// A token for its successor.
    Refresh,
    /// The end of a token's family.
    Revoke,
    /// Whether a token is good.
    Introspect,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// A token.
    Token(String),
    /// The end is acknowledged.
    Done,
    /// The token is good.
    Active,
    /// It is not.
    Inactive,
    /// No, with this status.
    Refused(u16),
    /// 503: come back later.
    Unavailable,
    /// A status that nobody should see.
    Wrong(u16),
    /// Nothing came.
    Nothing,
}
