//! What the fuzz targets share: an input that is read as an HTTP exchange, and the dialects of the binary.
//!
//! An input is the text of one case of a dialect's examples (`dialects/*/examples/*.http`): a request, then from a line
//! `HTTP/1.1 …` on an answer. Where it matters, a line with the dialect's name stands before it. Reading is lenient, since a
//! fuzzer breaks it anywhere.

use std::sync::{Arc, LazyLock};

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jeton_core::dialect::{AnswerParts, Dialect, Origin, Request, Values};
use jeton_core::time::Timestamp;
use serde_json::Value;

/// The time of every run.
pub const NOW: Timestamp = Timestamp::from_secs(1_768_000_000);

/// The dialects of the binary, then one with the bodies, places and marks that these have not.
pub static DIALECTS: LazyLock<Vec<Arc<Dialect>>> = LazyLock::new(|| {
    let valley = include_str!("../../crates/jeton-core/tests/dialects/valley.toml");
    let texts = Dialect::built_in().iter().map(|(_, text)| *text).chain([valley]);
    texts.map(|text| Arc::new(Dialect::parse(text).expect("a dialect of the tree loads"))).collect()
});

/// The dialect that the first line of an input names, and the lines after it. Another name is as good as any dialect's, so
/// that breaking it leads somewhere.
pub fn by_dialect(input: &[u8]) -> (&'static Arc<Dialect>, &[u8]) {
    let (name, rest) = split(input, b"\n").unwrap_or((input, b""));
    let sum: usize = name.iter().map(|byte| usize::from(*byte)).sum();
    let named = DIALECTS.iter().find(|dialect| dialect.name.as_bytes() == name);
    (named.unwrap_or(&DIALECTS[sum % DIALECTS.len()]), rest)
}

/// What another JSON reader finds in a text that was accepted. Nothing where a number is beyond what it can hold: that is JSON
/// (RFC 8259 §6), and may stand in a member that nobody asks for.
pub fn read_again(accepted: &str) -> Option<Value> {
    match serde_json::from_str(accepted) {
        Err(error) if error.to_string().starts_with("number out of range") => None,
        read => Some(read.expect("what is accepted is JSON")),
    }
}

/// A value for each setting that a dialect may need.
pub fn settings(dialect: &Dialect) -> Values {
    let needed = dialect.fields.iter().filter(|field| field.origin == Origin::Setting && field.default.is_none());
    needed.fold(Values::new(), |values, field| values.with(field.name.as_str(), "example.org"))
}

/// A start line, headers and a body.
#[derive(Debug)]
pub struct Message<'a> {
    start: &'a str,
    /// The header lines that HTTP allows.
    pub headers: HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The request of an input.
    pub fn request(input: &'a [u8]) -> Self {
        Self::read(halves(input).0)
    }

    /// The answer of an input.
    pub fn answer(input: &'a [u8]) -> Self {
        Self::read(halves(input).1)
    }

    fn read(text: &'a [u8]) -> Self {
        let (head, body) = split(text, b"\n\n").unwrap_or((text, b""));
        let mut lines = head.split(|byte| *byte == b'\n');
        let start = std::str::from_utf8(lines.next().unwrap_or_default()).unwrap_or_default();
        let mut headers = HeaderMap::new();
        for (name, value) in lines.filter_map(|line| split(line, b": ")) {
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                headers.append(name, value);
            }
        }
        Self { start, headers, body }
    }

    /// The request's method; `GET` if there is none.
    pub fn method(&self) -> Method {
        self.start.split(' ').next().and_then(|method| method.parse().ok()).unwrap_or_default()
    }

    /// The request's path, and what follows the question mark, as a server hands them on: without what no HTTP parser
    /// lets through.
    pub fn target(&self) -> (&'a str, Option<&'a str>) {
        let target = self.start.split(' ').nth(1).unwrap_or("/");
        let target = if target.bytes().all(|byte| byte > b' ' && byte != 0x7f) { target } else { "/" };
        target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)))
    }

    /// As a dialect reads a request; `method` is [`Self::method`].
    pub fn parts<'m>(&'m self, method: &'m Method) -> Request<'m> {
        let (path, query) = self.target();
        Request { method, path, query, headers: &self.headers, body: self.body }
    }

    /// The answer's status: 200 if there is none.
    pub fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(200)
    }

    /// The answer's reason phrase.
    pub fn reason_phrase(&self) -> Option<&'a str> {
        self.start.splitn(3, ' ').nth(2)
    }

    /// As a dialect reads an answer.
    pub fn answer_parts(&self) -> AnswerParts<'_> {
        AnswerParts {
            status: self.status(),
            reason_phrase: self.reason_phrase(),
            headers: &self.headers,
            body: self.body,
        }
    }
}

/// Headers that were written, which every one of them must be fit for.
///
/// # Panics
/// One is none.
pub fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("what is written is a header's name");
        map.append(name, HeaderValue::from_str(value).expect("what is written is fit for a header"));
    }
    map
}

/// Values without regard to their order.
pub fn sorted(values: &Values) -> Vec<(String, jeton_core::dialect::Value)> {
    let mut sorted: Vec<_> = values.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    sorted
}

/// Request and answer of an input. The lines of a case before its request say nothing here.
fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    let case = if input.starts_with(b"### ") { split(input, b"\n\n").map_or(input, |(_, rest)| rest) } else { input };
    if case.starts_with(b"HTTP/1.1 ") {
        return (b"", case);
    }
    match case.windows(10).position(|window| window == b"\nHTTP/1.1 ") {
        Some(at) => (&case[..at], &case[at + 1..]),
        None => (case, b""),
    }
}

fn split<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = text.windows(mark.len()).position(|window| window == mark)?;
    Some((&text[..at], &text[at + mark.len()..]))
}
