//! Exchanges with steps, over HTTP: a challenge, then a sign-in for a ticket, then the ticket for the token.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jeton_client::{Clock as ClientClock, Profile, Profiles, TokenSource};
use jeton_core::domain::realm::{Mount, Settings};
use jeton_core::secret::Secret;
use tempfile::TempDir;

use crate::harness::{ADA, Answer, NOW, Options, SECOND, Server, rules};

const FERRY: &str = r#"
jeton = 1
name = "ferry"
[token]
format = "opaque"
lifetime = "1h"
[field]
challenge = { from = "step" }
ticket = { from = "step", type = "secret" }
[[exchange]]
grant = "password"
request = '''
POST /board
Content-Type: application/xml
X-Challenge: {{challenge?}}

<board><ticket>{{ticket}}</ticket></board>'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}","left":{{expires_in}},"for":"{{username}}"}'''
[[exchange.step]]
request = '''
GET /challenge'''
answer = '''
200
Content-Type: application/json

{"challenge":"{{challenge}}","seconds":{{expires_in}}}'''
[[exchange.step]]
request = '''
POST /sign-in
Content-Type: application/json
X-Challenge: {{challenge}}

{"user":"{{username}}","password":"{{password}}"}'''
answer = '''
204
Set-Cookie: ticket={{ticket}}; HttpOnly'''
[[exchange]]
grant = "password"
request = '''
POST /late
Content-Type: application/json

{"password":"{{password}}","next":"{{ticket}}"}'''
answer = '''
200
Content-Type: application/json

{"token":"{{access_token}}"}'''
[[exchange.step]]
request = '''
POST /who
Content-Type: application/json

{"user":"{{username}}"}'''
answer = '''
200
Content-Type: application/json

{"next":"{{ticket}}"}'''
[refusal]
answer = '''
{{status}}
Content-Type: application/json

{"error":"{{code}}"}'''
invalid_request   = { status = 400, code = "bad" }
wrong_credentials = { status = 401, code = "who" }
locked            = { status = 423, code = "locked" }
invalid_token     = { status = 401, code = "old" }
[[show]]
token = "X-Ferry: {{access_token}}"
"#;

struct Ferry {
    server: Server,
    file: PathBuf,
    folder: TempDir,
}

/// Two realms with the dialect: `custom` below `/a`, `other` below `/b`, Ada in both.
async fn ferry() -> Ferry {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ferry.toml");
    std::fs::write(&file, FERRY).unwrap();
    let server = Server::start_with(Options { dialects: vec![file.clone()], ..Options::default() }).await;
    for (realm, prefix) in [("custom", "/a"), ("other", "/b")] {
        let dialects = vec![Mount { dialect: "ferry".into(), host: None, prefix: prefix.into() }];
        let gate = if realm == "custom" { rules(&["GET ferry.test/crew"]) } else { Vec::new() };
        server.seed().realm(realm, Settings { dialects, gate, ..Settings::default() }).await;
        server.seed().person(realm, ADA, 17, &[], &[]).await;
    }
    Ferry { server, file, folder }
}

impl Ferry {
    async fn challenge(&self, below: &str) -> String {
        let answer = self.server.get(&format!("{below}/challenge")).await;
        assert_eq!((answer.status, answer.json()["seconds"].as_i64()), (200, Some(300)));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        answer.text("/challenge")
    }

    async fn sign_in(&self, below: &str, challenge: &str, password: &str) -> Answer {
        let body = serde_json::json!({ "user": ADA.username, "password": password }).to_string();
        self.server.post(&format!("{below}/sign-in")).header("X-Challenge", challenge).json(body).await
    }

    async fn ticket(&self, below: &str) -> String {
        let challenge = self.challenge(below).await;
        ticket_of(&self.sign_in(below, &challenge, ADA.password).await)
    }

    async fn board(&self, below: &str, ticket: &str) -> Answer {
        let body = format!("<board><ticket>{ticket}</ticket></board>");
        self.server.post(&format!("{below}/board")).body("application/xml", body).await
    }

    async fn crew(&self, token: &str) -> u16 {
        self.server.get("/crew").host("ferry.test").header("X-Ferry", token).await.status
    }

    /// How many rows there are of what passes: sessions, nonces, counters, lines of the audit trail.
    async fn rows(&self) -> String {
        format!("{:?}", self.server.app.store.stats(NOW).await.unwrap())
    }
}

fn ticket_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 204, "{answer:?}");
    let cookie = answer.header("set-cookie").unwrap();
    cookie.strip_prefix("ticket=").and_then(|rest| rest.strip_suffix("; HttpOnly")).unwrap().to_owned()
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str, what: &str) {
    let body = format!(r#"{{"error":"{code}"}}"#);
    assert_eq!((answer.status, answer.body.as_str()), (status, body.as_str()), "{what}");
}

#[tokio::test]
async fn a_chain_leads_to_one_token() {
    let ferry = ferry().await;
    let before = ferry.rows().await;
    let challenge = ferry.challenge("/a").await;
    assert_eq!(ferry.rows().await, before, "a step without credentials writes nothing");
    let ticket = ticket_of(&ferry.sign_in("/a", &challenge, ADA.password).await);
    assert!(ticket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)), "{ticket}");
    ferry.server.clock.advance(100 * SECOND);
    let answer = ferry.board("/a", &ticket).await;
    assert_eq!((answer.status, answer.text("/for")), (200, ADA.username.to_owned()), "{answer:?}");
    assert_eq!(answer.json()["left"].as_i64(), Some(3500), "counted from the sign-in");
    assert_eq!(ferry.crew(&answer.text("/token")).await, 200);

    assert_refused(&ferry.board("/a", &ticket).await, 401, "who", "the same ticket again");
    assert_refused(&ferry.sign_in("/a", &challenge, ADA.password).await, 401, "who", "the same challenge again");
}

