//! Sessions and their tokens. A token counts while its session does, and its row is there.

use jeton_core::change::Audit;
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::session::{Bounds, Session, Token, TokenKind};
use jeton_core::time::Timestamp;

use crate::audit;
use crate::db::{Row, Value, statements};
use crate::error::Error;
use crate::realm;
use crate::revocation;
use crate::snapshot::Snapshot;
use crate::step::{Needs, Step};
use crate::store::Store;

macro_rules! session_columns {
    () => {
        "s.id, s.realm_id, s.principal_id, s.actor_id, s.api_key_id, s.client_id, s.target_id, s.dialect, s.scope, \
         s.started_at, s.expires_at, s.last_used_at, s.idle_secs, s.generation, s.renewed_at, s.ended_at, s.bounds"
    };
}

macro_rules! token_columns {
    () => {
        "t.digest, t.kind, t.session_id, t.generation, t.issued_at, t.expires_at, t.forget_at, t.bounds"
    };
}

// Live at $2, or any if $2 is 0.
macro_rules! list {
    ($which:literal) => {
        concat!(
            "SELECT ",
            session_columns!(),
            ", p.username FROM session s JOIN principal p ON p.id = s.principal_id \
             WHERE ",
            $which,
            " = $1 AND ((s.expires_at > $2 AND s.ended_at IS NULL AND s.started_at >= p.not_before \
             AND (s.idle_secs IS NULL OR s.last_used_at + s.idle_secs * 1000000 > $2)) OR $2 = 0) \
             ORDER BY s.started_at DESC, s.id DESC LIMIT $3"
        )
    };
}

// CROSS keeps SQLite from beginning with every session of the realm.
macro_rules! of_token {
    () => {
        concat!(
            "SELECT ",
            token_columns!(),
            ", ",
            session_columns!(),
            " FROM token t CROSS JOIN session s WHERE t.digest = $1 AND s.id = t.session_id AND s.realm_id = $2 "
        )
    };
}

statements! {
    OF_REALM = list!("s.realm_id");
    OF_PRINCIPAL = list!("s.principal_id");
    OF_TOKEN = of_token!(), "LIMIT 2";
    OF_SHARED_TOKEN = of_token!(), "ORDER BY CASE WHEN s.ended_at IS NULL THEN 0 ELSE 1 END, \
        s.started_at DESC, s.id DESC LIMIT 1";
    NEWEST_ACCESS = "SELECT ", token_columns!(), " FROM token t WHERE t.session_id = $1 AND t.generation = $2 \
        AND t.kind = 'access' ORDER BY t.issued_at DESC LIMIT 1";
    END = "UPDATE session SET ended_at = $1 WHERE id = $2 AND ended_at IS NULL";
    FIND = "SELECT ", session_columns!(), " FROM session s WHERE s.id = $1";
    END_OF_PRINCIPAL = "UPDATE session SET ended_at = $1 \
        WHERE (principal_id = $2 OR actor_id = $2) AND ended_at IS NULL AND expires_at > $1";
    END_OF_REALM = "UPDATE session SET ended_at = $1 WHERE realm_id = $2 AND ended_at IS NULL AND expires_at > $1";
}

/// Which sessions to list.
#[derive(Clone, Copy, Debug)]
pub enum Sessions {
    /// Those of a realm.
    OfRealm(Id),
    /// Those of a principal.
    OfPrincipal(Id),
}

/// A session, and the name of its principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    /// The session.
    pub session: Session,
    /// Its principal's name.
    pub username: String,
}

impl Store {
    /// At most `at_most` sessions, newest first; with `live_at` only those that are live at that instant.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn sessions(
        &self,
        which: Sessions,
        live_at: Option<Timestamp>,
        at_most: u32,
    ) -> Result<Vec<ListedSession>, Error> {
        let (sql, id) = match which {
            Sessions::OfRealm(id) => (OF_REALM, id),
            Sessions::OfPrincipal(id) => (OF_PRINCIPAL, id),
        };
        let values = [id.into(), live_at.unwrap_or(Timestamp::EPOCH).into(), i64::from(at_most).into()];
        let read = |row: &mut Row<'_>| Ok(ListedSession { session: read_session(row)?, username: row.take()? });
        self.snapshot().await?.all(sql, &values, read).await
    }

    /// The session of this id.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Corrupt`].
    pub async fn session(&self, id: Id) -> Result<Option<Session>, Error> {
        self.snapshot().await?.one(FIND, &[id.into()], read_session).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such session, or it was ended before.
    pub async fn end_session(&self, id: Id, at: Timestamp, record: Audit) -> Result<(), Error> {
        let end = end(id, at, Needs::Row("session that goes on"));
        let steps = vec![end, revocation::of_session(id, at), audit::append(record, 0)];
        self.write(steps).await.map(|_| ())
    }

    /// Ends every session of a realm, and refuses everything that was issued in it before `at`.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such realm.
    pub async fn end_realm_sessions(&self, realm_id: Id, at: Timestamp, record: Audit) -> Result<(), Error> {
        let end = Step::new(END_OF_REALM, vec![at.into(), realm_id.into()], Needs::Nothing);
        let told = revocation::of_realm(realm_id, at, at);
        self.configure(vec![realm::set_not_before(realm_id, at), end, told], record).await
    }
}

