//! Tickets: what a server gives in a step of an exchange, to be shown again in the next.
//!
//! A ticket holds everything that was said so far, so the store keeps nothing until it is used up. It is AES-256-GCM
//! under a key of its own, derived from the pepper and sixteen random bytes: however many are given, no key seals two.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::dialect::{Value, Values};
use jeton_core::domain::id::Digest;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_core::token::pepper::{Pepper, Purpose};
use rand_core::Rng;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::random::SystemRng;

/// How long a ticket is good: for a program, or for a person who looks for a code.
pub(crate) const LIFE: Duration = Duration::from_secs(300);

const SALT_LEN: usize = 16;

/// Where a ticket is good. Sealed for one place, it opens at no other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The realm's name.
    pub(crate) realm: &'a str,
    /// The dialect's name.
    pub(crate) dialect: &'a str,
    /// The exchange that its steps lead to.
    pub(crate) exchange: usize,
    /// The name of the value that it is.
    pub(crate) field: &'a str,
}

/// What a ticket says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ticket {
    /// One for all tickets on one way through an exchange.
    pub(crate) id: [u8; SALT_LEN],
    /// The number of the step that gave it.
    pub(crate) step: usize,
    /// When it was given.
    pub(crate) at: Timestamp,
    /// What was asked so far.
    pub(crate) asked: Values,
    /// When the credentials were proven, and what the last answer will say.
    pub(crate) granted: Option<(Timestamp, Values)>,
}

impl Ticket {
    /// An empty one, for the first step.
    pub(crate) fn new() -> Self {
        let mut id = [0; SALT_LEN];
        SystemRng::new().fill_bytes(&mut id);
        Self { id, ..Self::default() }
    }

    /// The ticket as base64url; nothing if the cryptographic library fails.
    pub(crate) fn seal(&self, place: Place<'_>, pepper: &Pepper) -> Option<Secret<String>> {
        let written = Written {
            id: self.id,
            step: self.step,
            at: self.at.as_micros(),
            asked: write(&self.asked),
            granted: self.granted.as_ref().map(|(at, said)| (at.as_micros(), write(said))),
        };
        let mut salt = [0; SALT_LEN];
        SystemRng::new().fill_bytes(&mut salt);
        let mut text = Zeroizing::new(serde_json::to_vec(&written).ok()?);
        // Room for the tag, so that the plain text is nowhere left behind.
        let mut sealed = Zeroizing::new(Vec::with_capacity(text.len() + AES_256_GCM.tag_len()));
        sealed.append(&mut text);
        key(&salt, pepper)?.seal_in_place_append_tag(fixed_nonce(), Aad::from(place.aad()), &mut *sealed).ok()?;
        Some(Secret::new(BASE64URL.encode([salt.as_slice(), &sealed].concat())))
    }

    /// What a ticket says that was given at most [`LIFE`] ago, for this place.
    pub(crate) fn open(text: &str, place: Place<'_>, pepper: &Pepper, now: Timestamp) -> Option<Self> {
        let bytes = BASE64URL.decode(text).ok()?;
        let (salt, sealed) = bytes.split_first_chunk()?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let plain = key(salt, pepper)?.open_in_place(fixed_nonce(), Aad::from(place.aad()), &mut sealed).ok()?;
        let written: Written = serde_json::from_slice(plain).ok()?;
        let at = Timestamp::from_micros(written.at);
        (now < at + LIFE).then(|| Self {
            id: written.id,
            step: written.step,
            at,
            asked: read(written.asked),
            granted: written.granted.map(|(at, said)| (Timestamp::from_micros(at), read(said))),
        })
    }

    /// What it is known by once it was used for the request of this number, which it can be once.
    pub(crate) fn used(&self, place: Place<'_>, number: usize, pepper: &Pepper) -> Digest {
        let number = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
        pepper.digest(Purpose::Ticket, &[b"used", place.realm.as_bytes(), &self.id, &number])
    }
}

impl Place<'_> {
    fn aad(self) -> Vec<u8> {
        let exchange = self.exchange.to_string();
        let parts = [self.realm, self.dialect, &exchange, self.field];
        parts.iter().flat_map(|part| [&(part.len() as u64).to_be_bytes(), part.as_bytes()].concat()).collect()
    }
}

/// The key is used once, so its nonce can be anything (NIST SP 800-38D §8).
fn fixed_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

fn key(salt: &[u8; SALT_LEN], pepper: &Pepper) -> Option<LessSafeKey> {
    let Digest(bytes) = pepper.digest(Purpose::Ticket, &[b"key", salt]);
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).ok()?))
}

#[derive(Serialize, Deserialize)]
struct Written {
    id: [u8; SALT_LEN],
    step: usize,
    at: i64,
    asked: Vec<(String, WrittenValue)>,
    granted: Option<(i64, Vec<(String, WrittenValue)>)>,
}

#[derive(Serialize, Deserialize)]
enum WrittenValue {
    Text(String),
    Secret(String),
    Number(i64),
    Bool(bool),
    Time(i64),
}

fn write(values: &Values) -> Vec<(String, WrittenValue)> {
    let written = |value: &Value| match value {
        Value::Text(text) => WrittenValue::Text(text.clone()),
        Value::Secret(secret) => WrittenValue::Secret(secret.expose().clone()),
        Value::Number(number) => WrittenValue::Number(*number),
        Value::Bool(flag) => WrittenValue::Bool(*flag),
        Value::Time(time) => WrittenValue::Time(time.as_micros()),
    };
    values.iter().map(|(name, value)| (name.to_owned(), written(value))).collect()
}

fn read(written: Vec<(String, WrittenValue)>) -> Values {
    let value = |value| match value {
        WrittenValue::Text(text) => Value::Text(text),
        WrittenValue::Secret(text) => Value::Secret(Secret::new(text)),
        WrittenValue::Number(number) => Value::Number(number),
        WrittenValue::Bool(flag) => Value::Bool(flag),
        WrittenValue::Time(micros) => Value::Time(Timestamp::from_micros(micros)),
    };
    written.into_iter().fold(Values::new(), |values, (name, written)| values.with(name, value(written)))
}
