//! Which exchange a request is for, and what it says.

use std::borrow::Cow;

use super::json::Json;
use super::message::{Place, Reading, Request, Shown};
use super::multipart;
use super::noun::Kind;
use super::parse::{METHODS, essence};
use super::percent::{self, Coding};
use super::read::{Found, Reader, Step, Stop, refuse};
use super::template::{Body, Pair, RequestTemplate, Start, Text};
use super::values::Values;
use super::xml::Xml;
use super::{Dialect, Exchange};
use crate::domain::refusal::{Reason, Refusal};

/// A request template that serves the path.
struct Candidate<'d> {
    exchange: usize,
    request: &'d RequestTemplate,
    start: &'d Start,
    /// The decoded segments of the path that came in.
    segments: Vec<String>,
}

/// A body by the type it says it has.
enum Parsed<'a> {
    Nothing,
    Form(Vec<Found>),
    Json(Json),
    Xml(Xml),
    Text(&'a str),
}

impl Dialect {
    /// Whether this dialect serves the address, and what the request says.
    ///
    /// The path is taken as it comes, so a prefix that this dialect is mounted below must be off already. An address
    /// whose path is served here while its query names an unknown action is refused with [`Reason::NoRoute`]:
    /// the API behind may know it.
    pub fn read_request(&self, request: &Request<'_>, settings: &Values) -> Reading {
        let claimed = self.claimed(request.path, settings);
        if claimed.is_empty() {
            return Reading::NotMine;
        }
        let place = match claimed.first() {
            Some(first) if claimed.iter().all(|other| other.exchange == first.exchange) => {
                Place::Exchange(first.exchange)
            }
            _ => Place::Dialect,
        };
        let refused = |refusal| Reading::Refused { place, refusal };
        if !self.methods.is_empty() && !self.methods.contains(request.method) {
            return refused(wrong_method(self.methods.iter()));
        }
        let query = pairs(request.query.unwrap_or_default(), Coding::Query);
        let named = match self.by_query(claimed, &query) {
            Ok(candidates) => candidates,
            Err(refusal) => return refused(refusal),
        };
        let methods: Vec<_> = named.iter().map(|candidate| candidate.start.method.clone()).collect();
        let candidates: Vec<_> =
            named.into_iter().filter(|candidate| candidate.start.method == *request.method).collect();
        let Some(first) = candidates.first().map(|candidate| candidate.exchange) else {
            return refused(wrong_method(methods.iter()));
        };
        let refused = |refusal| Reading::Refused { place: Place::Exchange(first), refusal };
        if let Some(refusal) = candidates.iter().find_map(|candidate| exposed(candidate, &query)) {
            return refused(refusal);
        }
        let (candidates, parsed) = match by_type(candidates, request) {
            Ok(found) => found,
            Err(refusal) => return refused(refusal),
        };
        self.first_fitting(&candidates, request, &query, &parsed, settings)
    }

    /// How well this dialect knows a path: for each segment, whether it is a literal of the file. Nothing if it does
    /// not serve the path. Among several dialects the greater one is asked first, so a literal beats a template.
    pub fn specificity(&self, path: &str, settings: &Values) -> Option<Vec<bool>> {
        self.claimed(path, settings).iter().map(|candidate| literals(candidate.start)).max()
    }