/// Ends a session, if it was not ended before.
pub(crate) fn end(id: Id, at: Timestamp, needs: Needs) -> Step {
    Step::new(END, vec![at.into(), id.into()], needs)
}

/// Ends the live sessions of a principal, and those where it acts as another.
pub(crate) fn end_of_principal(principal_id: Id, at: Timestamp) -> Step {
    Step::new(END_OF_PRINCIPAL, vec![at.into(), principal_id.into()], Needs::Nothing)
}

/// The token of this digest in this realm, and its session: a live and new one if the very same JWT stands in several.
pub(crate) async fn of_token(
    tx: &mut Snapshot,
    realm_id: Id,
    digest: Digest,
) -> Result<Option<(Token, Session)>, Error> {
    let values = [digest.into(), realm_id.into()];
    let read = |row: &mut Row<'_>| Ok((read_token(row)?, read_session(row)?));
    let mut found = tx.all(OF_TOKEN, &values, read).await?;
    match found.len() {
        // Sorting would take ten times as long as all the rest, for a single row too: only where there is a choice.
        0 | 1 => Ok(found.pop()),
        _ => tx.one(OF_SHARED_TOKEN, &values, read).await,
    }
}

/// The access token that a session issued last in this generation.
pub(crate) async fn newest_access_token(
    tx: &mut Snapshot,
    session_id: Id,
    generation: i64,
) -> Result<Option<Token>, Error> {
    tx.one(NEWEST_ACCESS, &[session_id.into(), generation.into()], read_token).await
}

/// Bounds as the store keeps them: nothing, where they limit nothing.
pub(crate) fn bounds(bounds: &Bounds) -> Value {
    // Texts and lists of them can always be written; were they not, an empty text could not be read as "no bounds".
    let text = (*bounds != Bounds::default()).then(|| serde_json::to_string(bounds).unwrap_or_default());
    text.into()
}

fn read_session(row: &mut Row<'_>) -> Result<Session, Error> {
    let mut session = Session {
        id: row.take()?,
        realm_id: row.take()?,
        principal_id: row.take()?,
        actor_id: row.take()?,
        api_key_id: row.take()?,
        client_id: row.take()?,
        target_id: row.take()?,
        dialect: row.take()?,
        scope: row.take()?,
        bounds: Bounds::default(),
        started_at: row.take()?,
        expires_at: row.take()?,
        last_used_at: row.take()?,
        idle_secs: row.take()?,
        generation: row.take()?,
        renewed_at: row.take()?,
        ended_at: row.take()?,
    };
    session.bounds = read_bounds(row)?;
    Ok(session)
}

fn read_token(row: &mut Row<'_>) -> Result<Token, Error> {
    let mut token = Token {
        digest: row.take()?,
        kind: match row.take::<String>()?.as_str() {
            "access" => TokenKind::Access,
            "refresh" => TokenKind::Refresh,
            other => return Err(Error::Corrupt(format!("{other} is no kind of token"))),
        },
        session_id: row.take()?,
        generation: row.take()?,
        bounds: Bounds::default(),
        issued_at: row.take()?,
        expires_at: row.take()?,
        forget_at: row.take()?,
    };
    token.bounds = read_bounds(row)?;
    Ok(token)
}

/// What [`bounds`] wrote.
pub(crate) fn read_bounds(row: &mut Row<'_>) -> Result<Bounds, Error> {
    let text: Option<String> = row.take()?;
    let unreadable = |error| Error::Corrupt(format!("the bounds of a session or token cannot be read: {error}"));
    text.map_or(Ok(Bounds::default()), |text| serde_json::from_str(&text).map_err(unreadable))
}
