//! What a store does not believe any more once it was put back to an earlier state.

use jeton_core::change::Audit;
use jeton_core::time::Timestamp;

use crate::db::statements;
use crate::error::Error;
use crate::step::{Needs, Step};
use crate::store::Store;

statements! {
    // Never moved back: what was refused once stays refused.
    REFUSE = "UPDATE realm SET not_before = CASE WHEN not_before > $1 THEN not_before ELSE $1 END";
    END = "UPDATE session SET ended_at = $1 WHERE ended_at IS NULL AND expires_at > $1";
    FORGET = "DELETE FROM signing_key";
}

impl Store {
    /// Refuses whatever any realm issued before `at`, ends every session, and forgets every signing key.
    ///
    /// An earlier state does not know which of its tokens were ended since, and which signing keys were lost. Each
    /// of the three would do for most tokens; sessions and keys also hold where the clock of the lost server was ahead.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn mark_restored(&self, at: Timestamp, record: Audit) -> Result<(), Error> {
        let steps = vec![
            // To the second, as tokens tell their issue: one of the first second after it shall be good.
            Step::new(REFUSE, vec![at.whole_secs().into()], Needs::Nothing),
            Step::new(END, vec![at.into()], Needs::Nothing),
            Step::new(FORGET, Vec::new(), Needs::Nothing),
        ];
        self.configure(steps, record).await
    }
}
