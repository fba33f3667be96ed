//! The revocation feed over HTTP: who may follow it, what it says, and where it goes on.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::domain::client::ClientSettings;
use jeton_core::wire::revocations::{Event, Reader};
use jeton_store::Owner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::{ADA, Answer, Key, MINUTE, Options, SECOND, Server, postgres};

/// Long for a test, so that one that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(30);

/// A resource server of this realm.
pub(crate) async fn resource_server(server: &Server, realm: &str) -> Key {
    let settings = ClientSettings { resource_server: true, ..ClientSettings::default() };
    server.seed().client(realm, &format!("gate-of-{realm}"), settings).await
}

fn basic(key: &Key) -> String {
    format!("Basic {}", STANDARD.encode(format!("{}:{}", key.id, key.secret)))
}

/// One connection on the feed of a realm.
struct Follower {
    stream: TcpStream,
    unread: Vec<u8>,
    reader: Reader,
    events: Vec<Event>,
}

impl Follower {
    async fn start(server: &Server, realm: &str, key: &Key, last_event_id: Option<&str>) -> Self {
        let (stream, head) = Self::ask(server, realm, key, last_event_id).await;
        assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/event-stream"), "{head}");
        assert!(head.contains("cache-control: no-store"), "{head}");
        Self { stream, unread: Vec::new(), reader: Reader::default(), events: Vec::new() }
    }

    /// A connection that asks to follow, and the head of what it is told.
    async fn ask(server: &Server, realm: &str, key: &Key, last_event_id: Option<&str>) -> (TcpStream, String) {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let resume = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        let head = format!(
            "GET /realms/{realm}/revocations HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n{resume}\r\n",
            basic(key)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
        }
        (stream, String::from_utf8(head).unwrap().to_lowercase())
    }

    /// The next event; nothing if the server ended the stream.
    async fn next(&mut self) -> Option<Event> {
        while self.events.is_empty() {
            let mut bytes = [0; 4096];
            let read = timeout(PATIENCE, self.stream.read(&mut bytes)).await.expect("an event").ok()?;
            self.unread.extend_from_slice(&bytes[..read]);
            // Chunks of RFC 9112 §7.1, whole ones.
            while let Some(line) = self.unread.windows(2).position(|pair| pair == b"\r\n") {
                let size = std::str::from_utf8(&self.unread[..line]).unwrap();
                let size = usize::from_str_radix(size, 16).unwrap();
                if size == 0 {
                    return None;
                }
                let Some(chunk) = self.unread.get(line + 2..line + 2 + size) else { break };
                self.events.extend(self.reader.read(chunk).unwrap());
                self.unread.drain(..line + 4 + size);
            }
            if read == 0 {
                return None;
            }
        }
        Some(self.events.remove(0))
    }

    /// What is revoked until the next sign of life, each once, and the id of that.
    async fn revoked(&mut self) -> (Vec<String>, String) {
        let mut revoked = Vec::new();
        loop {
            match self.next().await.expect("the stream goes on") {
                Event::Realm(_) => {}
                Event::Revoked(told) => {
                    let text = format!("{} {}", told.named.kind(), told.named.name());
                    if !revoked.contains(&text) {
                        revoked.push(text);
                    }
                }
                Event::Alive(alive) => return (revoked, alive.resume.write()),
            }
        }
    }

    /// The same, but waits for something to be revoked.
    async fn revoked_next(&mut self) -> (Vec<String>, String) {
        loop {
            let (revoked, id) = self.revoked().await;
            if !revoked.is_empty() {
                return (revoked, id);
            }
        }
    }
}

