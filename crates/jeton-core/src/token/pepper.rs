//! The keyed hash under which secrets are stored, and values derived from it.

use aws_lc_rs::hmac;

use crate::domain::id::Digest;

/// What a digest is for. Part of the hashed text, so that a digest for one purpose never fits another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A client's or API key's secret.
    Secret,
    /// An opaque token.
    Token,
    /// The signing input of a JWT that belongs to a session.
    Jwt,
    /// The `jti` of a JWT without a session.
    Jti,
    /// A nonce, with its realm.
    Nonce,
    /// The `jti` of a client's assertion, with its realm and client.
    Assertion,
    /// The `jti` of a DPoP proof, with its key.
    DpopProof,
    /// A nonce of ours for DPoP proofs, with its slice of time.
    DpopNonce,
    /// The code of a device.
    DeviceCode,
    /// The code that a person types for a device, with its realm.
    UserCode,
    /// What lets a client register itself.
    InitialAccessToken,
    /// What lets a client manage its registration.
    RegistrationToken,
    /// A counter of failures.
    Throttle,
    /// The id of a token's one successor.
    Successor,
    /// What seals a ticket, and what it is known by when it is used up.
    Ticket,
}

impl Purpose {
    fn label(self) -> &'static [u8] {
        match self {
            Self::Secret => b"secret",
            Self::Token => b"token",
            Self::Jwt => b"jwt",
            Self::Jti => b"jti",
            Self::Nonce => b"nonce",
            Self::Assertion => b"assertion",
            Self::DpopProof => b"dpop-proof",
            Self::DpopNonce => b"dpop-nonce",
            Self::DeviceCode => b"device_code",
            Self::UserCode => b"user_code",
            Self::InitialAccessToken => b"initial_access_token",
            Self::RegistrationToken => b"registration_token",
            Self::Throttle => b"throttle",
            Self::Successor => b"successor",
            Self::Ticket => b"ticket",
        }
    }
}

/// The key of the store's digests (256 bits). Kept in the store, sealed under the master key: a copy of
/// the database alone cannot even test a guess.
#[derive(Clone)]
pub struct Pepper(hmac::Key);

impl Pepper {
    /// From 32 random bytes.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// HMAC-SHA-256 over the purpose and the parts, each with its length before it.
    pub fn digest(&self, purpose: Purpose, parts: &[&[u8]]) -> Digest {
        let mut context = hmac::Context::with_key(&self.0);
        for part in std::iter::once(&purpose.label()).chain(parts) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.sign().as_ref());
        Digest(bytes)
    }
}

impl std::fmt::Debug for Pepper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pepper")
    }
}
