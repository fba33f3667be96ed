//! A gate that judges tokens itself: it needs nobody for a yes, and forgets a revoked token in time however its
//! connections fare.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jeton_core::dialect::Values;
use jeton_core::domain::client::ClientSettings;
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::policy::Alg;
use jeton_core::domain::realm::{Profile, Settings};
use jeton_core::domain::refusal::Reason;
use jeton_core::secret::Secret;
use jeton_gate::{CheckToken, Introspection, IntrospectionConfig, Offline};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::feed::resource_server;
use crate::harness::{Key, MINUTE, Options, Person, SECOND, Server, postgres};
use crate::oauth::claims;

/// The bound that is promised.
const BOUND: Duration = Duration::from_secs(2);

/// What lies between a gate and its realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Everything goes through.
    Open,
    /// Connections are cut, and none is made.
    Cut,
    /// Connections stay, and nothing goes through any more.
    Stalled,
}

/// A way that a test can close.
struct Between {
    address: SocketAddr,
    way: Arc<watch::Sender<Way>>,
}

impl Between {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let way = Arc::new(watch::Sender::new(Way::Open));
        let ways = Arc::clone(&way);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut now = ways.subscribe();
                tokio::spawn(async move {
                    if *now.borrow() == Way::Cut {
                        return;
                    }
                    let mut far = TcpStream::connect(server).await.unwrap();
                    let changed = now.wait_for(|way| *way != Way::Open);
                    let closed = tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => return,
                        closed = changed => *closed.unwrap(),
                    };
                    if closed == Way::Stalled {
                        let _ = now.wait_for(|way| *way == Way::Cut).await;
                    }
                });
            }
        });
        Self { address, way }
    }

    fn set(&self, way: Way) {
        self.way.send_replace(way);
    }
}

/// A gate of the realm `plain`, which follows by one way and asks by another.
struct Gate {
    check: Offline,
    feed: Between,
    asking: Between,
}

impl Gate {
    async fn start(server: &Server, key: &Key) -> Self {
        let (feed, asking) = (Between::to(server.address()).await, Between::to(server.address()).await);
        let introspection = Introspection::new(IntrospectionConfig {
            realm: "plain".to_owned(),
            endpoint: format!("http://{}/realms/plain/protocol/openid-connect/token/introspect", asking.address),
            client_id: key.id.clone(),
            client_secret: Secret::from(key.secret.as_str()),
            ca_file: None,
        });
        let check = Offline::start(introspection.unwrap(), &format!("http://{}/realms/plain", feed.address)).unwrap();
        let gate = Self { check, feed, asking };
        gate.asking.set(Way::Cut);
        gate
    }

    async fn ask(&self, token: &str) -> Result<(), Reason> {
        let checked = self.check.check(&Secret::from(token), &Values::new()).await;
        checked.map(|_| ()).map_err(|refusal| refusal.reason)
    }

