//! Counters of failures. A counter that was not moved for a day starts anew, whether or not its row is still there.

use std::time::Duration;

use jeton_core::domain::id::Digest;
use jeton_core::domain::throttle::{Failures, Throttle, ThrottleKeys};
use jeton_core::time::Timestamp;

use crate::db::{Row, statements};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};

statements! {
    // Three searches, since a list for IN would be made into a table first.
    FIND = "SELECT 0, failures, first_at, last_at, succeeded_at FROM throttle WHERE digest = $1 \
        UNION ALL SELECT 1, failures, first_at, last_at, succeeded_at FROM throttle WHERE digest = $2 \
        UNION ALL SELECT 2, failures, first_at, last_at, succeeded_at FROM throttle WHERE digest = $3";
    FAIL = "INSERT INTO throttle (digest, failures, first_at, last_at, forget_at) VALUES ($1, 1, $2, $2, $3) \
        ON CONFLICT (digest) DO UPDATE SET \
        failures = CASE WHEN throttle.last_at < $4 THEN 1 ELSE throttle.failures + 1 END, \
        first_at = CASE WHEN throttle.last_at < $4 THEN $2 ELSE throttle.first_at END, \
        last_at = CASE WHEN throttle.last_at > $2 THEN throttle.last_at ELSE $2 END, \
        forget_at = CASE WHEN throttle.forget_at > $3 THEN throttle.forget_at ELSE $3 END";
    // A success leaves `last_at` at 0, so that the next failure is the first of a new row of them.
    KNOWN = "INSERT INTO throttle (digest, failures, first_at, last_at, succeeded_at, forget_at) \
        VALUES ($1, 0, 0, 0, $2, $3) ON CONFLICT (digest) DO UPDATE SET \
        failures = 0, first_at = 0, last_at = 0, succeeded_at = $2, forget_at = $3";
    FORGET = "DELETE FROM throttle WHERE digest = $1";
}

const DAY: Duration = Duration::from_secs(86_400);

/// A source stays known to an account for this long after its last success.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 86_400);

/// What is counted under `keys`.
pub(crate) async fn find(tx: &mut Snapshot, keys: &ThrottleKeys) -> Result<Throttle, Error> {
    let read = |row: &mut Row<'_>| {
        let place: i64 = row.take()?;
        let failures =
            Failures { count: row.take()?, first_at: row.take()?, last_at: row.take()?, succeeded_at: row.take()? };
        Ok((place, failures))
    };
    let rows = tx.all(FIND, &[keys.pair.into(), keys.account.into(), keys.source.into()], read).await?;
    let mut found = Throttle::default();
    for (place, failures) in rows {
        match place {
            0 => found.pair = failures,
            1 => found.account = failures,
            _ => found.source = failures,
        }
    }
    Ok(found)
}

/// One more failure under `key`.
pub(crate) fn fail(key: Digest, at: Timestamp) -> Step {
    Step::new(FAIL, vec![key.into(), at.into(), (at + DAY).into(), (at - DAY).into()], Needs::Nothing)
}

/// A success under `key`, which is remembered.
pub(crate) fn known(key: Digest, at: Timestamp) -> Step {
    Step::new(KNOWN, vec![key.into(), at.into(), (at + KNOWN_FOR).into()], Needs::Nothing)
}

/// No failure under `key` any more.
pub(crate) fn forget(key: Digest) -> Step {
    Step::new(FORGET, vec![key.into()], Needs::Nothing)
}
