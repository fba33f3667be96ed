//! What a dialect says, taken apart for a reader: every place of a message with its name and what stands in it.
//!
//! Documentation and explanations are made from this, never from the file's text; it walks the tree that the
//! engine itself reads and writes by.

use super::message::Place;
use super::noun::Kind;
use super::show::Spot;
use super::template::xml::{Element, Inside};
use super::template::{
    AnswerTemplate, Body, Content, HeaderValue, Mark, Message, Node, Pair, Piece, RequestTemplate, Start, Status, Text,
};
use super::transform::Transform;
use super::{Dialect, Exchange};
use crate::domain::refusal::Reason;

/// A request or an answer, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The start lines of a request: method and path, with `{name}` for a hole, and what is fixed in the query. None for
    /// an answer.
    pub starts: Vec<(http::Method, String)>,
    /// The status of an answer that has a fixed one.
    pub status: Option<u16>,
    /// Media types of the body; the first is written, any is read.
    pub types: Vec<String>,
    /// Every place that holds something, in the order of the file. The query is that of the first start line.
    pub places: Vec<Described>,
}

/// One place of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// In which part of the message it is.
    pub part: MessagePart,
    /// Its name on the wire: of a header or pair, a path to a member such as `data[0].token`, or to an XML element.
    pub name: String,
    /// What stands there: literal text, `{name}` for a value, `base64(…)` for what a transform makes of it.
    pub text: String,
    /// The values that stand there.
    pub values: Vec<DescribedValue>,
    /// Whether the message is not complete without it.
    pub required: bool,
}

/// A value in a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedValue {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Whether there must be one.
    pub required: bool,
    /// The text that stands for no value, from `{{name=text}}`.
    pub default: Option<String>,
    /// The names of its transforms, in the order in which they are applied.
    pub through: Vec<String>,
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessagePart {
    /// A segment of the path.
    Path,
    /// The query.
    Query,
    /// The headers.
    Header,
    /// The `Cookie` header, or `Set-Cookie`.
    Cookie,
    /// A body of form pairs.
    Form,
    /// A body of JSON.
    Json,
    /// A body of XML.
    Xml,
    /// A body of plain text.
    Text,
    /// The reason phrase.
    ReasonPhrase,
}

impl Dialect {
    /// Places where a call shows its token, one list for each alternative, with the values that stand beside it.
    /// Nothing for a `[[show]]` of this index that is not there.
    pub fn describe_show(&self, show: usize) -> Option<Vec<Vec<Described>>> {
        let show = self.shows.get(show)?;
        let spots = |placement: &Vec<Spot>| placement.iter().chain(&show.also).map(describe_spot).collect();
        Some(show.placements.iter().map(spots).collect())
    }

    /// The reasons that have a row of their own there, in the order of the file.
    pub fn reasons(&self, place: Place) -> Vec<Reason> {
        let refusals = self.refusals_of(place).unwrap_or(&self.refusals);
        refusals.rows.iter().map(|row| row.reason).collect()
    }
}

impl Exchange {
    /// The alternatives of its request; the first is what a client writes.
    pub fn describe_requests(&self) -> Vec<Description> {
        self.requests.iter().map(describe_request).collect()
    }

    /// The alternatives of its answer.
    pub fn describe_answers(&self) -> Vec<Description> {
        self.answers.iter().map(describe_answer).collect()
    }
}

fn describe_request(request: &RequestTemplate) -> Description {
    let mut places = Vec::new();
    if let Some(start) = request.starts.first() {
        for segment in start.path.iter().filter(|segment| segment.literal().is_none()) {
            let name = segment.own_holes().next().map_or("", |hole| hole.name.as_str());
            places.push(described(MessagePart::Path, name, segment));
        }
        places.extend(start.query.iter().map(|pair| describe_pair(MessagePart::Query, pair)));
    }
    describe_message(&request.message, &mut places);
    Description {
        starts: request.starts.iter().map(|start| (start.method.clone(), path(start))).collect(),
        status: None,
        types: request.message.types.clone(),
        places,
    }
}

/// The path, and of the query what is always the same.
fn path(start: &Start) -> String {
    let path: String = start.path.iter().map(|segment| format!("/{}", text_of(segment))).collect();
    let fixed = start.query.iter().filter_map(|pair| Some(format!("{}={}", pair.name, pair.text.literal()?)));
    let fixed: Vec<String> = fixed.collect();
    if fixed.is_empty() { path } else { format!("{path}?{}", fixed.join("&")) }
}

fn describe_answer(answer: &AnswerTemplate) -> Description {
    let mut places = Vec::new();
    places.extend(answer.reason.iter().map(|text| described(MessagePart::ReasonPhrase, "", text)));
    describe_message(&answer.message, &mut places);
    let status = match answer.status {
        Status::Fixed(status) => Some(status),
        Status::Row => None,
    };
    Description { starts: Vec::new(), status, types: answer.message.types.clone(), places }
}

fn describe_message(message: &Message, places: &mut Vec<Described>) {
    for header in &message.headers {
        match &header.value {
            HeaderValue::Text(text) => places.push(described(MessagePart::Header, &header.name, text)),
            HeaderValue::Cookies(pairs) => {
                places.extend(pairs.iter().map(|pair| describe_pair(MessagePart::Cookie, pair)))
            }
            HeaderValue::SetCookie(pair, _) => places.push(describe_pair(MessagePart::Cookie, pair)),
        }
    }
    describe_body(&message.body, places);
}

