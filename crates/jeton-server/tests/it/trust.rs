//! Workload identity by HTTP: a foreign issuer that is served here, whose assertions stand for a client's secret.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jeton_core::domain::client::{AuthMethod, ClientSettings};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::realm::Settings;
use jeton_core::domain::trust::{KeySource, Trust};
use jeton_core::time::Timestamp;
use jeton_core::token::jwk::Jwk;
use jeton_core::token::jwt::{assemble, signing_input};
use serde_json::{Value, json};

use crate::harness::{Answer, Key, MINUTE, Options, PUBLIC_URL, SECOND, Server};

const REALM: &str = "builds";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The public key of a foreign issuer.
pub(crate) fn public(seed: u8) -> Jwk {
    Jwk::from_ed25519(pair(seed).public_key().as_ref())
}

/// Claims, signed by a foreign issuer.
pub(crate) fn signed(seed: u8, claims: &Value) -> String {
    let header = json!({ "alg": "EdDSA", "kid": public(seed).kid, "typ": "JWT" });
    let input = signing_input(&header.to_string(), &claims.to_string());
    assemble(&input, pair(seed).sign(input.as_bytes()).as_ref())
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

/// What a foreign issuer has and was asked for.
#[derive(Default)]
struct Issuer {
    name: Mutex<String>,
    keys: Mutex<Vec<Jwk>>,
    asked: AtomicUsize,
    down: AtomicBool,
}

impl Issuer {
    async fn start() -> Arc<Self> {
        let issuer = Arc::new(Self { keys: Mutex::new(vec![public(1)]), ..Self::default() });
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        *issuer.name.lock().unwrap() = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(metadata))
            .route("/keys", get(keys))
            .route("/elsewhere", get(|| async { (StatusCode::FOUND, [("location", "/keys")]) }))
            .with_state(Arc::clone(&issuer));
        tokio::spawn(async { axum::serve(listener, routes).await });
        issuer
    }

    fn name(&self) -> String {
        self.name.lock().unwrap().clone()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

async fn metadata(State(issuer): State<Arc<Issuer>>) -> String {
    let name = issuer.name();
    json!({ "issuer": name, "jwks_uri": format!("{name}/keys") }).to_string()
}

async fn keys(State(issuer): State<Arc<Issuer>>) -> Response {
    issuer.asked.fetch_add(1, Ordering::Relaxed);
    if issuer.down.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let keys = issuer.keys.lock().unwrap().clone();
    ([("cache-control", "public, max-age=3600")], json!({ "keys": keys }).to_string()).into_response()
}

/// A realm with a client `deploy` that has no secret of ours.
struct Builds {
    server: Server,
    issuer: Arc<Issuer>,
    api: Key,
}

async fn builds() -> Builds {
    let server = Server::start_with(Options::default()).await;
    let issuer = Issuer::start().await;
    let seed = server.seed();
    let settings = Settings { grants: vec![GrantType::JwtBearer], ..Settings::default() };
    seed.realm(REALM, settings).await;
    seed.client(REALM, "deploy", settings_of(trust(&issuer, KeySource::Discovery))).await;
    let api = ClientSettings { resource_server: true, ..ClientSettings::default() };
    let api = seed.client(REALM, "api", api).await;
    Builds { server, issuer, api }
}

fn settings_of(trust: Trust) -> ClientSettings {
    ClientSettings {
        grants: vec![GrantType::JwtBearer],
        auth: Some(AuthMethod::None),
        trusts: vec![trust],
        scopes: vec!["deploy".to_owned(), "read".to_owned()],
        ..ClientSettings::default()
    }
}

fn trust(issuer: &Issuer, keys: KeySource) -> Trust {
    let claims = [("repository".to_owned(), "org/repo".to_owned())].into();
    Trust { issuer: issuer.name(), keys, audience: None, claims, max_secs: 3600, reusable: false }
}

impl Builds {
    fn now(&self) -> Timestamp {
        self.server.clock.now()
    }

    fn claims(&self, id: &str) -> Value {
        let now = self.now().as_secs();
        json!({
            "iss": self.issuer.name(), "sub": "repo:org/repo:ref:refs/heads/main", "repository": "org/repo",
            "aud": format!("{PUBLIC_URL}/realms/{REALM}"), "exp": now + 300, "iat": now, "jti": id,
        })
    }

    async fn ask(&self, assertion: &str) -> Answer {
        let fields = [("grant_type", GRANT), ("client_id", "deploy"), ("assertion", assertion), ("scope", "deploy")];
        self.server.post(&format!("/realms/{REALM}/protocol/openid-connect/token")).form(&fields).await
    }

    async fn status(&self, seed: u8, id: &str) -> u16 {
        self.ask(&signed(seed, &self.claims(id))).await.status
    }

    /// Why the last proof was refused.
    async fn why(&self) -> String {
        let lines = self.server.app.store.newest_audit(9).await.unwrap();
        lines.into_iter().find(|line| line.event == "proof.refused").map(|line| line.detail).unwrap_or_default()
    }
}

#[tokio::test]
async fn a_workload_gets_its_clients_token_without_a_secret() {
    let builds = builds().await;
    let answer = builds.ask(&signed(1, &builds.claims("1"))).await;
    assert_eq!((answer.status, answer.text("/scope")), (200, "deploy".to_owned()), "{answer:?}");
    assert!(answer.json().get("refresh_token").is_none());
    let token = answer.text("/access_token");
    let seen = builds.server.oauth(REALM, "token/introspect", &builds.api, &[("token", &token)]).await.json();
    assert_eq!((&seen["active"], &seen["client_id"]), (&json!(true), &json!("deploy")));
    builds.server.seed().enable_principal(REALM, "deploy", false).await;
    let seen = builds.server.oauth(REALM, "token/introspect", &builds.api, &[("token", &token)]).await.json();
    assert_eq!(seen["active"], false);
    assert_eq!(builds.status(1, "2").await, 400, "d8: its service is disabled");
}

/// The same by token exchange, as the libraries of clouds have it: the token is the subject's.
#[tokio::test]
async fn d9_a_workload_exchanges_its_token() {
    let builds = builds().await;
    let (exchange, jwt) = (GrantType::TokenExchange, "urn:ietf:params:oauth:token-type:jwt");
    let issuer = format!("{PUBLIC_URL}/realms/{REALM}");
    let ask = async |seed: u8, id: &str, kind: &str| {
        let token = signed(seed, &builds.claims(id));
        let fields = [
            ("grant_type", exchange.name()),
            ("client_id", "deploy"),
            ("subject_token", &token),
            ("subject_token_type", kind),
            ("audience", &issuer),
        ];
        builds.server.post(&format!("/realms/{REALM}/protocol/openid-connect/token")).form(&fields).await
    };
    assert_eq!(ask(1, "1", jwt).await.text("/error"), "unsupported_grant_type");
    builds.server.configure(REALM, |settings| settings.grants.push(exchange)).await;
    assert_eq!(ask(1, "1", jwt).await.text("/error"), "unauthorized_client");
    builds.server.seed().configure_client(REALM, "deploy", |settings| settings.grants.push(exchange)).await;
    let rows = [
        (1, "1", jwt, ""),
        (1, "2", "urn:ietf:params:oauth:token-type:id_token", ""),
        (1, "2", jwt, "invalid_request"),
        (2, "3", jwt, "invalid_request"),
        // It is none of the realm's.
        (1, "4", "urn:ietf:params:oauth:token-type:access_token", "unauthorized_client"),
    ];
    for (seed, id, kind, error) in rows {
        let answer = ask(seed, id, kind).await;
        assert_eq!(answer.json()["error"].as_str().unwrap_or_default(), error, "{id} {kind}: {answer:?}");
        if error.is_empty() {
            let token = answer.text("/access_token");
            let seen = builds.server.oauth(REALM, "token/introspect", &builds.api, &[("token", &token)]).await.json();
            assert_eq!(
                (&seen["active"], &seen["client_id"], &seen["act"]),
                (&json!(true), &json!("deploy"), &Value::Null)
            );
        }
    }
    assert!(builds.why().await.contains("is none of the issuer"), "{}", builds.why().await);
}

#[tokio::test]
async fn d8_c8_who_is_refused_learns_nothing_and_the_operator_everything() {
    let builds = builds().await;
    let row = |name: &str, value: Value| {
        let mut claims = builds.claims(name);
        claims[name] = value;
        signed(1, &claims)
    };
    let now = builds.now().as_secs();
    let rows = [
        (row("repository", json!("evil/repo")), "its claim `repository` is `evil/repo`, not `org/repo`"),
        (row("aud", json!(format!("{PUBLIC_URL}/realms/plain"))), "its audience is"),
        (row("iss", json!("https://evil.example")), "its issuer `https://evil.example` is none"),
        (row("exp", json!(now)), "it expired at"),
        (signed(2, &builds.claims("k")), "is none of the issuer's"),
        ("garbage".to_owned(), "it is no signed JWT"),
    ];
    for (assertion, why) in rows {
        let answer = builds.ask(&assertion).await;
        let told = (answer.status, answer.text("/error"), answer.text("/error_description"));
        assert_eq!(told, (400, "invalid_grant".to_owned(), "Invalid token".to_owned()), "{why}");
        assert!(builds.why().await.contains(why), "{why}: {}", builds.why().await);
    }
    assert_eq!(builds.status(1, "good").await, 200);
}

#[tokio::test]
async fn c6_an_assertion_with_an_id_is_good_once_on_whatever_node() {
    let builds = builds().await;
    let assertion = signed(1, &builds.claims("once"));
    assert_eq!(builds.ask(&assertion).await.status, 200);
    assert_eq!(builds.ask(&assertion).await.status, 400);
    assert!(builds.why().await.contains("used before"));
    let other = Builds { server: builds.server.beside().await, issuer: Arc::clone(&builds.issuer), api: builds.api };
    assert_eq!(other.ask(&assertion).await.status, 400);
    // Where a platform hands out one assertion for an hour, the operator says so.
    let reusable = Trust { reusable: true, ..trust(&other.issuer, KeySource::Discovery) };
    let settings = settings_of(reusable);
    other.server.seed().configure_client(REALM, "deploy", |known| *known = settings).await;
    for _ in 0..2 {
        assert_eq!(other.ask(&assertion).await.status, 200);
    }
}

#[tokio::test]
async fn keys_are_asked_for_seldom_and_outlive_their_issuers_outage() {
    let builds = builds().await;
    for id in ["1", "2", "3"] {
        assert_eq!(builds.status(1, id).await, 200);
    }
    assert_eq!(builds.issuer.asked(), 1, "kept");
    // A new key: nobody is asked twice in a minute on account of a key that is not there.
    *builds.issuer.keys.lock().unwrap() = vec![public(1), public(2)];
    assert_eq!((builds.status(2, "4").await, builds.issuer.asked()), (400, 1));
    builds.server.clock.advance(MINUTE);
    assert_eq!((builds.status(2, "5").await, builds.issuer.asked()), (200, 2));
    // A key that was taken back counts until its time is over, and the whole set in an outage for a day more.
    builds.server.clock.advance(MINUTE * 61);
    builds.issuer.down.store(true, Ordering::Relaxed);
    assert_eq!((builds.status(1, "6").await, builds.issuer.asked()), (200, 3));
    assert_eq!((builds.status(1, "7").await, builds.issuer.asked()), (200, 3), "left alone for a moment");
    builds.server.clock.advance(MINUTE * 60 * 24);
    assert_eq!(builds.status(1, "8").await, 400);
    assert!(builds.why().await.contains("answers 503"), "{}", builds.why().await);
    builds.issuer.down.store(false, Ordering::Relaxed);
    builds.server.clock.advance(SECOND * 5);
    assert_eq!(builds.status(1, "9").await, 200);
}

#[tokio::test]
async fn i3_keys_come_from_where_the_operator_says_alone() {
    let builds = builds().await;
    let name = builds.issuer.name();
    let rows = [
        (KeySource::Uri(format!("{name}/keys")), 200, ""),
        (KeySource::Inline(vec![public(1)]), 200, ""),
        (KeySource::Inline(vec![public(2)]), 400, "is none of the issuer's"),
        (KeySource::Uri(format!("{name}/elsewhere")), 400, "answers 302"),
        (KeySource::Uri("http://192.0.2.1/keys".to_owned()), 400, "is not HTTPS"),
        (KeySource::Uri("file:///etc/passwd".to_owned()), 400, "is no URL"),
    ];
    for (at, (keys, status, why)) in rows.into_iter().enumerate() {
        let settings = settings_of(trust(&builds.issuer, keys));
        builds.server.seed().configure_client(REALM, "deploy", |known| *known = settings).await;
        assert_eq!(builds.status(1, &format!("row {at}")).await, status, "row {at}");
        assert!(builds.why().await.contains(why), "{why}: {}", builds.why().await);
    }
}
