//! The closed list of transforms: how a value becomes text, and back.
//!
//! Most are exact. `epoch`, `epoch_ms`, `http_date`, `datetime` and `minutes` round down, which for the end of a
//! token is towards less life. `sha256`, `sha512` and `hmac_sha256` go one way only: nobody reads them back. Nor what `jwt`
//! signs and `plus` moves, which only a client writes.

mod digest;
mod time;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{
    STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_NO_PAD, URL_SAFE_NO_PAD_INDIFFERENT,
};

use zeroize::Zeroizing;

use super::message::{Sign, ToSign};
use super::noun::{self, Kind};
use super::percent::{self, Coding};
use super::template::Hole;
use super::values::Value;

/// One of the transforms.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Transform {
    Epoch,
    EpochMillis,
    Rfc3339,
    HttpDate,
    DateTime,
    Millis,
    Minutes,
    Iso8601,
    Base64,
    Base64Url,
    Hex,
    Form,
    Percent,
    Upper,
    Uuid,
    Uuid4,
    Sha256,
    Sha512,
    /// Keyed with what stands in this hole.
    HmacSha256(Box<Hole>),
    /// A point in time, so much later.
    Plus(Duration),
    /// A JWT whose claims are the text before it.
    Jwt(Box<Signed>),
}

/// How a JWT is signed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Signed {
    /// One of [`Transform::ALGS`].
    pub(super) alg: &'static str,
    /// Holds the key: a PEM file's text or a JWK, the secret itself for HS256.
    pub(super) key: Hole,
    /// Holds the key's name, where it has one of its own.
    pub(super) kid: Option<Hole>,
}

/// What a transform can be applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// A point in time.
    Time,
    /// A number of seconds.
    Span,
    /// Any text, or what the transform before it made.
    Text,
}

impl Transform {
    /// All that need nothing beside their name, by the names they have after a `|`.
    pub(super) const NAMED: [(&'static str, Self); 18] = [
        ("epoch", Self::Epoch),
        ("epoch_ms", Self::EpochMillis),
        ("rfc3339", Self::Rfc3339),
        ("http_date", Self::HttpDate),
        ("datetime", Self::DateTime),
        ("ms", Self::Millis),
        ("minutes", Self::Minutes),
        ("iso8601", Self::Iso8601),
        ("base64", Self::Base64),
        ("base64url", Self::Base64Url),
        ("hex", Self::Hex),
        ("form", Self::Form),
        ("percent", Self::Percent),
        ("upper", Self::Upper),
        ("uuid", Self::Uuid),
        ("uuid4", Self::Uuid4),
        ("sha256", Self::Sha256),
        ("sha512", Self::Sha512),
    ];

    /// The one that is keyed: `hmac_sha256:NAME`.
    pub(super) const KEYED: &'static str = "hmac_sha256";

    /// `plus:5m`.
    pub(super) const LATER: &'static str = "plus";

    /// `jwt:ALG:NAME`, or `jwt:ALG:NAME:NAME` with the name of the key's name.
    pub(super) const SIGNED: &'static str = "jwt";

    /// What a JWT can be signed by.
    pub(super) const ALGS: [&'static str; 4] = ["ES256", "EdDSA", "RS256", "HS256"];

    /// The names of all.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMED.iter().map(|(name, _)| *name).chain([Self::KEYED, Self::LATER, Self::SIGNED])
    }

    pub(super) fn takes(&self) -> Takes {
        match self {
            Self::Epoch | Self::EpochMillis | Self::Rfc3339 | Self::HttpDate | Self::DateTime | Self::Plus(_) => {
                Takes::Time
            }
            Self::Millis | Self::Minutes | Self::Iso8601 => Takes::Span,
            _ => Takes::Text,
        }
    }

    /// Whether it makes a number, which stands in JSON without quotes.
    pub(super) fn makes_number(&self) -> bool {
        matches!(self, Self::Epoch | Self::EpochMillis | Self::Millis | Self::Minutes)
    }

    /// Whether nobody can read back what it makes.
    pub(super) fn is_one_way(&self) -> bool {
        self.makes_bytes() || matches!(self, Self::Plus(_) | Self::Jwt(_))
    }

    /// Whether what it makes is no text.
    pub(super) fn makes_bytes(&self) -> bool {
        matches!(self, Self::Sha256 | Self::Sha512 | Self::HmacSha256(_))
    }

    /// The holes that its key, and its key's name, stand in.
    pub(super) fn keys(&self) -> Vec<&Hole> {
        match self {
            Self::HmacSha256(hole) => vec![hole],
            Self::Jwt(signed) => std::iter::once(&signed.key).chain(&signed.kid).collect(),
            _ => Vec::new(),
        }
    }

    fn apply(&self, bytes: Vec<u8>, keys: Keys<'_>) -> Option<Vec<u8>> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
        Some(match self {
            Self::Base64 => STANDARD.encode(bytes).into_bytes(),
            Self::Base64Url => URL_SAFE_NO_PAD.encode(bytes).into_bytes(),
            Self::Hex => bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect(),
            Self::Form => percent::encode(Coding::Form, &text(bytes)?).ok()?.into_bytes(),
            Self::Percent => percent::encode(Coding::Query, &text(bytes)?).ok()?.into_bytes(),
            // A capital in the value would come back small: it is not written.
            Self::Upper => Some(bytes).filter(|bytes| !bytes.iter().any(u8::is_ascii_uppercase))?.to_ascii_uppercase(),
            Self::Uuid | Self::Uuid4 => {
                let given = text(bytes)?;
                self.canonical(&given).filter(|canonical| *canonical == given)?.into_bytes()
            }
            Self::Sha256 => digest::sha256(&bytes),
            Self::Sha512 => digest::sha512(&bytes),
            Self::HmacSha256(hole) => digest::hmac_sha256((keys.find)(hole)?.as_bytes(), &bytes),
            Self::Jwt(signed) => signed.apply(&text(bytes)?, keys)?.into_bytes(),
            // What takes a time or a span was applied to the value already.
            _ => bytes,
        })
    }

    fn undo(&self, bytes: Vec<u8>) -> Option<Vec<u8>> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
        Some(match self {
            Self::Base64 => STANDARD_PAD_INDIFFERENT.decode(bytes).ok()?,
            Self::Base64Url => URL_SAFE_NO_PAD_INDIFFERENT.decode(bytes).ok()?,
            Self::Hex => digest::unhex(&bytes)?,
            Self::Form => percent::decode(Coding::Form, &text(bytes)?)?.into_bytes(),
            // A path's decoding: here a plus sign is one.
            Self::Percent => percent::decode(Coding::Path, &text(bytes)?)?.into_bytes(),
            Self::Upper => bytes.to_ascii_lowercase(),
            Self::Uuid | Self::Uuid4 => self.canonical(&text(bytes)?)?.into_bytes(),
            one_way if one_way.is_one_way() => return None,
            _ => bytes,
        })
    }

