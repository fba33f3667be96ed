//! A store that the version before made, opened by this one: what was issued is answered as that version answered it.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jeton_core::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::harness::{Options, PUBLIC_URL, Server};

const STORE: &[u8] = include_bytes!("../../../jeton-store/tests/fixtures/n-1/store.sqlite3");
const MASTER_KEY: &[u8] = include_bytes!("../../../jeton-store/tests/fixtures/n-1/master.key");
const ANSWERS: &str = include_str!("../../../jeton-store/tests/fixtures/n-1/answers.json");

/// What `make-n-1.py` wrote down.
#[derive(Deserialize)]
struct Noted {
    public_url: String,
    answers: Vec<NotedAnswer>,
}

#[derive(Deserialize)]
struct NotedAnswer {
    what: String,
    /// Seconds since 1970.
    at: i64,
    like: Like,
    request: NotedRequest,
    status: u16,
    body: String,
}

/// How far an answer must be the one that was given.
#[derive(Clone, Copy, Deserialize)]
enum Like {
    #[serde(rename = "the same")]
    Same,
    /// It holds something new, such as a token.
    #[serde(rename = "another of the same shape")]
    Shape,
    /// It says at least what was said: of a list, all that was on it.
    #[serde(rename = "the same or more")]
    More,
}

#[derive(Deserialize)]
struct NotedRequest {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: String,
}

fn noted() -> Noted {
    let noted: Noted = serde_json::from_str(ANSWERS).unwrap();
    assert_eq!(noted.public_url, PUBLIC_URL, "issuers begin with it");
    assert!(noted.answers.len() >= 60, "{}", noted.answers.len());
    noted
}

/// A server on a copy of the store, with the clock at `at`.
async fn start(at: i64) -> Server {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let server = Server::start_with(Options { trusted_proxies, ..Options::default() }).await;
    server.app.store.close().await;
    for left in ["jeton.db", "jeton.db-wal", "jeton.db-shm", "master.key"] {
        let _missing = fs::remove_file(server.folder().join(left));
    }
    put(&server.folder().join("jeton.db"), STORE);
    put(&server.folder().join("master.key"), MASTER_KEY);
    server.clock.set(Timestamp::from_secs(at));
    server.restart().await
}

fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

/// Asks at the time at which it was asked, or so many seconds later.
async fn ask(server: &Server, noted: &NotedAnswer, later: i64) -> (u16, String) {
    server.clock.set(Timestamp::from_secs(noted.at + later));
    let NotedRequest { method, target, headers, body } = &noted.request;
    let mut call = server.call(method, target);
    for (name, value) in headers.iter().filter(|(name, _)| *name != "Content-Type") {
        call = call.header(name, value);
    }
    if let Some(content_type) = headers.get("Content-Type") {
        call = call.body(content_type, body.as_str());
    }
    let answer = call.await;
    (answer.status, answer.body)
}

#[tokio::test]
async fn everything_is_answered_as_the_version_before_did() {
    let Noted { answers, .. } = noted();
    let server = start(answers[0].at).await;
    let mut different = Vec::new();
    for noted in &answers {
        let (status, body) = ask(&server, noted, 0).await;
        let alike = match noted.like {
            Like::Same => read(&body) == read(&noted.body),
            Like::Shape => shape(&read(&body)) == shape(&read(&noted.body)),
            Like::More => says(&read(&body), &read(&noted.body)),
        };
        if status != noted.status || !alike {
            different.push(format!("{}: {status} {body}\n  instead of {} {}", noted.what, noted.status, noted.body));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// A second start finds everything done, and two servers answer alike.
#[tokio::test]
async fn it_is_brought_up_to_date_once() {
    let Noted { answers, .. } = noted();
    let server = start(answers[0].at).await;
    let other = server.beside().await;
    for noted in answers.iter().filter(|noted| noted.what.ends_with(": introspection")) {
        assert_eq!(ask(&server, noted, 0).await, ask(&other, noted, 0).await, "{}", noted.what);
    }
}

/// What the fixture shows must hang on its times and keys, or it would show nothing.
#[tokio::test]
async fn a_day_later_its_tokens_have_expired() {
    let Noted { answers, .. } = noted();
    let server = start(answers[0].at).await;
    let good = answers.iter().filter(|noted| noted.what.ends_with(": introspection") && noted.body.contains("\"exp\""));
    let mut expired = 0;
    for noted in good.filter(|noted| !noted.what.starts_with("inevent")) {
        let (status, body) = ask(&server, noted, 86_400).await;
        assert_eq!((status, read(&body)["active"].as_bool()), (200, Some(false)), "{}", noted.what);
        expired += 1;
    }
    assert!(expired > 5, "{expired}");
}

/// A body as JSON, or as text if it is none.
fn read(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_| body.into())
}

/// Whether all of `before` is still said.
fn says(now: &Value, before: &Value) -> bool {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            before.iter().all(|(name, before)| now.get(name).is_some_and(|now| says(now, before)))
        }
        (Value::Array(now), Value::Array(before)) => before.iter().all(|before| now.contains(before)),
        (now, before) => now == before,
    }
}

/// The members of it all, and their types.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(values) => values.iter().map(shape).collect(),
        Value::String(_) => "text".into(),
        Value::Number(_) => "number".into(),
        Value::Bool(_) | Value::Null => value.clone(),
    }
}
