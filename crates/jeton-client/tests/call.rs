//! Calls with the token in them, through reqwest and tower, to an API that keeps what it was asked.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, Uri};
use jeton_client::call::AddTokenLayer;
use jeton_client::{Clock, Error, Profile, Profiles, TokenSource};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use tower::{Layer, Service, ServiceExt};

/// An API whose sign-in gives `t1`, `t2`, … and whose other addresses refuse those below the newest.
struct Api {
    url: String,
    /// Path and query, `Authorization`, body.
    asked: Arc<Mutex<Vec<[String; 3]>>>,
    /// Tokens up to this number are refused.
    refused: Arc<Mutex<usize>>,
}

impl Api {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let api = Self { url, asked: Arc::default(), refused: Arc::default() };
        let (asked, refused) = (Arc::clone(&api.asked), Arc::clone(&api.refused));
        std::thread::spawn(move || {
            let mut given = 0;
            for mut stream in listener.incoming().map_while(Result::ok) {
                let Some(call) = read(&stream) else { continue };
                let answer = if call[0] == "/v1/sign-in" {
                    given += 1;
                    let body = format!(r#"{{"token":"t{given}"}}"#);
                    let length = body.len();
                    format!("200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}")
                } else {
                    let number = call[1].strip_prefix("Token t").and_then(|number| number.parse().ok());
                    let is_refused = number.is_none_or(|number: usize| number <= *refused.lock().unwrap());
                    asked.lock().unwrap().push(call);
                    format!("{}\r\nContent-Length: 0\r\n\r\n", if is_refused { "401 No" } else { "200 OK" })
                };
                write!(stream, "HTTP/1.1 {}", answer.replacen("\r\n", "\r\nConnection: close\r\n", 1)).unwrap();
            }
        });
        api
    }

    fn asked(&self) -> Vec<[String; 3]> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn read(stream: &TcpStream) -> Option<[String; 3]> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length, mut authorization) = (String::new(), 0, String::new());
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => authorization = value.to_owned(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some([first.split(' ').nth(1)?.to_owned(), authorization, String::from_utf8(body).unwrap()])
}

/// A source whose API takes its token as `show` says.
fn source(folder: &tempfile::TempDir, url: &str, show: &str, clock: Clock) -> TokenSource {
    let file = folder.path().join("dialect.toml");
    let dialect = format!(
        r#"
jeton = 1
name = "meadow"
[token]
format = "opaque"
lifetime = "1h"
[[exchange]]
grant = "password"
request = '''
POST /sign-in
Content-Type: application/json

{{"user":"{{{{username}}}}","password":"{{{{password}}}}"}}'''
answer = '''
200
Content-Type: application/json

{{"token":"{{{{access_token}}}}"}}'''
[refusal]
answer = '''
{{{{status}}}}
Content-Type: application/json

{{"error":"{{{{code}}}}"}}'''
invalid_request = {{ status = 400, code = "bad" }}
wrong_credentials = {{ status = 401, code = "who" }}
invalid_token = {{ status = 401, code = "old" }}
[[show]]
token = "{show}"
"#
    );
    std::fs::write(&file, dialect).unwrap();
    let profile = Profile {
        url: url.to_owned(),
        dialect: Some(file.to_str().unwrap().to_owned()),
        values: BTreeMap::from([("username".to_owned(), "ada".to_owned())]),
        ..Profile::default()
    };
    let profiles = Profiles::at(folder.path());
    let secrets = BTreeMap::from([("password".to_owned(), Secret::from("secret"))]);
    profiles.put("meadow", &profile, secrets, true).unwrap();
    TokenSource::open(&profiles, "meadow", clock).unwrap()
}

const HEADER: &str = "Authorization: Token {{access_token}}";

fn noon() -> Clock {
    Clock::standing_at(Timestamp::from_secs(1_800_000_000), 0.0)
}

fn call(target: &str, token: &str, body: &str) -> [String; 3] {
    [target.to_owned(), token.to_owned(), body.to_owned()]
}

