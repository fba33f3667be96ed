//! Signing keys as rows.

use super::id::Id;
use super::policy::Alg;
use crate::time::Timestamp;

/// A signing key as the store keeps it: the private part sealed under the master key.
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
    /// Public JWK as JSON.
    pub public_jwk: String,
    /// PKCS#8, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// The life of a signing key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Signs, verifies, is published. At most one per realm and algorithm.
    Current,
    /// Verifies and is published until the longest token that it signed has ended.
    Retired,
}