    /// The templates that serve this path: those with literals where others have holes, if there are any.
    fn claimed(&self, path: &str, settings: &Values) -> Vec<Candidate<'_>> {
        let path = if path.is_empty() { "/" } else { path };
        let reader = Reader::of_request(&self.fields, settings);
        let mut claimed = Vec::new();
        for below in self.prefixes.iter().map(String::as_str).chain([""]).filter_map(|prefix| below(path, prefix)) {
            let Some(segments) = segments(&below) else { continue };
            let served = |(_, exchange): &(usize, &Exchange)| exchange.is_served();
            for (index, exchange) in self.exchanges.iter().enumerate().filter(served) {
                for request in &exchange.requests {
                    let starts = request.starts.iter().filter(|start| serves(&reader, &start.path, &segments));
                    claimed.extend(starts.map(|start| Candidate {
                        exchange: index,
                        request,
                        start,
                        segments: segments.clone(),
                    }));
                }
            }
        }
        let best = claimed.iter().map(|candidate| literals(candidate.start)).max();
        claimed.retain(|candidate| Some(literals(candidate.start)) == best);
        claimed
    }

    /// The candidates whose literals in the query are there.
    fn by_query<'d>(&'d self, claimed: Vec<Candidate<'d>>, query: &[Found]) -> Result<Vec<Candidate<'d>>, Refusal> {
        let mut wrong = None;
        let mut fitting = Vec::new();
        for candidate in claimed {
            let pairs = &candidate.start.query;
            match (0..pairs.len()).find_map(|index| self.wrong_literal(pairs, index, query)) {
                None => fitting.push(candidate),
                Some(refusal) => wrong = wrong.or(Some(refusal)),
            }
        }
        match wrong {
            Some(refusal) if fitting.is_empty() => Err(refusal),
            _ => Ok(fitting),
        }
    }

    fn wrong_literal(&self, pairs: &[Pair], index: usize, query: &[Found]) -> Option<Refusal> {
        let pair = &pairs[index];
        let literal = pair.text.literal()?;
        let alike = |pairs: &[Pair]| pairs.iter().filter(|other| other.name == pair.name).count();
        let mut found = query.iter().filter(|(name, _)| *name == pair.name).map(|(_, value)| value.as_deref());
        let first = found.by_ref().nth(alike(&pairs[..index]));
        let repeats = pairs[index + 1..].iter().any(|other| other.name == pair.name && other.text.repeated().is_some());
        let second = found.nth(alike(&pairs[index + 1..])).filter(|_| !repeats);
        let about = |reason, what: &str| match refuse(reason, &pair.name, what) {
            Stop::Refused(refusal) => Some(refusal),
            Stop::Elsewhere { .. } => None,
        };
        match first {
            _ if second.is_some() => about(Reason::Repeated, "is given twice"),
            Some(Some(value)) if value == literal => None,
            None | Some(Some("")) => about(Reason::Missing, "is missing"),
            Some(None) => about(Reason::Malformed, "is not readable"),
            Some(Some(value)) => {
                let kind =
                    self.fields.iter().find(|field| field.name == pair.name).map_or(Kind::Text, |field| field.kind);
                match kind.read(value) {
                    Some(_) => about(Reason::NoRoute, "is not one that is served here"),
                    None => about(Reason::Malformed, kind.demand()),
                }
            }
        }
    }

    /// The first alternative that can be read. One is passed over only if none of its secrets is there.
    fn first_fitting(
        &self,
        candidates: &[Candidate<'_>],
        request: &Request<'_>,
        query: &[Found],
        parsed: &Parsed<'_>,
        settings: &Values,
    ) -> Reading {
        let mut elsewhere = None;
        let mut refused: Option<(usize, Refusal)> = None;
        for candidate in candidates {
            let mut reader = Reader::of_request(&self.fields, settings).guarded_by(&candidate.request.guards);
            let read = read_all(&mut reader, candidate, request, query, parsed);
            let seen = reader.secret_seen;
            match read.and_then(|()| reader.finish()) {
                Ok(values) => return self.complete(candidate.exchange, values, request),
                Err(Stop::Refused(refusal)) if seen => {
                    return Reading::Refused { place: Place::Exchange(candidate.exchange), refusal };
                }
                Err(Stop::Refused(refusal)) => refused = refused.or(Some((candidate.exchange, refusal))),
                Err(Stop::Elsewhere { field, reason }) => {
                    let absent = reason == Reason::Missing;
                    let what = if absent { "is missing" } else { "is not one that is served here" };
                    if let Stop::Refused(refusal) = refuse(reason, &field, what) {
                        elsewhere = elsewhere.or(Some((candidate.exchange, refusal)));
                    }
                }
            }
        }
        match refused.or(elsewhere) {
            Some((exchange, refusal)) => Reading::Refused { place: Place::Exchange(exchange), refusal },
            None => Reading::NotMine,
        }
    }

    /// What is asked about a token has it where any call has it, unless its request says otherwise.
    fn complete(&self, index: usize, mut values: Values, request: &Request<'_>) -> Reading {
        let grant = self.exchanges[index].grant;
        let named = values.get("access_token").is_some() || values.get("refresh_token").is_some();
        if grant.shows_token() && !named {
            let refusal = match self.read_token(request) {
                Shown::Token { token, also, .. } => {
                    also.iter().for_each(|(name, value)| values.set(name, value.clone()));
                    values.set("access_token", token);
                    None
                }
                Shown::None => Some(Refusal::new(Reason::NoToken)),
                Shown::Refused { refusal, .. } => Some(refusal),
            };
            if let Some(refusal) = refusal {
                return Reading::Refused { place: Place::Exchange(index), refusal };
            }
        }
        Reading::Exchange { index, grant, values }
    }
}

