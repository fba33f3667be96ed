//! The typed tree that a dialect file becomes. Reading, writing, documentation and checking walk the same tree.

pub(super) mod xml;

use super::noun::Kind;
use super::transform::Transform;
use super::values::Value;
use crate::domain::policy::TokenText;
use crate::token::opaque;

/// Text with holes, in one place of a message.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text {
    pub(super) pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    /// What it says, and how that is written in its place (percent-encoded, escaped).
    Literal {
        text: String,
        written: String,
    },
    Hole(Hole),
}

impl Text {
    /// What it says, if there is no hole in it.
    pub(super) fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [] => Some(""),
            [Piece::Literal { text, .. }] => Some(text),
            _ => None,
        }
    }

    /// The holes, those inside of parts not counted.
    pub(super) fn own_holes(&self) -> impl Iterator<Item = &Hole> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Hole(hole) => Some(hole),
            Piece::Literal { .. } => None,
        })
    }

    /// Whether all of it may be absent: it has holes, and every one is marked `?` or `*`.
    pub(super) fn is_optional(&self) -> bool {
        self.own_holes().next().is_some() && self.own_holes().all(|hole| hole.mark.may_be_absent())
    }

    /// The hole whose words repeat this text's place: the only one, marked `*`.
    pub(super) fn repeated(&self) -> Option<&Hole> {
        let mut holes = self.own_holes();
        match (holes.next(), holes.next()) {
            (Some(hole), None) if hole.mark == Mark::Each => Some(hole),
            _ => None,
        }
    }

    /// Calls `visit` for every slot, those inside of parts too.
    pub(super) fn each_slot<'t>(&'t self, visit: &mut dyn FnMut(&'t Hole, Kind)) {
        for hole in self.own_holes() {
            match &hole.content {
                Content::Slot(kind) => visit(hole, *kind),
                Content::Part(texts) => texts.iter().for_each(|text| text.each_slot(visit)),
                Content::Setting | Content::Any => {}
            }
            for key in hole.through.iter().flat_map(Transform::keys) {
                if let Content::Slot(kind) = key.content {
                    visit(key, kind);
                }
            }
        }
    }

    /// Whether a secret stands in it.
    pub(super) fn has_secret(&self) -> bool {
        let mut found = false;
        self.each_slot(&mut |_, kind| found |= kind == Kind::Secret);
        found
    }
}

/// A place for a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Hole {
    pub(super) name: String,
    pub(super) content: Content,
    pub(super) mark: Mark,
    /// Whether it stands in some only of a list of texts.
    pub(super) in_some: bool,
    pub(super) through: Vec<Transform>,
    /// Line and column in the file.
    pub(super) at: (usize, usize),
}

impl Hole {
    /// Whether nothing can be written without a value.
    pub(super) fn is_required(&self) -> bool {
        self.mark == Mark::Required && !self.in_some
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// The value of this hole's name.
    Slot(Kind),
    /// A setting of the realm: as good as a literal.
    Setting,
    /// `{{_=text}}`: the mark's text is written, anything is read.
    Any,
    /// Text of its own with holes, from `[part]`: the first that has its values is written, any is read.
    Part(Vec<Text>),
}

/// What stands in a hole when its name has no value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// There must be one.
    Required,
    /// `?`: the place goes away.
    Optional,
    /// `*`: the place stands once for each word.
    Each,
    /// `=text`: this text.
    Default(String),
}

impl Mark {
    /// Whether a place without a value goes away.
    pub(super) fn may_be_absent(&self) -> bool {
        matches!(self, Self::Optional | Self::Each)
    }
}

/// A JSON template. White space is kept as it stands in the file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// `true`, `false`, `null` or a number.
    Literal(String),
    /// A string in quotes.
    Text(Text),
    /// A hole without quotes: a number or `true`/`false`.
    Native(Hole),
    Object {
        members: Vec<Member>,
        end: String,
    },
    Array {
        items: Vec<Item>,
        end: String,
    },
    /// Named alternatives: which is written is the setting of that name, any is read.
    Choice {
        setting: String,
        ways: Vec<(String, Node)>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    /// White space before the name.
    pub(super) before: String,
    pub(super) name: String,
    /// Whether the name is `{{field}}`: that of whatever the refusal is about.
    pub(super) names_field: bool,
    /// The name with its quotes and the colon, as in the file up to the value.
    pub(super) written: String,
    pub(super) node: Node,
    /// White space between the value and the comma.
    pub(super) after: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) before: String,
    pub(super) node: Node,
    pub(super) after: String,
}

impl Node {
    /// Calls `visit` for every slot; with alternatives, for those of all of them.
    pub(super) fn each_slot<'t>(&'t self, visit: &mut dyn FnMut(&'t Hole, Kind)) {
        match self {
            Self::Literal(_) => {}
            Self::Text(text) => text.each_slot(visit),
            Self::Native(hole) => {
                if let Content::Slot(kind) = hole.content {
                    visit(hole, kind);
                }
            }
            Self::Object { members, .. } => members.iter().for_each(|member| member.node.each_slot(visit)),
            Self::Array { items, .. } => items.iter().for_each(|item| item.node.each_slot(visit)),
            Self::Choice { ways, .. } => ways.iter().for_each(|(_, node)| node.each_slot(visit)),
        }
    }

