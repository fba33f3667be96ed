//! What is told of tokens that were ended before their time, to whoever judges tokens without asking.

use std::time::Duration;

use super::id::Id;
use crate::time::Timestamp;

/// No token is judged without asking that lives longer than this: so long a revocation of many is told.
pub const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Which tokens nobody may call good any more without asking their realm, and until when that has to be known.
///
/// It says less than a refusal: the realm may well find such a token good, as after a disabled client was enabled
/// again. So it may name too many tokens, and must never name too few.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Which tokens.
    pub named: Named,
    /// Only those issued before this; all if there is no such instant.
    pub before: Option<Timestamp>,
    /// From then on it can be forgotten: the tokens have ended by themselves.
    pub expires_at: Timestamp,
}

/// What tokens have in common, by the claim that says so.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Named {
    /// One token: `jti`.
    Token(String),
    /// Those of a session: `sid`.
    Session(String),
    /// Those that speak for a principal: `sub`.
    Subject(String),
    /// Those that were issued to a client: `client_id`.
    Client(String),
    /// Those that were signed with a key: `kid`.
    Key(String),
    /// All of the realm.
    Realm,
}

impl Named {
    /// The name of the kind, as the store keeps it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Session(_) => "session",
            Self::Subject(_) => "principal",
            Self::Client(_) => "client",
            Self::Key(_) => "key",
            Self::Realm => "realm",
        }
    }

    /// Which one of its kind; empty for a realm.
    pub fn name(&self) -> &str {
        match self {
            Self::Token(name) | Self::Session(name) | Self::Subject(name) | Self::Client(name) | Self::Key(name) => {
                name
            }
            Self::Realm => "",
        }
    }

    /// What [`kind`](Self::kind) and [`name`](Self::name) say; nothing if there is no such kind.
    pub fn of(kind: &str, name: String) -> Option<Self> {
        Some(match kind {
            "token" => Self::Token(name),
            "session" => Self::Session(name),
            "principal" => Self::Subject(name),
            "client" => Self::Client(name),
            "key" => Self::Key(name),
            "realm" => Self::Realm,
            _ => return None,
        })
    }
}

/// A revocation as one realm's store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Its number. Numbers are not committed in their order.
    pub seq: i64,
    /// The realm it is of.
    pub realm_id: Id,
    /// What it says.
    pub revocation: Revocation,
}
