//! HTTP messages with holes in them.

use super::super::percent::{self, Coding};
use super::super::source::Snippet;
use super::super::template::{
    AnswerTemplate, Body, Header, HeaderValue, Message, Pair, RequestTemplate, Start, Status, Text,
};
use super::{Parser, Part, Ways};

const BODY_TYPES: &str =
    "bodies: JSON, XML, application/x-www-form-urlencoded (multipart/form-data beside it), text/plain";

/// A message cut into the lines of its head, and its body.
struct Parts<'s> {
    lines: Vec<Snippet<'s>>,
    body: Option<Snippet<'s>>,
}

fn cut(all: Snippet<'_>) -> Parts<'_> {
    let (mut lines, mut rest) = (Vec::new(), all);
    loop {
        let text = rest.as_str();
        let end = text.find('\n');
        let line = rest.slice(0..end.unwrap_or(text.len()));
        if line.as_str().is_empty() {
            return Parts { lines, body: end.map(|end| rest.from(end + 1)).filter(|body| !body.as_str().is_empty()) };
        }
        lines.push(line);
        match end {
            Some(end) => rest = rest.from(end + 1),
            None => return Parts { lines, body: None },
        }
    }
}

/// Whether a line of the head is a start line: its first word does not end in a colon.
fn is_start(line: Snippet<'_>) -> bool {
    let text = line.as_str();
    text.find([' ', ':']).is_none_or(|at| text.as_bytes()[at] == b' ')
}

impl Parser<'_> {
    pub(super) fn request(&mut self, all: Snippet<'_>, must: &[String]) -> Option<RequestTemplate> {
        let parts = cut(all);
        let heads = parts.lines.iter().take_while(|line| is_start(**line)).count();
        if heads == 0 {
            self.mistake_help(all.offset(0), "a request begins with a method and a path", "such as `POST /token`");
            return None;
        }
        let (starts, headers) = parts.lines.split_at(heads);
        let starts: Vec<Start> = starts.iter().filter_map(|line| self.start(*line)).collect();
        let mut message = self.message(headers, parts.body)?;
        if matches!(message.body, Body::Choice { .. }) {
            let help = "write a list of requests: the first is written, any is read";
            self.mistake_help(all.offset(0), "a part with named alternatives stands in answers", help);
        }
        for header in &mut message.headers {
            header.must = must.iter().any(|name| name.eq_ignore_ascii_case(&header.name));
        }
        for name in must {
            if !message.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name)) {
                self.mistake(all.offset(0), format!("`must` names the header `{name}`, which is not in this request"));
            }
        }
        (starts.len() == heads).then_some(RequestTemplate { starts, message, guards: Vec::new() })
    }

    fn start(&mut self, line: Snippet<'_>) -> Option<Start> {
        let (method, target) = match line.split_once(' ') {
            Some((method, target)) if target.as_str().starts_with('/') => (method, target),
            _ => {
                self.mistake_help(line.offset(0), "a start line is a method and a path", "such as `POST /token`");
                return None;
            }
        };
        let Some(known) = method_named(method.as_str()) else {
            self.unknown(method.offset(0), "method", method.as_str(), METHODS.iter().map(http::Method::as_str));
            return None;
        };
        if let Some(space) = target.split_once(' ').map(|(before, _)| before.as_str().len()) {
            self.mistake_help(target.offset(space), "a space in a path or query", "write %20");
            return None;
        }
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let segments = path.from(1).split('/');
        let path: Vec<Text> = segments.iter().map(|segment| self.text(*segment, Coding::Path)).collect();
        for (segment, _) in segments.iter().zip(&path).filter(|(_, text)| text.is_optional()) {
            self.mistake_help(segment.offset(0), "a segment of a path cannot be absent", "write two start lines");
        }
        let query = query.map(|query| self.pairs(query, '&', Coding::Query)).unwrap_or_default();
        Some(Start { method: known, path, query })
    }

    /// `name=text` pairs with a mark between.
    fn pairs(&mut self, all: Snippet<'_>, between: char, coding: Coding) -> Vec<Pair> {
        let mut pairs: Vec<Pair> = Vec::new();
        for part in all.split(between) {
            let part = if coding == Coding::Cookie { part.trim() } else { part };
            let Some(pair) = self.pair(part, coding) else { continue };
            let mut alike = pairs.iter().filter(|known| known.name == pair.name);
            if coding == Coding::Cookie && alike.next().is_some() {
                self.mistake(part.offset(0), format!("`{}` stands twice", pair.name));
            } else if alike.any(|known| known.text.repeated().is_some()) {
                self.mistake(part.offset(0), "what `*` repeats is the last of its name");
            }
            if coding != Coding::Cookie {
                self.is_repeated(&pair.text);
            }
            pairs.push(pair);
        }
        pairs
    }

    pub(super) fn pair(&mut self, part: Snippet<'_>, coding: Coding) -> Option<Pair> {
        let Some((name, text)) = part.split_once('=') else {
            self.mistake_help(
                part.offset(0),
                "a name and a value are needed here",
                "write `name={{hole}}` or `name=text`",
            );
            return None;
        };
        let decoded = percent::decode(coding, name.as_str()).filter(|name| !name.is_empty() && !name.contains("{{"));
        let Some(decoded) = decoded else {
            self.mistake(name.offset(0), format!("`{}` cannot be a name here", name.as_str()));
            return None;
        };
        let written = format!("{}=", name.as_str());
        Some(Pair { name: decoded, written, text: self.text(text, coding) })
    }

    pub(super) fn answer(&mut self, all: Snippet<'_>) -> Option<AnswerTemplate> {
        let parts = cut(all);
        let Some((first, headers)) = parts.lines.split_first().filter(|(first, _)| is_start(**first)) else {
            self.mistake_help(
                all.offset(0),
                "an answer begins with a status",
                "such as `200` or `{{status}} {{text}}`",
            );
            return None;
        };
        let (status, reason) = match first.split_once(' ') {
            Some((status, reason)) => (status, Some(reason)),
            None => (*first, None),
        };
        let status = match status.as_str() {
            "{{status}}" => Status::Row,
            text => match text.parse().ok().filter(|status| (200..600).contains(status)) {
                Some(status) => Status::Fixed(status),
                None => {
                    self.mistake_help(first.offset(0), format!("`{text}` is not a status"), "write 200 to 599");
                    return None;
                }
            },
        };
        let reason = reason.map(|reason| self.text(reason, Coding::Plain));
        Some(AnswerTemplate { status, reason, message: self.message(headers, parts.body)? })
    }

    /// Headers without a message around them.
    pub(super) fn headers(&mut self, all: Snippet<'_>) -> Vec<Header> {
        let parts = cut(all);
        if let Some(body) = parts.body {
            self.mistake(body.offset(0), "only header lines can stand here");
        }
        parts.lines.into_iter().filter_map(|line| self.header(line)).collect()
    }

    fn message(&mut self, lines: &[Snippet<'_>], body: Option<Snippet<'_>>) -> Option<Message> {
        let mut message = Message { headers: Vec::new(), types: Vec::new(), body: Body::None };
        let mut body_kind = None;
        for line in lines {
            let Some(header) = self.header(*line) else { continue };
            if !header.name.eq_ignore_ascii_case("content-type") {
                message.headers.push(header);
                continue;
            }
            let kind = self.body_kind(*line, &header)?;
            if body_kind.is_some_and(|first| first != kind) {
                self.mistake(line.offset(0), "two content types that need different bodies");
            }
            body_kind = Some(kind);
            let HeaderValue::Text(text) = &header.value else { continue };
            message.types.push(text.literal().unwrap_or_default().to_owned());
            if message.types.len() == 1 {
                message.headers.push(header);
            }
        }
        if let Some(body) = body {
            let Some(kind) = body_kind else {
                self.mistake_help(body.offset(0), "a body needs a Content-Type", BODY_TYPES);
                return None;
            };
            message.body = self.body(kind, body)?;
        }
        Some(message)
    }

    fn body(&mut self, kind: BodyKind, all: Snippet<'_>) -> Option<Body> {
        if let Some(name) = self.named_ways(all).filter(|_| kind != BodyKind::Json) {
            let Ways::Named(sources) = self.enter_part(name)? else { return None };
            let count = sources.len();
            let ways = sources.into_iter().filter_map(|(way, source)| Some((way, self.body(kind, source.snippet())?)));
            let ways: Vec<_> = ways.collect();
            self.open.pop();
            return (ways.len() == count).then(|| Body::Choice { setting: name.as_str().to_owned(), ways });
        }
        Some(match kind {
            BodyKind::Json => Body::Json(self.json(all)?),
            BodyKind::Form => Body::Form(self.pairs(all, '&', Coding::Form)),
            BodyKind::Xml => Body::Xml(Box::new(self.xml(all)?)),
            BodyKind::Text => Body::Text(self.text(all, Coding::Plain)),
        })
    }

    /// The name of a part with named alternatives that is all there is.
    fn named_ways<'s>(&self, all: Snippet<'s>) -> Option<Snippet<'s>> {
        let all = all.trim();
        let name = all.as_str().strip_prefix("{{")?.strip_suffix("}}")?;
        let named = |part: &Part| part.name == name && matches!(part.ways, Ways::Named(_));
        self.parts.iter().any(named).then(|| all.slice(2..2 + name.len()))
    }

    fn body_kind(&mut self, line: Snippet<'_>, header: &Header) -> Option<BodyKind> {
        let text = match &header.value {
            HeaderValue::Text(text) => text.literal().unwrap_or_default(),
            _ => "",
        };
        let essence = essence(text);
        match essence.as_str() {
            "application/x-www-form-urlencoded" | "multipart/form-data" => Some(BodyKind::Form),
            "text/plain" => Some(BodyKind::Text),
            // `text/json`, `application/problem+json`, `application/x-amz-json-1.1`, `application/soap+xml`
            other if subtype_says(other, "json") => Some(BodyKind::Json),
            other if subtype_says(other, "xml") => Some(BodyKind::Xml),
            _ => {
                let at = line.as_str().find(':').map_or(0, |colon| colon + 1);
                let value = line.from(at).trim();
                self.mistake_help(
                    value.offset(0),
                    format!("no body is read or written as `{}`", value.as_str()),
                    BODY_TYPES,
                );
                None
            }
        }
    }

    pub(super) fn header(&mut self, line: Snippet<'_>) -> Option<Header> {
        let Some((name, value)) = line.split_once(':') else {
            self.mistake_help(line.offset(0), "a header line needs a colon", "write `Name: value`");
            return None;
        };
        if http::HeaderName::from_bytes(name.as_str().as_bytes()).is_err() {
            self.mistake(name.offset(0), format!("`{}` cannot be the name of a header", name.as_str()));
            return None;
        }
        let (name, value) = (name.as_str().to_owned(), value.trim());
        let value = match name.to_ascii_lowercase().as_str() {
            "cookie" => HeaderValue::Cookies(self.pairs(value, ';', Coding::Cookie)),
            "set-cookie" => {
                let (cookie, attributes) = match value.split_once(';') {
                    Some((cookie, attributes)) => (cookie, format!(";{}", attributes.as_str())),
                    None => (value, String::new()),
                };
                HeaderValue::SetCookie(self.pair(cookie, Coding::Cookie)?, attributes)
            }
            _ => HeaderValue::Text(self.header_text(value)),
        };
        Some(Header { name, value, must: false })
    }

    fn header_text(&mut self, value: Snippet<'_>) -> Text {
        if let Some(odd) = value.as_str().find(|char: char| char != ' ' && !char.is_ascii_graphic()) {
            self.mistake(value.offset(odd), "a header holds printable ASCII only");
        }
        self.text(value, Coding::Header)
    }
}

fn subtype_says(essence: &str, format: &str) -> bool {
    let subtype = essence.split_once('/').map_or("", |(_, subtype)| subtype);
    subtype.split(['+', '-', '.']).any(|word| word == format)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BodyKind {
    Json,
    Xml,
    Form,
    Text,
}

/// A media type without its parameters, in lower case.
pub(in super::super) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The methods a dialect may use.
pub(in super::super) const METHODS: [http::Method; 7] = [
    http::Method::GET,
    http::Method::HEAD,
    http::Method::POST,
    http::Method::PUT,
    http::Method::PATCH,
    http::Method::DELETE,
    http::Method::OPTIONS,
];

pub(super) fn method_named(name: &str) -> Option<http::Method> {
    METHODS.into_iter().find(|method| method.as_str() == name)
}
