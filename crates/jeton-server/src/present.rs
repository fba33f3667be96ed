//! A presented token: what it can be looked up by. Nothing is decided here.

use jeton_core::domain::id::Digest;
use jeton_core::domain::refusal::Reason;
use jeton_core::rules::issue::{digest_jwt, digest_opaque};
use jeton_core::token::jwt::{self, Claims, JwtError};
use jeton_core::token::opaque;
use jeton_core::token::pepper::{Pepper, Purpose};

use crate::keys::RealmKeys;

/// A token whose form, and signature if it has one, is in order.
pub struct Presented {
    /// Under which the store may know it.
    pub digest: Digest,
    /// A JWT's claims.
    pub claims: Option<Claims>,
    /// Under which the end of a JWT without a session is written down.
    pub jti: Option<Digest>,
}

/// Reads a token. Time and state are not looked at.
pub fn present(token: &str, keys: &RealmKeys, pepper: &Pepper) -> Result<Presented, Reason> {
    if !jwt::looks_like_jwt(token) {
        if opaque::is_damaged(token) {
            return Err(Reason::InvalidToken);
        }
        return Ok(Presented { digest: digest_opaque(pepper, token), claims: None, jti: None });
    }
    let verified = jwt::verify(token, |kid| keys.verifying(kid)).map_err(|error| match error {
        JwtError::Unreadable => Reason::Unreadable,
        JwtError::UnknownKey => Reason::UnknownKey,
    })?;
    let jti = verified.claims.jti.as_deref().map(|jti| pepper.digest(Purpose::Jti, &[jti.as_bytes()]));
    Ok(Presented { digest: digest_jwt(pepper, verified.signing_input), claims: Some(verified.claims), jti })
}