/// The path below a prefix, with its slash.
pub(super) fn below<'p>(path: &'p str, prefix: &str) -> Option<Cow<'p, str>> {
    match path.strip_prefix(prefix)? {
        "" => Some(Cow::Borrowed("/")),
        rest if rest.starts_with('/') => Some(Cow::Borrowed(rest)),
        _ => None,
    }
}

pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    path.strip_prefix('/')?.split('/').map(|segment| percent::decode(Coding::Path, segment)).collect()
}

fn serves(reader: &Reader<'_>, template: &[Text], segments: &[String]) -> bool {
    let fits = |(text, segment): (&Text, &String)| match text.literal() {
        Some(literal) => literal == segment,
        None => !segment.is_empty() && reader.captures(text, segment, false).is_some(),
    };
    template.len() == segments.len() && template.iter().zip(segments).all(fits)
}

fn literals(start: &Start) -> Vec<bool> {
    start.path.iter().map(|text| text.literal().is_some()).collect()
}

fn wrong_method<'m>(known: impl Iterator<Item = &'m http::Method>) -> Refusal {
    let known: Vec<_> = known.collect();
    let allow: Vec<&'static str> =
        ALLOW.into_iter().filter(|name| known.iter().any(|method| method.as_str() == *name)).collect();
    let detail = format!("the method must be {}", allow.join(" or "));
    let mut refusal = Refusal::new(Reason::WrongMethod).detail(detail);
    refusal.allow = allow;
    refusal
}

/// The names of [`METHODS`], for `Allow`.
const ALLOW: [&str; METHODS.len()] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// A secret in the query that belongs elsewhere: the world can read it there.
fn exposed(candidate: &Candidate<'_>, query: &[Found]) -> Option<Refusal> {
    let declared = |name: &str| candidate.start.query.iter().any(|pair| pair.name == name);
    let names = secret_names(&candidate.request.message.body);
    let name = names.into_iter().find(|name| !declared(name) && query.iter().any(|(known, _)| known == name))?;
    Some(Refusal::new(Reason::Exposed).detail(format!("{name} must be sent in the body")).field(name))
}

fn secret_names(body: &Body) -> Vec<&str> {
    use super::template::Node;
    match body {
        Body::Form(pairs) => {
            pairs.iter().filter(|pair| pair.text.has_secret()).map(|pair| pair.name.as_str()).collect()
        }
        Body::Json(Node::Object { members, .. }) => members
            .iter()
            .filter(|member| matches!(&member.node, Node::Text(text) if text.has_secret()))
            .map(|member| member.name.as_str())
            .collect(),
        Body::Xml(document) => {
            let mut names = Vec::new();
            document.root.each_text(&mut |name, text| {
                if text.has_secret() {
                    names.push(name);
                }
            });
            names
        }
        _ => Vec::new(),
    }
}

