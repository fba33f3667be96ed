//! How a call shows its token: in a header, the query or a cookie. Both directions.

use super::message::{AnswerParts, Carrier, Placed, Request, Shown, WriteError};
use super::percent::Coding;
use super::read::{Reader, Stop, cookies, without_scheme};
use super::refuse::Refusals;
use super::request::{below, pairs, segments};
use super::template::{Header, HeaderValue, Pair, Piece, Start, Text};
use super::values::{Value, Values};
use super::write::Writer;
use super::{Dialect, End};
use crate::domain::refusal::{Reason, Refusal};
use crate::secret::Secret;

/// A way to show a token.
#[derive(Clone, Debug)]
pub struct Show {
    /// The calls that it is for.
    pub(super) calls: Calls,
    /// The first is written, any is read. Each is one place, or several that belong together.
    pub(super) placements: Vec<Vec<Spot>>,
    /// Places of the values that must stand beside the token.
    pub(super) also: Vec<Spot>,
    /// Headers in which an answer to any call may give the next token.
    pub(super) returned: Vec<Header>,
    pub(super) refusals: Refusals,
}

/// Which calls a show is for.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// Empty: every method.
    pub(super) methods: Vec<http::Method>,
    /// Nothing: every path.
    pub(super) path: Option<PathPattern>,
    /// The end that it is for, if not for both.
    pub(super) only: Option<End>,
}

/// `/v2/me`, or `/v2/*` for `/v2` and everything below it.
#[derive(Clone, Debug)]
pub(super) struct PathPattern {
    /// Decoded.
    pub(super) segments: Vec<String>,
    pub(super) and_below: bool,
}

impl Calls {
    /// Whether a request with this start line is one of them, for this end.
    pub(super) fn have(&self, end: End, start: &Start) -> bool {
        let path = |pattern: &PathPattern| {
            let same = start.path.iter().zip(&pattern.segments).all(|(text, own)| text.literal() == Some(own));
            let (own, all) = (pattern.segments.len(), start.path.len());
            same && (own == all || (pattern.and_below && own < all))
        };
        self.are_of(end, &start.method) && self.path.as_ref().is_none_or(path)
    }

    fn are_of(&self, end: End, method: &http::Method) -> bool {
        self.only.is_none_or(|only| only == end) && (self.methods.is_empty() || self.methods.contains(method))
    }
}

impl PathPattern {
    fn fits(&self, path: &[String]) -> bool {
        path.starts_with(&self.segments) && (self.and_below || path.len() == self.segments.len())
    }
}

/// One place in a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Spot {
    Header(String, Text),
    Cookie(Pair),
    Query(Pair),
}

/// What stands in a place.
enum Stands {
    Nothing,
    Text(String),
    Twice,
    Unreadable,
}

impl Spot {
    fn text(&self) -> &Text {
        match self {
            Self::Header(_, text) | Self::Cookie(Pair { text, .. }) | Self::Query(Pair { text, .. }) => text,
        }
    }

    fn wire(&self) -> &str {
        match self {
            Self::Header(name, _) | Self::Cookie(Pair { name, .. }) | Self::Query(Pair { name, .. }) => name,
        }
    }

    /// Whether the token stands here.
    pub(super) fn is_for_token(&self) -> bool {
        let mut found = false;
        self.text().each_slot(&mut |hole, _| found |= hole.name == "access_token");
        found
    }

    fn carrier(&self) -> Carrier {
        match self {
            Self::Header(name, _) => Carrier::Header(name.clone()),
            Self::Cookie(pair) => Carrier::Cookie(pair.name.clone()),
            Self::Query(pair) => Carrier::Query(pair.name.clone()),
        }
    }

    /// What stands in this place. An empty one holds nothing.
    fn stands(&self, request: &Request<'_>) -> Stands {
        let found: Vec<Option<String>> = match self {
            Self::Header(name, _) => {
                let values = request.headers.get_all(name).iter();
                values
                    .map(|value| std::str::from_utf8(value.as_bytes()).ok().map(|text| text.trim().to_owned()))
                    .collect()
            }
            Self::Cookie(pair) => named(cookies(request.headers, http::header::COOKIE), &pair.name),
            Self::Query(pair) => named(pairs(request.query.unwrap_or_default(), Coding::Query), &pair.name),
        };
        match found.as_slice() {
            [] => Stands::Nothing,
            [Some(text)] if text.is_empty() => Stands::Nothing,
            [Some(text)] => Stands::Text(text.clone()),
            [None] => Stands::Unreadable,
            _ => Stands::Twice,
        }
    }

