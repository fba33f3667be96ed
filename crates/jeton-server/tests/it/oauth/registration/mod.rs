//! Clients that register themselves (RFC 7591) and manage that (RFC 7592).

mod initial_access_token;
mod management;
mod metadata;

use jeton_core::domain::grant::GrantType::{ClientCredentials, DeviceCode};
use jeton_core::domain::policy::Alg;
use jeton_core::domain::registration::{InitialAccessToken, RegistrationBounds, RegistrationMode};
use jeton_core::rules::registration::digest_initial;
use jeton_core::token::opaque;
use jeton_server::random::SystemRng;
use serde_json::{Value, json};

use super::{REALM, Shop, no, shop_on};
use crate::harness::{Answer, Call, DAY, Key, Machine, PUBLIC_URL, SECOND, Server};

const ENDPOINT: &str = "/realms/shop/clients-registrations/openid-connect";

/// The shop, where clients can register, and a token for it.
struct Desk {
    shop: Shop,
    token: String,
}

async fn desk() -> Desk {
    desk_for(9).await
}

/// The same with a token for so many clients.
async fn desk_for(uses: i64) -> Desk {
    desk_on(Server::start().await, uses).await
}

async fn desk_on(server: Server, uses: i64) -> Desk {
    let shop = shop_on(server).await;
    shop.server
        .configure(REALM, |settings| {
            settings.registration = RegistrationMode::Token;
            settings.grants.push(DeviceCode);
        })
        .await;
    let bounds = RegistrationBounds {
        grants: vec![ClientCredentials],
        scopes: vec!["read".to_owned(), "write".to_owned()],
        audiences: vec!["https://orders.example".to_owned()],
    };
    let token = initial(&shop, bounds, uses).await;
    Desk { shop, token }
}

/// A new initial access token, good for a day.
async fn initial(shop: &Shop, bounds: RegistrationBounds, uses_left: i64) -> String {
    let (app, now) = (&shop.server.app, shop.server.clock.now());
    let token = opaque::new_initial_access_token(&mut SystemRng::new());
    let new = InitialAccessToken {
        id: jeton_core::domain::id::Id::new(now, &mut SystemRng::new()),
        realm_id: shop.server.seed().find_realm(REALM).await.id,
        digest: digest_initial(&app.pepper, token.expose()),
        bounds,
        uses_left,
        created_at: now,
        expires_at: now + DAY,
    };
    app.store.add_initial_access_token(&new, shop.server.seed().record()).await.unwrap();
    token.expose().clone()
}

impl Desk {
    fn ask(&self, metadata: &Value) -> Call {
        self.shop.server.post(ENDPOINT).bearer(&self.token).json(metadata.to_string())
    }

    async fn register(&self, metadata: &Value) -> Answer {
        let answer = self.ask(metadata).await;
        assert_eq!(answer.status, 201, "{metadata}: {answer:?}");
        answer
    }

    /// A request about a registered client, with its registration access token.
    fn about(&self, method: &str, registered: &Answer) -> Call {
        let uri = registered.text("/registration_client_uri");
        let path = uri.strip_prefix(PUBLIC_URL).unwrap();
        self.shop.server.call(method, path).bearer(&registered.text("/registration_access_token"))
    }

    async fn update(&self, registered: &Answer, metadata: &Value) -> Answer {
        let mut metadata = metadata.clone();
        metadata["client_id"] = registered.json()["client_id"].clone();
        self.about("PUT", registered).json(metadata.to_string()).await
    }

    async fn token(&self, registered: &Answer, more: &[(&str, &str)]) -> Answer {
        let fields = [&[("grant_type", "client_credentials")], more].concat();
        self.shop.token(&key(registered), &fields).await
    }

    async fn events(&self) -> Vec<String> {
        let lines = self.shop.server.app.store.newest_audit(99).await.unwrap();
        lines.into_iter().map(|line| line.event).filter(|event| event.starts_with("client.")).collect()
    }
}

fn key(registered: &Answer) -> Key {
    let secret = registered.json()["client_secret"].as_str().unwrap_or_default().to_owned();
    Key { id: registered.text("/client_id"), secret }
}

fn post() -> Value {
    json!({ "token_endpoint_auth_method": "client_secret_post" })
}