#[tokio::test]
async fn a_ticket_is_good_at_one_place_for_five_minutes() {
    let ferry = ferry().await;
    let challenge = ferry.challenge("/a").await;
    let ticket = ferry.ticket("/a").await;
    let mut forged = ticket.clone().into_bytes();
    forged[40] ^= 1;
    for (what, ticket) in [
        ("forged", String::from_utf8(forged).unwrap()),
        ("cut short", ticket[..20].to_owned()),
        ("no ticket", "AAAA".to_owned()),
        ("that of another step", challenge.clone()),
    ] {
        assert_refused(&ferry.board("/a", &ticket).await, 401, "who", what);
    }
    assert_refused(&ferry.board("/b", &ticket).await, 401, "who", "of another realm");
    assert_refused(&ferry.sign_in("/b", &challenge, ADA.password).await, 401, "who", "a challenge of another realm");
    let body = serde_json::json!({ "password": ADA.password, "next": ticket }).to_string();
    assert_refused(&ferry.server.post("/a/late").json(body).await, 401, "who", "at another exchange");
    let other = ferry.challenge("/a").await;
    let body = format!("<board><ticket>{ticket}</ticket></board>");
    let mixed = ferry.server.post("/a/board").header("X-Challenge", &other).body("application/xml", body).await;
    assert_refused(&mixed, 401, "who", "beside a challenge of another way");

    ferry.server.clock.advance(299 * SECOND);
    assert_eq!(ferry.board("/a", &ticket).await.status, 200, "all that used nothing up");
    ferry.server.clock.advance(SECOND);
    assert_refused(&ferry.sign_in("/a", &challenge, ADA.password).await, 401, "who", "too old");
}

#[tokio::test]
async fn credentials_are_decided_where_they_are_complete() {
    let ferry = ferry().await;
    let challenge = ferry.challenge("/a").await;
    assert_refused(&ferry.sign_in("/a", &challenge, "wrong").await, 401, "who", "a wrong password, at its step");
    let ticket = ticket_of(&ferry.sign_in("/a", &challenge, ADA.password).await);

    ferry.server.seed().enable_principal("custom", ADA.username, false).await;
    let dead = ferry.board("/a", &ticket).await.text("/token");
    assert_eq!(ferry.crew(&dead).await, 401, "disabled in between: no token of that sign-in opens anything");
    ferry.server.seed().enable_principal("custom", ADA.username, true).await;

    // A name first, its password after: nothing is told of the name, and the throttle counts as ever.
    let next = async |below: &str, user: &str| {
        let body = serde_json::json!({ "user": user }).to_string();
        let answer = ferry.server.post(&format!("{below}/who")).json(body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text("/next")
    };
    let late = async |below: &str, next: &str, password: &str| {
        let body = serde_json::json!({ "password": password, "next": next }).to_string();
        ferry.server.post(&format!("{below}/late")).json(body).await
    };
    assert_refused(&late("/a", &next("/a", "nobody").await, ADA.password).await, 401, "who", "an unknown name");
    let good = next("/a", ADA.username).await;
    assert_eq!(late("/a", &good, ADA.password).await.status, 200);
    assert_refused(&late("/a", &good, ADA.password).await, 401, "who", "the same ticket again");
    let tried = next("/b", ADA.username).await;
    for _ in 0..10 {
        assert_refused(&late("/b", &tried, "wrong").await, 401, "who", "a wrong password");
    }
    assert_refused(&late("/b", &tried, ADA.password).await, 423, "locked", "after ten of them");
}

#[tokio::test]
async fn the_client_goes_through_all_steps() {
    let Ferry { server, file, folder } = ferry().await;
    let profile = Profile {
        url: format!("http://{}/a", server.address()),
        dialect: Some(file.to_str().unwrap().to_owned()),
        values: BTreeMap::from([("username".to_owned(), ADA.username.to_owned())]),
        ..Profile::default()
    };
    for (name, password, refused) in [("good", ADA.password, None), ("bad", "wrong", Some("wrong_credentials"))] {
        let profiles = Profiles::at(folder.path().join(name));
        let secrets = BTreeMap::from([("password".to_owned(), Secret::from(password))]);
        profiles.put(name, &profile, secrets, false).unwrap();
        let source = TokenSource::open(&profiles, name, ClientClock::standing_at(NOW, 0.0)).unwrap();
        match (source.token().await, refused) {
            (Ok(given), None) => {
                let placed = source.show(&given.token, &http::Method::GET, "/crew").unwrap();
                let [(header, token)] = placed.headers.as_slice() else { panic!("one header") };
                let answer = server.get("/crew").host("ferry.test").header(header, token).await;
                assert_eq!(answer.status, 200, "{answer:?}");
            }
            (Err(error), Some(reason)) => assert!(error.to_string().contains(reason), "{error}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}
