//! The compact form of a signed JSON object (RFC 7515 §7.1), read strictly (RFC 8725): what all JWTs have in common.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::jwk::VerifyingKey;

/// Longer than any JWT that is of use here; above it nothing is even split.
const MAX_LENGTH: usize = 16 * 1024;

/// Numbers above this are not exact in every JSON parser (RFC 8259 §6).
const MAX_SAFE: i64 = 1 << 53;

/// A JWS that is well formed. Nothing in it can be believed before [`Jws::is_signed_by`] said so.
#[derive(Debug)]
pub(crate) struct Jws<'t> {
    /// `base64url(header).base64url(claims)`, as it stands in the text.
    pub(crate) signing_input: &'t str,
    /// The name of its algorithm, by its own word.
    pub(crate) alg: String,
    /// Whose key signed it, by its own word.
    pub(crate) kid: Option<String>,
    /// What kind of JWT it is, in lower case and without `application/` (RFC 7515 §4.1.9).
    pub(crate) typ: Option<String>,
    header: &'t str,
    claims: &'t str,
    signature: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default, deserialize_with = "there")]
    kid: Option<String>,
    #[serde(default, deserialize_with = "there")]
    typ: Option<String>,
    #[serde(default, deserialize_with = "there")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "there")]
    b64: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "there")]
    zip: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "there")]
    enc: Option<IgnoredAny>,
}

impl<'t> Jws<'t> {
    /// Reads a text. Nothing if it is none, or asks for something that is not done here (`crit`, `b64`, `zip`, `enc`).
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let (signing_input, signature) = text.rsplit_once('.')?;
        let (header, claims) = signing_input.split_once('.').filter(|(_, claims)| !claims.contains('.'))?;
        let Header { alg, kid, typ, crit, b64, zip, enc } = segment(header)?;
        let plain = crit.is_none() && b64.is_none() && zip.is_none() && enc.is_none();
        let signature = BASE64URL.decode(signature).ok().filter(|_| plain)?;
        let typ = typ.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").map(str::to_owned).unwrap_or(typ)
        });
        Some(Self { signing_input, alg, kid, typ, header, claims, signature })
    }

    /// Whether this key signed it.
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        key.alg.goes_by(&self.alg) && key.verify(self.signing_input.as_bytes(), &self.signature)
    }

    /// More of its header.
    pub(crate) fn header<T: DeserializeOwned>(&self) -> Option<T> {
        segment(self.header)
    }

    /// What it says.
    pub(crate) fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        segment(self.claims)
    }
}

/// Whether a number of seconds is one that everybody reads alike.
pub(crate) fn is_exact(seconds: i64) -> bool {
    (0..=MAX_SAFE).contains(&seconds)
}

/// A member that stands there has a value of its type: `null` is none, where serde takes it for an absent one.
pub(crate) fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn segment<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&BASE64URL.decode(text).ok()?).ok()
}
