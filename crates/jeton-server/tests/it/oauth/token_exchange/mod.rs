//! Token exchange (RFC 8693): what a client has for a token that it was shown is never more than that one.

mod ends;
mod shown;

use jeton_core::domain::client::{ClientSettings, TokenFormat};
use jeton_core::domain::grant::GrantType::{ClientCredentials, TokenExchange};
use serde_json::{Value, json};

use super::{REALM, Shop, access, claims, no, refresh_of, shop, shop_on};
use crate::harness::{ADA, Answer, Key, PUBLIC_URL, SECOND, Server};

const ORDERS: &str = "https://orders.example";
const BILLS: &str = "https://bills.example";

/// The shop with APIs that call each other: `orders` and `bills`, and `stock`, which is called by its `client_id`.
struct Apis {
    shop: Shop,
    orders: Key,
    bills: Key,
    stock: Key,
}

async fn apis() -> Apis {
    apis_on(Server::start().await).await
}

async fn apis_on(server: Server) -> Apis {
    let shop = shop_on(server).await;
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    shop.server.configure(REALM, |settings| settings.grants.push(TokenExchange)).await;
    let api = ClientSettings {
        grants: vec![ClientCredentials, TokenExchange],
        scopes: names(&["read", "write", "stock"]),
        audiences: names(&[ORDERS, BILLS]),
        resource_server: true,
        ..ClientSettings::default()
    };
    let bills = ClientSettings { access_token: TokenFormat::Opaque, audiences: names(&[BILLS]), ..api.clone() };
    let stock = ClientSettings { resource_server: false, audiences: names(&["stock", BILLS]), ..api.clone() };
    let seed = shop.server.seed();
    let [orders, bills, stock] = [
        seed.client(REALM, "orders", api).await,
        seed.client(REALM, "bills", bills).await,
        seed.client(REALM, "stock", stock).await,
    ];
    for client in ["web", "opaque"] {
        seed.configure_client(REALM, client, |settings| {
            settings.grants.push(ClientCredentials);
            settings.audiences.push("stock".to_owned());
        })
        .await;
    }
    Apis { shop, orders, bills, stock }
}

impl Apis {
    /// Shows a token of the realm for another.
    async fn exchange(&self, client: &Key, token: &str, more: &[(&str, &str)]) -> Answer {
        self.shop.token(client, &[&shown(token), more].concat()).await
    }

    async fn signed_in(&self, client: &Key) -> String {
        access(&self.shop.sign_in(client, ADA).await)
    }

    async fn own(&self, client: &Key) -> String {
        access(&self.shop.token(client, &[("grant_type", "client_credentials")]).await)
    }

    async fn id(&self, username: &str) -> String {
        self.shop.server.seed().find_principal(REALM, username).await.id.to_string()
    }
}

fn shown(token: &str) -> Vec<(&str, &str)> {
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    vec![("grant_type", TokenExchange.name()), ("subject_token", token), ("subject_token_type", kind)]
}

#[tokio::test]
async fn d9_a_token_is_exchanged_for_the_same_or_less() {
    let apis = apis().await;
    let narrow = [("scope", "read"), ("resource", BILLS), ("resource", "stock")];
    let tokens = [
        ("all", access(&apis.shop.sign_in(&apis.shop.web, ADA).await)),
        ("some", access(&apis.shop.sign_in_for(&apis.shop.web, ADA, &narrow).await)),
    ];
    type Row<'a> = (&'a str, &'a Key, &'a [(&'a str, &'a str)], Result<(&'a str, Value), &'a str>);
    let rows: [Row<'_>; 13] = [
        // `admin` is not the API's, `stock` was not in the token.
        ("all", &apis.orders, &[], Ok(("read write", json!([ORDERS, BILLS])))),
        ("all", &apis.orders, &[("scope", "write"), ("resource", BILLS)], Ok(("write", json!(BILLS)))),
        ("all", &apis.orders, &[("audience", BILLS)], Ok(("read write", json!(BILLS)))),
        ("all", &apis.orders, &[("audience", BILLS), ("resource", ORDERS)], Ok(("read write", json!([ORDERS, BILLS])))),
        ("all", &apis.orders, &[("scope", "admin")], Err("invalid_scope")),
        ("all", &apis.orders, &[("scope", "read stock")], Err("invalid_scope")),
        ("all", &apis.orders, &[("audience", "stock")], Err("invalid_target")),
        ("all", &apis.orders, &[("audience", "https://other.example")], Err("invalid_target")),
        ("some", &apis.stock, &[], Ok(("read", json!(["stock", BILLS])))),
        ("some", &apis.stock, &[("scope", "write")], Err("invalid_scope")),
        ("some", &apis.stock, &[("audience", ORDERS)], Err("invalid_target")),
        ("some", &apis.bills, &[("audience", "")], Ok(("read", json!(BILLS)))),
        ("some", &apis.bills, &[("audience", "stock")], Err("invalid_target")),
    ];
    for (of, client, asked, expected) in rows {
        let token = &tokens.iter().find(|(name, _)| *name == of).unwrap().1;
        let answer = apis.exchange(client, token, asked).await;
        match expected {
            Ok((scope, audience)) => {
                assert_eq!((answer.status, answer.text("/scope").as_str()), (200, scope), "{answer:?}");
                assert_eq!(answer.text("/issued_token_type"), "urn:ietf:params:oauth:token-type:access_token");
                assert_eq!(answer.json().get("refresh_token"), None);
                let seen =
                    apis.shop.server.oauth(REALM, "token/introspect", client, &[("token", &access(&answer))]).await;
                let seen = seen.json();
                assert_eq!((&seen["active"], &seen["aud"]), (&json!(true), &audience), "{asked:?}");
                assert_eq!((&seen["scope"], &seen["client_id"]), (&json!(scope), &json!(client.id)), "{asked:?}");
                assert_eq!(seen["sub"], apis.id(ADA.username).await, "{asked:?}");
            }
            Err(error) => assert_eq!(no(&answer), (400, error.to_owned()), "{of} {} {asked:?}", client.id),
        }
    }
}

