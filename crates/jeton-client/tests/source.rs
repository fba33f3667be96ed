//! A token source against a server that counts what it is asked, within one process and with twenty.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use jeton_client::flow::Response;
use jeton_client::{Clock, Ended, Error, Profile, Profiles, TokenSource};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;

/// An API whose sign-in gives `t1`, `t2`, … for an hour, and which keeps the paths that it was asked for.
struct Api {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Option<&'static str>>>,
}

impl Api {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let api = Self { url, asked: Arc::default(), answer: Arc::default() };
        let (asked, answer) = (Arc::clone(&api.asked), Arc::clone(&api.answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &asked, &answer));
            }
        });
        api
    }

    /// From now on this is the answer to everything; with nothing, tokens are given again.
    fn say(&self, answer: Option<&'static str>) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, asked: &Mutex<Vec<String>>, answer: &Mutex<Option<&'static str>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first).unwrap();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    reader.read_exact(&mut vec![0; length]).unwrap();
    let count = {
        let mut asked = asked.lock().unwrap();
        asked.push(first.split(' ').nth(1).unwrap().to_owned());
        asked.len()
    };
    let body = format!(r#"{{"token":"t{count}","again":"r{count}","seconds":3600}}"#);
    let given = format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let answer = answer.lock().unwrap().map_or(format!("{given}Connection: close\r\n\r\n{body}"), str::to_owned);
    stream.write_all(answer.as_bytes()).unwrap();
}