/// The candidates that read a body of this type, and the body. One without a body takes any and reads none.
fn by_type<'d, 'a>(
    candidates: Vec<Candidate<'d>>,
    request: &Request<'a>,
) -> Result<(Vec<Candidate<'d>>, Parsed<'a>), Refusal> {
    let mut types = request.headers.get_all(http::header::CONTENT_TYPE).iter();
    let given = types.next().and_then(|value| value.to_str().ok());
    if types.next().is_some() {
        return Err(Refusal::new(Reason::Repeated).field("Content-Type").detail("Content-Type is given twice"));
    }
    let bare = given.is_none() && request.body.is_empty();
    let reads = |candidate: &Candidate<'_>| {
        let message = &candidate.request.message;
        let known = |given: &str| {
            let utf8 = charset(given).is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
            utf8 && message.types.iter().any(|known| essence(known) == essence(given))
        };
        message.body == Body::None || bare || given.is_some_and(known)
    };
    let expected = candidates.iter().find_map(|candidate| candidate.request.message.types.first().cloned());
    let candidates: Vec<_> = candidates.into_iter().filter(reads).collect();
    let body = candidates.iter().map(|candidate| &candidate.request.message.body).find(|body| **body != Body::None);
    match (candidates.is_empty(), body) {
        (true, _) => {
            let expected = expected.unwrap_or_default();
            Err(Refusal::new(Reason::UnsupportedType)
                .field("Content-Type")
                .detail(format!("the content type must be {expected}")))
        }
        (false, None) => Ok((candidates, Parsed::Nothing)),
        (false, Some(body)) => {
            let parsed = parse(body, given.unwrap_or_default(), request.body)?;
            Ok((candidates, parsed))
        }
    }
}

fn charset(media_type: &str) -> Option<&str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    })
}

fn parse<'a>(template: &Body, given: &str, body: &'a [u8]) -> Result<Parsed<'a>, Refusal> {
    let malformed = |what: &str| Refusal::new(Reason::Malformed).field("body").detail(what);
    match template {
        // Named alternatives stand in answers.
        Body::None | Body::Choice { .. } => Ok(Parsed::Nothing),
        Body::Json(_) => Json::parse(body).map(Parsed::Json).ok_or_else(|| malformed("the body is not valid JSON")),
        Body::Xml(_) => Xml::parse(body).map(Parsed::Xml).ok_or_else(|| malformed("the body is not valid XML")),
        Body::Form(_) if essence(given) == "multipart/form-data" => multipart::fields(given, body)
            .map(Parsed::Form)
            .ok_or_else(|| malformed("the body is not valid multipart/form-data")),
        Body::Form(_) => std::str::from_utf8(body)
            .map(|body| Parsed::Form(pairs(body, Coding::Form)))
            .map_err(|_| malformed("the body is not UTF-8")),
        Body::Text(_) => std::str::from_utf8(body).map(Parsed::Text).map_err(|_| malformed("the body is not UTF-8")),
    }
}

/// `a=b&c=d`, decoded. A name that cannot be decoded is nobody's.
pub(super) fn pairs(text: &str, coding: Coding) -> Vec<Found> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((percent::decode(coding, name)?, percent::decode(coding, value)))
        })
        .collect()
}

fn read_all(
    reader: &mut Reader<'_>,
    candidate: &Candidate<'_>,
    request: &Request<'_>,
    query: &[Found],
    parsed: &Parsed<'_>,
) -> Step {
    for (text, segment) in candidate.start.path.iter().zip(&candidate.segments) {
        if text.literal().is_none() {
            let wire = text.own_holes().next().map_or("", |hole| hole.name.as_str());
            reader.text(text, Some(segment), wire)?;
        }
    }
    reader.pairs(&candidate.start.query, query)?;
    let message = &candidate.request.message;
    message.headers.iter().try_for_each(|header| reader.header(header, request.headers))?;
    match (&message.body, parsed) {
        (Body::Form(pairs), Parsed::Form(found)) => reader.pairs(pairs, found),
        (Body::Json(node), Parsed::Json(found)) => reader.json(node, Some(found), ""),
        (Body::Xml(document), Parsed::Xml(root)) => reader.xml(&document.root, root),
        (Body::Text(text), Parsed::Text(found)) => reader.text(text, Some(found), "body"),
        _ => Ok(()),
    }
}