    /// The members that say by a literal which element of a list this is: `"Name":"email"`.
    pub(super) fn naming(&self) -> impl Iterator<Item = (&str, &str)> {
        let members = if let Self::Object { members, .. } = self { members.as_slice() } else { &[] };
        members.iter().filter_map(|member| match &member.node {
            Self::Text(text) => Some((member.name.as_str(), text.literal()?)),
            _ => None,
        })
    }

    /// Whether there is anything to say in it, and all of that may be absent: then its literals alone say nothing.
    pub(super) fn may_be_silent(&self) -> bool {
        let (mut holes, mut optional) = (false, true);
        self.each_slot(&mut |hole, _| {
            holes = true;
            optional &= hole.mark.may_be_absent();
        });
        holes && optional
    }

    /// Whether all of it may be absent.
    pub(super) fn is_optional(&self) -> bool {
        match self {
            Self::Literal(_) | Self::Choice { .. } => false,
            Self::Text(text) => text.is_optional(),
            Self::Native(hole) => hole.mark.may_be_absent(),
            Self::Object { members, .. } => {
                !members.is_empty() && members.iter().all(|member| member.node.is_optional())
            }
            Self::Array { items, .. } => !items.is_empty() && items.iter().all(|item| item.node.is_optional()),
        }
    }
}

/// A name and its text, in a query, a form or a cookie.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) name: String,
    /// The name and its equals sign as they are written.
    pub(super) written: String,
    pub(super) text: Text,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) value: HeaderValue,
    /// The request is for this exchange only if the header says what stands here.
    pub(super) must: bool,
}

impl Header {
    pub(super) fn each_slot<'t>(&'t self, visit: &mut dyn FnMut(&'t Hole, Kind)) {
        match &self.value {
            HeaderValue::Text(text) => text.each_slot(visit),
            HeaderValue::Cookies(pairs) => pairs.iter().for_each(|pair| pair.text.each_slot(visit)),
            HeaderValue::SetCookie(pair, _) => pair.text.each_slot(visit),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum HeaderValue {
    Text(Text),
    /// `Cookie`: read by name.
    Cookies(Vec<Pair>),
    /// `Set-Cookie`: the cookie is read by name, the attributes are written as they stand.
    SetCookie(Pair, String),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    None,
    Form(Vec<Pair>),
    Json(Node),
    Xml(Box<xml::Document>),
    Text(Text),
    /// Named alternatives of an answer's whole body: which is written is the setting of that name, any is read.
    Choice {
        setting: String,
        ways: Vec<(String, Body)>,
    },
}

impl Body {
    pub(super) fn each_slot<'t>(&'t self, visit: &mut dyn FnMut(&'t Hole, Kind)) {
        match self {
            Self::None => {}
            Self::Form(pairs) => pairs.iter().for_each(|pair| pair.text.each_slot(visit)),
            Self::Json(node) => node.each_slot(visit),
            Self::Xml(document) => document.root.each_slot(visit),
            Self::Text(text) => text.each_slot(visit),
            Self::Choice { ways, .. } => ways.iter().for_each(|(_, body)| body.each_slot(visit)),
        }
    }

    /// Each body that it can be.
    pub(super) fn alternatives(&self) -> Vec<&Self> {
        match self {
            Self::Choice { ways, .. } => ways.iter().map(|(_, body)| body).collect(),
            body => vec![body],
        }
    }
}

/// Headers and body, which requests and answers have alike.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Message {
    pub(super) headers: Vec<Header>,
    /// Media types of the body: the first is written (with its parameters), any is read.
    pub(super) types: Vec<String>,
    pub(super) body: Body,
}

impl Message {
    pub(super) fn each_slot<'t>(&'t self, visit: &mut dyn FnMut(&'t Hole, Kind)) {
        self.headers.iter().for_each(|header| header.each_slot(visit));
        self.body.each_slot(visit);
    }
}

/// One start line of a request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Start {
    pub(super) method: http::Method,
    /// The path, cut at its slashes; the root is one empty segment.
    pub(super) path: Vec<Text>,
    pub(super) query: Vec<Pair>,
}

/// A request: several start lines, of which the first is written and any is read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RequestTemplate {
    pub(super) starts: Vec<Start>,
    pub(super) message: Message,
    /// Values whose form tells this request from later ones of the same shape.
    pub(super) guards: Vec<Guard>,
}

/// A request whose value of this name has another form is another request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Guard {
    pub(super) hole: String,
    /// For a token: how it is made up. The form of any other value is that of its type.
    pub(super) made_as: Option<TokenText>,
}

impl Guard {
    pub(super) fn fits(&self, value: &Value) -> bool {
        match (&self.made_as, value) {
            (Some(text), Value::Secret(token)) => opaque::is_made_as(text, token.expose()),
            _ => true,
        }
    }
}

impl RequestTemplate {
    /// Calls `visit` for every slot that stands in the message when `start` is its start line.
    pub(super) fn each_slot<'t>(&'t self, start: &'t Start, visit: &mut dyn FnMut(&'t Hole, Kind)) {
        start.path.iter().for_each(|segment| segment.each_slot(visit));
        start.query.iter().for_each(|pair| pair.text.each_slot(visit));
        self.message.each_slot(visit);
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AnswerTemplate {
    pub(super) status: Status,
    pub(super) reason: Option<Text>,
    pub(super) message: Message,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Fixed(u16),
    /// `{{status}}`: each row of the refusals gives it.
    Row,
}
