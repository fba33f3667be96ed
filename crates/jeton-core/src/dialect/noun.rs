//! The names that may stand in holes, and the type each of them has.

use super::values::{Value, Values};
use crate::secret::Secret;

/// The type of a name's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text; in a request without control characters.
    Text,
    /// Any text, kept as a secret.
    Secret,
    /// A whole number: decimal digits without leading zeros, in 64 bits.
    Number,
    /// `true` or `false`.
    Bool,
    /// A point in time; needs a transform to be written.
    Time,
    /// A UUID with hyphens.
    Uuid,
    /// A random UUID (version 4) with hyphens.
    Uuid4,
    /// Two words with a dot between, such as `person.get`.
    Dotted,
}

impl Kind {
    /// The types by the names they have in `[field]`.
    pub(super) const NAMED: [(&'static str, Self); 8] = [
        ("text", Self::Text),
        ("secret", Self::Secret),
        ("number", Self::Number),
        ("bool", Self::Bool),
        ("time", Self::Time),
        ("uuid", Self::Uuid),
        ("uuid4", Self::Uuid4),
        ("dotted", Self::Dotted),
    ];

    /// The value that `text` stands for, or nothing if it has the wrong form. Times are read by their transform.
    pub(super) fn read(self, text: &str) -> Option<Value> {
        match self {
            Self::Text => Some(text.into()),
            Self::Secret => Some(Value::Secret(Secret::from(text))),
            Self::Number => number(text).map(Value::Number),
            Self::Bool => text.parse().ok().map(Value::Bool),
            Self::Time => None,
            Self::Uuid => uuid_text(text, None).map(Value::Text),
            Self::Uuid4 => uuid_text(text, Some(4)).map(Value::Text),
            Self::Dotted => is_dotted(text).then(|| text.into()),
        }
    }

    /// Whether a value is of this type.
    pub(super) fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Secret, Value::Secret(_))
            | (Self::Number, Value::Number(_))
            | (Self::Bool, Value::Bool(_))
            | (Self::Time, Value::Time(_)) => true,
            (Self::Text | Self::Uuid | Self::Uuid4 | Self::Dotted, Value::Text(text)) => {
                self.read(text).is_some_and(|read| read == *value)
            }
            _ => false,
        }
    }

    /// What is wrong with a value that [`read`](Self::read) refuses, as the end of "`name` …".
    pub(super) fn demand(self) -> &'static str {
        match self {
            Self::Number => "must be a whole number",
            Self::Bool => "must be true or false",
            Self::Uuid => "must be a UUID",
            Self::Uuid4 => "must be a UUID of version 4",
            Self::Dotted => "must be two words with a dot between them",
            Self::Text | Self::Secret | Self::Time => "is invalid",
        }
    }
}

