//! What must hold for the whole file, beyond each piece being well formed.

use super::super::message::Slot;
use super::super::noun::Kind;
use super::super::template::xml::{Element, Inside};
use super::super::template::{AnswerTemplate, Body, HeaderValue, Mark, Node, Pair, RequestTemplate, Start, Status};
use super::super::{Dialect, End, Exchange};
use super::Parser;
use super::message::essence;
use super::table::Keys;
use crate::domain::policy::Format;

/// What tells one request from another at the same start line.
pub(super) struct Route {
    method: http::Method,
    /// Each segment's literal; nothing for a template.
    path: Vec<Option<String>>,
    query: Vec<(String, String)>,
    /// Media types of the body; none if there is no body.
    types: Vec<String>,
    body: Vec<(String, Option<String>)>,
}

impl Route {
    /// Whether some request could be of both. A form is not JSON, while a request without a body is read beside any.
    fn meets(&self, other: &Self) -> bool {
        let typed = !self.types.is_empty() && !other.types.is_empty();
        let apart = typed && self.types.iter().all(|known| !other.types.contains(known));
        let same = (&self.method, &self.path, &self.query, &self.body)
            == (&other.method, &other.path, &other.query, &other.body);
        same && !apart
    }
}

impl Parser<'_> {
    /// Whether the messages of an exchange carry what its grant needs.
    pub(super) fn check_exchange(&mut self, keys: Keys<'_>, exchange: &Exchange) {
        let at = keys.get("request").map_or(keys.at, |entry| entry.at);
        let grant = exchange.grant.name();
        let requests =
            exchange.requests.iter().flat_map(|request| request.starts.iter().map(move |start| (request, start)));
        let mut needed_missing = Vec::new();
        for (request, start) in requests {
            for need in exchange.grant.needs() {
                let mut there = false;
                request.each_slot(start, &mut |hole, _| there |= hole.name == *need && hole.mark == Mark::Required);
                if !there {
                    needed_missing.push(*need);
                }
            }
        }
        needed_missing.dedup();
        for need in needed_missing {
            self.mistake(at, format!("a request of the grant `{grant}` needs the hole {{{{{need}}}}}"));
        }
        let at = keys.get("answer").map_or(keys.at, |entry| entry.at);
        let token = |answer: &AnswerTemplate| {
            let mut there = false;
            answer.message.each_slot(&mut |hole, _| {
                there |= hole.name == "access_token" && hole.mark == Mark::Required;
            });
            there
        };
        if exchange.grant.issues() && !exchange.answers.iter().all(token) {
            self.mistake(at, format!("an answer of the grant `{grant}` needs the hole {{{{access_token}}}}"));
        }
        if exchange.answers.iter().any(|answer| answer.status == Status::Row) {
            self.mistake_help(at, "the status of a success is fixed", "write 200");
        }
    }

    /// No two requests may look alike: nobody could tell which of them came in.
    pub(super) fn check_routes(&mut self, keys: Keys<'_>, exchange: &Exchange, taken: &mut Vec<Route>) {
        let at = keys.get("request").map_or(keys.at, |entry| entry.at);
        for request in &exchange.requests {
            for start in &request.starts {
                let route = route(request, start);
                if taken.iter().any(|known| route.meets(known)) {
                    let message = format!("another request has this start line and body: {}", spelt(start));
                    self.mistake_help(at, message, "give it another path, a literal or another secret");
                }
                taken.push(route);
            }
        }
    }

    /// What may not stand everywhere.
    pub(super) fn check_places(&mut self) {
        for at in std::mem::take(&mut self.repeats) {
            let help = "it repeats a pair of a query or form, an element of a JSON list, or an XML element with nothing else in it";
            self.mistake_help(at, "`*` cannot stand here", help);
        }
        for at in std::mem::take(&mut self.one_way) {
            let help = "write only = \"client\" in this exchange";
            self.mistake_help(at, "a server cannot read back what goes through a hash", help);
        }
    }

    pub(super) fn check_whole(&mut self, root: Keys<'_>, dialect: &Dialect) {
        let token = root.get("token");
        if !dialect.exchanges.is_empty() && token.is_none() {
            self.mistake_help(root.at, "`token` is missing", "write [token] with format and lifetime");
        }
        if let (Some(token), Format::Jwt(_), None) = (token, dialect.policy.format, &dialect.jwt.claims) {
            self.mistake_help(token.key_at, "a JWT needs `claims`", "write claims = '{\"iss\":\"{{issuer}}\",…}'");
        }
        self.check_renewed_jwt(root, dialect);
        self.check_shown(root, dialect);
        let unused: Vec<_> =
            self.parts.iter().filter(|part| !part.used).map(|part| (part.at, part.name.clone())).collect();
        for (at, name) in unused {
            self.mistake(at, format!("the part `{name}` is used nowhere"));
        }
    }
}

