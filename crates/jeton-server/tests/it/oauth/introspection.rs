//! Introspection of what OAuth's sessions have, and answers that are JWTs (RFC 9701).

use jeton_core::domain::grant::GrantType;
use jeton_core::token::jwt;
use serde_json::{Value, json};

use super::{REALM, Shop, access, claims, refresh_of, shop};
use crate::harness::{ADA, Answer, Call, DAY, Key, PUBLIC_URL, SECOND};

const INACTIVE: &str = r#"{"active":false}"#;
const JWT: &str = "application/token-introspection+jwt";

fn ask(shop: &Shop, caller: &Key, token: &str) -> Call {
    shop.server.oauth(REALM, "token/introspect", caller, &[("token", token)])
}

#[tokio::test]
async fn g3_a_refresh_token_is_seen_by_its_own_client_alone() {
    let shop = shop().await;
    for (client, other) in [(&shop.web, &shop.keep), (&shop.keep, &shop.opaque), (&shop.opaque, &shop.web)] {
        let token = refresh_of(&shop.sign_in(client, ADA).await);
        let seen = ask(&shop, client, &token).await.json();
        for (name, value) in [
            ("active", json!(true)),
            ("typ", json!("Refresh")),
            ("token_type", json!("Refresh")),
            ("client_id", json!(client.id)),
            ("scope", json!("read write admin")),
            ("username", json!(ADA.username)),
            ("iss", json!(format!("{PUBLIC_URL}/realms/{REALM}"))),
        ] {
            assert_eq!(seen[name], value, "{} {name}", client.id);
        }
        assert_eq!(ask(&shop, other, &token).await.body, INACTIVE, "{}", client.id);
        assert_eq!(ask(&shop, &shop.api, &token).await.json()["active"], false, "{}", client.id);
        // What can be exchanged opens no API.
        assert_eq!(shop.server.get("/realms/shop/forward-auth").bearer(&token).await.status, 403);
    }
    // Who proves nothing learns nothing, not even of what is his.
    let token = refresh_of(&shop.sign_in(&shop.app, ADA).await);
    assert_eq!(ask(&shop, &shop.app, &token).await.status, 401);
}

#[tokio::test]
async fn g4_a_refresh_token_is_inactive_for_every_reason_that_it_is_refused_for() {
    type Cause = (&'static str, for<'a> fn(&'a Shop, &'a str) -> std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>);
    let causes: [Cause; 8] = [
        ("unused for too long", |shop, _| Box::pin(async { shop.server.clock.advance(DAY) })),
        ("used", |shop, token| Box::pin(async { drop(shop.refresh(&shop.web, token, &[]).await) })),
        ("revoked", |shop, token| {
            Box::pin(async { drop(shop.server.oauth(REALM, "revoke", &shop.web, &[("token", token)]).await) })
        }),
        ("person disabled", |shop, _| {
            Box::pin(async { shop.server.seed().enable_principal(REALM, ADA.username, false).await })
        }),
        ("password changed", |shop, _| {
            Box::pin(async { shop.server.seed().set_password(REALM, ADA.username, None, "another password").await })
        }),
        ("sessions ended", |shop, _| {
            Box::pin(async {
                let realm = shop.server.seed().find_realm(REALM).await.id;
                let (now, record) = (shop.server.clock.now(), shop.server.seed().record());
                shop.server.app.store.end_realm_sessions(realm, now, record).await.unwrap();
            })
        }),
        ("grant taken from the client", |shop, _| {
            let without = |grants: &mut Vec<GrantType>| grants.retain(|grant| *grant != GrantType::RefreshToken);
            Box::pin(async move {
                shop.server.seed().configure_client(REALM, "web", |settings| without(&mut settings.grants)).await;
            })
        }),
        ("grant taken from the realm", |shop, _| {
            Box::pin(async { shop.server.configure(REALM, |settings| settings.grants.clear()).await })
        }),
    ];
    for (cause, bring_about) in causes {
        let shop = shop().await;
        let token = refresh_of(&shop.sign_in(&shop.web, ADA).await);
        assert_eq!(ask(&shop, &shop.web, &token).await.json()["active"], true, "{cause}");
        shop.server.clock.advance(SECOND);
        bring_about(&shop, &token).await;
        assert_eq!(ask(&shop, &shop.web, &token).await.body, INACTIVE, "{cause}");
    }
}

/// Verifies an answer with the realm's published keys. Returns header and claims.
async fn verified(shop: &Shop, answer: &Answer) -> (Value, Value) {
    use base64::Engine;
    let set = shop.server.get(&format!("/realms/{REALM}/protocol/openid-connect/certs")).await.json();
    let (input, signature) = answer.body.rsplit_once('.').unwrap();
    let decode = |text: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    let header: Value = serde_json::from_slice(&decode(input.split('.').next().unwrap())).unwrap();
    let key = set["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap().clone();
    let key: jeton_core::token::jwk::Jwk = serde_json::from_value(key).unwrap();
    assert!(key.verifying_key().unwrap().verify(input.as_bytes(), &decode(signature)));
    (header, claims(&answer.body))
}

#[tokio::test]
async fn a_jwt_says_the_same_to_the_one_who_asked() {
    let shop = shop().await;
    let begun = shop.sign_in(&shop.web, ADA).await;
    for (token, active) in [(access(&begun), true), (refresh_of(&begun), true), ("made-up".to_owned(), false)] {
        let plain = ask(&shop, &shop.web, &token).await;
        let answer = ask(&shop, &shop.web, &token).header("Accept", JWT).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(JWT)), "{token}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{token}");
        let (header, said) = verified(&shop, &answer).await;
        assert_eq!((&header["typ"], &header["alg"]), (&json!("token-introspection+jwt"), &json!("ES256")));
        let expected = json!({
            "iss": format!("{PUBLIC_URL}/realms/{REALM}"),
            "aud": shop.web.id,
            "iat": shop.server.clock.now().as_secs(),
            "token_introspection": plain.json(),
        });
        assert_eq!(said, expected, "{token}");
        assert_eq!(said["token_introspection"]["active"], active, "{token}");
    }
    // Who proves nothing gets no JWT either.
    let wrong = Key { secret: "jts_wrong".to_owned(), ..shop.web.clone() };
    let refused = ask(&shop, &wrong, &access(&begun)).header("Accept", JWT).await;
    assert_eq!((refused.status, refused.header("content-type")), (401, Some("application/json")));
}

/// RFC 9701 §8.1: an answer is signed by the same keys as tokens, and is none.
#[tokio::test]
async fn f1_an_answer_is_no_access_token() {
    let shop = shop().await;
    let token = access(&shop.sign_in(&shop.web, ADA).await);
    let answer = ask(&shop, &shop.web, &token).header("Accept", JWT).await.body;
    assert!(jwt::looks_like_jwt(&answer));
    assert!(shop.lives(&token).await);
    assert!(!shop.lives(&answer).await);
    let (keyed, shown) = (shop.server.app.keys(shop.server.seed().find_realm(REALM).await.id).await.unwrap(), &answer);
    assert_eq!(jwt::verify(shown, |kid| keyed.verifying(kid)), Err(jwt::JwtError::Unreadable));
}