    fn canonical(&self, text: &str) -> Option<String> {
        noun::uuid_text(text, (*self == Self::Uuid4).then_some(4))
    }
}

impl Signed {
    /// Claims that are no JSON object are not signed.
    fn apply(&self, claims: &str, keys: Keys<'_>) -> Option<String> {
        serde_json::from_str::<serde_json::Map<_, _>>(claims).ok()?;
        let key = Zeroizing::new((keys.find)(&self.key)?);
        let kid = self.kid.as_ref().and_then(keys.find);
        (keys.sign)(&ToSign { alg: self.alg, key: &key, kid: kid.as_deref(), claims })
    }
}

/// What keyed transforms need beside the value.
#[derive(Clone, Copy)]
pub(super) struct Keys<'k> {
    /// What stands in the hole that is the key.
    pub(super) find: &'k dyn Fn(&Hole) -> Option<String>,
    /// Who signs.
    pub(super) sign: Sign<'k>,
}

impl Keys<'_> {
    /// No keys: enough for what has none.
    pub(super) const NONE: Self = Keys { find: &|_| None, sign: &|_| None };
}

/// The text of a value after its transforms; nothing if the value cannot be written so.
pub(super) fn write(value: &Value, through: &[Transform], keys: Keys<'_>) -> Option<String> {
    let text = match (value, through.first()) {
        (Value::Time(time), Some(Transform::Plus(span))) => {
            return write(&Value::Time(*time + *span), through.get(1..)?, keys);
        }
        (Value::Time(time), first) => time::write(*time, first?)?,
        (Value::Number(seconds), Some(first)) if first.takes() == Takes::Span => time::write_span(*seconds, first)?,
        (value, _) => String::from_utf8(plain(value)?).ok()?,
    };
    apply_all(text, through, keys)
}

/// The same for text that is made up of several values.
pub(super) fn apply_all(text: String, through: &[Transform], keys: Keys<'_>) -> Option<String> {
    let bytes = through.iter().try_fold(text.into_bytes(), |bytes, transform| transform.apply(bytes, keys))?;
    String::from_utf8(bytes).ok()
}

/// The text before its transforms.
pub(super) fn undo_all(text: &str, through: &[Transform]) -> Option<String> {
    let bytes = through.iter().rev().try_fold(text.as_bytes().to_vec(), |bytes, transform| transform.undo(bytes))?;
    String::from_utf8(bytes).ok()
}

/// The value that `text` stands for.
pub(super) fn read(text: &str, kind: Kind, through: &[Transform]) -> Option<Value> {
    let text = undo_all(text, through)?;
    match (kind, through.first()) {
        (Kind::Time, Some(first)) => time::read(&text, first).map(Value::Time),
        (Kind::Number, Some(first)) if first.takes() == Takes::Span => time::read_span(&text, first).map(Value::Number),
        _ => kind.read(&text),
    }
}

/// The bytes of a value that is written as it is; a point in time has none.
fn plain(value: &Value) -> Option<Vec<u8>> {
    Some(match value {
        Value::Text(text) => text.clone().into_bytes(),
        Value::Secret(secret) => secret.expose().clone().into_bytes(),
        Value::Number(number) => number.to_string().into_bytes(),
        Value::Bool(flag) => flag.to_string().into_bytes(),
        Value::Time(_) => return None,
    })
}
