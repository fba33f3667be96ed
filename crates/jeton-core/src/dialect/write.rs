//! Writing by the tree: literal text as it stands in the file, values where the holes are.

use super::Dialect;
use super::json::Escape;
use super::message::{Answer, OwnedRequest, WriteError};
use super::noun::{self, Field};
use super::percent::{self, Coding};
use super::template::{Body, Content, Header, HeaderValue, Hole, Mark, Message, Node, Pair, Piece, Status, Text};
use super::transform;
use super::values::{Value, Values};
use crate::domain::policy::Format;

/// What a message is written from.
pub(super) struct Writer<'a> {
    pub(super) fields: &'a [Field],
    pub(super) values: &'a Values,
    pub(super) settings: &'a Values,
    pub(super) escape: Escape,
}

impl Dialect {
    /// The request of an exchange: its first start line and first alternative.
    ///
    /// # Errors
    /// A value is missing or cannot stand in its place.
    pub fn write_request(
        &self,
        exchange: usize,
        values: &Values,
        settings: &Values,
    ) -> Result<OwnedRequest, WriteError> {
        let exchange = self.exchanges.get(exchange).ok_or(WriteError::Nothing("exchange of this number"))?;
        let request = exchange.requests.first().ok_or(WriteError::Nothing("request for this exchange"))?;
        let start = request.starts.first().ok_or(WriteError::Nothing("start line for this exchange"))?;
        let writer = self.writer(values, settings);
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

    /// The answer of an exchange.
    ///
    /// # Errors
    /// A value is missing or cannot stand in its place, or a setting chooses an alternative that there is not.
    pub fn write_answer(&self, exchange: usize, values: &Values, settings: &Values) -> Result<Answer, WriteError> {
        let exchange = self.exchanges.get(exchange).ok_or(WriteError::Nothing("exchange of this number"))?;
        let template = &exchange.answer;
        let Status::Fixed(status) = template.status else {
            return Err(WriteError::Nothing("status for this answer"));
        };
        self.writer(values, settings).answer(status, template.reason.as_ref(), &template.message, &self.headers)
    }

    /// Header and claims of a JWT, as JSON texts to be signed. Without a value `alg` the header names that of the policy.
    ///
    /// # Errors
    /// The dialect's tokens are no JWTs, or a value is missing.
    pub fn jwt(&self, values: &Values, settings: &Values) -> Result<(String, String), WriteError> {
        let (Format::Jwt(alg), Some(claims)) = (self.policy.format, &self.jwt.claims) else {
            return Err(WriteError::Nothing("claims for a JWT"));
        };
        let with_alg = match values.get("alg") {
            Some(_) => values.clone(),
            None => values.clone().with("alg", alg.name()),
        };
        let writer = Writer { fields: &self.fields, values: &with_alg, settings, escape: self.jwt.escape };
        Ok((writer.json_text(&self.jwt.header)?, writer.json_text(claims)?))
    }

    pub(super) fn writer<'a>(&'a self, values: &'a Values, settings: &'a Values) -> Writer<'a> {
        Writer { fields: &self.fields, values, settings, escape: self.escape }
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
        if text.is_optional() && text.own_holes().all(|hole| self.value(hole).is_none()) {
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

    /// The text of a hole before it is encoded for its place.
    fn hole(&self, hole: &Hole) -> Result<Option<String>, WriteError> {
        let text = match &hole.content {
            Content::Any => None,
            Content::Setting => match noun::setting(self.fields, self.settings, &hole.name) {
                Some(value) => Some(written(hole, value)?),
                None => None,
            },
            Content::Part(part) => match self.text(part, Coding::Plain)? {
                Some(text) => {
                    Some(transform::apply_all(text, &hole.through).ok_or_else(|| unfit(hole, "its form is wrong"))?)
                }
                None => None,
            },
            Content::Slot(kind) => match self.value(hole) {
                Some(value) if !kind.fits(value) => return Err(unfit(hole, kind.demand())),
                Some(value) => Some(written(hole, value)?),
                None => None,
            },
        };
        match (text, &hole.mark) {
            (Some(text), _) => Ok(Some(text)),
            (None, Mark::Default(text)) => Ok(Some(text.clone())),
            (None, Mark::Optional) if !self.is_required(hole) => Ok(None),
            (None, _) => Err(WriteError::Missing(hole.name.clone())),
        }
    }

    fn is_required(&self, hole: &Hole) -> bool {
        let field = self.fields.iter().find(|field| field.name == hole.name);
        field.is_some_and(|field| field.is_required(self.fields, self.settings))
    }

    /// Pairs with their names; those that go away left out.
    fn pairs(&self, pairs: &[Pair], coding: Coding, between: &str) -> Result<String, WriteError> {
        let mut written = Vec::new();
        for pair in pairs {
            if let Some(text) = self.text(&pair.text, coding)? {
                written.push(format!("{}{text}", pair.written));
            }
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
            Body::Text(text) => Ok(self.text(text, Coding::Plain)?.unwrap_or_default()),
        }
    }

    fn json_text(&self, node: &Node) -> Result<String, WriteError> {
        let mut out = String::new();
        if !self.json(node, &mut out)? {
            out.push_str(if matches!(node, Node::Array { .. }) { "[]" } else { "{}" });
        }
        Ok(out)
    }

    /// Writes a JSON value; false if it goes away, and then nothing is written.
    fn json(&self, node: &Node, out: &mut String) -> Result<bool, WriteError> {
        match node {
            Node::Literal(raw) => out.push_str(raw),
            Node::Text(text) => {
                let Some(text) = self.text(text, Coding::Json)? else { return Ok(false) };
                out.push('"');
                out.push_str(&text);
                out.push('"');
            }
            Node::Native(hole) => match self.hole(hole)? {
                Some(text) => out.push_str(&text),
                None => return Ok(false),
            },
            Node::Object { members, end } => {
                let parts =
                    members.iter().map(|member| (&member.before, member.written.as_str(), &member.node, &member.after));
                return self.json_list(parts, ['{', '}'], end, out);
            }
            Node::Array { items, end } => {
                let parts = items.iter().map(|item| (&item.before, "", &item.node, &item.after));
                return self.json_list(parts, ['[', ']'], end, out);
            }
            Node::Choice { setting, ways } => return self.json(self.way(setting, ways)?, out),
        }
        Ok(true)
    }

    /// Members or elements between brackets. If all of them go away, so does the whole.
    fn json_list<'n>(
        &self,
        parts: impl Iterator<Item = (&'n String, &'n str, &'n Node, &'n String)>,
        brackets: [char; 2],
        end: &str,
        out: &mut String,
    ) -> Result<bool, WriteError> {
        let (mut written, mut dropped) = (Vec::new(), false);
        for (before, name, node, after) in parts {
            let mut value = String::new();
            match self.json(node, &mut value)? {
                true => written.push(format!("{before}{name}{value}{after}")),
                false => dropped = true,
            }
        }
        if written.is_empty() && dropped {
            return Ok(false);
        }
        out.push(brackets[0]);
        out.push_str(&written.join(","));
        out.push_str(end);
        out.push(brackets[1]);
        Ok(true)
    }