#[tokio::test]
async fn reqwest_sends_again_with_another_token_once() {
    let (folder, api, clock) = (tempfile::tempdir().unwrap(), Api::start(), noon());
    let source = source(&folder, &api.url, HEADER, clock.clone());
    let client = reqwest::Client::new();
    let sheep = format!("{}/sheep?x=1", api.url);
    let post = || client.post(&sheep).body("wool");
    let sent = |token| call("/v1/sheep?x=1", token, "wool");

    assert_eq!(source.send(post()).await.unwrap().status(), 200);
    assert_eq!(api.asked(), [sent("Token t1")]);
    // A token this young is not refused for its age.
    *api.refused.lock().unwrap() = 1;
    assert_eq!(source.send(post()).await.unwrap().status(), 401);
    assert_eq!(api.asked(), [sent("Token t1")]);
    clock.advance(Duration::from_secs(60));
    assert_eq!(source.send(post()).await.unwrap().status(), 200);
    assert_eq!(api.asked(), [sent("Token t1"), sent("Token t2")]);
    // Once, and no more.
    *api.refused.lock().unwrap() = 99;
    clock.advance(Duration::from_secs(60));
    assert_eq!(source.send(post()).await.unwrap().status(), 401);
    assert_eq!(api.asked(), [sent("Token t2"), sent("Token t3")]);
    let elsewhere = source.send(client.get("http://127.0.0.1:1/v1/sheep")).await.unwrap_err().to_string();
    assert!(elsewhere.contains("nothing was sent"), "{elsewhere}");
}

#[tokio::test]
async fn towers_layer_adds_the_token_and_gets_another_for_the_next_call() {
    let (folder, api, clock) = (tempfile::tempdir().unwrap(), Api::start(), noon());
    let source = Arc::new(source(&folder, &api.url, HEADER, clock.clone()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let keeper = Arc::clone(&seen);
    let inner = tower::service_fn(move |call: Request<String>| {
        keeper.lock().unwrap().push(format!("{} {:?} {}", call.uri(), call.headers()["authorization"], call.body()));
        let is_refused = call.headers()["authorization"] == "Token t1";
        let answer = Response::builder().status(if is_refused { 401 } else { 200 }).body(String::new());
        std::future::ready(answer)
    });
    let mut client = AddTokenLayer::new(source).layer(inner);
    clock.advance(Duration::from_secs(60));
    let sheep = format!("{}/sheep", api.url);
    for (later, status) in [(0, 401), (60, 401), (0, 200)] {
        clock.advance(Duration::from_secs(later));
        let request = Request::put(&sheep).body("wool".to_owned()).unwrap();
        let answer = client.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(answer.status(), status, "{later}");
    }
    // The token does not stand in what `Debug` says.
    assert_eq!(*seen.lock().unwrap(), vec![format!("{sheep} Sensitive wool"); 3]);
    let request = Request::get("http://127.0.0.1:1/v1/sheep").body(String::new()).unwrap();
    let error = client.ready().await.unwrap().call(request).await.unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(Error::Elsewhere { .. })), "{error}");
}

#[tokio::test]
async fn the_token_stands_where_the_api_takes_it_and_goes_nowhere_else() {
    let (folder, api) = (tempfile::tempdir().unwrap(), Api::start());
    for (show, target, expected, name, value) in [
        (HEADER, "/sheep", "/sheep", "authorization", Some("Token TOKEN")),
        (HEADER, "", "", "authorization", Some("Token TOKEN")),
        ("?key={{access_token}}", "/sheep", "/sheep?key=TOKEN", "authorization", None),
        ("?key={{access_token}}", "/sheep?a=b", "/sheep?a=b&key=TOKEN", "authorization", None),
        ("Cookie: sid={{access_token}}", "/sheep", "/sheep", "cookie", Some("own=1; sid=TOKEN")),
    ] {
        let source = source(&folder, &api.url, show, noon());
        let token = source.token().await.unwrap().token;
        let mut uri: Uri = format!("{}{target}", api.url).parse().unwrap();
        let mut headers = HeaderMap::new();
        if name == "cookie" {
            headers.insert("cookie", "own=1".parse().unwrap());
        }
        source.add_to(&token, &Method::GET, &mut uri, &mut headers).unwrap();
        let filled = |text: &str| text.replace("TOKEN", token.access.expose());
        assert_eq!(uri.to_string(), format!("{}{}", api.url, filled(expected)));
        assert_eq!(
            headers.get(name).map(|value| value.to_str().unwrap().to_owned()),
            value.map(filled),
            "{show} {target}"
        );
    }
    let port = api.url.split(':').nth(2).unwrap().split('/').next().unwrap();
    let source = source(&folder, &api.url, HEADER, noon());
    let token = source.token().await.unwrap().token;
    for url in [
        format!("https://127.0.0.1:{port}/v1/sheep"),
        "http://127.0.0.1:1/v1/sheep".to_owned(),
        format!("http://localhost:{port}/v1/sheep"),
        format!("http://127.0.0.1:{port}@evil.example/v1/sheep"),
        format!("http://127.0.0.1:{port}/sheep"),
        format!("http://127.0.0.1:{port}/v10"),
        "/v1/sheep".to_owned(),
    ] {
        let mut headers = HeaderMap::new();
        let added = source.add_to(&token, &Method::GET, &mut url.parse().unwrap(), &mut headers);
        assert!(matches!(added, Err(Error::Elsewhere { .. })), "{url}");
        assert!(headers.is_empty(), "{url}");
    }
}
