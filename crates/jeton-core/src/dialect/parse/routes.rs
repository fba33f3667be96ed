//! Requests that look alike, and what tells them apart.

use super::super::Exchange;
use super::super::noun::Kind;
use super::super::template::xml::{Element, Inside};
use super::super::template::{
    Body, Content, Guard, HeaderValue, Hole, Mark, Node, Pair, Piece, RequestTemplate, Start, Text,
};
use super::super::transform::Transform;
use super::Parser;
use super::check::spelt;
use super::message::essence;
use crate::domain::policy::Format;

/// A place of a request, and what stands in it.
struct Spot<'t> {
    /// Which, such as `?kind` or `/user/name`.
    at: String,
    /// What must stand there if the request is to be this one.
    literal: Option<&'t str>,
    slots: Vec<(&'t Hole, Kind)>,
}

impl Spot<'_> {
    fn is_required(&self) -> bool {
        self.slots.iter().any(|(hole, _)| hole.mark == Mark::Required)
    }

    fn has_secret(&self) -> bool {
        self.slots.iter().any(|(_, kind)| *kind == Kind::Secret)
    }
}

/// How the text of a value tells that it is this value and not another.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Number,
    Uuid,
    Uuid4,
    Token,
}

impl Form {
    fn of(hole: &Hole, kind: Kind, format: &Format) -> Option<Self> {
        match kind {
            Kind::Number => Some(Self::Number),
            Kind::Uuid => Some(Self::Uuid),
            Kind::Uuid4 => Some(Self::Uuid4),
            Kind::Secret if hole.name == "access_token" && matches!(format, Format::Opaque(_)) => Some(Self::Token),
            _ if hole.through == [Transform::Uuid] => Some(Self::Uuid),
            _ if hole.through == [Transform::Uuid4] => Some(Self::Uuid4),
            _ => None,
        }
    }

    /// Whether a value of the other form, or of none, does not have this one.
    fn tells_from(self, other: Option<Self>) -> bool {
        other != Some(self) && (self, other) != (Self::Uuid, Some(Self::Uuid4))
    }
}

impl Parser<'_> {
    /// No two requests that a server reads may look alike, unless the form of a value tells the earlier from the
    /// later. `at` says where the requests of each exchange stand in the file.
    pub(super) fn check_routes(&mut self, exchanges: &mut [Exchange], at: &[usize], format: &Format) {
        let all: Vec<(usize, usize)> = exchanges
            .iter()
            .enumerate()
            .filter(|(_, exchange)| exchange.is_served())
            .flat_map(|(index, exchange)| (0..exchange.requests.len()).map(move |request| (index, request)))
            .collect();
        for (number, later) in all.iter().enumerate() {
            for earlier in &all[..=number] {
                let [first, second] =
                    [earlier, later].map(|(exchange, request)| &exchanges[*exchange].requests[*request]);
                let Some(start) = taken(first, second, earlier == later) else { continue };
                match guards(first, second, format) {
                    guards if !guards.is_empty() && earlier != later => {
                        exchanges[earlier.0].requests[earlier.1].guards.extend(guards);
                    }
                    _ => {
                        let message = format!("another request has this start line and body: {}", spelt(start));
                        let help = "give it another path, a literal or another secret; or put it behind one whose \
                                    value is a number, a UUID or a token with a text of its own";
                        self.mistake_help(at.get(later.0).copied().unwrap_or_default(), message, help);
                    }
                }
            }
        }
    }
}

/// A start line of `later` whose requests `earlier` would take for its own. Of one request, only what stands twice.
fn taken<'t>(earlier: &RequestTemplate, later: &'t RequestTemplate, same: bool) -> Option<&'t Start> {
    // A form is not JSON, while a request without a body is read beside any.
    let [first, second] = [earlier, later].map(|request| request.message.types.iter().map(|known| essence(known)));
    let (first, second): (Vec<_>, Vec<_>) = (first.collect(), second.collect());
    if !first.is_empty() && !second.is_empty() && first.iter().all(|known| !second.contains(known)) {
        return None;
    }
    let literals = |start: &Start| start.path.iter().map(|text| text.literal().map(str::to_owned)).collect::<Vec<_>>();
    later
        .starts
        .iter()
        .enumerate()
        .map(|(index, start)| (start, if same { index } else { earlier.starts.len() }))
        .find_map(|(start, before)| {
            let own = spots(later, start);
            let meets = |other: &&Start| {
                let theirs = spots(earlier, other);
                let line = other.method == start.method && literals(other) == literals(start);
                line && claims(&theirs, &own) && (!same || claims(&own, &theirs))
            };
            earlier.starts[..before].iter().find(meets).map(|_| start)
        })
}

/// Whether a request with these places would be taken for the earlier: literals agree, and a secret of the earlier
/// is there, or else all that it needs. (See `Dialect::read_request`: one is passed over only without its secrets.)
fn claims(earlier: &[Spot<'_>], later: &[Spot<'_>]) -> bool {
    let there = |spot: &Spot<'_>| later.iter().find(|other| other.at == spot.at);
    let fixed = |spot: &&Spot<'_>| spot.literal.is_some();
    if earlier.iter().filter(fixed).any(|spot| there(spot).is_none_or(|other| other.literal != spot.literal)) {
        return false;
    }
    earlier.iter().any(|spot| spot.has_secret() && there(spot).is_some())
        || earlier.iter().filter(|spot| spot.is_required()).all(|spot| there(spot).is_some())
}

