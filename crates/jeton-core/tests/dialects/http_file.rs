//! `examples/*.http`: cases written by hand from an API's documentation.
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
//! - `@crlf`: lines of the request's body end in CRLF.

use std::path::Path;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jeton_core::dialect::{AnswerParts, Kind, Request, Slot, Value, Values};
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;

pub(crate) struct Case {
    pub(crate) title: String,
    lines: Vec<(String, String)>,
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    map: HeaderMap,
    pub(crate) answer: Option<Reply>,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) phrase: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    map: HeaderMap,
}

const WORDS: [&str; 7] = ["call", "read_only", "refused", "answers", "read_as", "retry_after", "crlf"];

/// All cases of a dialect's folder.
pub(crate) fn cases(dialect: &str) -> Vec<Case> {
    cases_in(dialect, "examples")
}

/// What other programs sent and other servers answered, as far as it was recorded.
pub(crate) fn foreign_cases(dialect: &str) -> Vec<Case> {
    cases_in(dialect, "examples/foreign")
}

fn cases_in(dialect: &str, folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dialects").join(dialect).join(folder);
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "http"));
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let starts: Vec<usize> = text.match_indices("### ").map(|(at, _)| at).chain([text.len()]).collect();
        assert!(starts.len() > 1, "{name} holds no case");
        cases.extend(starts.windows(2).map(|bounds| case(dialect, &name, &text[bounds[0]..bounds[1]])));
    }
    cases
}

fn case(dialect: &str, file: &str, text: &str) -> Case {
    let (head, message) = text.split_once("\n\n").unwrap();
    let mut head = head.lines();
    let title = head.next().unwrap().trim_start_matches("### ");
    let title = format!("{dialect}/{file}: {title}");
    let lines: Vec<_> = head
        .map(|line| {
            let line = line.strip_prefix('@').unwrap_or_else(|| panic!("{title}: {line}"));
            let (name, value) = line.split_once(" = ").unwrap_or((line, ""));
            (name.to_owned(), value.to_owned())
        })
        .collect();
    let (request, answer) = match message.find("\nHTTP/1.1 ") {
        Some(at) => (&message[..at], Some(&message[at + 1..])),
        None => (message, None),
    };
    let (start, headers, mut body) = parts(request);
    if lines.iter().any(|(name, _)| name == "crlf") {
        body = body.replace('\n', "\r\n");
    }
    let (method, target) = start.split_once(' ').unwrap();
    let answer = answer.map(|answer| {
        let (start, headers, body) = parts(answer);
        let mut words = start.splitn(3, ' ').skip(1);
        let status = words.next().unwrap().parse().unwrap();
        let map = header_map(&headers);
        Reply { status, phrase: words.next().map(str::to_owned), headers, body, map }
    });
    let map = header_map(&headers);
    Case { title, lines, method: method.parse().unwrap(), target: target.to_owned(), headers, body, map, answer }
}

fn parts(message: &str) -> (&str, Vec<(String, String)>, String) {
    let message = message.trim_end_matches('\n');
    let (head, body) = message.split_once("\n\n").unwrap_or((message, ""));
    let mut lines = head.lines();
    let start = lines.next().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    (start, headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(), body.to_owned())
}

pub(crate) fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

impl Case {
    pub(crate) fn has(&self, word: &str) -> bool {
        self.lines.iter().any(|(name, _)| name == word)
    }

    pub(crate) fn word(&self, word: &str) -> Option<&str> {
        self.lines.iter().find(|(name, _)| name == word).map(|(_, value)| value.as_str())
    }

    /// The reason and field of `@refused`.
    pub(crate) fn refused(&self) -> Option<(Reason, Option<&str>)> {
        let mut words = self.word("refused")?.split(' ');
        Some((self.reason(words.next()?), words.next()))
    }

    /// The refusal that `@answers` asks for.
    pub(crate) fn answers(&self) -> Option<Refusal> {
        let refusal = Refusal::new(self.reason(self.word("answers")?));
        Some(match self.word("retry_after") {
            Some(secs) => refusal.retry_after(Duration::from_secs(secs.parse().unwrap())),
            None => refusal,
        })
    }

    pub(crate) fn read_as(&self) -> Option<Reason> {
        self.word("read_as").map(|name| self.reason(name))
    }

    fn reason(&self, name: &str) -> Reason {
        Reason::named(name).unwrap_or_else(|| panic!("{}: no reason {name}", self.title))
    }

    pub(crate) fn settings(&self) -> Values {
        let mut settings = Values::new();
        for (name, value) in &self.lines {
            if let Some(name) = name.strip_prefix("setting.") {
                settings.set(name, value.parse::<bool>().map_or(Value::from(value.as_str()), Value::from));
            }
        }
        settings
    }

    /// The case's values of these slots.
    pub(crate) fn values(&self, slots: &[Slot]) -> Values {
        let mut values = Values::new();
        for slot in slots {
            if let Some(text) = self.word(&slot.name) {
                values.set(slot.name.as_str(), value(slot.kind, text));
            }
        }
        values
    }

    /// A value that no slot has would never be looked at.
    pub(crate) fn check_names(&self, slots: &[Slot]) {
        for (name, _) in &self.lines {
            let known = WORDS.contains(&name.as_str()) || name.starts_with("setting.");
            assert!(
                known || slots.iter().any(|slot| slot.name == *name),
                "{}: nothing has the value {name}",
                self.title
            );
        }
    }

    pub(crate) fn request(&self) -> Request<'_> {
        let (path, query) = match self.target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (self.target.as_str(), None),
        };
        Request { method: &self.method, path, query, headers: &self.map, body: self.body.as_bytes() }
    }
}

pub(crate) fn value(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Secret => Value::Secret(Secret::from(text)),
        Kind::Number => Value::Number(text.parse().unwrap()),
        Kind::Bool => Value::Bool(text.parse().unwrap()),
        Kind::Time => {
            let time: jiff::Timestamp = text.parse().unwrap();
            Value::Time(jeton_core::time::Timestamp::from_micros(time.as_microsecond()))
        }
        Kind::Text | Kind::Uuid | Kind::Uuid4 | Kind::Dotted => Value::from(text),
    }
}

impl Reply {
    pub(crate) fn parts(&self) -> AnswerParts<'_> {
        AnswerParts {
            status: self.status,
            reason_phrase: self.phrase.as_deref(),
            headers: &self.map,
            body: self.body.as_bytes(),
        }
    }
}

/// Headers without regard to order and case of names.
pub(crate) fn sorted(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut sorted: Vec<_> = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
    sorted.sort();
    sorted
}
