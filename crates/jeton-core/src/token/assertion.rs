//! JWTs that others sign to prove who they are (RFC 7523 §3): read strictly, verified with their keys.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::jwk::VerifyingKey;
use super::jws::{Jws, is_exact, there};
use super::jwt::Audience;

/// An assertion that is well formed. Nothing in it can be believed before [`Assertion::is_signed_by`] said so.
#[derive(Debug)]
pub struct Assertion<'t> {
    /// Its claims.
    pub claims: AssertionClaims,
    jws: Jws<'t>,
}

/// The claims of RFC 7523 §3. A member that stands twice, or has the wrong type, makes the assertion unreadable.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AssertionClaims {
    /// Who says it.
    pub iss: String,
    /// Of whom.
    pub sub: String,
    /// To whom.
    pub aud: Audience,
    /// Seconds since the epoch.
    pub exp: i64,
    /// Seconds since the epoch.
    #[serde(default, deserialize_with = "there")]
    pub iat: Option<i64>,
    /// Seconds since the epoch.
    #[serde(default, deserialize_with = "there")]
    pub nbf: Option<i64>,
    /// Its id.
    #[serde(default, deserialize_with = "there")]
    pub jti: Option<String>,
}

impl<'t> Assertion<'t> {
    /// Reads a compact JWS. Nothing if it is not one, or says that it is another kind of JWT (RFC 8725 §3.11).
    pub fn read(text: &'t str) -> Option<Self> {
        let jws = Jws::read(text)?;
        let fits = matches!(jws.typ.as_deref(), None | Some("jwt" | "client-authentication+jwt"));
        let claims: AssertionClaims = jws.claims()?;
        let times = [Some(claims.exp), claims.iat, claims.nbf];
        (fits && times.into_iter().flatten().all(is_exact)).then_some(Self { claims, jws })
    }

    /// Whose key signed it, by its own word.
    pub fn kid(&self) -> Option<&str> {
        self.jws.kid.as_deref()
    }

    /// Whether one of these keys signed it, with that key's algorithm. A `kid` chooses among them.
    pub fn is_signed_by<'k>(&self, mut keys: impl Iterator<Item = &'k VerifyingKey>) -> bool {
        keys.any(|key| self.kid().is_none_or(|kid| kid == key.kid) && self.jws.is_signed_by(key))
    }

    /// All that it says, as this type has it; nothing if it is not so.
    pub fn said<T: DeserializeOwned>(&self) -> Option<T> {
        self.jws.claims()
    }
}
