//! Sample values: what a reader fills in, and what an answer might say.

use std::collections::BTreeMap;

use jeton_core::dialect::{Answer, Dialect, Exchange, Kind, OwnedRequest, Placed, Value, Values, WriteError};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;

use super::languages::NEW_UUID;

/// 2026-01-15T15:00:00Z, in seconds: when the sample person signs in.
const NOON: i64 = 1_768_489_200;

/// What a reader fills in for a value: `YOUR_PASSWORD`.
pub(super) fn placeholder(name: &str) -> String {
    format!("YOUR_{}", name.replace('.', "_").to_ascii_uppercase())
}

/// A message with placeholders where the caller's values stand.
struct Filled {
    values: Values,
    /// UUIDs that stand for a placeholder where nothing else is accepted.
    instead: BTreeMap<String, String>,
}

impl Filled {
    fn new(dialect: &Dialect, slots: impl IntoIterator<Item = (String, Kind)>) -> Self {
        let mut filled = Self { values: Values::new(), instead: BTreeMap::new() };
        for (name, kind) in slots {
            let made = dialect.fields.iter().any(|field| field.name == name && field.made);
            match (made, kind) {
                (true, _) => filled.uuid(&name, NEW_UUID.to_owned()),
                (false, Kind::Uuid | Kind::Uuid4) => filled.uuid(&name, placeholder(&name)),
                (false, kind) => filled.values.set(name.as_str(), asked(&name, kind)),
            }
        }
        filled
    }

    fn uuid(&mut self, name: &str, stands_for: String) {
        let uuid = format!("00000000-0000-4000-8000-{:012}", self.instead.len());
        self.values.set(name, uuid.as_str());
        self.instead.insert(uuid, stands_for);
    }

    /// Writes, and tries once more with a UUID for each value that must be one.
    fn write<T>(&mut self, write: impl Fn(&Values) -> Result<T, WriteError>) -> Option<T> {
        loop {
            match write(&self.values) {
                Ok(written) => return Some(written),
                Err(WriteError::Unfit { name, .. }) if matches!(self.values.get(&name), Some(Value::Text(text)) if !self.instead.contains_key(text)) =>
                {
                    self.uuid(&name, placeholder(&name));
                }
                Err(_) => return None,
            }
        }
    }

    fn back(&self, text: &str) -> String {
        self.instead.iter().fold(text.to_owned(), |text, (uuid, stands_for)| text.replace(uuid, stands_for))
    }

    fn headers(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| (name.clone(), self.back(value))).collect()
    }
}

fn asked(name: &str, kind: Kind) -> Value {
    match kind {
        Kind::Secret => Value::Secret(Secret::new(placeholder(name))),
        Kind::Number => Value::Number(1),
        Kind::Bool => Value::Bool(true),
        Kind::Time => Value::Time(Timestamp::from_secs(NOON)),
        Kind::Dotted => Value::from("part.action"),
        Kind::Text | Kind::Uuid | Kind::Uuid4 => Value::Text(placeholder(name)),
    }
}

/// The request of an exchange with placeholders for what it needs; nothing if it cannot be written from those.
pub(super) fn request(dialect: &Dialect, index: usize, exchange: &Exchange) -> Option<OwnedRequest> {
    let needed = exchange.request_slots().into_iter().filter(|slot| slot.required).map(|slot| (slot.name, slot.kind));
    let mut filled = Filled::new(dialect, needed);
    let written = filled.write(|values| dialect.write_request(index, values, &Values::new()))?;
    Some(OwnedRequest {
        method: written.method.clone(),
        target: filled.back(&written.target),
        headers: filled.headers(&written.headers),
        body: filled.back(&written.body),
    })
}

/// What shows a token on a call, with placeholders.
pub(super) fn placed(dialect: &Dialect, method: &http::Method, path: &str) -> Option<Placed> {
    let beside = dialect.describe_show(0)?.into_iter().flatten().flat_map(|place| place.values);
    let beside = beside.filter(|value| value.name != "access_token").map(|value| (value.name, value.kind));
    let mut filled = Filled::new(dialect, beside);
    let token = Secret::new(placeholder("access_token"));
    let placed = filled.write(|values| dialect.place_token(method, path, &token, values))?;
    Some(Placed { headers: filled.headers(&placed.headers), query: filled.headers(&placed.query) })
}

/// A sample answer, by the engine's own writer; nothing if it needs what a sample has not.
pub(super) fn answer(dialect: &Dialect, index: usize, exchange: &Exchange) -> Option<Answer> {
    let mut values = told(dialect);
    for slot in exchange.answer_slots() {
        if values.get(&slot.name).is_none() && slot.required {
            values.set(slot.name.as_str(), said(&slot.name, slot.kind));
        }
    }
    dialect.write_answer(index, &values, &settings(dialect)).ok()
}

/// The sample claims of a token; nothing if tokens are no JWTs.
pub(super) fn claims(dialect: &Dialect) -> Option<String> {
    let (_, claims) = dialect.jwt(&told(dialect), &settings(dialect)).ok()?;
    let value: serde_json::Value = serde_json::from_str(&claims).ok()?;
    serde_json::to_string_pretty(&value).ok()
}

/// A sample for each setting of the realm that has no default.
fn settings(dialect: &Dialect) -> Values {
    let mut values = Values::new();
    for field in &dialect.fields {
        if field.origin == jeton_core::dialect::Origin::Setting && field.default.is_none() {
            values.set(field.name.as_str(), said(&field.name, field.kind));
        }
    }
    values
}

fn said(name: &str, kind: Kind) -> Value {
    match kind {
        Kind::Uuid | Kind::Uuid4 => Value::from("6f1c2b7e-3a5d-4c8f-9e0a-1b2c3d4e5f60"),
        Kind::Text => Value::from(name.rsplit('.').next().unwrap_or(name)),
        kind => asked(name, kind),
    }
}

/// What the server knows of the sample person and the sample token.
fn told(dialect: &Dialect) -> Values {
    let time = |seconds| Value::Time(Timestamp::from_secs(seconds));
    let lifetime = i64::try_from(dialect.policy.lifetime.as_secs()).unwrap_or(3_600);
    let scope = match dialect.policy.realm_scope.as_str() {
        "" => "read",
        scope => scope,
    };
    Values::new()
        .with("realm", "meadow")
        .with("issuer", "https://id.example.com/realms/meadow")
        .with("username", "ada")
        .with("client_id", "client-1")
        .with("key_id", "6f1c2b7e-3a5d-4c8f-9e0a-1b2c3d4e5f60")
        .with("access_token", Value::Secret(Secret::from("ACCESS_TOKEN")))
        .with("refresh_token", Value::Secret(Secret::from("REFRESH_TOKEN")))
        .with("expires_in", lifetime)
        .with("expires_at", time(NOON + lifetime))
        .with("issued_at", time(NOON))
        .with("session.started", time(NOON))
        .with("scope", scope)
        .with("token.id", "0198d3b2-7c41-7a90-8f3e-5d2c1b0a9f88")
        .with("key.id", "key-1")
        .with("person.id", "0198d3b2-7c41-7a90-8f3e-5d2c1b0a9f77")
        .with("person.number", 1_223)
        .with("person.username", "ada")
        .with("person.given_name", "Ada")
        .with("person.family_name", "Example")
        .with("person.name", "Ada Example")
        .with("person.email", "ada@example.org")
        .with("person.email_verified", true)
        .with("person.created_at", time(1_600_000_000))
}