/// Decimal without leading zeros or plus sign, so that every number has one spelling.
pub(super) fn number(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = digits == "0" && text == "0" || !digits.starts_with('0');
    (canonical && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The UUID in lower case.
pub(super) fn uuid_text(text: &str, version: Option<usize>) -> Option<String> {
    // 36 characters: the parser also takes braces, URNs and no hyphens at all.
    let uuid = uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
    (version.is_none_or(|wanted| uuid.get_version_num() == wanted)).then(|| uuid.to_string())
}

fn is_dotted(text: &str) -> bool {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    text.split('.').count() >= 2 && text.split('.').all(word)
}

/// When a client writes its request, by its own clock.
pub(super) const ASKED_AT: &str = "asked_at";

/// The nouns of Jeton: names every dialect may use without declaring them.
pub(super) const NOUNS: [(&str, Kind); 53] = [
    ("realm", Kind::Text),
    ("issuer", Kind::Text),
    ("username", Kind::Text),
    ("password", Kind::Secret),
    ("act_as", Kind::Text),
    ("client_id", Kind::Text),
    ("client_secret", Kind::Secret),
    ("key_id", Kind::Text),
    ("key_secret", Kind::Secret),
    ("refresh_token", Kind::Secret),
    ("access_token", Kind::Secret),
    ("expires_in", Kind::Number),
    ("expires_at", Kind::Time),
    ("issued_at", Kind::Time),
    (ASKED_AT, Kind::Time),
    ("scope", Kind::Text),
    ("alg", Kind::Text),
    ("token.id", Kind::Text),
    ("key.id", Kind::Text),
    ("session.started", Kind::Time),
    ("person.id", Kind::Text),
    ("person.number", Kind::Number),
    ("person.username", Kind::Text),
    ("person.given_name", Kind::Text),
    ("person.family_name", Kind::Text),
    ("person.name", Kind::Text),
    ("person.email", Kind::Text),
    ("person.email_verified", Kind::Bool),
    ("person.picture", Kind::Text),
    ("person.zoneinfo", Kind::Text),
    ("person.phone_number", Kind::Text),
    ("person.created_at", Kind::Time),
    ("actor.id", Kind::Text),
    ("actor.number", Kind::Number),
    ("actor.username", Kind::Text),
    ("actor.given_name", Kind::Text),
    ("actor.family_name", Kind::Text),
    ("actor.name", Kind::Text),
    ("actor.email", Kind::Text),
    ("actor.email_verified", Kind::Bool),
    ("actor.picture", Kind::Text),
    ("actor.zoneinfo", Kind::Text),
    ("actor.phone_number", Kind::Text),
    ("actor.created_at", Kind::Time),
    ("target.number", Kind::Number),
    ("target.name", Kind::Text),
    ("status", Kind::Number),
    ("text", Kind::Text),
    ("code", Kind::Text),
    ("detail", Kind::Text),
    ("field", Kind::Text),
    ("class", Kind::Text),
    ("message", Kind::Text),
];

/// The type of a noun.
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    NOUNS.iter().find(|(noun, _)| *noun == name).map(|(_, kind)| *kind)
}

/// The most bytes a peer may send for `name`.
pub(super) fn longest(fields: &[Field], name: &str) -> usize {
    match name {
        "username" | "act_as" | "client_id" | "key_id" => 256,
        "access_token" | "refresh_token" => 8 * 1024,
        // What a server gives in a step may hold a whole token.
        _ if fields.iter().any(|field| field.name == name && field.origin == Origin::Step) => 8 * 1024,
        _ => 1024,
    }
}

/// Where the value of a name that is not a noun comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A setting of the realm.
    Setting,
    /// Whoever sends the request.
    Client,
    /// Whoever answers.
    Server,
    /// An attribute of the person.
    Person,
    /// The token.
    Token,
    /// The answer to an earlier step of the same exchange.
    Step,
}

impl Origin {
    /// The origins by the names they have in `[field]`.
    pub(super) const NAMED: [(&'static str, Self); 6] = [
        ("setting", Self::Setting),
        ("client", Self::Client),
        ("server", Self::Server),
        ("person", Self::Person),
        ("token", Self::Token),
        ("step", Self::Step),
    ];
}

/// A name that a dialect declares in `[field]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The name.
    pub name: String,
    /// Where its value comes from.
    pub origin: Origin,
    /// Its type.
    pub kind: Kind,
    /// Whether the sender makes a fresh value for each message (a random UUID).
    pub made: bool,
    /// The value of a setting that a realm does not set.
    pub default: Option<Value>,
    /// The setting that makes this field required where it is marked `?`.
    pub required_if: Option<String>,
}

impl Field {
    /// Whether this field, optional by its mark, is required under these settings.
    pub(super) fn is_required(&self, fields: &[Self], settings: &Values) -> bool {
        self.required_if.as_deref().is_some_and(|name| setting(fields, settings, name) == Some(&Value::Bool(true)))
    }
}

/// The value of a setting, or its default.
pub(super) fn setting<'a>(fields: &'a [Field], settings: &'a Values, name: &str) -> Option<&'a Value> {
    let default = || fields.iter().find(|field| field.name == name).and_then(|field| field.default.as_ref());
    settings.get(name).or_else(default)
}

/// The known name most like `name`, if any is alike enough to be meant.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, with two swapped neighbours counting as one step.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![(0..=right.len()).collect::<Vec<usize>>()];
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && left[i] == right[j - 1] && left[i - 1] == right[j] {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}
