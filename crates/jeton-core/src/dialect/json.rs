//! JSON as a dialect needs it: members in order, names given twice noticed, depth bounded, three ways to escape.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// How deep objects and arrays may be nested.
pub(super) const MAX_DEPTH: usize = 32;

/// A JSON value that came in.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number with a fraction or beyond 64 bits.
    Number(f64),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A member's name stands twice in one object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Twice;

impl Json {
    /// Parses one JSON text (RFC 8259, UTF-8); nothing if it is none or nested too deeply.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        let json = Seed { left: MAX_DEPTH }.deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(json)
    }

    /// The member of this name. Other names may stand twice, this one may not.
    pub(super) fn member<'a>(members: &'a [(String, Self)], name: &str) -> Result<Option<&'a Self>, Twice> {
        let mut found = members.iter().filter(|(known, _)| known == name).map(|(_, json)| json);
        let first = found.next();
        if found.next().is_some() { Err(Twice) } else { Ok(first) }
    }
}

#[derive(Clone, Copy)]
struct Seed {
    left: usize,
}

impl Seed {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        self.left.checked_sub(1).map(|left| Self { left }).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Seed {
    type Value = Json;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        // Beyond i64 only its size is of interest, and that it is no integer we read.
        Ok(i64::try_from(value).map_or(Json::Number(value as f64), Json::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let seed = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let seed = self.deeper()?;
        let mut object = Vec::new();
        while let Some(name) = members.next_key()? {
            object.push((name, members.next_value_seed(seed)?));
        }
        Ok(Json::Object(object))
    }
}

/// How text is escaped in JSON strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Escape {
    /// Only what must be.
    #[default]
    Plain,
    /// Everything outside ASCII as `\u00e9`.
    Ascii,
    /// The same, and `/` as `\/`.
    Php,
}

impl Escape {
    /// The ways by the names they have in a file.
    pub(super) const NAMED: [(&'static str, Self); 3] =
        [("plain", Self::Plain), ("ascii", Self::Ascii), ("php", Self::Php)];

    /// `text` as it stands between the quotes of a JSON string.
    pub(super) fn apply(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for char in text.chars() {
            match char {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\u{8}' => out.push_str("\\b"),
                '\t' => out.push_str("\\t"),
                '\n' => out.push_str("\\n"),
                '\u{c}' => out.push_str("\\f"),
                '\r' => out.push_str("\\r"),
                '/' if self == Self::Php => out.push_str("\\/"),
                '\0'..='\u{1f}' => unicode(char, &mut out),
                '\u{80}'.. if self != Self::Plain => unicode(char, &mut out),
                _ => out.push(char),
            }
        }
        out
    }
}

fn unicode(char: char, out: &mut String) {
    for unit in char.encode_utf16(&mut [0; 2]) {
        out.push_str(&format!("\\u{unit:04x}"));
    }
}
