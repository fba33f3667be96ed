//! The closed list of transforms: how a value becomes text, and back.
//!
//! `rfc3339`, `base64`, `base64url`, `form`, `uuid` and `uuid4` are exact; `epoch` and `epoch_ms` round down,
//! which for the end of a token is towards less life.

use base64::Engine;
use base64::engine::general_purpose::{
    STANDARD, STANDARD_PAD_INDIFFERENT, URL_SAFE_NO_PAD, URL_SAFE_NO_PAD_INDIFFERENT,
};

use super::noun::{self, Kind};
use super::percent::{self, Coding};
use super::values::Value;
use crate::time::Timestamp;

/// One of the transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transform {
    Epoch,
    EpochMillis,
    Rfc3339,
    Base64,
    Base64Url,
    Form,
    Uuid,
    Uuid4,
}

impl Transform {
    /// All of them, by the names they have after a `|`.
    pub(super) const NAMED: [(&'static str, Self); 8] = [
        ("epoch", Self::Epoch),
        ("epoch_ms", Self::EpochMillis),
        ("rfc3339", Self::Rfc3339),
        ("base64", Self::Base64),
        ("base64url", Self::Base64Url),
        ("form", Self::Form),
        ("uuid", Self::Uuid),
        ("uuid4", Self::Uuid4),
    ];

    /// Whether it takes a point in time (the others take text).
    pub(super) fn takes_time(self) -> bool {
        matches!(self, Self::Epoch | Self::EpochMillis | Self::Rfc3339)
    }

    /// Whether it makes a number, which stands in JSON without quotes.
    pub(super) fn makes_number(self) -> bool {
        matches!(self, Self::Epoch | Self::EpochMillis)
    }

    fn apply(self, text: String) -> Option<String> {
        match self {
            Self::Epoch | Self::EpochMillis | Self::Rfc3339 => Some(text),
            Self::Base64 => Some(STANDARD.encode(text)),
            Self::Base64Url => Some(URL_SAFE_NO_PAD.encode(text)),
            Self::Form => percent::encode(Coding::Form, &text).ok(),
            Self::Uuid => noun::uuid_text(&text, None).filter(|canonical| *canonical == text),
            Self::Uuid4 => noun::uuid_text(&text, Some(4)).filter(|canonical| *canonical == text),
        }
    }

    fn undo(self, text: String) -> Option<String> {
        match self {
            Self::Epoch | Self::EpochMillis | Self::Rfc3339 => Some(text),
            Self::Base64 => String::from_utf8(STANDARD_PAD_INDIFFERENT.decode(text).ok()?).ok(),
            Self::Base64Url => String::from_utf8(URL_SAFE_NO_PAD_INDIFFERENT.decode(text).ok()?).ok(),
            Self::Form => percent::decode(Coding::Form, &text),
            Self::Uuid => noun::uuid_text(&text, None),
            Self::Uuid4 => noun::uuid_text(&text, Some(4)),
        }
    }
}

/// The text of a value after its transforms; nothing if the value cannot be written so.
pub(super) fn write(value: &Value, through: &[Transform]) -> Option<String> {
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Secret(secret) => secret.expose().clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Time(time) => match through.first()? {
            Transform::Epoch => time.as_secs().to_string(),
            Transform::EpochMillis => time.as_millis().to_string(),
            Transform::Rfc3339 => time.to_string(),
            _ => return None,
        },
    };
    apply_all(text, through)
}

/// The same for text that is made up of several values.
pub(super) fn apply_all(text: String, through: &[Transform]) -> Option<String> {
    through.iter().try_fold(text, |text, transform| transform.apply(text))
}

/// The text before its transforms.
pub(super) fn undo_all(text: &str, through: &[Transform]) -> Option<String> {
    through.iter().rev().try_fold(text.to_owned(), |text, transform| transform.undo(text))
}

/// The value that `text` stands for.
pub(super) fn read(text: &str, kind: Kind, through: &[Transform]) -> Option<Value> {
    let text = undo_all(text, through)?;
    match (kind, through.first()) {
        (Kind::Time, Some(Transform::Epoch)) => {
            let secs = noun::number(&text)?;
            Some(Value::Time(Timestamp::from_micros(secs.checked_mul(1_000_000)?)))
        }
        (Kind::Time, Some(Transform::EpochMillis)) => {
            Some(Value::Time(Timestamp::from_micros(noun::number(&text)?.checked_mul(1_000)?)))
        }
        (Kind::Time, Some(Transform::Rfc3339)) => {
            let time: jiff::Timestamp = text.parse().ok()?;
            Some(Value::Time(Timestamp::from_micros(time.as_microsecond())))
        }
        _ => kind.read(&text),
    }
}