/// The values of `earlier` that cannot be those that `later` has in their place.
fn guards(earlier: &RequestTemplate, later: &RequestTemplate, format: &Format) -> Vec<Guard> {
    let (Some(first), Some(second)) = (earlier.starts.first(), later.starts.first()) else { return Vec::new() };
    let others = spots(later, second);
    let mut guards = Vec::new();
    for spot in spots(earlier, first) {
        let Some(other) = others.iter().find(|other| other.at == spot.at) else { continue };
        for (hole, kind) in spot.slots.iter().filter(|(hole, _)| hole.mark == Mark::Required) {
            let Some(form) = Form::of(hole, *kind, format) else { continue };
            if other.slots.iter().all(|(hole, kind)| form.tells_from(Form::of(hole, *kind, format))) {
                let made_as = match format {
                    Format::Opaque(text) if form == Form::Token => Some(text.clone()),
                    _ => None,
                };
                guards.push(Guard { hole: hole.name.clone(), made_as });
            }
        }
    }
    guards
}

fn spots<'t>(request: &'t RequestTemplate, start: &'t Start) -> Vec<Spot<'t>> {
    let mut found = Vec::new();
    let holes = start.path.iter().enumerate().filter(|(_, text)| text.literal().is_none());
    found.extend(holes.map(|(index, text)| of_text(format!("segment {index}"), text)));
    of_pairs("?", &start.query, &mut found);
    for header in &request.message.headers {
        match &header.value {
            HeaderValue::Text(text) if text.literal().is_some() && !header.must => {}
            HeaderValue::Text(text) => {
                let name = header.name.to_ascii_lowercase();
                // Credentials of another scheme are not this request's.
                let scheme = match text.pieces.first() {
                    Some(Piece::Literal { text, .. }) if name == "authorization" => text.to_ascii_lowercase(),
                    _ => String::new(),
                };
                found.push(of_text(format!("{name}: {scheme}"), text));
            }
            HeaderValue::Cookies(pairs) => of_pairs("cookie ", pairs, &mut found),
            HeaderValue::SetCookie(..) => {}
        }
    }
    match &request.message.body {
        // Named alternatives stand in answers.
        Body::None | Body::Choice { .. } => {}
        Body::Form(pairs) => of_pairs("&", pairs, &mut found),
        Body::Json(node) => of_json("", node, &mut found),
        Body::Xml(document) => of_xml("", &document.root, &mut found),
        Body::Text(text) => found.push(of_text("body".to_owned(), text)),
    }
    found
}

fn of_text(at: String, text: &Text) -> Spot<'_> {
    let mut slots = Vec::new();
    text.each_slot(&mut |hole, kind| slots.push((hole, kind)));
    Spot { at, literal: text.literal(), slots }
}

fn of_pairs<'t>(place: &str, pairs: &'t [Pair], found: &mut Vec<Spot<'t>>) {
    for (index, pair) in pairs.iter().enumerate() {
        let before = pairs[..index].iter().filter(|other| other.name == pair.name).count();
        found.push(of_text(format!("{place}{}#{before}", pair.name), &pair.text));
    }
}

fn of_json<'t>(at: &str, node: &'t Node, found: &mut Vec<Spot<'t>>) {
    match node {
        Node::Literal(raw) => found.push(Spot { at: at.to_owned(), literal: Some(raw), slots: Vec::new() }),
        Node::Text(text) => found.push(of_text(at.to_owned(), text)),
        Node::Native(hole) => {
            let slots = match hole.content {
                Content::Slot(kind) => vec![(hole, kind)],
                _ => Vec::new(),
            };
            found.push(Spot { at: at.to_owned(), literal: None, slots });
        }
        Node::Object { members, .. } => {
            members.iter().for_each(|member| of_json(&format!("{at}/{}", member.name), &member.node, found));
        }
        Node::Array { items, .. } => {
            items.iter().enumerate().for_each(|(index, item)| of_json(&format!("{at}/{index}"), &item.node, found));
        }
        Node::Choice { ways, .. } => ways.iter().for_each(|(_, node)| of_json(at, node, found)),
    }
}

fn of_xml<'t>(at: &str, element: &'t Element, found: &mut Vec<Spot<'t>>) {
    let at = format!("{at}/{{{}}}{}", element.name.space, element.name.local);
    // Which elements are there tells one call from another; a text that is not there is a missing one.
    let tells = match &element.content {
        Inside::Nothing => true,
        Inside::Text(text) => text.literal() == Some(""),
        Inside::Elements { .. } => !element.is_optional(),
    };
    found.push(Spot { at: format!("{at}/"), literal: tells.then_some(""), slots: Vec::new() });
    for attribute in &element.attributes {
        let name = attribute.name.as_ref().map(|name| format!("{at}@{{{}}}{}", name.space, name.local));
        found.extend(name.map(|name| of_text(name, &attribute.text)));
    }
    match &element.content {
        Inside::Nothing => {}
        Inside::Text(text) => found.extend((text.literal() != Some("")).then(|| of_text(at, text))),
        Inside::Elements { children, .. } => children.iter().for_each(|(_, child)| of_xml(&at, child, found)),
    }
}
