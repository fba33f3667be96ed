//! Writing by the tree: literal text as it stands in the file, values where the holes are.

mod json;
mod xml;

use std::cell::Cell;

use super::json::Escape;
use super::message::{Answer, OwnedRequest, Sign, WriteError};
use super::noun::{self, Field};
use super::percent::{self, Coding};
use super::read::Reader;
use super::template::{Body, Content, Header, HeaderValue, Hole, Mark, Message, Pair, Piece, Status, Text};
use super::transform::{self, Keys, Transform};
use super::values::{Value, Values};
use super::{Dialect, End};
use crate::domain::policy::Format;

/// What a message is written from.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) fields: &'a [Field],
    pub(super) values: &'a Values,
    pub(super) settings: &'a Values,
    pub(super) escape: Escape,
    pub(super) sign: Sign<'a>,
}

impl Dialect {
    /// The request of an exchange: its first start line and first alternative. What its sender has to sign is not
    /// written: see [`write_signed_request`](Self::write_signed_request).
    ///
    /// # Errors
    /// A value is missing or cannot stand in its place.
    pub fn write_request(
        &self,
        exchange: usize,
        values: &Values,
        settings: &Values,
    ) -> Result<OwnedRequest, WriteError> {
        self.write_signed_request(exchange, values, settings, Keys::NONE.sign)
    }

    /// The same, with JWTs that `sign` makes.
    ///
    /// # Errors
    /// A value is missing or cannot stand in its place, or a key is none for its algorithm.
    pub fn write_signed_request(
        &self,
        exchange: usize,
        values: &Values,
        settings: &Values,
        sign: Sign<'_>,
    ) -> Result<OwnedRequest, WriteError> {
        let exchange = self.exchanges.get(exchange).ok_or(WriteError::Nothing("exchange of this number"))?;
        if exchange.only == Some(End::Server) {
            return Err(WriteError::Nothing("request of this exchange that a client writes"));
        }
        let request = exchange.requests.first().ok_or(WriteError::Nothing("request for this exchange"))?;
        let start = request.starts.first().ok_or(WriteError::Nothing("start line for this exchange"))?;
        let writer = Writer { sign, ..self.writer(values, settings) };
        let mut target = String::new();
        for segment in &start.path {
            target.push('/');
            target.push_str(&writer.text(segment, Coding::Path)?.unwrap_or_default());
        }
        let query = writer.pairs(&start.query, Coding::Query, "&")?;
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        let headers = writer.headers(&request.message.headers)?;
        Ok(OwnedRequest { method: start.method.clone(), target, headers, body: writer.body(&request.message.body)? })
    }

    /// The answer of an exchange: the first alternative whose values are there.
    ///
    /// # Errors
    /// A value is missing or cannot stand in its place, or a setting chooses an alternative that there is not.
    pub fn write_answer(&self, exchange: usize, values: &Values, settings: &Values) -> Result<Answer, WriteError> {
        let exchange = self.exchanges.get(exchange).ok_or(WriteError::Nothing("exchange of this number"))?;
        let writer = self.writer(values, settings);
        let mut missing = WriteError::Nothing("answer for this exchange");
        for (index, template) in exchange.answers.iter().enumerate() {
            let Status::Fixed(status) = template.status else {
                return Err(WriteError::Nothing("status for this answer"));
            };
            match writer.answer(status, template.reason.as_ref(), &template.message, &self.headers) {
                // The next may do without; if none does, the first says what it needs.
                Err(error @ WriteError::Missing(_)) if index == 0 => missing = error,
                Err(WriteError::Missing(_)) => {}
                written => return written,
            }
        }
        Err(missing)
    }

    /// Header and claims of a JWT, as JSON texts to be signed. Without a value `alg` the header names that of the policy.
    ///
    /// # Errors
    /// The dialect's tokens are no JWTs, or a value is missing.
    pub fn jwt(&self, values: &Values, settings: &Values) -> Result<(String, String), WriteError> {
        let (Format::Jwt(alg), Some(claims)) = (&self.policy.format, &self.jwt.claims) else {
            return Err(WriteError::Nothing("claims for a JWT"));
        };
        let with_alg = match values.get("alg") {
            Some(_) => values.clone(),
            None => values.clone().with("alg", alg.name()),
        };
        let writer = Writer { escape: self.jwt.escape, ..self.writer(&with_alg, settings) };
        Ok((writer.json_text(&self.jwt.header)?, writer.json_text(claims)?))
    }

    pub(super) fn writer<'a>(&'a self, values: &'a Values, settings: &'a Values) -> Writer<'a> {
        Writer { fields: &self.fields, values, settings, escape: self.escape, sign: Keys::NONE.sign }
    }
}