    /// How long it takes until this is said of a token.
    async fn until(&self, token: &str, expected: Result<(), Reason>) -> Duration {
        let began = Instant::now();
        loop {
            let found = self.ask(token).await;
            if found == expected {
                return began.elapsed();
            }
            assert!(began.elapsed() < 20 * SECOND, "still {found:?}, not {expected:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

const UNKNOWN: Result<(), Reason> = Err(Reason::Unavailable);
const REVOKED: Result<(), Reason> = Err(Reason::Revoked);

async fn revoke(server: &Server, token: &str) {
    let answer = server.oauth("plain", "revoke", &server.plain, &[("token", token)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
}

#[tokio::test]
async fn l8_a_revoked_token_is_refused_within_two_seconds() {
    let server = Server::start().await;
    let gate = Gate::start(&server, &resource_server(&server, "plain").await).await;
    for _ in 0..3 {
        let token = server.client_token("plain", &server.plain).await;
        // Nobody can be asked: this yes is the gate's own.
        gate.until(&token, Ok(())).await;
        revoke(&server, &token).await;
        let took = gate.until(&token, UNKNOWN).await;
        assert!(took < BOUND, "{took:?}");
    }
    let token = server.client_token("plain", &server.plain).await;
    gate.until(&token, Ok(())).await;
    gate.asking.set(Way::Open);
    revoke(&server, &token).await;
    let took = gate.until(&token, REVOKED).await;
    assert!(took < BOUND, "in the realm's own words: {took:?}");
}

/// The connection is cut before a revocation and comes back after it.
#[tokio::test]
async fn l8_a_revocation_while_the_feed_is_cut_is_not_missed() {
    let server = Server::start().await;
    let gate = Gate::start(&server, &resource_server(&server, "plain").await).await;
    let revoked = server.client_token("plain", &server.plain).await;
    server.clock.advance(SECOND);
    let good = server.client_token("plain", &server.plain).await;
    for token in [&revoked, &good] {
        gate.until(token, Ok(())).await;
    }
    gate.feed.set(Way::Cut);
    revoke(&server, &revoked).await;
    // The realm is asked about both again, and no answer is a no.
    for token in [&revoked, &good] {
        let took = gate.until(token, UNKNOWN).await;
        assert!(took < BOUND, "{took:?}");
    }
    gate.asking.set(Way::Open);
    assert_eq!(gate.ask(&revoked).await, REVOKED);
    gate.until(&good, Ok(())).await;

    gate.asking.set(Way::Cut);
    gate.until(&good, UNKNOWN).await;
    gate.feed.set(Way::Open);
    gate.until(&good, Ok(())).await;
    assert_eq!(gate.ask(&revoked).await, UNKNOWN, "what came while nobody listened was told then");
    gate.asking.set(Way::Open);
    assert_eq!(gate.ask(&revoked).await, REVOKED);
}

/// The connection seems to live, but nothing comes any more: what was cut without a word.
#[tokio::test]
async fn l8_a_feed_that_says_nothing_is_given_up_in_two_seconds() {
    let server = Server::start().await;
    let gate = Gate::start(&server, &resource_server(&server, "plain").await).await;
    let token = server.client_token("plain", &server.plain).await;
    gate.until(&token, Ok(())).await;
    gate.feed.set(Way::Stalled);
    revoke(&server, &token).await;
    let took = gate.until(&token, UNKNOWN).await;
    assert!(took < BOUND + SECOND / 4, "{took:?}");
    for _ in 0..5 {
        assert_eq!(gate.ask(&token).await, UNKNOWN);
    }
}

#[tokio::test]
async fn l8_every_way_to_end_tokens_reaches_the_gate() {
    for (row, reason) in [
        ("client's cut-off", Reason::Revoked),
        ("service's cut-off", Reason::Revoked),
        ("signed out", Reason::Revoked),
        ("realm's cut-off", Reason::Revoked),
        ("all sessions", Reason::Revoked),
        ("restored", Reason::UnknownKey),
        ("client disabled", Reason::Disabled),
        ("service disabled", Reason::Disabled),
        ("realm disabled", Reason::Unavailable),
        ("client removed", Reason::InvalidToken),
        ("service removed", Reason::InvalidToken),
    ] {
        let server = Server::start().await;
        let gate = Gate::start(&server, &resource_server(&server, "plain").await).await;
        let (seed, store) = (server.seed(), &server.app.store);
        let realm = seed.find_realm("plain").await.id;
        let client = store.client(realm, &server.plain.id).await.unwrap().unwrap();
        let (id, service) = (client.id, client.service.id);
        let token = server.client_token("plain", &server.plain).await;
        gate.until(&token, Ok(())).await;
        gate.asking.set(Way::Open);
        server.clock.advance(SECOND);
        let (now, record) = (server.clock.now(), seed.record());
        match row {
            "client's cut-off" => store.set_client_not_before(id, now, record).await.unwrap(),
            "service's cut-off" => store.set_principal_not_before(service, now, record).await.unwrap(),
            "signed out" => store.end_principal_sessions(service, now, record).await.unwrap(),
            "realm's cut-off" => store.set_realm_not_before(realm, now, record).await.unwrap(),
            "all sessions" => store.end_realm_sessions(realm, now, record).await.unwrap(),
            "restored" => store.mark_restored(now, record).await.unwrap(),
            "client disabled" => store.set_client_enabled(id, false, record).await.unwrap(),
            "service disabled" => store.set_principal_enabled(service, false, record).await.unwrap(),
            "realm disabled" => store.set_realm_enabled(realm, false, record).await.unwrap(),
            "client removed" => store.remove_client(id, record).await.unwrap(),
            _ => store.remove_principal(service, record).await.unwrap(),
        }
        let took = gate.until(&token, Err(reason)).await;
        assert!(took < BOUND, "{row}: {took:?}");
        // What may come back is asked about, and good again.
        seed.enable_realm("plain", true).await;
        if reason == Reason::Disabled || row == "realm disabled" {
            store.set_client_enabled(id, true, seed.record()).await.unwrap();
            store.set_principal_enabled(service, true, seed.record()).await.unwrap();
            gate.until(&token, Ok(())).await;
        }
    }
}

/// A token of a session: ended with it, whoever ends it. Those of another session of the same person go on.
#[tokio::test]
async fn g9_a_sessions_access_token_is_forgotten_with_the_session() {
    let server = Server::start().await;
    let settings = ClientSettings {
        grants: vec![GrantType::Password, GrantType::RefreshToken],
        scopes: vec!["profile".to_owned()],
        ..ClientSettings::default()
    };
    let app = server.seed().client("plain", "app", settings).await;
    let grants = vec![GrantType::ClientCredentials, GrantType::RefreshToken, GrantType::Password];
    server.configure("plain", |settings| settings.grants = grants).await;
    let ann = Person { username: "ann", password: "correct horse 1" };
    server.seed().person("plain", ann, 7, &[], &[]).await;
    let gate = Gate::start(&server, &resource_server(&server, "plain").await).await;
    let sign_in = || async {
        let more = [("grant_type", "password"), ("username", ann.username), ("password", ann.password)];
        let answer = server.oauth("plain", "token", &app, &more).await;
        (answer.text("/access_token"), answer.text("/refresh_token"))
    };
    let (stays, _) = sign_in().await;
    gate.until(&stays, Ok(())).await;
    for way in ["its refresh token", "its access token", "the operator"] {
        let (access, refresh) = sign_in().await;
        gate.until(&access, Ok(())).await;
        match way {
            "its refresh token" => {
                assert_eq!(server.oauth("plain", "revoke", &app, &[("token", &refresh)]).await.status, 200);
            }
            "its access token" => {
                assert_eq!(server.oauth("plain", "revoke", &app, &[("token", &access)]).await.status, 200);
            }
            _ => {
                let session = claims(&access)["sid"].as_str().unwrap().parse().unwrap();
                server.app.store.end_session(session, server.clock.now(), server.seed().record()).await.unwrap();
            }
        }
        let took = gate.until(&access, UNKNOWN).await;
        assert!(took < BOUND, "{way}: {took:?}");
        assert_eq!(gate.ask(&stays).await, Ok(()), "{way}");
    }
    // A new password ends all of them.
    server.clock.advance(SECOND);
    server.seed().set_password("plain", ann.username, None, "correct horse 2").await;
    let took = gate.until(&stays, UNKNOWN).await;
    assert!(took < BOUND, "{took:?}");
    gate.asking.set(Way::Open);
    assert_eq!(gate.ask(&stays).await, REVOKED);
}

/// What the gate does not judge itself: the realm says yes and no as if there was no feed.
#[tokio::test]
async fn about_other_tokens_the_realm_is_asked() {
    let server = Server::start().await;
    server.seed().realm("keycloak", Settings { profile: Profile::Keycloak, ..Settings::default() }).await;
    let service = ClientSettings { grants: vec![GrantType::ClientCredentials], ..ClientSettings::default() };
    let elsewhere = server.seed().client("keycloak", "app", service.clone()).await;
    let gate = Gate::start(&server, &resource_server(&server, "plain").await).await;
    let good = server.client_token("plain", &server.plain).await;
    gate.until(&good, Ok(())).await;
    let (front, _) = good.rsplit_once('.').unwrap();
    let rows = [
        ("opaque", "nonsense".to_owned(), Reason::Unreadable),
        ("altered", format!("{front}.{}", "A".repeat(86)), Reason::Unreadable),
        ("another realm's", server.client_token("api-keys", &server.ion).await, Reason::UnknownKey),
        ("Keycloak's", server.client_token("keycloak", &elsewhere).await, Reason::UnknownKey),
    ];
    for (row, token, reason) in &rows {
        assert_eq!(gate.ask(token).await, UNKNOWN, "{row}");
        gate.asking.set(Way::Open);
        gate.until(token, Err(*reason)).await;
        gate.asking.set(Way::Cut);
    }
    // The realm's own token in a form that others than access tokens have too.
    server.configure("plain", |settings| settings.profile = Profile::Keycloak).await;
    let plain = server.client_token("plain", &server.plain).await;
    gate.until(&good, Ok(())).await;
    assert_eq!(gate.ask(&plain).await, UNKNOWN);
    gate.asking.set(Way::Open);
    gate.until(&plain, Ok(())).await;
    gate.asking.set(Way::Cut);
    // Its time is the realm's.
    server.clock.advance(5 * MINUTE);
    gate.until(&good, UNKNOWN).await;
    gate.asking.set(Way::Open);
    gate.until(&good, Err(Reason::Expired)).await;
}

/// A gate that is meant for some audiences takes tokens for those alone.
#[tokio::test]
async fn g3_a_token_for_another_audience_is_not_taken() {
    let server = Server::start().await;
    let key = resource_server(&server, "plain").await;
    server.seed().configure_client("plain", &key.id, |settings| settings.audiences = vec!["orders".to_owned()]).await;
    let gate = Gate::start(&server, &key).await;
    let mut tokens = Vec::new();
    for audience in ["orders", key.id.as_str(), "bills"] {
        let settings = ClientSettings {
            grants: vec![GrantType::ClientCredentials],
            audiences: vec![audience.to_owned()],
            ..ClientSettings::default()
        };
        let client = server.seed().client("plain", &format!("for-{audience}"), settings).await;
        tokens.push(server.client_token("plain", &client).await);
    }
    gate.until(&tokens[0], Ok(())).await;
    assert_eq!(gate.ask(&tokens[1]).await, Ok(()));
    assert_eq!(gate.ask(&tokens[2]).await, UNKNOWN);
    gate.asking.set(Way::Open);
    gate.until(&tokens[2], REVOKED).await;
}

/// A key that comes later is found, and one that was removed counts no more.
#[tokio::test]
async fn keys_come_and_go() {
    let server = Server::start().await;
    let gate = Gate::start(&server, &resource_server(&server, "plain").await).await;
    let old = server.client_token("plain", &server.plain).await;
    gate.until(&old, Ok(())).await;
    server.configure("plain", |settings| settings.alg = Alg::EdDSA).await;
    let new = server.client_token("plain", &server.plain).await;
    gate.until(&new, Ok(())).await;
    gate.asking.set(Way::Open);
    let (store, realm) = (&server.app.store, server.seed().find_realm("plain").await.id);
    let key = store.keys(realm).await.unwrap().into_iter().find(|key| key.alg == Alg::ES256).unwrap();
    let gone = [jeton_core::rules::rotate_keys::KeyChange::Remove { kid: key.kid.clone() }];
    store.change_keys(realm, &gone, &[], vec![server.seed().record()]).await.unwrap();
    let took = gate.until(&old, Err(Reason::UnknownKey)).await;
    assert!(took < BOUND, "{took:?}");
    gate.asking.set(Way::Cut);
    gate.until(&new, Ok(())).await;
}

/// Revoked on one node, forgotten by a gate that follows another.
#[tokio::test]
async fn l8_a_gate_on_another_node_forgets_in_time() {
    let file = Some(Options::default());
    let shared = postgres().await.map(|database| Options { database: Some(database), ..Options::default() });
    for options in [file, shared].into_iter().flatten() {
        let one = Server::start_with(options).await;
        let other = one.beside().await;
        let gate = Gate::start(&other, &resource_server(&one, "plain").await).await;
        let token = one.client_token("plain", &one.plain).await;
        gate.until(&token, Ok(())).await;
        revoke(&one, &token).await;
        let took = gate.until(&token, UNKNOWN).await;
        assert!(took < BOUND, "{took:?}");
    }
}