#[tokio::test]
async fn a_client_registers_reads_updates_and_removes_itself() {
    let desk = desk().await;
    let asked = json!({
        "client_name": "Büro", "token_endpoint_auth_method": "client_secret_post", "scope": "read",
        "grant_types": ["client_credentials"], "redirect_uris": [], "response_types": [], "contacts": ["a@b.example"],
    });
    let made = desk.register(&asked).await;
    assert_eq!(made.header("cache-control"), Some("no-store"));
    assert_eq!(made.header("content-type"), Some("application/json"));
    let (client_id, token) = (made.text("/client_id"), made.text("/registration_access_token"));
    let uri = format!("{PUBLIC_URL}{ENDPOINT}/{client_id}");
    let secret = made.text("/client_secret");
    let issued = desk.shop.server.clock.now().as_secs();
    let mut expected = json!({
        "client_id": client_id, "client_secret": secret, "client_id_issued_at": issued, "client_secret_expires_at": 0,
        "registration_access_token": token, "registration_client_uri": uri, "client_name": "Büro",
        "redirect_uris": [], "response_types": [], "grant_types": ["client_credentials"],
        "token_endpoint_auth_method": "client_secret_post", "scope": "read",
        "audience": ["https://orders.example"], "dpop_bound_access_tokens": false,
        "tls_client_certificate_bound_access_tokens": false,
    });
    assert_eq!(made.json(), expected);
    let granted = desk.token(&made, &[]).await;
    assert_eq!((granted.status, granted.json()["scope"].as_str()), (200, Some("read")), "{granted:?}");
    let seen = desk.shop.introspect(&granted.text("/access_token")).await;
    assert_eq!((&seen["client_id"], &seen["aud"]), (&json!(client_id), &json!("https://orders.example")));

    // A secret is shown once, and never again.
    expected.as_object_mut().unwrap().remove("client_secret");
    let shown = desk.about("GET", &made).await;
    assert_eq!((shown.status, shown.json()), (200, expected.clone()));
    assert_eq!(shown.header("cache-control"), Some("no-store"));

    desk.shop.server.clock.advance(SECOND * 2);
    // What it does not name again is as in a new client (RFC 7592 §2.2).
    let updated = desk.update(&made, &post()).await;
    expected.as_object_mut().unwrap().remove("client_name");
    expected["scope"] = json!("read write");
    assert_eq!((updated.status, updated.json()), (200, expected));
    assert_eq!(desk.token(&made, &[]).await.json()["scope"], "read write");
    // Fewer scopes are fewer in tokens that were issued before, too.
    let narrow = json!({ "token_endpoint_auth_method": "client_secret_post", "scope": "write" });
    assert_eq!(desk.update(&made, &narrow).await.json()["scope"], "write");
    assert_eq!(desk.shop.introspect(&granted.text("/access_token")).await["scope"], "");

    let token = desk.token(&made, &[]).await.text("/access_token");
    assert!(desk.shop.lives(&token).await);
    let gone = desk.about("DELETE", &made).await;
    assert_eq!((gone.status, gone.body.as_str(), gone.header("content-type")), (204, "", None));
    assert_eq!(no(&desk.token(&made, &[]).await), (401, "invalid_client".to_owned()));
    assert!(!desk.shop.lives(&token).await);
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(no(&desk.about(method, &made).json(post().to_string()).await), (401, "invalid_token".to_owned()));
    }
    let expected =
        ["client.deregistered", "client.updated", "client.updated", "client.registered"].map(str::to_owned).to_vec();
    assert_eq!(desk.events().await, expected);
    let trail = desk.shop.server.app.store.newest_audit(99).await.unwrap();
    let line = trail.iter().find(|line| line.event == "client.registered").unwrap();
    assert!(line.detail.starts_with(&client_id) && line.source == "127.0.0.1", "{line:?}");
}

#[tokio::test]
async fn keycloaks_older_address_works_too() {
    let desk = desk().await;
    let answer = desk.shop.server.post(&format!("/auth{ENDPOINT}")).bearer(&desk.token).json(post().to_string()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(desk.shop.server.get(ENDPOINT).await.status, 405);
}

/// A client that signs: registered with its keys alone, it gets tokens at once.
#[tokio::test]
async fn a_client_registers_with_its_own_key() {
    let desk = desk().await;
    let machine = Machine::new(Alg::EdDSA);
    let asked = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": { "keys": [machine.jwk] } });
    let made = desk.register(&asked).await;
    assert_eq!(made.json().get("client_secret"), None);
    assert_eq!(made.json()["jwks"]["keys"][0]["kid"], machine.jwk.kid);
    assert_eq!(made.json()["token_endpoint_auth_signing_alg"], "EdDSA");
    let (id, now) = (made.text("/client_id"), desk.shop.server.clock.now().as_secs());
    let aud = format!("{PUBLIC_URL}/realms/{REALM}");
    let signed = machine.assert(&json!({ "iss": id, "sub": id, "aud": aud, "exp": now + 60, "jti": "1" }));
    let fields = [
        ("grant_type", "client_credentials"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", signed.as_str()),
    ];
    let granted = desk.shop.server.post("/realms/shop/protocol/openid-connect/token").form(&fields).await;
    assert_eq!(granted.status, 200, "{granted:?}");
    let named = desk.update(&made, &asked).await;
    assert_eq!(named.status, 200);
    // What it reads, it may write.
    let mut read = desk.about("GET", &made).await.json();
    read.as_object_mut().unwrap().remove("registration_access_token");
    assert_eq!(desk.about("PUT", &made).json(read.to_string()).await.json()["jwks"], named.json()["jwks"]);
}
