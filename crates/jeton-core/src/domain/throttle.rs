//! Counted failures: against guessing, and so that guessing cannot lock the owner out.

use super::id::Digest;
use crate::time::Timestamp;

/// The three counters that a failed proof moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleKeys {
    /// This account from this source.
    pub pair: Digest,
    /// This account from anywhere.
    pub account: Digest,
    /// Any account from this source.
    pub source: Digest,
}

/// One counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// Failures in a row that reached the verifier.
    pub count: i64,
    /// The first of them.
    pub first_at: Timestamp,
    /// The last of them.
    pub last_at: Timestamp,
    /// The last success, for a pair: the source is known to the account.
    pub succeeded_at: Option<Timestamp>,
}

/// What the store knows under [`ThrottleKeys`]. No row reads as no failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttle {
    /// This account from this source.
    pub pair: Failures,
    /// This account from anywhere.
    pub account: Failures,
    /// Any account from this source.
    pub source: Failures,
}