impl Writer<'_> {
    pub(super) fn answer(
        &self,
        status: u16,
        reason: Option<&Text>,
        message: &Message,
        of_all: &[Header],
    ) -> Result<Answer, WriteError> {
        let reason = match reason {
            Some(reason) => self.text(reason, Coding::Plain)?.map(|phrase| printable(&phrase)),
            None => None,
        };
        let mut headers = self.headers(&message.headers)?;
        headers.extend(self.headers(of_all)?);
        let reason_phrase = reason.filter(|phrase| !phrase.is_empty());
        Ok(Answer { status, reason_phrase, headers, body: self.body(&message.body)? })
    }

    /// Text in its place; nothing if the place goes away.
    pub(super) fn text(&self, text: &Text, coding: Coding) -> Result<Option<String>, WriteError> {
        if text.is_optional() && !text.own_holes().any(|hole| self.is_set(hole)) {
            return Ok(None);
        }
        let mut out = String::new();
        for (index, piece) in text.pieces.iter().enumerate() {
            match piece {
                Piece::Literal { written, .. } => out.push_str(written),
                Piece::Hole(hole) => {
                    let Some(value) = self.hole(hole)? else { continue };
                    let last = index + 2 >= text.pieces.len();
                    if let (false, Some(Piece::Literal { text, .. })) = (last, text.pieces.get(index + 1)) {
                        tells_end(hole, &value, text)?;
                    }
                    out.push_str(&self.encoded(hole, &value, coding)?);
                }
            }
        }
        Ok(Some(out))
    }

    fn encoded(&self, hole: &Hole, value: &str, coding: Coding) -> Result<String, WriteError> {
        match coding {
            Coding::Json => Ok(self.escape.apply(value)),
            _ => percent::encode(coding, value)
                .map_err(|why| WriteError::Unfit { name: hole.name.clone(), why: format!("it would be {why}") }),
        }
    }

    fn value(&self, hole: &Hole) -> Option<&Value> {
        self.values.get(&hole.name).filter(|value| !value.is_empty())
    }

    /// Whether there is anything to write in a hole; in a part, for any of its own.
    fn is_set(&self, hole: &Hole) -> bool {
        match &hole.content {
            Content::Any => false,
            Content::Setting => noun::setting(self.fields, self.settings, &hole.name).is_some(),
            Content::Part(texts) => {
                let mut found = false;
                texts.iter().for_each(|text| text.each_slot(&mut |slot, _| found |= self.value(slot).is_some()));
                found
            }
            Content::Slot(_) => self.value(hole).is_some(),
        }
    }

    /// The text of a hole before it is encoded for its place.
    fn hole(&self, hole: &Hole) -> Result<Option<String>, WriteError> {
        let text = match &hole.content {
            Content::Any => None,
            Content::Setting => match noun::setting(self.fields, self.settings, &hole.name) {
                Some(value) => Some(self.written(hole, value)?),
                None => None,
            },
            Content::Part(_) if hole.mark.may_be_absent() && !self.is_set(hole) => None,
            Content::Part(texts) => match self.part(hole, texts)? {
                Some(text) => Some(self.through(hole, |key| transform::apply_all(text, &hole.through, key))?),
                None => None,
            },
            Content::Slot(kind) => match self.value(hole) {
                Some(value) if !kind.fits(value) => return Err(unfit(hole, kind.demand())),
                Some(value) => Some(self.written(hole, value)?),
                None => None,
            },
        };
        match (text, &hole.mark) {
            (Some(text), _) => Ok(Some(text)),
            (None, Mark::Default(text)) => Ok(Some(text.clone())),
            (None, Mark::Optional | Mark::Each) if !self.is_required(hole) => Ok(None),
            (None, _) => Err(WriteError::Missing(hole.name.clone())),
        }
    }

    /// The first text of a part that has its values. What one before it would read as its own is not written.
    fn part(&self, hole: &Hole, texts: &[Text]) -> Result<Option<String>, WriteError> {
        let mut missing = None;
        // Claims are JSON, so what stands in them is escaped.
        let signed = matches!(hole.through.first(), Some(Transform::Jwt(_)));
        let coding = if signed { Coding::Json } else { Coding::Plain };
        for (index, text) in texts.iter().enumerate() {
            let written = match self.text(text, coding) {
                Err(WriteError::Missing(name)) => {
                    missing.get_or_insert(name);
                    continue;
                }
                written => written?,
            };
            let reader = Reader::of_request(self.fields, self.settings);
            let taken =
                |written: &String| texts[..index].iter().any(|text| reader.captures(text, written, false).is_some());
            return match written.as_ref().is_some_and(taken) {
                true => Err(unfit(hole, "it reads like another text of this part")),
                false => Ok(written),
            };
        }
        missing.map_or(Ok(None), |name| Err(WriteError::Missing(name)))
    }

    /// Text in a place that stands once for each word.
    pub(super) fn words(&self, text: &Text, hole: &Hole, coding: Coding) -> Result<Vec<String>, WriteError> {
        let Some(Value::Text(value)) = self.value(hole) else { return Ok(Vec::new()) };
        let mut written = Vec::new();
        for word in value.split(' ') {
            if word.is_empty() {
                return Err(unfit(hole, "one space stands between its words"));
            }
            let values = self.values.clone().with(hole.name.as_str(), word);
            written.extend(Writer { values: &values, ..*self }.text(text, coding)?);
        }
        Ok(written)
    }

    fn written(&self, hole: &Hole, value: &Value) -> Result<String, WriteError> {
        let text = self.through(hole, |key| transform::write(value, &hole.through, key))?;
        let stands_for_none = matches!(&hole.mark, Mark::Default(default) if *default == text);
        if stands_for_none && !matches!(hole.content, Content::Setting) {
            return Err(unfit(hole, "it is the text that stands for no value"));
        }
        Ok(text)
    }

    /// The text of a hole after its transforms, which find their keys among the values.
    fn through(&self, hole: &Hole, write: impl FnOnce(Keys<'_>) -> Option<String>) -> Result<String, WriteError> {
        let missing = Cell::new(None);
        let find = |key: &Hole| self.hole(key).map_err(|error| missing.set(Some(error))).ok().flatten();
        let text = write(Keys { find: &find, sign: self.sign });
        let signed = hole.through.iter().find_map(|transform| match transform {
            Transform::Jwt(signed) => Some(signed),
            _ => None,
        });
        let wrong = || match signed {
            Some(signed) => unfit(&signed.key, &format!("it is no key for {} that signs these claims", signed.alg)),
            None => unfit(hole, "its form is wrong"),
        };
        text.ok_or_else(|| missing.take().unwrap_or_else(wrong))
    }

    fn is_required(&self, hole: &Hole) -> bool {
        let field = self.fields.iter().find(|field| field.name == hole.name);
        field.is_some_and(|field| field.is_required(self.fields, self.settings))
    }

    /// Pairs with their names; those that go away left out.
    fn pairs(&self, pairs: &[Pair], coding: Coding, between: &str) -> Result<String, WriteError> {
        let mut written = Vec::new();
        for pair in pairs {
            let texts = match pair.text.repeated() {
                Some(hole) => self.words(&pair.text, hole, coding)?,
                None => self.text(&pair.text, coding)?.into_iter().collect(),
            };
            written.extend(texts.into_iter().map(|text| format!("{}{text}", pair.written)));
        }
        Ok(written.join(between))
    }

    pub(super) fn pair(&self, pair: &Pair, coding: Coding) -> Result<Option<String>, WriteError> {
        self.text(&pair.text, coding)
    }

    pub(super) fn headers(&self, headers: &[Header]) -> Result<Vec<(String, String)>, WriteError> {
        let mut written = Vec::new();
        for header in headers {
            let value = match &header.value {
                HeaderValue::Text(text) => self.text(text, Coding::Header)?,
                HeaderValue::Cookies(pairs) => {
                    Some(self.pairs(pairs, Coding::Cookie, "; ")?).filter(|text| !text.is_empty())
                }
                HeaderValue::SetCookie(pair, attributes) => {
                    self.pair(pair, Coding::Cookie)?.map(|text| format!("{}{text}{attributes}", pair.written))
                }
            };
            written.extend(value.map(|value| (header.name.clone(), value)));
        }
        Ok(written)
    }

    fn body(&self, body: &Body) -> Result<String, WriteError> {
        match body {
            Body::None => Ok(String::new()),
            Body::Form(pairs) => self.pairs(pairs, Coding::Form, "&"),
            Body::Json(node) => self.json_text(node),
            Body::Xml(document) => self.xml(document),
            Body::Text(text) => Ok(self.text(text, Coding::Plain)?.unwrap_or_default()),
            Body::Choice { setting, ways } => self.body(self.way(setting, ways)?),
        }
    }
}

fn unfit(hole: &Hole, why: &str) -> WriteError {
    WriteError::Unfit { name: hole.name.clone(), why: why.to_owned() }
}

/// A value that holds the literal behind it would be read back shorter.
fn tells_end(hole: &Hole, value: &str, next: &str) -> Result<(), WriteError> {
    match format!("{value}{next}").find(next) == Some(value.len()) {
        true => Ok(()),
        false => Err(WriteError::Unfit { name: hole.name.clone(), why: format!("it holds `{next}`, which ends it") }),
    }
}

/// A reason phrase holds printable ASCII (RFC 9112 §4); anything else would break the status line.
fn printable(phrase: &str) -> String {
    phrase.chars().map(|char| if char == ' ' || char.is_ascii_graphic() { char } else { '?' }).collect()
}
