//! What is told to those who judge tokens without asking: written by the transaction that ends the tokens.

use std::time::Duration;

use jeton_core::domain::id::Id;
use jeton_core::domain::revocation::{LONGEST_LIFE, Named, Revocation, Told};
use jeton_core::time::Timestamp;

use crate::db::{Row, Value, statements};
use crate::error::Error;
use crate::step::{Needs, Step};
use crate::store::Store;

pub(crate) mod reader;

pub use reader::Reader;

/// What begins every statement that tells something.
macro_rules! tell {
    () => {
        "INSERT INTO revocation (realm_id, at, kind, name, issued_before, expires_at) "
    };
}

/// Sessions whose tokens are JWTs of a form that others may judge: OAuth's. It is forgotten with the last of them.
macro_rules! tell_sessions {
    ($which:literal) => {
        concat!(
            tell!(),
            "SELECT s.realm_id, CAST($1 AS BIGINT), 'session', s.id, CAST(NULL AS BIGINT), \
             (SELECT MAX(t.expires_at) FROM token t WHERE t.session_id = s.id AND t.kind = 'access') \
             FROM session s WHERE s.dialect = 'oauth' AND ",
            $which,
            " AND EXISTS (SELECT 1 FROM token t WHERE t.session_id = s.id AND t.kind = 'access' AND t.expires_at > $1)"
        )
    };
}

statements! {
    TELL = tell!(), "VALUES ($1, $2, $3, $4, $5, $6)";
    TELL_PRINCIPAL = tell!(), "SELECT realm_id, CAST($1 AS BIGINT), 'principal', id, CAST($2 AS BIGINT), \
        CAST($3 AS BIGINT) FROM principal WHERE id = $4";
    TELL_CLIENT = tell!(), "SELECT realm_id, CAST($1 AS BIGINT), 'client', client_id, CAST($2 AS BIGINT), \
        CAST($3 AS BIGINT) FROM client WHERE id = $4";
    TELL_SESSION = tell_sessions!("s.id = $2");
    // Those that were ended just now.
    TELL_CAPPED = tell_sessions!("s.principal_id = $2 AND s.ended_at = $1");
    OF_REALM = "SELECT seq, realm_id, kind, name, issued_before, expires_at FROM revocation \
        WHERE realm_id = $1 AND seq > $2 AND expires_at > $3 ORDER BY seq LIMIT $4";
}

/// The clocks of nodes differ a little, and one may issue from memory for a second: what is told of tokens issued
/// before an instant is told of those issued this much later, too. It costs a question for each of them.
const MARGIN: Duration = Duration::from_secs(10);

impl Store {
    /// What is told of a realm behind the number `after` and not forgotten by `now`: at most `at_most` of it, in the
    /// order of its numbers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn revocations(
        &self,
        realm_id: Id,
        after: i64,
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<Told>, Error> {
        let values = [realm_id.into(), after.into(), now.into(), i64::from(at_most).into()];
        self.snapshot().await?.all(OF_REALM, &values, read).await
    }
}

/// Tells of one token, by its `jti`.
pub(crate) fn of_token(realm_id: Id, jti: String, at: Timestamp, expires_at: Timestamp) -> Step {
    tell(realm_id, &Revocation { named: Named::Token(jti), before: None, expires_at }, at)
}

/// Tells of everything that was signed with a key.
pub(crate) fn of_key(realm_id: Id, kid: &str, at: Timestamp) -> Step {
    tell(realm_id, &many(Named::Key(kid.to_owned()), None, at), at)
}

/// Tells of everything that a realm issued before `before`.
pub(crate) fn of_realm(realm_id: Id, before: Timestamp, at: Timestamp) -> Step {
    tell(realm_id, &many(Named::Realm, Some(before), at), at)
}

/// Tells of what speaks for a principal: what was issued before `before`, or everything. The principal must still be
/// there.
pub(crate) fn of_principal(id: Id, before: Option<Timestamp>, at: Timestamp) -> Step {
    let (before, expires_at) = of_many(before, at);
    Step::new(TELL_PRINCIPAL, vec![at.into(), before.into(), expires_at.into(), id.into()], Needs::Nothing)
}

/// Tells of what was issued to a client: before `before`, or everything. The client must still be there.
pub(crate) fn of_client(id: Id, before: Option<Timestamp>, at: Timestamp) -> Step {
    let (before, expires_at) = of_many(before, at);
    Step::new(TELL_CLIENT, vec![at.into(), before.into(), expires_at.into(), id.into()], Needs::Nothing)
}

/// Tells of a session that was ended in this transaction.
pub(crate) fn of_session(id: Id, at: Timestamp) -> Step {
    Step::new(TELL_SESSION, vec![at.into(), id.into()], Needs::Nothing)
}

/// Tells of a principal's sessions that were ended in this transaction.
pub(crate) fn of_capped(principal_id: Id, at: Timestamp) -> Step {
    Step::new(TELL_CAPPED, vec![at.into(), principal_id.into()], Needs::Nothing)
}

/// What is told of many tokens, until the last of them has ended.
fn many(named: Named, before: Option<Timestamp>, at: Timestamp) -> Revocation {
    let (before, expires_at) = of_many(before, at);
    Revocation { named, before, expires_at }
}

/// Which of many tokens are meant by when they were issued, and until when that is told.
pub(crate) fn of_many(before: Option<Timestamp>, at: Timestamp) -> (Option<Timestamp>, Timestamp) {
    (before.map(|before| before + MARGIN), at + MARGIN + LONGEST_LIFE)
}

fn tell(realm_id: Id, told: &Revocation, at: Timestamp) -> Step {
    let values: Vec<Value> = vec![
        realm_id.into(),
        at.into(),
        told.named.kind().into(),
        told.named.name().into(),
        told.before.into(),
        told.expires_at.into(),
    ];
    Step::new(TELL, values, Needs::Nothing)
}

fn read(row: &mut Row<'_>) -> Result<Told, Error> {
    let (seq, realm_id) = (row.take()?, row.take()?);
    let (kind, name): (String, String) = (row.take()?, row.take()?);
    let named = Named::of(&kind, name).ok_or_else(|| Error::Corrupt(format!("{kind} is no kind of revocation")))?;
    let revocation = Revocation { named, before: row.take()?, expires_at: row.take()? };
    Ok(Told { seq, realm_id, revocation })
}