    /// The scheme word and its space at the head of a header's value.
    fn scheme(&self) -> Option<&str> {
        match (self, self.text().pieces.first()) {
            (Self::Header(..), Some(Piece::Literal { text, .. })) if text.ends_with(' ') => Some(text),
            _ => None,
        }
    }
}

fn named(found: Vec<(String, Option<String>)>, name: &str) -> Vec<Option<String>> {
    found.into_iter().filter(|(known, _)| known == name).map(|(_, value)| value).collect()
}

impl Show {
    /// Whether no call is excepted, nor an end.
    pub fn is_for_every_call(&self) -> bool {
        self.calls.methods.is_empty() && self.calls.path.is_none() && self.calls.only.is_none()
    }

    /// Every place that the token, the next one or a value beside it may stand in.
    pub fn carriers(&self) -> Vec<Carrier> {
        let mut carriers: Vec<Carrier> = Vec::new();
        let returned = self.returned.iter().map(|header| match &header.value {
            HeaderValue::SetCookie(pair, _) => Carrier::Cookie(pair.name.clone()),
            HeaderValue::Text(_) | HeaderValue::Cookies(_) => Carrier::Header(header.name.clone()),
        });
        for carrier in self.placements.iter().flatten().chain(&self.also).map(Spot::carrier).chain(returned) {
            if !carriers.contains(&carrier) {
                carriers.push(carrier);
            }
        }
        carriers
    }

    /// The token, if any place has one. All that have one must agree, and none may be unreadable.
    fn token(&self, request: &Request<'_>, reader: &Reader<'_>) -> Result<Option<String>, Refusal> {
        let mut token: Option<String> = None;
        let mut done: Vec<Carrier> = Vec::new();
        for spot in self.placements.iter().flatten().filter(|spot| spot.is_for_token()) {
            let carrier = spot.carrier();
            if done.contains(&carrier) {
                continue;
            }
            let found = match spot.stands(request) {
                Stands::Nothing => None,
                Stands::Twice => {
                    return Err(Refusal::new(Reason::Repeated).field(spot.wire()).detail("the token is given twice"));
                }
                Stands::Unreadable => return Err(unreadable(spot)),
                Stands::Text(text) => Some(self.token_in(&carrier, &text, reader).ok_or_else(|| unreadable(spot))?),
            };
            done.push(carrier);
            match (&token, found) {
                (Some(first), Some(other)) if *first != other => {
                    let detail = "the token is given twice with different values";
                    return Err(Refusal::new(Reason::Repeated).field(spot.wire()).detail(detail));
                }
                (None, found) => token = found,
                _ => {}
            }
        }
        Ok(token)
    }

    /// The token in a text, by the first placement of this place that the text fits.
    fn token_in(&self, carrier: &Carrier, text: &str, reader: &Reader<'_>) -> Option<String> {
        let spots =
            || self.placements.iter().flatten().filter(|spot| spot.is_for_token() && spot.carrier() == *carrier);
        // A scheme word alone is a broken credential, not a token that happens to be spelt so.
        let bare_scheme = spots().filter_map(Spot::scheme).any(|scheme| scheme.trim_end().eq_ignore_ascii_case(text));
        if bare_scheme {
            return None;
        }
        spots().find_map(|spot| {
            if let Some(scheme) = spot.scheme() {
                without_scheme(text, scheme)?;
            }
            let captures = reader.captures(spot.text(), text, spot.scheme().is_some())?;
            let (_, token) = captures.into_iter().find(|(hole, _)| hole.name == "access_token")?;
            is_token(token).then(|| token.to_owned())
        })
    }
}

fn unreadable(spot: &Spot) -> Refusal {
    Refusal::new(Reason::Unreadable).field(spot.wire()).detail("the token cannot be read")
}

