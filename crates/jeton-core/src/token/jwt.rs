//! JSON Web Tokens: the compact form of RFC 7515, and strict reading of it (RFC 8725).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::jwk::VerifyingKey;
use crate::time::Timestamp;

/// Longer than any token of ours; above it nothing is even split.
const MAX_LENGTH: usize = 16 * 1024;

/// Numbers above this are not exact in every JSON parser (RFC 8259 §6).
const MAX_SAFE: i64 = 1 << 53;

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
    pub nbf: Option<i64>,
    /// Token id.
    pub jti: Option<String>,
    /// The client it was issued to.
    pub client_id: Option<String>,
    /// The same, as Keycloak names it.
    pub azp: Option<String>,
    /// Scope words.
    pub scope: Option<String>,
    /// Whom it is meant for.
    pub aud: Option<Audience>,
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

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
    enc: Option<IgnoredAny>,
}

/// Whether a text has the outer form of a compact JWS. Says nothing about its contents.
pub fn looks_like_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.bytes().filter(|byte| *byte == b'.').count() == 2
}

/// Verifies a token's form and signature. Neither time nor state is looked at.
///
/// The key is chosen by `kid` alone and the algorithm is the key's; `jwk`, `jku`, `x5u` and `x5c` are never
/// followed (RFC 8725 §3.1, §3.10).
pub fn verify<'t>(token: &'t str, key: impl FnOnce(&str) -> Option<VerifyingKey>) -> Result<Verified<'t>, JwtError> {
    if token.len() > MAX_LENGTH {
        return Err(JwtError::Unreadable);
    }
    let (signing_input, signature) = token.rsplit_once('.').ok_or(JwtError::Unreadable)?;
    let (header, claims) = signing_input.split_once('.').ok_or(JwtError::Unreadable)?;
    if claims.contains('.') {
        return Err(JwtError::Unreadable);
    }
    let header: Header = segment(header)?;
    if header.crit.is_some() || header.b64.is_some() || header.zip.is_some() || header.enc.is_some() {
        return Err(JwtError::Unreadable);
    }
    let key = key(&header.kid).ok_or(JwtError::UnknownKey)?;
    let signature = BASE64URL.decode(signature).map_err(|_| JwtError::Unreadable)?;
    if header.alg != key.alg.name() || !key.verify(signing_input.as_bytes(), &signature) {
        return Err(JwtError::Unreadable);
    }
    let claims: Claims = segment(claims)?;
    let in_range = |seconds: i64| (0..=MAX_SAFE).contains(&seconds);
    if !in_range(claims.exp) || !in_range(claims.iat) || !claims.nbf.is_none_or(in_range) {
        return Err(JwtError::Unreadable);
    }
    Ok(Verified { signing_input, claims })
}

fn segment<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, JwtError> {
    let bytes = BASE64URL.decode(text).map_err(|_| JwtError::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| JwtError::Unreadable)
}