/// RFC 8693 §4.1: who acts stands outermost, those before within.
#[tokio::test]
async fn d9_who_acts_is_said_and_who_did_before() {
    let apis = apis().await;
    let (orders, stock, ada) = (apis.id("orders").await, apis.id("stock").await, apis.id(ADA.username).await);
    let first = access(&apis.exchange(&apis.orders, &apis.signed_in(&apis.shop.web).await, &[]).await);
    let again = access(&apis.exchange(&apis.orders, &first, &[("scope", "read")]).await);
    let machine = apis.own(&apis.shop.web).await;
    let of_machine = access(&apis.exchange(&apis.stock, &machine, &[]).await);
    let then = access(&apis.exchange(&apis.bills, &again, &[]).await);
    let bills = apis.id("bills").await;
    let act = |sub: &str| json!({ "sub": sub });
    let rows = [
        (&first, &ada, act(&orders)),
        // Acting once more adds nobody.
        (&again, &ada, act(&orders)),
        (&then, &ada, json!({ "sub": bills, "act": { "sub": orders } })),
        (&of_machine, &apis.id("web").await, act(&stock)),
    ];
    for (token, subject, act) in rows {
        let seen = apis.shop.server.oauth(REALM, "token/introspect", &apis.shop.api, &[("token", token)]).await.json();
        assert_eq!((&seen["sub"], &seen["act"]), (&json!(subject), &act));
        if token.starts_with("ey") {
            assert_eq!((&claims(token)["sub"], &claims(token)["act"]), (&json!(subject), &act));
        }
    }
    let seen = apis.shop.introspect(&of_machine).await;
    // As the service is called; only a client's own is called after the client.
    assert_eq!(seen["username"], "web", "whom it speaks for, and not who acts");
}

#[tokio::test]
async fn d9_off_until_realm_and_client_have_it() {
    let shop = shop().await;
    let token = access(&shop.sign_in(&shop.web, ADA).await);
    let refused = shop.token(&shop.web, &shown(&token)).await;
    assert_eq!(no(&refused), (400, "unsupported_grant_type".to_owned()));
    let told = async || {
        let document = shop.server.get(&format!("/realms/{REALM}/.well-known/openid-configuration")).await.json();
        document["grant_types_supported"].as_array().unwrap().contains(&json!(TokenExchange.name()))
    };
    assert!(!told().await);
    shop.server.configure(REALM, |settings| settings.grants.push(TokenExchange)).await;
    assert!(told().await);
    let refused = shop.token(&shop.web, &shown(&token)).await;
    assert_eq!(no(&refused), (400, "unauthorized_client".to_owned()));
    shop.server.seed().configure_client(REALM, "web", |settings| settings.grants.push(TokenExchange)).await;
    assert_eq!(shop.token(&shop.web, &shown(&token)).await.status, 200);
}

/// An end to every chain, and the realm by its name for a client whose tokens are for nobody else.
#[tokio::test]
async fn d9_a_token_is_not_exchanged_for_ever() {
    let apis = apis().await;
    let mut token = apis.signed_in(&apis.shop.web).await;
    for _ in 0..8 {
        token = access(&apis.exchange(&apis.orders, &token, &[]).await);
    }
    assert_eq!(no(&apis.exchange(&apis.orders, &token, &[]).await), (400, "invalid_request".to_owned()));
    let issuer = format!("{PUBLIC_URL}/realms/{REALM}");
    let refused = apis.exchange(&apis.orders, &apis.signed_in(&apis.shop.web).await, &[("audience", &issuer)]).await;
    assert_eq!(no(&refused), (400, "invalid_target".to_owned()));
    apis.shop.server.seed().configure_client(REALM, "web", |settings| settings.audiences.clear()).await;
    apis.shop.server.seed().configure_client(REALM, "web", |settings| settings.grants.push(TokenExchange)).await;
    let own = apis.own(&apis.shop.web).await;
    assert_eq!(apis.exchange(&apis.shop.web, &own, &[("audience", &issuer)]).await.status, 200);
}

/// A refresh that was answered between is no reason for another token; the new session ends nobody else's.
#[tokio::test]
async fn d9_an_exchange_is_no_sign_in() {
    let apis = apis().await;
    apis.shop.server.configure(REALM, |settings| settings.session_cap = Some(2)).await;
    let begun = [apis.shop.sign_in(&apis.shop.web, ADA).await, apis.shop.sign_in(&apis.shop.web, ADA).await];
    let next = apis.shop.refresh(&apis.shop.web, &refresh_of(&begun[0]), &[]).await;
    // The key may be another by now.
    apis.shop.server.clock.advance(SECOND);
    for token in [&begun[0], &begun[1], &next] {
        assert_eq!(apis.exchange(&apis.orders, &access(token), &[]).await.status, 200);
    }
    for token in [&begun[1], &next] {
        assert!(apis.shop.lives(&access(token)).await);
    }
    let lines = apis.shop.server.app.store.newest_audit(9).await.unwrap();
    let ada = apis.id(ADA.username).await;
    assert!(lines.iter().any(|line| line.detail == "token_exchange" && line.principal_id.unwrap().to_string() == ada));
}
