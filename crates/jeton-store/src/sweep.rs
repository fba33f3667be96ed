//! Rows that are of no more use go by themselves, a bite at a time.

use std::time::Duration;

use jeton_core::time::Timestamp;

use crate::db::{Sql, statements};
use crate::error::Error;
use crate::step::{Needs, Step};
use crate::store::Store;

statements! {
    TOKENS = "DELETE FROM token WHERE (digest, session_id) IN \
        (SELECT digest, session_id FROM token WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2)";
    // A session that was ended stays until it would have ended by itself: as long as its row is there,
    // its tokens are known to be revoked. (PostgreSQL answers NOT EXISTS here by reading both tables whole.)
    SESSIONS = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at <= $1 \
        AND (SELECT 1 FROM token WHERE token.session_id = session.id LIMIT 1) IS NULL ORDER BY expires_at LIMIT $2)";
    ENDED_TOKENS = "DELETE FROM ended_token WHERE digest IN \
        (SELECT digest FROM ended_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    NONCES = "DELETE FROM nonce WHERE digest IN \
        (SELECT digest FROM nonce WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    DEVICES = "DELETE FROM device WHERE device_code IN \
        (SELECT device_code FROM device WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    COUNTERS = "DELETE FROM throttle WHERE digest IN \
        (SELECT digest FROM throttle WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2)";
    SECRETS = "DELETE FROM secret WHERE id IN \
        (SELECT id FROM secret WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    INITIAL_ACCESS_TOKENS = "DELETE FROM initial_access_token WHERE id IN \
        (SELECT id FROM initial_access_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    EVENTS = "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE at <= $1 ORDER BY at LIMIT $2)";
    REVOCATIONS = "DELETE FROM revocation WHERE seq IN \
        (SELECT seq FROM revocation WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    // Several lines can have one time: a bite may be a few lines larger than asked.
    AUDIT = "DELETE FROM audit WHERE at <= (SELECT MAX(at) FROM \
        (SELECT at FROM audit WHERE at <= $1 ORDER BY at LIMIT $2) AS bite)";
}

/// A session's row goes this long after the session's end, at the earliest.
pub(crate) const SESSIONS_KEPT: Duration = days(1);
/// What nodes told each other goes this long after it was told.
pub(crate) const EVENTS_KEPT: Duration = Duration::from_secs(3600);
/// A line of the audit trail goes this long after what it tells of.
pub(crate) const AUDIT_KEPT: Duration = days(90);

/// What goes, and how long after its time.
const BITES: [(Sql, Duration); 11] = [
    (TOKENS, Duration::ZERO),
    (SESSIONS, SESSIONS_KEPT),
    (ENDED_TOKENS, Duration::ZERO),
    (NONCES, Duration::ZERO),
    // Long enough for its client to hear that it is over.
    (DEVICES, Duration::from_secs(600)),
    (COUNTERS, Duration::ZERO),
    (SECRETS, days(30)),
    (INITIAL_ACCESS_TOKENS, days(30)),
    (EVENTS, EVENTS_KEPT),
    (REVOCATIONS, Duration::ZERO),
    (AUDIT, AUDIT_KEPT),
];

const fn days(count: u64) -> Duration {
    Duration::from_secs(count * 86_400)
}

impl Store {
    /// Removes about `at_most` rows that are of no more use at `now`; returns how many. Where it returns less,
    /// there is nothing left to remove. Each kind is a transaction of its own, so that requests come in between.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sweep(&self, now: Timestamp, at_most: usize) -> Result<usize, Error> {
        let mut removed = 0;
        for (sql, kept) in BITES {
            let left = i64::try_from(at_most.saturating_sub(removed)).unwrap_or(i64::MAX);
            if left == 0 {
                break;
            }
            let step = Step::new(sql, vec![(now - kept).into(), left.into()], Needs::Nothing);
            removed += self.write(vec![step]).await?.into_iter().sum::<usize>();
        }
        Ok(removed)
    }
}
