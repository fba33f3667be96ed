//! Sign-ins that need a person, against an issuer that says what the test tells it to.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jeton_client::flow::Grant;
use jeton_client::{Clock, Error, Profile, Profiles, Prompt, TokenSource};
use jeton_core::time::Timestamp;

/// An issuer that answers with its metadata at once, and at its other addresses with what it was told to, in order.
struct Issuer {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    answers: Arc<Mutex<VecDeque<(u16, String)>>>,
}

impl Issuer {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self { url, asked: Arc::default(), answers: Arc::default() };
        let (url, asked, answers) = (issuer.url.clone(), Arc::clone(&issuer.asked), Arc::clone(&issuer.answers));
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (path, body) = read(&stream);
                let (status, text) = match path.as_str() {
                    "/.well-known/openid-configuration" => (200, metadata(&url)),
                    _ => {
                        asked.lock().unwrap().push(format!("{path} {body}"));
                        answers.lock().unwrap().pop_front().unwrap()
                    }
                };
                let length = text.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{text}"
                )
                .unwrap();
            }
        });
        issuer
    }

    fn will_say(&self, answers: &[(u16, &str)]) {
        self.answers.lock().unwrap().extend(answers.iter().map(|(status, text)| (*status, (*text).to_owned())));
    }

    /// The paths that were asked since the last time.
    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    }
}

fn metadata(url: &str) -> String {
    format!(
        r#"{{"issuer":"{url}","token_endpoint":"{url}/token","authorization_endpoint":"{url}/authorize",
            "device_authorization_endpoint":"{url}/device","authorization_response_iss_parameter_supported":true}}"#
    )
}

fn read(stream: &TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
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
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (first.split(' ').nth(1).unwrap().to_owned(), String::from_utf8(body).unwrap())
}

fn source(folder: &tempfile::TempDir, issuer: &Issuer, grant: Grant, clock: Clock) -> TokenSource {
    let profile = Profile {
        url: issuer.url.clone(),
        issuer: Some(issuer.url.clone()),
        grant: Some(grant),
        values: BTreeMap::from([("client_id".to_owned(), "me".to_owned())]),
        ..Profile::default()
    };
    let profiles = Profiles::at(folder.path());
    profiles.put("meadow", &profile, BTreeMap::new(), false).unwrap();
    TokenSource::open(&profiles, "meadow", clock).unwrap()
}

