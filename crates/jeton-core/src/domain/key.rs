//! Signing keys as rows.

use std::time::Duration;

use super::id::Id;
use super::policy::Alg;
use crate::time::Timestamp;

/// A signing key, without what it signs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// The `kid` of its tokens: the RFC 7638 thumbprint of the public part.
    pub kid: String,
    /// The realm it signs for.
    pub realm_id: Id,
    /// The algorithm; a key has one.
    pub alg: Alg,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made: it is published from then on, to its end.
    pub created_at: Timestamp,
    /// Since when it signs; for the next key: the earliest moment that it may.
    pub signs_from: Timestamp,
    /// Since when it signs no more; for the current key: from when on it was asked to be replaced.
    pub signs_until: Option<Timestamp>,
    /// The longest that anything it signed has to verify, reckoned from the signature. Never goes down.
    pub token_life: Duration,
}

/// A signing key as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedKey {
    /// The key.
    pub key: SigningKey,
    /// Public JWK as JSON.
    pub public_jwk: String,
    /// PKCS#8, sealed under the master key.
    pub sealed: Vec<u8>,
}

/// The life of a signing key, in this order. Whatever its state, it verifies and is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// Signs not yet: verifiers learn it. At most one per realm and algorithm.
    Next,
    /// Signs. At most one per realm and algorithm.
    Current,
    /// Signs no more, until the longest token that it signed has ended.
    Retired,
}

impl KeyState {
    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Current => "current",
            Self::Retired => "retired",
        }
    }
}