/// Visible ASCII of a sane length: no token of ours or of anyone's has a space in it.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= super::noun::longest(&[], "access_token")
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Dialect {
    /// The shows that `end` keeps to in a call of this method and path, with their index. The path is encoded, without
    /// its query.
    fn shows_at<'d>(
        &'d self,
        end: End,
        method: &'d http::Method,
        path: &'d str,
    ) -> impl Iterator<Item = (usize, &'d Show)> {
        let path = if path.is_empty() { "/" } else { path };
        let prefixes = self.prefixes.iter().map(String::as_str).chain([""]);
        let paths: Vec<_> = prefixes.filter_map(|prefix| segments(&below(path, prefix)?)).collect();
        self.shows.iter().enumerate().filter(move |(_, Show { calls, .. })| {
            let here = |pattern: &PathPattern| paths.iter().any(|path| pattern.fits(path));
            calls.are_of(end, method) && calls.path.as_ref().is_none_or(here)
        })
    }

    /// The show by which a call of this method and path is answered if it has no token: the first that a server reads.
    pub fn show_at(&self, method: &http::Method, path: &str) -> Option<usize> {
        self.shows_at(End::Server, method, path).next().map(|(index, _)| index)
    }

    /// The token that a call shows, with the values beside it: by the shows that are for its method and path.
    pub fn read_token(&self, request: &Request<'_>) -> Shown {
        let settings = Values::new();
        for (index, show) in self.shows_at(End::Server, request.method, request.path) {
            let mut reader = Reader::of_request(&self.fields, &settings);
            match show.token(request, &reader) {
                Ok(None) => {}
                Err(refusal) => return Shown::Refused { show: index, refusal },
                Ok(Some(token)) => {
                    let beside = show.placements.iter().flatten().filter(|spot| !spot.is_for_token()).chain(&show.also);
                    let read = beside.into_iter().try_for_each(|spot| read_beside(&mut reader, spot, request));
                    return match read.and_then(|()| reader.finish()) {
                        Ok(also) => Shown::Token { token: Secret::new(token), show: index, also },
                        Err(Stop::Refused(refusal)) => Shown::Refused { show: index, refusal },
                        Err(Stop::Elsewhere { field, .. }) => {
                            Shown::Refused { show: index, refusal: Refusal::new(Reason::Malformed).field(field) }
                        }
                    };
                }
            }
        }
        Shown::None
    }

    /// What a client adds to a call of this method and path (encoded, below the API's address, without its query) to
    /// show its token, with the values that stand beside it: by the first show that is for such a call.
    ///
    /// # Errors
    /// No show is for such a call, a value beside the token is missing, or one cannot stand in its place.
    pub fn place_token(
        &self,
        method: &http::Method,
        path: &str,
        token: &Secret<String>,
        also: &Values,
    ) -> Result<Placed, WriteError> {
        let Some((_, show)) = self.shows_at(End::Client, method, path).next() else {
            return Err(WriteError::Nothing("[[show]] for this method and path"));
        };
        let none = Values::new();
        let values = also.clone().with("access_token", Value::Secret(token.clone()));
        let writer: Writer<'_> = self.writer(&values, &none);
        let mut placed = Placed::default();
        let first = show.placements.first().into_iter().flatten();
        for spot in first.chain(&show.also) {
            match spot {
                Spot::Header(name, text) => {
                    placed.headers.extend(writer.text(text, Coding::Header)?.map(|value| (name.clone(), value)));
                }
                Spot::Cookie(pair) => {
                    let cookie = writer.pair(pair, Coding::Cookie)?.map(|value| format!("{}{value}", pair.written));
                    placed.headers.extend(cookie.map(|cookie| ("Cookie".to_owned(), cookie)));
                }
                Spot::Query(pair) => {
                    let name = pair.written.trim_end_matches('=').to_owned();
                    placed.query.extend(writer.pair(pair, Coding::Query)?.map(|value| (name, value)));
                }
            }
        }
        Ok(placed)
    }
}

impl Dialect {
    /// The next token, and what stands beside it, if the answer to a call gives one: from then on it is the one to show.
    pub fn read_returned(&self, answer: &AnswerParts<'_>) -> Option<Values> {
        let settings = Values::new();
        let shows = self.shows.iter().filter(|show| show.calls.only != Some(End::Server) && !show.returned.is_empty());
        shows.into_iter().find_map(|show| {
            let mut reader = Reader::of_answer(&self.fields, &settings, false);
            show.returned.iter().try_for_each(|header| reader.header(header, answer.headers)).ok()?;
            let values = reader.finish().ok()?;
            values.secret("access_token").is_some_and(|token| is_token(token.expose())).then_some(values)
        })
    }
}

fn read_beside(reader: &mut Reader<'_>, spot: &Spot, request: &Request<'_>) -> Result<(), Stop> {
    match spot.stands(request) {
        Stands::Nothing => reader.text(spot.text(), None, spot.wire()),
        Stands::Text(text) => reader.text(spot.text(), Some(&text), spot.wire()),
        Stands::Twice => Err(super::read::refuse(Reason::Repeated, spot.wire(), "is given twice")),
        Stands::Unreadable => Err(super::read::refuse(Reason::Malformed, spot.wire(), "is not readable")),
    }
}