fn describe_body(body: &Body, places: &mut Vec<Described>) {
    match body {
        Body::None => {}
        Body::Choice { ways, .. } => describe_ways(ways, &|way, found| describe_body(way, found), places),
        Body::Form(pairs) => places.extend(pairs.iter().map(|pair| describe_pair(MessagePart::Form, pair))),
        Body::Json(node) => describe_json(node, "", places),
        Body::Xml(document) => describe_xml(&document.root, "", places),
        Body::Text(text) => places.push(described(MessagePart::Text, "", text)),
    }
}

fn describe_spot(spot: &Spot) -> Described {
    match spot {
        Spot::Header(name, text) => described(MessagePart::Header, name, text),
        Spot::Cookie(pair) => describe_pair(MessagePart::Cookie, pair),
        Spot::Query(pair) => describe_pair(MessagePart::Query, pair),
    }
}

fn describe_pair(part: MessagePart, pair: &Pair) -> Described {
    described(part, &pair.name, &pair.text)
}

fn describe_json(node: &Node, name: &str, places: &mut Vec<Described>) {
    match node {
        Node::Literal(text) => places.push(Described {
            part: MessagePart::Json,
            name: name.to_owned(),
            text: text.clone(),
            values: Vec::new(),
            required: true,
        }),
        Node::Text(text) => places.push(described(MessagePart::Json, name, text)),
        Node::Native(hole) => {
            let text = Text { pieces: vec![Piece::Hole(hole.clone())] };
            places.push(described(MessagePart::Json, name, &text));
        }
        Node::Object { members, .. } => {
            for member in members {
                let dot = if name.is_empty() { "" } else { "." };
                describe_json(&member.node, &format!("{name}{dot}{}", member.name), places);
            }
        }
        Node::Array { items, .. } => {
            for (index, item) in items.iter().enumerate() {
                describe_json(&item.node, &format!("{name}[{index}]"), places);
            }
        }
        Node::Choice { ways, .. } => describe_ways(ways, &|way, found| describe_json(way, name, found), places),
    }
}

fn describe_ways<T>(ways: &[(String, T)], describe: &dyn Fn(&T, &mut Vec<Described>), places: &mut Vec<Described>) {
    let mut all: Vec<Described> = Vec::new();
    for (index, (_, way)) in ways.iter().enumerate() {
        let mut found = Vec::new();
        describe(way, &mut found);
        // What one of the alternatives does without is not required.
        all.iter_mut().for_each(|known| known.required &= found.iter().any(|place| place.name == known.name));
        let known = all.len();
        let new = found.into_iter().filter(|place| all[..known].iter().all(|other| other.name != place.name));
        let new: Vec<_> = new.map(|place| Described { required: place.required && index == 0, ..place }).collect();
        all.extend(new);
    }
    places.extend(all);
}

fn describe_xml(element: &Element, above: &str, places: &mut Vec<Described>) {
    let slash = if above.is_empty() { "" } else { "/" };
    let name = format!("{above}{slash}{}", element.name.local);
    for attribute in &element.attributes {
        if let Some(known) = &attribute.name {
            places.push(described(MessagePart::Xml, &format!("{name}/@{}", known.local), &attribute.text));
        }
    }
    match &element.content {
        Inside::Nothing => {}
        Inside::Text(text) => places.push(described(MessagePart::Xml, &name, text)),
        Inside::Elements { children, .. } => children.iter().for_each(|(_, child)| describe_xml(child, &name, places)),
    }
}

fn described(part: MessagePart, name: &str, text: &Text) -> Described {
    let mut values: Vec<DescribedValue> = Vec::new();
    text.each_slot(&mut |hole, kind| {
        if values.iter().all(|known| known.name != hole.name) {
            values.push(DescribedValue {
                name: hole.name.clone(),
                kind,
                required: hole.is_required(),
                default: match &hole.mark {
                    Mark::Default(text) => Some(text.clone()),
                    _ => None,
                },
                through: hole.through.iter().map(transform_name).collect(),
            });
        }
    });
    let required = values.is_empty() || values.iter().any(|value| value.required);
    Described { part, name: name.to_owned(), text: text_of(text), values, required }
}

/// The text with `{name}` for each value.
fn text_of(text: &Text) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal { text, .. } => text.clone(),
        Piece::Hole(hole) => {
            let inside = match (&hole.content, &hole.mark) {
                (Content::Any, Mark::Default(text)) => text.clone(),
                (Content::Part(texts), _) => texts.first().map(text_of).unwrap_or_default(),
                _ => format!("{{{}}}", hole.name),
            };
            // A UUID is written as it is.
            let changes = |transform: &&Transform| !matches!(transform, Transform::Uuid | Transform::Uuid4);
            let through = hole.through.iter().filter(changes);
            through.fold(inside, |inside, transform| format!("{}({inside})", transform_name(transform)))
        }
    };
    text.pieces.iter().map(piece).collect()
}

/// The name that a transform has in a file.
fn transform_name(transform: &Transform) -> String {
    let name = match transform {
        Transform::HmacSha256(_) => Transform::KEYED.to_owned(),
        Transform::Jwt(signed) => format!("{}:{}", Transform::SIGNED, signed.alg),
        Transform::Plus(span) => format!("{}:{}s", Transform::LATER, span.as_secs()),
        named => {
            let found = Transform::NAMED.iter().find(|(_, known)| known == named);
            found.map(|(name, _)| (*name).to_owned()).unwrap_or_default()
        }
    };
    transform.keys().iter().fold(name, |name, key| format!("{name}:{}", key.name))
}
