//! Parts of a realm that a token can be limited to, such as one event.

use super::id::Id;
use crate::time::Timestamp;

/// A target as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its row.
    pub id: Id,
    /// The number peers name it by; unique in the realm.
    pub number: i64,
    /// What people call it.
    pub name: String,
    /// Tokens limited to a disabled target are refused.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A principal's place in a target: its level there, and a password of its own if it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The level, by a name of the dialect's table (`Admin`).
    pub level: String,
    /// Argon2id hash in PHC form of the password for this target.
    pub password: Option<String>,
}