impl Parser<'_> {
    /// What is asked about a token, without a hole for it, shows it as a call does: both ends need a show that is for it.
    fn check_shown(&mut self, root: Keys<'_>, dialect: &Dialect) {
        let at = root.get("show").map_or(root.at, |entry| entry.key_at);
        let own = |slot: &Slot| slot.name == "access_token" || slot.name == "refresh_token";
        let asking = dialect.exchanges.iter().filter(|exchange| exchange.grant.shows_token());
        for exchange in asking.filter(|exchange| !exchange.request_slots().iter().any(own)) {
            let grant = exchange.grant.name();
            let speaks = |end: &End| exchange.only.is_none_or(|only| only == *end);
            for end in [End::Client, End::Server].into_iter().filter(speaks) {
                let starts = exchange.requests.iter().flat_map(|request| &request.starts);
                let unshown = |start: &&Start| !dialect.shows.iter().any(|show| show.calls.have(end, start));
                if let Some(start) = starts.into_iter().find(unshown) {
                    let message =
                        format!("the grant `{grant}` finds its token by [[show]], and none is for {}", spelt(start));
                    self.mistake_help(at, message, "write [[show]] for it too, or a hole for the token in the request");
                    return;
                }
            }
        }
    }
}

/// A start line as a reader of the file knows it.
fn spelt(start: &Start) -> String {
    let path: Vec<&str> = start.path.iter().map(|text| text.literal().unwrap_or("{{…}}")).collect();
    format!("{} /{}", start.method, path.join("/"))
}

fn route(request: &RequestTemplate, start: &Start) -> Route {
    let literals = |pairs: &[Pair]| {
        let fixed = pairs.iter().filter_map(|pair| Some((pair.name.clone(), pair.text.literal()?.to_owned())));
        fixed.collect::<Vec<_>>()
    };
    let mut body = Vec::new();
    match &request.message.body {
        Body::Form(pairs) => {
            body.extend(literals(pairs).into_iter().map(|(name, text)| (name, Some(text))));
        }
        Body::Json(node) => fixed_json(node, "", &mut body),
        _ => {}
    }
    if let Body::Xml(document) = &request.message.body {
        fixed(&document.root, &mut body);
    }
    for header in request.message.headers.iter().filter(|header| header.must) {
        if let HeaderValue::Text(text) = &header.value {
            body.push((header.name.to_ascii_lowercase(), text.literal().map(str::to_owned)));
        }
    }
    // Where a secret stands decides too: a request without it is passed over.
    let mut secrets = Vec::new();
    request.each_slot(start, &mut |hole, kind| {
        if kind == Kind::Secret {
            secrets.push((hole.name.clone(), None));
        }
    });
    if request
        .message
        .headers
        .iter()
        .any(|header| matches!(&header.value, HeaderValue::Text(text) if text.has_secret()))
    {
        secrets.push(("in a header".to_owned(), None));
    }
    body.extend(secrets);
    Route {
        method: start.method.clone(),
        path: start.path.iter().map(|text| text.literal().map(str::to_owned)).collect(),
        query: literals(&start.query),
        types: request.message.types.iter().map(|known| essence(known)).collect(),
        body,
    }
}

/// The members and elements of JSON that must say what stands in the file, by the way to them.
fn fixed_json(node: &Node, way: &str, found: &mut Vec<(String, Option<String>)>) {
    match node {
        Node::Literal(text) => found.push((way.to_owned(), Some(text.clone()))),
        Node::Text(text) => found.extend(text.literal().map(|text| (way.to_owned(), Some(text.to_owned())))),
        Node::Object { members, .. } => {
            members.iter().for_each(|member| fixed_json(&member.node, &format!("{way}.{}", member.name), found));
        }
        Node::Array { items, .. } => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| fixed_json(&item.node, &format!("{way}.{index}"), found));
        }
        Node::Native(_) | Node::Choice { .. } => {}
    }
}

/// The elements that must be there, and the texts that they must hold.
fn fixed(element: &Element, found: &mut Vec<(String, Option<String>)>) {
    let attributes =
        element.attributes.iter().filter_map(|attribute| Some((attribute.name.as_ref()?, &attribute.text)));
    found.extend(attributes.filter_map(|(name, text)| Some((name.local.clone(), Some(text.literal()?.to_owned())))));
    let name = format!("{{{}}}{}", element.name.space, element.name.local);
    match &element.content {
        Inside::Nothing => found.push((name, None)),
        Inside::Text(text) => found.extend(text.literal().map(|text| (name, Some(text.to_owned())))),
        Inside::Elements { children, .. } => {
            if !element.is_optional() {
                found.push((name, None));
            }
            children.iter().for_each(|(_, child)| fixed(child, found));
        }
    }
}