async fn revoke(server: &Server, token: &str) {
    let answer = server.oauth("plain", "revoke", &server.plain, &[("token", token)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_follower_is_told_what_is_revoked_and_goes_on_where_it_was() {
    let server = Server::start().await;
    let gate = resource_server(&server, "plain").await;
    revoke(&server, &server.client_token("plain", &server.plain).await).await;
    server.clock.advance(SECOND);

    let mut follower = Follower::start(&server, "plain", &gate, None).await;
    let Some(Event::Realm(about)) = follower.next().await else { panic!("what the realm is comes first") };
    assert_eq!(about.issuer, "https://auth.example.test/realms/plain");
    assert!(about.audiences.is_empty(), "any");
    let (snapshot, _) = follower.revoked().await;
    assert_eq!(snapshot.len(), 1, "the snapshot: {snapshot:?}");
    assert!(snapshot[0].starts_with("token "), "{snapshot:?}");

    revoke(&server, &server.client_token("plain", &server.plain).await).await;
    let (new, id) = follower.revoked_next().await;
    assert_eq!(new.len(), 1);
    drop(follower);
    server.seed().enable_client("plain", "service", false).await;

    let mut again = Follower::start(&server, "plain", &gate, Some(&id)).await;
    assert_eq!(again.revoked().await.0, ["client service"], "only what has come since");
    for id in ["", "x", "1-2", "0--1", &format!("{}9", id), "99999999999999999999-1"] {
        let mut anew = Follower::start(&server, "plain", &gate, Some(id)).await;
        assert_eq!(anew.revoked().await.0.len(), 3, "{id:?} is no point of this feed: everything");
    }
    // What no token can have any more is not told.
    server.clock.advance(6 * MINUTE);
    let mut late = Follower::start(&server, "plain", &gate, None).await;
    assert_eq!(late.revoked().await.0, ["client service"]);
}

#[tokio::test]
async fn signs_of_life_come_every_second() {
    let server = Server::start().await;
    let gate = resource_server(&server, "plain").await;
    let mut follower = Follower::start(&server, "plain", &gate, None).await;
    follower.revoked().await;
    let mut last = None;
    for _ in 0..4 {
        let began = Instant::now();
        let Some(Event::Alive(alive)) = follower.next().await else { panic!("a sign of life") };
        assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
        assert!(last.is_none_or(|last| alive.after > last), "the store was read again");
        assert_eq!(alive.now, server.clock.now());
        last = Some(alive.after);
    }
}

#[tokio::test]
async fn g1_who_may_not_follow_is_told_nothing() {
    let server = Server::start().await;
    let gate = resource_server(&server, "plain").await;
    let other = resource_server(&server, "api-keys").await;
    let wrong = Key { secret: format!("{}x", gate.secret), ..gate.clone() };
    let path = "/realms/plain/revocations";
    let rows: [(&str, Option<String>, u16); 8] = [
        (path, None, 401),
        (path, Some("Bearer abc".to_owned()), 401),
        (path, Some("Basic %%%".to_owned()), 401),
        (path, Some(basic(&wrong)), 401),
        (path, Some(basic(&other)), 401),
        (path, Some(basic(&server.plain)), 403),
        ("/realms/nowhere/revocations", Some(basic(&gate)), 404),
        ("/auth/realms/plain/revocations", Some(basic(&gate)), 404),
    ];
    for (path, authorization, status) in rows {
        let mut call = server.get(path);
        if let Some(value) = &authorization {
            call = call.header("Authorization", value);
        }
        let answer: Answer = call.await;
        assert_eq!(answer.status, status, "{path} {authorization:?}: {answer:?}");
        assert!(!answer.body.contains("event:"), "{answer:?}");
    }
    assert_eq!(server.post(path).header("Authorization", &basic(&gate)).await.status, 405);
    server.seed().enable_realm("plain", false).await;
    assert_eq!(server.get(path).header("Authorization", &basic(&gate)).await.status, 403);
}

#[tokio::test]
async fn a_follower_hears_nothing_of_other_realms() {
    let server = Server::start().await;
    let gate = resource_server(&server, "plain").await;
    let mut follower = Follower::start(&server, "plain", &gate, None).await;
    follower.revoked().await;
    let elsewhere = server.seed().find_principal("inevent", ADA.username).await;
    server.app.store.end_principal_sessions(elsewhere.id, server.clock.now(), server.seed().record()).await.unwrap();
    server.seed().enable_client("api-keys", &server.ion.id, false).await;
    revoke(&server, &server.client_token("plain", &server.plain).await).await;
    let (told, _) = follower.revoked_next().await;
    assert!(told.len() == 1 && told[0].starts_with("token "), "{told:?}");
    let mut anew = Follower::start(&server, "plain", &gate, None).await;
    assert_eq!(anew.revoked().await.0, told);
}

/// Whoever may follow no more, or has to be told something else at the beginning, is cut off.
#[tokio::test]
async fn a_stream_ends_when_its_follower_changes() {
    let server = Server::start().await;
    let gate = resource_server(&server, "plain").await;
    let seed = server.seed();
    for change in ["audience", "issuer", "realm's cut-off", "secret", "client disabled", "realm disabled"] {
        let mut follower = Follower::start(&server, "plain", &gate, None).await;
        follower.revoked().await;
        // Another client is none of its business.
        seed.enable_client("plain", "service", false).await;
        assert_eq!(follower.revoked_next().await.0, ["client service"], "{change}");
        let realm = seed.find_realm("plain").await.id;
        let client = server.app.store.client(realm, &gate.id).await.unwrap().unwrap();
        match change {
            "audience" => {
                seed.configure_client("plain", &gate.id, |settings| settings.audiences.push("api".to_owned())).await;
            }
            "issuer" => {
                seed.configure("plain", |settings| settings.issuer = Some("https://other.test".to_owned())).await;
            }
            "realm's cut-off" => {
                let now = server.clock.now();
                server.app.store.set_realm_not_before(realm, now, seed.record()).await.unwrap();
            }
            "secret" => {
                let (owner, (_, another)) = (Owner::Client(client.id), seed.secret());
                server.app.store.add_secret(owner, &another, None, seed.record()).await.unwrap();
            }
            "client disabled" => seed.enable_client("plain", &gate.id, false).await,
            _ => seed.enable_realm("plain", false).await,
        }
        while follower.next().await.is_some() {}
        seed.enable_client("plain", &gate.id, true).await;
    }
}

/// One follower more than there are places is told when to come again, and has the place of one that goes.
#[tokio::test]
async fn a_place_becomes_free_when_a_follower_goes() {
    let server = Server::start().await;
    let gate = resource_server(&server, "plain").await;
    let mut followers = Vec::new();
    let refused = loop {
        assert!(followers.len() <= 256, "there is a bound");
        let (stream, head) = Follower::ask(&server, "plain", &gate, None).await;
        match head.starts_with("http/1.1 200") {
            true => followers.push(stream),
            false => break head,
        }
    };
    assert_eq!(followers.len(), 256);
    assert!(refused.starts_with("http/1.1 503") && refused.contains("retry-after: 5\r\n"), "{refused}");
    // Nothing else suffers from it.
    revoke(&server, &server.client_token("plain", &server.plain).await).await;

    followers.pop();
    let began = Instant::now();
    while Follower::ask(&server, "plain", &gate, None).await.1.starts_with("http/1.1 503") {
        assert!(began.elapsed() < PATIENCE, "the place stays taken");
        tokio::time::sleep(SECOND / 10).await;
    }
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_at_once() {
    let mut server = Server::start().await;
    let gate = resource_server(&server, "plain").await;
    let mut follower = Follower::start(&server, "plain", &gate, None).await;
    follower.revoked().await;
    let began = Instant::now();
    server.stop().await;
    while follower.next().await.is_some() {}
    assert!(began.elapsed() < 5 * SECOND, "{:?}", began.elapsed());
}

/// What one node revokes the followers of another are told, within a second.
#[tokio::test]
async fn a_follower_is_told_what_another_node_revokes() {
    let file = Some(Options::default());
    let shared = postgres().await.map(|database| Options { database: Some(database), ..Options::default() });
    for options in [file, shared].into_iter().flatten() {
        let one = Server::start_with(options).await;
        let other = one.beside().await;
        let gate = resource_server(&one, "plain").await;
        let mut follower = Follower::start(&other, "plain", &gate, None).await;
        follower.revoked().await;
        for _ in 0..3 {
            revoke(&one, &one.client_token("plain", &one.plain).await).await;
            let began = Instant::now();
            assert_eq!(follower.revoked_next().await.0.len(), 1);
            assert!(began.elapsed() < SECOND, "{:?}", began.elapsed());
        }
    }
}