const DIALECT: &str = r#"
jeton = 1
name = "meadow"
[token]
format = "opaque"
lifetime = "1h"
[refresh]
how = "keep"
end = { after = "24h" }
[[exchange]]
grant = "password"
request = '''
POST /sign-in
Content-Type: application/json

{"user":"{{username}}","password":"{{password}}"}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","again":"{{refresh_token}}","seconds":{{expires_in}}}'''
[[exchange]]
grant = "refresh"
request = '''
POST /again
Content-Type: application/json

{"again":"{{refresh_token}}"}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","again":"{{refresh_token}}","seconds":{{expires_in}}}'''
[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"error":"{{code}}"}'''
invalid_request = { status = 400, code = "bad" }
wrong_credentials = { status = 401, code = "who" }
invalid_token = { status = 401, code = "old" }
[[show]]
token = "Authorization: Token {{access_token}}"
"#;

const NAME: &str = "meadow";

/// A process that is being started holds the file locks of the one that starts it for a moment, so the tests take turns.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn profiles(folder: &Path, api: &Api) -> Profiles {
    let file = folder.join("dialect.toml");
    std::fs::write(&file, DIALECT).unwrap();
    let profile = Profile {
        url: api.url.clone(),
        dialect: Some(file.to_str().unwrap().to_owned()),
        values: BTreeMap::from([("username".to_owned(), "ada".to_owned())]),
        ..Profile::default()
    };
    let profiles = Profiles::at(folder);
    let secrets = BTreeMap::from([("password".to_owned(), Secret::from("secret"))]);
    profiles.put(NAME, &profile, secrets, false).unwrap();
    profiles
}

#[tokio::test]
async fn a_token_is_used_refreshed_early_and_kept_through_an_outage() {
    let _turn = TURN.lock().await;
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start());
    let clock = Clock::standing_at(Timestamp::from_secs(1_800_000_000), 0.0);
    let source = TokenSource::open(&profiles(folder.path(), &api), NAME, clock.clone()).unwrap();
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let throttled = "HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    for (later, says, asked, failed) in [
        (0, None, vec!["/sign-in"], false),
        (47, None, vec![], false),
        (1, Some(throttled), vec!["/again"], true),
        // The API asked for two minutes of silence, and has them.
        (1, Some(throttled), vec![], true),
        (1, None, vec!["/again"], false),
        (47, None, vec![], false),
    ] {
        clock.advance(minutes(later));
        api.say(says);
        let given = source.token().await.unwrap();
        assert_eq!(
            (api.asked(), given.refresh_failed.is_some()),
            (asked.iter().map(ToString::to_string).collect(), failed)
        );
        let shown = source.show(&given.token, &http::Method::GET, "/").unwrap();
        assert_eq!(shown.headers, [("Authorization".to_owned(), format!("Token {}", given.token.access.expose()))]);
    }
    // A refresh that is refused ends in a new sign-in, and without a good token a refusal is an error.
    api.say(Some("HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: 15\r\nConnection: close\r\n\r\n{\"error\":\"old\"}"));
    clock.advance(minutes(60));
    assert!(matches!(source.token().await, Err(Error::Flow(_))));
    assert_eq!(api.asked(), ["/again", "/sign-in"]);
    assert!(matches!(source.token().await, Err(Error::Pause(_))));
    assert_eq!(api.asked(), [""; 0]);
    clock.advance(minutes(1));
    api.say(None);
    source.token().await.unwrap();
    assert_eq!(source.end().await.unwrap(), Ended::Here);
    assert_eq!(source.end().await.unwrap(), Ended::Nothing);
}

#[tokio::test]
async fn the_end_of_a_token_is_told_by_this_clock() {
    let _turn = TURN.lock().await;
    // The server's clock is ten minutes ahead, and the JWT ends an hour after its now.
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start());
    let clock = Clock::standing_at(Timestamp::from_secs(1_800_000_000), 0.0);
    let source = TokenSource::open(&profiles(folder.path(), &api), NAME, clock).unwrap();
    api.say(Some(concat!(
        "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:10:00 GMT\r\nContent-Type: application/json\r\n",
        "Content-Length: 81\r\nConnection: close\r\n\r\n",
        r#"{"token":"e30.eyJleHAiOjE4MDAwMDQyMDB9.c2ln","again":"r","seconds":9999999999999}"#,
    )));
    let token = source.token().await.unwrap().token;
    assert_eq!(token.expires_at, Some(Timestamp::from_secs(1_800_003_600)));
}

#[tokio::test]
async fn the_next_token_that_a_call_brings_is_kept_once() {
    let _turn = TURN.lock().await;
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start());
    let returning = "[[show]]\nonly = \"client\"\nreturned = \"X-Next: {{access_token}}\"";
    let profiles = profiles(folder.path(), &api);
    std::fs::write(folder.path().join("dialect.toml"), DIALECT.replace("[[show]]", returning)).unwrap();
    let source = TokenSource::open(&profiles, NAME, Clock::system()).unwrap();
    let first = source.token().await.unwrap().token;
    let answer = |next: &str| Response {
        status: 200,
        reason_phrase: None,
        headers: HeaderMap::from_iter([(HeaderName::from_static("x-next"), HeaderValue::from_str(next).unwrap())]),
        body: Secret::default(),
    };
    assert_eq!(source.keep_returned(&first, &answer(first.access.expose())).await.unwrap(), None);
    let second = source.keep_returned(&first, &answer("t-next")).await.unwrap().unwrap();
    assert_eq!((second.access.expose().as_str(), &second.refresh), ("t-next", &first.refresh));
    assert_eq!(source.token().await.unwrap().token, second);
    // The answer to a call that was under way with the old token comes late.
    assert_eq!(source.keep_returned(&first, &answer("t-late")).await.unwrap(), None);
    assert_eq!(source.token().await.unwrap().token, second);
    assert_eq!(source.url(&second), api.url);
}

/// Not a test of its own: what each of the twenty processes does.
#[test]
#[ignore = "a process of the test below"]
fn one_of_twenty() {
    let Some(folder) = std::env::args_os().next_back() else { return };
    let source = TokenSource::open(&Profiles::at(folder), NAME, Clock::system()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let given = runtime.block_on(source.token()).unwrap();
    assert_eq!(given.token.access.expose(), "t1");
}

#[test]
fn twenty_processes_make_one_request() {
    let _turn = TURN.blocking_lock();
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start());
    profiles(folder.path(), &api);
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "one_of_twenty", "--skip"]).arg(folder.path());
        command.stdout(Stdio::piped()).spawn().unwrap()
    };
    let children: Vec<_> = (0..20).map(|_| start()).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
    assert_eq!(api.asked(), ["/sign-in"]);
}
