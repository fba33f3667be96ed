//! Examples of a dialect: requests and answers written by hand from an API's documentation, or recorded.
//!
//! A case begins with `### title`. Lines `@name = value` give the values, lines `@word` and `@word = …` of the words
//! below say what kind of case it is; then come an empty line, the request, and, from a line `HTTP/1.1 …` on, the answer.
//!
//! - `@call`: a call of the API that shows a token, not an exchange.
//! - `@read_only`: no client of ours writes the request so.
//! - `@refused = REASON FIELD`: reading the request refuses it.
//! - `@answers = REASON`: the request can be read, and the server says no for this reason.
//! - `@read_as = REASON`: what a client makes of the answer, where the answer does not tell exactly.
//! - `@retry_after = SECONDS`, `@setting.NAME = VALUE`.
//! - `@now = TIME`: when the answer is written. `issued_at`, `expires_at` and `expires_in` that have no line of their own
//!   are reckoned from it and the dialect's lifetime.
//! - `@crlf`: lines of the request's body end in CRLF.

mod replay;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::message::{AnswerParts, Request, Slot};
use super::noun::Kind;
use super::values::{Value, Values};
use crate::domain::refusal::{Reason, Refusal};
use crate::secret::Secret;
use crate::time::Timestamp;

/// One case of an example file.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its file and title.
    pub title: String,
    /// The request's method.
    pub method: Method,
    /// The request's path and query, encoded.
    pub target: String,
    /// The answer, if the case has one.
    pub reply: Option<Reply>,
    lines: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    header_map: HeaderMap,
    body: String,
}

/// The answer of a case.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status code.
    pub status: u16,
    reason_phrase: Option<String>,
    headers: Vec<(String, String)>,
    header_map: HeaderMap,
    body: String,
}

const WORDS: [&str; 8] = ["call", "read_only", "refused", "answers", "read_as", "retry_after", "now", "crlf"];

impl Example {
    /// The cases of the file `name`, whose content is `text`.
    ///
    /// # Errors
    /// A sentence about the first case that is not written as one.
    pub fn read_all(name: &str, text: &str) -> Result<Vec<Self>, String> {
        let text = text.replace("\r\n", "\n");
        let starts: Vec<usize> = text.match_indices("### ").map(|(at, _)| at).chain([text.len()]).collect();
        if starts.len() == 1 {
            return Err(format!("{name}: no case; one begins with a line `### title`"));
        }
        let texts = starts.windows(2).filter_map(|bounds| text.get(bounds[0]..bounds[1]));
        texts.map(|text| read(name, text)).collect()
    }

    /// Whether the case has this word, such as `call`.
    pub fn has(&self, word: &str) -> bool {
        self.word(word).is_some()
    }

    /// What stands behind this word or name.
    pub fn word(&self, word: &str) -> Option<&str> {
        self.lines.iter().find(|(name, _)| name == word).map(|(_, value)| value.as_str())
    }

    /// The request.
    pub fn request(&self) -> Request<'_> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        Request { method: &self.method, path, query, headers: &self.header_map, body: self.body.as_bytes() }
    }

    /// The settings of the realm that the case is for.
    pub fn settings(&self) -> Values {
        let mut settings = Values::new();
        for (name, value) in &self.lines {
            if let Some(name) = name.strip_prefix("setting.") {
                settings.set(name, value.parse::<bool>().map_or(Value::from(value.as_str()), Value::from));
            }
        }
        settings
    }

    /// The reason and field of `@refused`.
    fn refused(&self) -> Result<Option<(Reason, Option<&str>)>, String> {
        let Some(line) = self.word("refused") else { return Ok(None) };
        let (name, field) = line.split_once(' ').map_or((line, None), |(name, field)| (name, Some(field)));
        Ok(Some((reason(name)?, field)))
    }

    /// The refusal that `@answers` asks for.
    fn answers(&self) -> Result<Option<Refusal>, String> {
        let Some(name) = self.word("answers") else { return Ok(None) };
        let refusal = Refusal::new(reason(name)?);
        let Some(wait) = self.word("retry_after") else { return Ok(Some(refusal)) };
        let seconds = wait.parse().map_err(|_| format!("`{wait}` is no number of seconds"))?;
        Ok(Some(refusal.retry_after(Duration::from_secs(seconds))))
    }

    /// What a client makes of the answer to a refusal for this reason.
    fn read_as(&self, written: Reason) -> Result<Reason, String> {
        self.word("read_as").map_or(Ok(written), reason)
    }

    /// The case's values of these slots.
    fn values(&self, slots: &[Slot], lifetime: Duration) -> Result<Values, String> {
        let now = self.word("now").map(|text| time("now", text)).transpose()?;
        let mut values = Values::new();
        for slot in slots {
            let given = self.word(&slot.name).map(|text| value(slot, text)).transpose()?;
            let reckoned = || match (slot.name.as_str(), now?) {
                ("issued_at", now) => Some(Value::Time(now)),
                ("expires_at", now) => Some(Value::Time(now + lifetime)),
                ("expires_in", _) => i64::try_from(lifetime.as_secs()).ok().map(Value::Number),
                _ => None,
            };
            if let Some(value) = given.or_else(reckoned) {
                values.set(slot.name.as_str(), value);
            }
        }
        Ok(values)
    }

    /// A value that no slot has would never be looked at.
    fn check_names(&self, slots: &[Slot]) -> Result<(), String> {
        let known = |name: &str| {
            WORDS.contains(&name) || name.starts_with("setting.") || slots.iter().any(|slot| slot.name == name)
        };
        match self.lines.iter().find(|(name, _)| !known(name)) {
            Some((name, _)) => Err(format!("nothing in the messages has the value `{name}`")),
            None => Ok(()),
        }
    }
}

