//! One continued use of a grant, and the tokens that belong to it.

use serde::{Deserialize, Serialize};

use super::certificate::Certificate;
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
    /// What else its tokens are limited to.
    pub bounds: Bounds,
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
    /// What limits it below its session.
    pub bounds: Bounds,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From this instant on it is refused as an access token.
    pub expires_at: Timestamp,
    /// From this instant on the row is of no more use (later than `expires_at` where an expired token
    /// can still be renewed).
    pub forget_at: Timestamp,
}

/// What limits a session, or a token below its session. Kept as JSON; what is not there, limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// Fewer scope words than the session's (RFC 6749 §6).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Whom it is meant for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// Who alone can use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// The tokens that its session was exchanged for, the first one first (RFC 8693): it is good no longer than each of
    /// them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exchanged: Vec<Exchanged>,
}

/// A token that was exchanged for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchanged {
    /// By what the store knows it.
    pub token: ExchangedToken,
    /// The client that it was issued to.
    pub client_id: Id,
    /// Who acted with it for whom it speaks, if that was somebody else.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor_id: Option<Id>,
    /// When its session began, or it was issued if it has none; in microseconds.
    pub since: i64,
}

impl Exchanged {
    /// When its session began, or it was issued if it has none.
    pub fn began(&self) -> Timestamp {
        Timestamp::from_micros(self.since)
    }
}

/// By what the store knows a token that was exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExchangedToken {
    /// A token of a session, by its digest. It is gone when it was ended.
    Row(Digest),
    /// A JWT without a session, by the digest of its `jti`. It is there when it was ended.
    Jti(Digest),
}

/// What whoever shows a token must prove to hold: its `cnf` (RFC 7800 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Confirmation {
    /// The RFC 7638 thumbprint of a public key, by DPoP (RFC 9449 §6.1).
    #[serde(rename = "jkt")]
    Jkt(String),
    /// The SHA-256 of a certificate, by mutual TLS (RFC 8705 §3.1).
    #[serde(rename = "x5t#S256")]
    X5t(String),
}

impl Confirmation {
    /// What is bound to this certificate.
    pub fn of_certificate(certificate: &Certificate) -> Option<Self> {
        certificate.thumbprint().map(|thumbprint| Self::X5t(thumbprint.to_owned()))
    }

    /// Whether it is this certificate, by which a TLS connection proves it. A key is never proven so.
    pub fn is_certificate(&self, shown: Option<&Certificate>) -> bool {
        match self {
            Self::X5t(thumbprint) => shown.and_then(Certificate::thumbprint) == Some(thumbprint),
            Self::Jkt(_) => false,
        }
    }
}

/// Access or refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Shown on calls.
    Access,
    /// Exchanged for another access token.
    Refresh,
}
