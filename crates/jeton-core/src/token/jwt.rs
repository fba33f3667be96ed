//! JSON Web Tokens: the compact form of RFC 7515, and strict reading of it (RFC 8725).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;

use super::jwk::VerifyingKey;
use super::jws::{Jws, is_exact, there};
use crate::domain::session::Confirmation;
use crate::time::Timestamp;

/// `base64url(header).base64url(claims)`: what is signed.
pub fn signing_input(header: &str, claims: &str) -> String {
    let mut out = String::with_capacity((header.len() + claims.len()) * 4 / 3 + 8);
    BASE64URL.encode_string(header, &mut out);
    out.push('.');
    BASE64URL.encode_string(claims, &mut out);
    out
}

/// The finished token.
pub fn assemble(signing_input: &str, signature: &[u8]) -> String {
    let mut out = String::with_capacity(signing_input.len() + 1 + signature.len() * 4 / 3 + 4);
    out.push_str(signing_input);
    out.push('.');
    BASE64URL.encode_string(signature, &mut out);
    out
}

/// Why a JWT was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwtError {
    /// Not a JWT that we could have made, or its signature is wrong.
    Unreadable,
    /// Its `kid` names no key of this realm.
    UnknownKey,
}

/// A JWT whose signature was verified. Whether it is still good is another question.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified<'t> {
    /// What was signed, as it stands in the token.
    pub signing_input: &'t str,
    /// Its claims.
    pub claims: Claims,
}

/// The claims that decide something. Members that no rule reads are passed over; a member that stands
/// twice, or has the wrong type, makes the token unreadable.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// Subject.
    pub sub: String,
    /// Seconds since the epoch.
    pub exp: i64,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    #[serde(default, deserialize_with = "there")]
    pub nbf: Option<i64>,
    /// Token id.
    #[serde(default, deserialize_with = "there")]
    pub jti: Option<String>,
    /// The client it was issued to.
    #[serde(default, deserialize_with = "there")]
    pub client_id: Option<String>,
    /// The same, as Keycloak names it.
    #[serde(default, deserialize_with = "there")]
    pub azp: Option<String>,
    /// Scope words.
    #[serde(default, deserialize_with = "there")]
    pub scope: Option<String>,
    /// Whom it is meant for.
    #[serde(default, deserialize_with = "there")]
    pub aud: Option<Audience>,
    /// What whoever shows it must prove to hold.
    #[serde(default, deserialize_with = "there")]
    pub cnf: Option<Confirmation>,
    /// What it is, as Keycloak says it: `Bearer` for an access token.
    #[serde(default, deserialize_with = "there")]
    pub typ: Option<String>,
}

/// One audience or several (RFC 7519 §4.1.3).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    /// A string.
    One(String),
    /// An array of strings.
    Many(Vec<String>),
}

impl Audience {
    /// Whether `name` is among them.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one == name,
            Self::Many(many) => many.iter().any(|one| one == name),
        }
    }

    /// Each by itself.
    pub fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Many(many) => many.clone(),
        }
    }
}

impl Claims {
    /// `exp` as an instant.
    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_secs(self.exp)
    }

    /// `iat` as an instant.
    pub fn issued_at(&self) -> Timestamp {
        Timestamp::from_secs(self.iat)
    }
}

/// Whether a text has the outer form of a compact JWS. Says nothing about its contents.
pub fn looks_like_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Verifies an access token's form and signature. Neither time nor state is looked at.
///
/// The key is chosen by `kid` alone and the algorithm is the key's; `jwk`, `jku`, `x5u` and `x5c` are never
/// followed (RFC 8725 §3.1, §3.10). A JWT that says it is of another kind is none.
pub fn verify<'t>(token: &'t str, key: impl FnOnce(&str) -> Option<VerifyingKey>) -> Result<Verified<'t>, JwtError> {
    let jws = Jws::read(token).ok_or(JwtError::Unreadable)?;
    let kid = jws.kid.as_deref().ok_or(JwtError::Unreadable)?;
    if jws.typ.as_deref().is_some_and(is_another_kind) {
        return Err(JwtError::Unreadable);
    }
    let key = key(kid).ok_or(JwtError::UnknownKey)?;
    // Ours are written by one name (RFC 8725 §3.1), whatever else others may call the algorithm.
    if jws.alg != key.alg.name() || !jws.is_signed_by(&key) {
        return Err(JwtError::Unreadable);
    }
    let claims: Claims = jws.claims().ok_or(JwtError::Unreadable)?;
    let times = [Some(claims.exp), Some(claims.iat), claims.nbf];
    if !times.into_iter().flatten().all(is_exact) {
        return Err(JwtError::Unreadable);
    }
    Ok(Verified { signing_input: jws.signing_input, claims })
}

/// Whether a header's `typ` is that of another kind of JWT, such as `dpop+jwt` or `logout+jwt` (RFC 8725 §3.11). Plain
/// `JWT`, and what the API of a dialect says, is as good as nothing.
fn is_another_kind(typ: &str) -> bool {
    typ.ends_with("+jwt") && typ != "at+jwt"
}
