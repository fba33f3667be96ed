//! What nodes tell each other about what they keep in memory.

use jeton_core::time::Timestamp;

use crate::db::statements;
use crate::step::{Needs, Step};

statements! {
    APPEND = "INSERT INTO event (at, kind) VALUES ($1, 'configured')";
    SINCE = "SELECT seq FROM event WHERE seq > $1 ORDER BY seq";
}

/// The channel that wakes other nodes where the engine can.
macro_rules! channel {
    () => {
        "jeton_event"
    };
}
pub(crate) use channel;

/// Whether `step` tells of something.
pub(crate) fn is_told_by(step: &Step) -> bool {
    step.sql == APPEND
}

/// Tells that something was configured.
pub(crate) fn configured(at: Timestamp) -> Step {
    Step::new(APPEND, vec![at.into()], Needs::Nothing)
}
