//! Rows that are of no more use go by themselves, a bite at a time.

use std::time::Duration;

use jeton_core::time::Timestamp;

use crate::db::{Sql, statements};
use crate::error::Error;
use crate::store::Store;
use crate::writer::{Needs, Step};

statements! {
    TOKENS = "DELETE FROM token WHERE (digest, session_id) IN \
        (SELECT digest, session_id FROM token WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2)";
    // A session that was ended stays until it would have ended by itself: as long as its row is there,
    // its tokens are known to be revoked.
    SESSIONS = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE expires_at <= $1 \
        AND NOT EXISTS (SELECT 1 FROM token WHERE token.session_id = session.id) ORDER BY expires_at LIMIT $2)";
    ENDED_TOKENS = "DELETE FROM ended_token WHERE digest IN \
        (SELECT digest FROM ended_token WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    NONCES = "DELETE FROM nonce WHERE digest IN \
        (SELECT digest FROM nonce WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    COUNTERS = "DELETE FROM throttle WHERE digest IN \
        (SELECT digest FROM throttle WHERE forget_at <= $1 ORDER BY forget_at LIMIT $2)";
    SECRETS = "DELETE FROM secret WHERE id IN \
        (SELECT id FROM secret WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
    // Several lines can have one time: a bite may be a few lines larger than asked.
    AUDIT = "DELETE FROM audit WHERE at <= (SELECT MAX(at) FROM \
        (SELECT at FROM audit WHERE at <= $1 ORDER BY at LIMIT $2) AS bite)";
}

const DAY: u64 = 86_400;

/// What goes, and how long after its time.
const BITES: [(Sql, u64); 7] = [
    (TOKENS, 0),
    (SESSIONS, DAY),
    (ENDED_TOKENS, 0),
    (NONCES, 0),
    (COUNTERS, 0),
    (SECRETS, 30 * DAY),
    (AUDIT, 90 * DAY),
];

impl Store {
    /// Removes about `at_most` rows that are of no more use at `now`; returns how many. Where it returns less,
    /// there is nothing left to remove. Each kind is a transaction of its own, so that requests come in between.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn sweep(&self, now: Timestamp, at_most: usize) -> Result<usize, Error> {
        let mut removed = 0;
        for (sql, secs) in BITES {
            let left = i64::try_from(at_most.saturating_sub(removed)).unwrap_or(i64::MAX);
            if left == 0 {
                break;
            }
            let before = now - Duration::from_secs(secs);
            let step = Step::new(sql, vec![before.into(), left.into()], Needs::Nothing);
            removed += self.write(vec![step]).await?.into_iter().sum::<usize>();
        }
        Ok(removed)
    }
}
