//! One continued use of a grant, and the tokens that belong to it.

use super::id::{Digest, Id};
use crate::time::Timestamp;

/// A session: what a sign-in begins and what a revocation ends. A token counts only while its session does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its row.
    pub id: Id,
    /// The realm it belongs to.
    pub realm_id: Id,
    /// Whom its tokens speak for.
    pub principal_id: Id,
    /// Who really signed in, where that is somebody else.
    pub actor_id: Option<Id>,
    /// The API key that proved the principal, if one did.
    pub api_key_id: Option<Id>,
    /// The client that asked, if one did.
    pub client_id: Option<Id>,
    /// What its tokens are limited to.
    pub target_id: Option<Id>,
    /// The dialect it was begun in, or `oauth`.
    pub dialect: String,
    /// Scope words, separated by spaces.
    pub scope: String,
    /// The sign-in.
    pub started_at: Timestamp,
    /// The end that nothing moves.
    pub expires_at: Timestamp,
    /// The last use that was noted (noted about once an hour).
    pub last_used_at: Timestamp,
    /// It also ends after this long without use, in seconds.
    pub idle_secs: Option<i64>,
    /// How often its token was renewed; the live token has this generation.
    pub generation: i64,
    /// When the last renewal happened.
    pub renewed_at: Option<Timestamp>,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
}

/// An access or refresh token that belongs to a session: its hash, never its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Keyed hash of the opaque value, or of a JWT's signing input.
    pub digest: Digest,
    /// What it is.
    pub kind: TokenKind,
    /// The session it belongs to.
    pub session_id: Id,
    /// The generation it was issued in.
    pub generation: i64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this instant on it is refused as an access token.
    pub expires_at: Timestamp,
    /// From this instant on the row is of no more use (later than `expires_at` where an expired token
    /// can still be renewed).
    pub forget_at: Timestamp,
}

/// Access or refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Shown on calls.
    Access,
    /// Exchanged for another access token.
    Refresh,
}