    fn way<'n>(&self, setting: &str, ways: &'n [(String, Node)]) -> Result<&'n Node, WriteError> {
        let chosen = match self.settings.get(setting).or_else(|| self.values.get(setting)) {
            Some(Value::Text(name)) => ways.iter().find(|(way, _)| way == name),
            Some(_) => None,
            None => ways.first(),
        };
        chosen.map(|(_, node)| node).ok_or_else(|| {
            let known: Vec<_> = ways.iter().map(|(way, _)| way.as_str()).collect();
            WriteError::Setting { name: setting.to_owned(), known: known.join(", ") }
        })
    }
}

impl Node {
    /// The names of the alternatives that `setting` chooses from, if this holds such.
    pub(super) fn choices(&self, setting: &str) -> Vec<&str> {
        match self {
            Self::Choice { setting: name, ways } if name == setting => {
                ways.iter().map(|(way, _)| way.as_str()).collect()
            }
            Self::Choice { ways, .. } => ways.iter().flat_map(|(_, node)| node.choices(setting)).collect(),
            Self::Object { members, .. } => members.iter().flat_map(|member| member.node.choices(setting)).collect(),
            Self::Array { items, .. } => items.iter().flat_map(|item| item.node.choices(setting)).collect(),
            Self::Literal(_) | Self::Text(_) | Self::Native(_) => Vec::new(),
        }
    }
}

fn written(hole: &Hole, value: &Value) -> Result<String, WriteError> {
    let text = transform::write(value, &hole.through).ok_or_else(|| unfit(hole, "its form is wrong"))?;
    if matches!(&hole.mark, Mark::Default(default) if *default == text) && !matches!(hole.content, Content::Setting) {
        return Err(unfit(hole, "it is the text that stands for no value"));
    }
    Ok(text)
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
