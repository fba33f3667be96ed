//! What a store does not believe any more once it was put back to an earlier state.

use jeton_core::change::Audit;
use jeton_core::time::Timestamp;

use crate::db::statements;
use crate::error::Error;
use crate::revocation;
use crate::step::{Needs, Step};
use crate::store::Store;

statements! {
    // Never moved back: what was refused once stays refused.
    REFUSE = "UPDATE realm SET not_before = CASE WHEN not_before > $1 THEN not_before ELSE $1 END";
    END = "UPDATE session SET ended_at = $1 WHERE ended_at IS NULL AND expires_at > $1";
    // Clients that were registered since are not there, and what was used up would be good once more.
    USE_UP = "UPDATE initial_access_token SET uses_left = 0";
    FORGET = "DELETE FROM signing_key";
    TELL = "INSERT INTO revocation (realm_id, at, kind, name, issued_before, expires_at) \
        SELECT id, CAST($1 AS BIGINT), 'realm', '', CAST($2 AS BIGINT), CAST($3 AS BIGINT) FROM realm";
}

impl Store {
    /// Refuses whatever any realm issued before `at`, ends every session, uses up every initial access token, and forgets
    /// every signing key.
    ///
    /// An earlier state does not know which of its tokens were ended since, and which signing keys were lost. Each
    /// of these would do for most tokens; sessions and keys also hold where the clock of the lost server was ahead.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn mark_restored(&self, at: Timestamp, record: Audit) -> Result<(), Error> {
        let (before, expires_at) = revocation::of_many(Some(at), at);
        let steps = vec![
            // To the second, as tokens tell their issue: one of the first second after it shall be good.
            Step::new(REFUSE, vec![at.whole_secs().into()], Needs::Nothing),
            Step::new(END, vec![at.into()], Needs::Nothing),
            Step::new(USE_UP, Vec::new(), Needs::Nothing),
            Step::new(FORGET, Vec::new(), Needs::Nothing),
            Step::new(TELL, vec![at.into(), before.into(), expires_at.into()], Needs::Nothing),
        ];
        self.configure(steps, record).await
    }
}
