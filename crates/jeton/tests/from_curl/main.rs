//! `jeton dialect from-curl` on the curl lines of twelve APIs: the draft loads, and after at most two edits it reads
//! the requests that the API's programs send and writes the answers that they expect.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod apis;
mod inputs;

use std::io::Write;
use std::process::{Command, Stdio};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use jeton_core::dialect::{AnswerParts, Dialect, GrantName, Reading, Request, Value, Values};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;

/// What the command prints for this input: the draft, or its complaint.
fn from_curl(input: &str, arguments: &[&str]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jeton"));
    command.args(["dialect", "from-curl"]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    match done.status.success() {
        true => Ok(String::from_utf8(done.stdout).unwrap()),
        false => Err(String::from_utf8(done.stderr).unwrap()),
    }
}

/// An API: its page, the edits that its draft needs, and what its programs say.
struct Api {
    name: &'static str,
    page: &'static str,
    /// Texts of the draft and what a person writes instead: two at most.
    edits: &'static [(&'static str, &'static str)],
    /// What the shipped dialect leaves to the place where it is mounted.
    below: &'static str,
    talks: &'static [Talk],
}

/// A request of a program with the answer it expects.
struct Talk {
    grant: GrantName,
    /// Start line, headers, an empty line and the body.
    request: &'static str,
    /// What the request says.
    says: &'static [(&'static str, &'static str)],
    /// The status, then the body; JSON is compared as JSON.
    answer: (u16, &'static str),
}

/// A sample value for every name that an answer may need.
fn told() -> Values {
    let time = |seconds: i64| Value::Time(Timestamp::from_micros(seconds * 1_000_000));
    Values::new()
        .with("access_token", Value::Secret(Secret::from("ACCESS")))
        .with("refresh_token", Value::Secret(Secret::from("REFRESH")))
        .with("expires_in", 3_600)
        .with("expires_at", time(1_768_493_100))
        .with("issued_at", time(1_768_489_500))
        .with("scope", "system")
        .with("client_id", "client-1")
        .with("person.id", "id-7")
        .with("person.number", 7)
        .with("person.username", "ada")
        .with("person.given_name", "Ada")
        .with("person.family_name", "Example")
        .with("person.name", "Ada Example")
        .with("person.email", "ada@example.org")
        .with("person.email_verified", true)
        .with("person.created_at", time(1_600_000_000))
}

/// A value as text.
fn text(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Secret(secret) => secret.expose().clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Time(time) => time.as_micros().to_string(),
    }
}

/// Reads a request; gives the exchange, its grant and what it says.
fn read(dialect: &Dialect, request: &str) -> (usize, GrantName, Vec<(String, String)>) {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), value.trim().parse::<HeaderValue>().unwrap());
    }
    let method: Method = method.parse().unwrap();
    let request = Request { method: &method, path, query, headers: &headers, body: body.as_bytes() };
    match dialect.read_request(&request, &Values::new()) {
        Reading::Exchange { index, grant, values } => {
            let mut said: Vec<_> = values.iter().map(|(name, value)| (name.to_owned(), text(value))).collect();
            said.sort();
            (index, grant, said)
        }
        other => panic!("{}: {head}: {other:?}", dialect.name),
    }
}

fn load(name: &str, draft: &str) -> Dialect {
    Dialect::parse(draft).unwrap_or_else(|mistakes| panic!("{name}: {mistakes:#?}\n{draft}"))
}

#[test]
fn every_page_becomes_a_draft_that_needs_two_edits_at_most() {
    for api in apis::APIS {
        let draft = from_curl(api.page, &["--name", api.name]).unwrap_or_else(|error| panic!("{}: {error}", api.name));
        load(api.name, &draft);
        assert!(api.edits.len() <= 2, "{}", api.name);
        let edited = api.edits.iter().fold(draft, |draft, (from, to)| {
            assert_eq!(draft.matches(from).count(), 1, "{}: {from} stands once in\n{draft}", api.name);
            draft.replace(from, to)
        });
        let dialect = load(api.name, &edited);
        for talk in api.talks {
            talks(api, &dialect, talk);
        }
    }
}

fn talks(api: &Api, dialect: &Dialect, talk: &Talk) {
    let (index, grant, said) = read(dialect, talk.request);
    assert_eq!(grant, talk.grant, "{}", api.name);
    let mut says: Vec<_> = talk.says.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    says.sort();
    assert_eq!(said, says, "{}: {}", api.name, talk.request);
    let answer = dialect.write_answer(index, &told(), &Values::new()).unwrap();
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    assert_eq!(answer.status, talk.answer.0, "{}", api.name);
    match json(talk.answer.1) {
        Some(expected) => assert_eq!(json(&answer.body), Some(expected), "{}: {}", api.name, answer.body),
        None => assert_eq!(answer.body, talk.answer.1, "{}", api.name),
    }
    // The client reads what the API itself answers.
    let headers = HeaderMap::new();
    let parts =
        AnswerParts { status: talk.answer.0, reason_phrase: None, headers: &headers, body: talk.answer.1.as_bytes() };
    let read = dialect.read_answer(index, &parts).unwrap_or_else(|error| panic!("{}: {error}", api.name));
    if grant != GrantName::End {
        assert_eq!(read.secret("access_token").unwrap().expose(), "ACCESS", "{}", api.name);
    }
    shipped(api, talk);
}

/// The shipped dialect of this name understands the same request as the same, and answers alike.
fn shipped(api: &Api, talk: &Talk) {
    let name = &api.name;
    let path = format!("{}/../../dialects/{name}/dialect.toml", env!("CARGO_MANIFEST_DIR"));
    let dialect = load(name, &std::fs::read_to_string(path).unwrap());
    if dialect.exchanges.is_empty() {
        return;
    }
    let (index, grant, said) = read(&dialect, &talk.request.replacen(api.below, "", 1));
    assert_eq!(grant, talk.grant, "{name}");
    let nouns =
        ["username", "password", "client_id", "client_secret", "key_id", "key_secret", "refresh_token", "act_as"];
    for (known, text) in talk.says.iter().filter(|(known, _)| nouns.contains(known)) {
        assert!(said.iter().any(|(name, said)| name == known && said == text), "{name}: {known} in {said:?}");
    }
    // What the newer files of this list tell beyond the page comes from their settings and fields.
    if ["inevent", "pitchpoint", "zro"].contains(name) {
        let settings = if *name == "pitchpoint" { Values::new().with("shape", "three") } else { Values::new() };
        let answer = dialect.write_answer(index, &told(), &settings).unwrap();
        assert_eq!(
            (answer.status, answer.body.replace("\\/", "/")),
            (talk.answer.0, talk.answer.1.to_owned()),
            "{name}"
        );
    }
}