impl Reply {
    fn parts(&self) -> AnswerParts<'_> {
        AnswerParts {
            status: self.status,
            reason_phrase: self.reason_phrase.as_deref(),
            headers: &self.header_map,
            body: self.body.as_bytes(),
        }
    }
}

fn read(file: &str, text: &str) -> Result<Example, String> {
    let first = text.lines().next().unwrap_or_default().trim_start_matches("### ");
    let title = format!("{file}: {first}");
    let wrong = |what: &str| format!("{title}: {what}");
    let (head, message) = text.split_once("\n\n").ok_or_else(|| wrong("no empty line before the request"))?;
    let mut lines = Vec::new();
    for line in head.lines().skip(1) {
        let line = line.strip_prefix('@').ok_or_else(|| wrong("a line before the request begins without `@`"))?;
        let (name, value) = line.split_once(" = ").unwrap_or((line, ""));
        lines.push((name.to_owned(), value.to_owned()));
    }
    let (request, answer) = match message.find("\nHTTP/1.1 ") {
        Some(at) => (&message[..at], Some(&message[at + 1..])),
        None => (message, None),
    };
    let Lines { start, headers, header_map, mut body } = cut(request).map_err(|what| wrong(&what))?;
    if lines.iter().any(|(name, _)| name == "crlf") {
        body = body.replace('\n', "\r\n");
    }
    let (method, target) =
        start.split_once(' ').ok_or_else(|| wrong("the request begins without method and target"))?;
    let method = method.parse().map_err(|_| wrong("the request's method is none"))?;
    let target = target.to_owned();
    let reply = answer.map(reply).transpose().map_err(|what| wrong(&what))?;
    Ok(Example { title, method, target, reply, lines, headers, header_map, body })
}

fn reply(text: &str) -> Result<Reply, String> {
    let Lines { start, headers, header_map, body } = cut(text)?;
    let mut words = start.splitn(3, ' ').skip(1);
    let status = words.next().and_then(|status| status.parse().ok()).ok_or("the answer's status is no number")?;
    let reason_phrase = words.next().filter(|phrase| !phrase.is_empty()).map(str::to_owned);
    Ok(Reply { status, reason_phrase, headers, header_map, body })
}

struct Lines<'a> {
    start: &'a str,
    headers: Vec<(String, String)>,
    header_map: HeaderMap,
    body: String,
}

fn cut(message: &str) -> Result<Lines<'_>, String> {
    let message = message.trim_end_matches('\n');
    let (head, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let mut lines = head.lines();
    let start = lines.next().unwrap_or_default();
    let (mut headers, mut header_map) = (Vec::new(), HeaderMap::new());
    for line in lines {
        let wrong = || format!("`{line}` is not a header line, `Name: value`");
        let (name, value) = line.split_once(": ").ok_or_else(wrong)?;
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        header_map.append(header, HeaderValue::from_str(value).map_err(|_| wrong())?);
        headers.push((name.to_owned(), value.to_owned()));
    }
    Ok(Lines { start, headers, header_map, body: body.to_owned() })
}

fn reason(name: &str) -> Result<Reason, String> {
    Reason::named(name).ok_or_else(|| format!("there is no reason `{name}`"))
}

fn time(name: &str, text: &str) -> Result<Timestamp, String> {
    let time: jiff::Timestamp = text.parse().map_err(|_| format!("`{name}` is no time of RFC 3339"))?;
    Ok(Timestamp::from_micros(time.as_microsecond()))
}

fn value(slot: &Slot, text: &str) -> Result<Value, String> {
    match slot.kind {
        Kind::Secret => Ok(Value::Secret(Secret::from(text))),
        // A case may hold what a peer sends in another form than the type's own.
        Kind::Text | Kind::Uuid | Kind::Uuid4 | Kind::Dotted => Ok(Value::from(text)),
        Kind::Time => time(&slot.name, text).map(Value::Time),
        kind => kind.read(text).ok_or_else(|| format!("`{}` {}", slot.name, kind.demand())),
    }
}