fn token(number: u32, refresh: bool) -> String {
    let refresh = if refresh { format!(r#","refresh_token":"r{number}""#) } else { String::new() };
    format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":3600{refresh}}}"#)
}

/// One GET request to the loopback redirect, as a browser or anybody else sends it; its status line.
fn get(redirect_uri: &str, target: &str) -> String {
    let host = redirect_uri.strip_prefix("http://").unwrap().split('/').next().unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap().to_owned()
}

fn parameter(url: &str, name: &str) -> String {
    let query = url.split_once('?').unwrap().1;
    let value = query.split('&').find_map(|field| field.strip_prefix(&format!("{name}="))).unwrap();
    value.replace("%3A", ":").replace("%2F", "/")
}

#[tokio::test]
async fn only_the_answer_to_the_question_signs_in() {
    let (folder, issuer) = (tempfile::tempdir().unwrap(), Issuer::start());
    let source = source(&folder, &issuer, Grant::AuthorizationCode, Clock::system());
    issuer.will_say(&[(200, &token(1, true))]);
    let (came, coming) = std::sync::mpsc::channel();
    let issuer_url = issuer.url.clone();
    let token = source
        .sign_in(|prompt| {
            let Prompt::Browse { url } = prompt.clone() else { panic!("{prompt:?}") };
            std::thread::spawn(move || {
                let (redirect, state) = (parameter(&url, "redirect_uri"), parameter(&url, "state"));
                // A browser opens a connection to spare.
                let _spare =
                    TcpStream::connect(redirect.strip_prefix("http://").unwrap().strip_suffix("/callback").unwrap());
                let iss = format!("iss={issuer_url}");
                let seen: Vec<String> = [
                    format!("/favicon.ico?code=c&state={state}&{iss}"),
                    format!("/callback?code=c&state=guess&{iss}"),
                    "/callback".to_owned(),
                    format!("/callback?code=c&state={state}&{iss}"),
                ]
                .iter()
                .map(|target| get(&redirect, target))
                .collect();
                came.send(seen).unwrap();
            });
        })
        .await
        .unwrap();
    assert_eq!(token.access.expose(), "t1");
    let not_found = "HTTP/1.1 404 Not Found";
    assert_eq!(coming.recv().unwrap(), [not_found, not_found, not_found, "HTTP/1.1 200 OK"]);
    assert_eq!(issuer.asked(), ["/token"]);
}

#[tokio::test]
async fn another_issuers_answer_ends_it() {
    let (folder, issuer) = (tempfile::tempdir().unwrap(), Issuer::start());
    let source = source(&folder, &issuer, Grant::AuthorizationCode, Clock::system());
    for iss in ["&iss=https://evil.example", ""] {
        let error = source
            .sign_in(|prompt| {
                let Prompt::Browse { url } = prompt.clone() else { panic!("{prompt:?}") };
                let (redirect, state) = (parameter(&url, "redirect_uri"), parameter(&url, "state"));
                std::thread::spawn(move || get(&redirect, &format!("/callback?code=c&state={state}{iss}")));
            })
            .await
            .unwrap_err();
        assert!(error.to_string().contains("another issuer"), "{error}");
    }
    assert_eq!(issuer.asked(), [""; 0]);
}

#[tokio::test]
async fn a_person_is_asked_for_only_when_nothing_else_helps() {
    let (folder, issuer) = (tempfile::tempdir().unwrap(), Issuer::start());
    let clock = Clock::standing_at(Timestamp::from_secs(1_800_000_000), 0.0);
    let source = source(&folder, &issuer, Grant::DeviceCode, clock.clone());
    let needs_person = |error: Error| assert!(error.to_string().contains("run: jeton login meadow"), "{error}");
    needs_person(source.token().await.unwrap_err());
    assert_eq!(issuer.asked(), [""; 0]);

    let begun = r#"{"device_code":"d","user_code":"A-B","verification_uri":"https://id.example.com/device",
        "expires_in":600,"interval":1}"#;
    let pending = (400, r#"{"error":"authorization_pending"}"#);
    issuer.will_say(&[(200, begun), pending, (200, &token(1, true))]);
    let mut shown = None;
    assert_eq!(source.sign_in(|prompt| shown = Some(prompt.clone())).await.unwrap().access.expose(), "t1");
    let (url, code) = ("https://id.example.com/device".to_owned(), "A-B".to_owned());
    let lifetime = Duration::from_secs(600);
    assert_eq!(shown, Some(Prompt::Type { url, code, url_with_code: None, lifetime }));
    assert_eq!(issuer.asked(), ["/device", "/token", "/token"]);

    // Refreshed as any other, with nobody there.
    clock.advance(Duration::from_secs(3000));
    issuer.will_say(&[(200, &token(2, true))]);
    assert_eq!(source.token().await.unwrap().token.access.expose(), "t2");
    assert_eq!(issuer.asked(), ["/token"]);

    // A refused refresh leaves the good token, and is not tried again.
    clock.advance(Duration::from_secs(3000));
    issuer.will_say(&[(400, r#"{"error":"invalid_grant"}"#)]);
    for asked in [vec!["/token"], vec![]] {
        let given = source.token().await.unwrap();
        assert_eq!(given.token.access.expose(), "t2");
        needs_person(given.refresh_failed.unwrap());
        assert_eq!(issuer.asked(), asked);
    }
    clock.advance(Duration::from_secs(3000));
    needs_person(source.token().await.unwrap_err());
    assert_eq!(issuer.asked(), [""; 0]);
}

#[tokio::test]
async fn a_redirect_that_is_not_to_this_machine_is_refused() {
    let (folder, issuer) = (tempfile::tempdir().unwrap(), Issuer::start());
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("http://localhost:{}/x", other.local_addr().unwrap().port());
    for (redirect, part) in [
        ("https://127.0.0.1:0/", "http://127.0.0.1:PORT/PATH"),
        ("http://192.0.2.1:0/", "http://127.0.0.1:PORT/PATH"),
        ("http://127.0.0.1@192.0.2.1/", "http://127.0.0.1:PORT/PATH"),
        ("http://127.0.0.1:0/?x", "http://127.0.0.1:PORT/PATH"),
        (&taken, "cannot listen at"),
        ("none", "http://127.0.0.1:PORT/PATH"),
    ] {
        let base = source(&folder, &issuer, Grant::AuthorizationCode, Clock::system());
        let mut profile = base.profile().clone();
        profile.values.insert("redirect_uri".to_owned(), redirect.to_owned());
        let profiles = Profiles::at(folder.path());
        profiles.put("meadow", &profile, BTreeMap::new(), true).unwrap();
        let source = TokenSource::open(&profiles, "meadow", Clock::system()).unwrap();
        let error = source.sign_in(|prompt| panic!("{prompt:?}")).await.unwrap_err().to_string();
        assert!(error.contains(part), "{redirect}: {error}");
        profiles.remove("meadow").unwrap();
    }
}
