//! The audit trail. A record is written by the transaction that does what it tells of.

use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::time::Timestamp;

use crate::db::{Row, statements};
use crate::error::Error;
use crate::step::{Needs, Step};
use crate::store::Store;

statements! {
    APPEND = "INSERT INTO audit (at, line, realm_id, event, principal_id, session_id, source, detail) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    NEWEST = "SELECT at, realm_id, event, principal_id, session_id, source, detail FROM audit \
        ORDER BY at DESC, line DESC LIMIT $1";
}

/// A line of the audit trail as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditLine {
    /// When.
    pub at: Timestamp,
    /// The realm, if it concerns one.
    pub realm_id: Option<Id>,
    /// What: `session.started`, `password.refused`.
    pub event: String,
    /// The principal it concerns.
    pub principal_id: Option<Id>,
    /// The session it concerns.
    pub session_id: Option<Id>,
    /// From where.
    pub source: String,
    /// More, in plain words.
    pub detail: String,
}

impl Store {
    /// Appends a record of something that changes nothing here, such as a start.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn append_audit(&self, record: Audit) -> Result<(), Error> {
        self.write(vec![append(record, 0)]).await.map(|_| ())
    }

    /// The newest records, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn newest_audit(&self, at_most: u32) -> Result<Vec<AuditLine>, Error> {
        let read = |row: &mut Row<'_>| {
            Ok(AuditLine {
                at: row.take()?,
                realm_id: row.take()?,
                event: row.take()?,
                principal_id: row.take()?,
                session_id: row.take()?,
                source: row.take()?,
                detail: row.take()?,
            })
        };
        self.snapshot().await?.all(NEWEST, &[i64::from(at_most).into()], read).await
    }
}

/// The step that writes `record`, the `line`-th of its transaction.
pub(crate) fn append(record: Audit, line: i64) -> Step {
    let values = vec![
        record.at.into(),
        line.into(),
        record.realm_id.into(),
        record.event.into(),
        record.principal_id.into(),
        record.session_id.into(),
        record.source.into(),
        record.detail.into(),
    ];
    Step::new(APPEND, values, Needs::Nothing)
}
